package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/watch"
	"github.com/raiz-dns/raiz/templates"
)

// guard is what lets the blocks be announced.
func (v *Values) guard(s *site.Site, components []templates.Component) error {
	v.Guard = Guard{
		Unit: mainUnit(components, "guard"), Router: mainUnit(components, "bgp"), Source: watch.Source().String(),
		Stop: watch.StopFile, State: path.Base(watch.Home),
	}
	for _, c := range components {
		if c.Guarded != nil {
			v.Guard.Groups = append(v.Guard.Groups, c.Guarded.Groups...)
		}
		for _, f := range c.Files {
			if f.Secret {
				v.Guard.Hidden = append(v.Guard.Hidden, f.Path)
			}
		}
	}
	daemon, err := daemonAddress(s, of(components, "bgp"))
	if err != nil {
		return err
	}
	v.Guard.Daemon = daemon.String()
	v.Guard.watch = watchOf(s, components, daemon, v.Time.SyncFile)
	return nil
}

// daemonAddress is where the routing daemon takes the guard's session.
func daemonAddress(s *site.Site, bgp templates.Component) (netip.Addr, error) {
	if bgp.Guarded.Address != templates.OwnAddress {
		return netip.ParseAddr(bgp.Guarded.Address)
	}
	for _, i := range []site.Interface{s.Server.Management, s.Server.Service} {
		for _, a := range i.Addresses {
			if a.Addr().Is4() {
				return a.Addr(), nil
			}
		}
	}
	return netip.Addr{}, fmt.Errorf("component pack bgp/%s takes the blocks at an IPv4 address of the server, and the site declares none for management or service", bgp.Name)
}

// watchOf is what the guard is told, but for what a site may set of its pack.
func watchOf(s *site.Site, components []templates.Component, daemon netip.Addr, syncFile string) watch.Config {
	bgp := of(components, "bgp")
	c := watch.Config{
		Version: watch.Version, Identity: s.DNS.Identity, SyncFile: syncFile,
		Feed:   watch.Feed{ASN: uint32(s.BGP.ASN), Source: watch.Source(), Daemon: netip.AddrPortFrom(daemon, bgpPort)},
		Router: watch.Router{Unit: mainUnit(components, "bgp"), Look: bgp.Observations["exports"]},
		Served: of(components, "dns").Observations["zones"],
		Clock:  of(components, "time").Observations["clock"],
	}
	for _, z := range s.DNS.Zones {
		c.Zones = append(c.Zones, watch.Zone{Name: z.Name, Transferred: len(z.Primaries) > 0})
	}
	for _, a := range s.Anycast {
		for _, p := range a.Prefixes {
			c.Blocks = append(c.Blocks, watch.Block{Prefix: p, Addresses: inside(p, a.Addresses, s.ServiceAddresses())})
		}
	}
	for _, n := range s.BGP.Neighbors {
		for _, a := range n.Addresses {
			family := familyOf(a)
			fields := map[string]string{
				"session": site.SessionID(n.Name, a), "neighbor": a.String(), "family": strconv.Itoa(family), "as": fmt.Sprint(n.ASN),
			}
			c.Router.Exports = append(c.Router.Exports, watch.Exports{
				Session: site.SessionID(n.Name, a), Family: family, Carries: n.Announce == site.AnnounceBlocks, Argv: c.Router.Look.Argv(fields),
			})
		}
	}
	return c
}

const bgpPort = 179

// inside are the addresses that speak for a block: those in it; or of its family
// where none is; or all there are.
func inside(p netip.Prefix, own, all []netip.Addr) []netip.Addr {
	for _, fits := range []func(netip.Addr) bool{
		p.Contains,
		func(a netip.Addr) bool { return a.Is4() == p.Addr().Is4() },
	} {
		some := slices.DeleteFunc(slices.Clone(own), func(a netip.Addr) bool { return !fits(a) })
		if len(some) > 0 {
			return some
		}
	}
	return all
}

// Config is what the guard is told, in JSON, with the options of its pack.
func (g Guard) Config(options map[string]any) (string, error) {
	c := g.watch
	o := watch.Options{}
	for name, to := range map[string]*int{"rise": &o.Rise, "fall": &o.Fall, "drain": &o.Drain, "damping": &o.Damping} {
		n, ok := options[name].(int64)
		if !ok {
			return "", fmt.Errorf("option %s is no number", name)
		}
		*to = int(n)
	}
	for name, to := range map[string]*watch.Policy{"on_stale": &o.OnStale, "on_overload": &o.OnOverload} {
		text, _ := options[name].(string)
		*to = watch.Policy(text)
	}
	if err := o.Check(); err != nil {
		return "", err
	}
	c.Options = o
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // people read it
	e.SetIndent("", " ")
	if err := e.Encode(c); err != nil {
		return "", err
	}
	if _, err := watch.ReadConfig(text.Bytes()); err != nil {
		return "", fmt.Errorf("the guard could not read it: %w", err)
	}
	return strings.TrimSpace(text.String()), nil
}
