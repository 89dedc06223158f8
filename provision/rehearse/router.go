//go:build linux

package rehearse

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/provision/site"
)

// Router is the host's side: it owns the gateways, speaks BGP with the server,
// gives the time and knows the names of its time servers.
type Router struct {
	*Machine
	sessions []sessionRecord
	lab      labRecord
}

// equip puts the router's configuration onto its disk.
func (t *Testbed) equip(ctx context.Context, l lab) error {
	m := t.Router.Machine
	if err := m.Write("/etc/hostname", 0o644, "router\n"); err != nil {
		return err
	}
	id := hex.EncodeToString(t.seed.derive("machine " + m.name)[:16])
	if err := m.Write("/etc/machine-id", 0o644, id+"\n"); err != nil {
		return err
	}
	if err := m.outfit(ctx, l.router, valuesOf(t.Site, t.Layout)); err != nil {
		return err
	}
	return m.disable("ssh.service")
}

// sessionsOf names the sessions of a site, whose secrets may not be there yet.
func sessionsOf(s *site.Site) []sessionRecord {
	var all []sessionRecord
	for _, n := range s.BGP.Neighbors {
		for _, session := range sessionsWith(s, n) {
			all = append(all, sessionRecord{Neighbor: n.Name, ID: session.ID})
		}
	}
	return all
}

// Route is a route that the router learnt from the server.
type Route struct {
	Prefix      netip.Prefix
	Neighbor    string // the neighbor of the site whose session it came over
	NextHop     netip.Addr
	ASPath      []site.ASN
	Communities []string // "65535:65281"; large ones have three parts
	MED, Origin string   // as its daemon calls them; "" for none
}

// Routes returns what the router took from the server: the declared blocks,
// when all is well.
func (r Router) Routes(ctx context.Context) ([]Route, error) { return r.routes(ctx, r.lab.Routes) }

// Refused returns what the server announced and the router did not take:
// nothing, when all is well.
func (r Router) Refused(ctx context.Context) ([]Route, error) { return r.routes(ctx, r.lab.Refused) }

func (r Router) routes(ctx context.Context, look observation.Observation) ([]Route, error) {
	var all []Route
	for _, s := range r.sessions {
		out, err := r.Run(ctx, look.Argv(map[string]string{"neighbor": s.Neighbor, "session": s.ID})...)
		if err != nil {
			return nil, err
		}
		routes, err := readRoutes(look, out)
		if err != nil {
			return nil, fmt.Errorf("read routes of the router %s: %w", s.Neighbor, err)
		}
		for i := range routes {
			routes[i].Neighbor = s.Neighbor
		}
		all = append(all, routes...)
	}
	return all, nil
}

func readRoutes(look observation.Observation, out string) ([]Route, error) {
	records, err := look.Read(strings.Split(out, "\n"))
	if err != nil {
		return nil, err
	}
	var all []Route
	for _, record := range records {
		route := Route{Communities: observation.Communities(record["communities"]), MED: record.Last("med"), Origin: record.Last("origin")}
		if route.Prefix, err = netip.ParsePrefix(record.Last("prefix")); err != nil {
			return nil, err
		}
		if hop := record.Last("next_hop"); hop != "" {
			if route.NextHop, err = netip.ParseAddr(hop); err != nil {
				return nil, fmt.Errorf("next hop of %s: %w", route.Prefix, err)
			}
		}
		for _, asn := range observation.ASPath(record["as_path"]) {
			route.ASPath = append(route.ASPath, site.ASN(asn))
		}
		all = append(all, route)
	}
	return slices.Clip(all), nil
}
