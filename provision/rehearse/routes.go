//go:build linux

package rehearse

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
)

// Route is a route that the router learnt from the server.
type Route struct {
	Prefix      netip.Prefix
	Neighbor    string // the neighbor of the site whose session it came over
	NextHop     netip.Addr
	ASPath      []site.ASN
	Communities []string // "65535:65281"; large ones have three parts
}

// Routes returns what the router took from the server: the declared blocks,
// when all is well.
func (r Router) Routes(ctx context.Context) ([]Route, error) { return r.routes(ctx) }

// Refused returns what the server announced and the router did not take:
// nothing, when all is well.
func (r Router) Refused(ctx context.Context) ([]Route, error) { return r.routes(ctx, "filtered") }

func (r Router) routes(ctx context.Context, words ...string) ([]Route, error) {
	var all []Route
	for _, s := range r.sessions {
		out, err := r.birdc(ctx, s, append([]string{"show", "route", "all", "protocol", s.Protocol}, words...)...)
		if err != nil {
			return nil, err
		}
		routes, err := parseRoutes(out)
		if err != nil {
			return nil, fmt.Errorf("read routes of the router: %w", err)
		}
		for i := range routes {
			routes[i].Neighbor = s.Neighbor
		}
		all = append(all, routes...)
	}
	return all, nil
}

// parseRoutes reads the output of `birdc show route all` of BIRD 2.
func parseRoutes(out string) ([]Route, error) {
	var all []Route
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		line := lines.Text()
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		head := strings.Fields(line)
		if p, err := parseHead(head); err == nil {
			all = append(all, Route{Prefix: p})
			continue
		}
		if len(all) == 0 {
			continue
		}
		if err := all[len(all)-1].attribute(name, value); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// parseHead returns the prefix that the first line of a route starts with.
func parseHead(fields []string) (netip.Prefix, error) {
	if len(fields) == 0 {
		return netip.Prefix{}, fmt.Errorf("an empty line")
	}
	return netip.ParsePrefix(fields[0])
}

func (r *Route) attribute(name, value string) error {
	switch name {
	case "BGP.next_hop":
		// IPv6 may have a link-local one after the global one (RFC 2545 §3).
		first, _, _ := strings.Cut(value, " ")
		a, err := netip.ParseAddr(first)
		if err != nil {
			return fmt.Errorf("next hop of %s: %w", r.Prefix, err)
		}
		r.NextHop = a
	case "BGP.as_path":
		for _, word := range strings.Fields(strings.NewReplacer("{", " ", "}", " ", "(", " ", ")", " ").Replace(value)) {
			n, err := strconv.ParseUint(word, 10, 32)
			if err != nil {
				return fmt.Errorf("AS path of %s: %w", r.Prefix, err)
			}
			r.ASPath = append(r.ASPath, site.ASN(n))
		}
	case "BGP.community", "BGP.large_community":
		value = strings.ReplaceAll(value, ", ", ",")
		for _, c := range strings.Fields(value) {
			r.Communities = append(r.Communities, strings.ReplaceAll(strings.Trim(c, "()"), ",", ":"))
		}
	}
	return nil
}
