//go:build linux

package rehearse

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/site"
)

// Both ends of the primary's cable. IPv4 goes by an IPv6 next hop too (Linux
// 5.2), so that a link-local pair takes no subnet the site could have a use
// for.
const (
	priNear = "fe80::1"
	priFar  = "fe80::2"
)

// sharedTable is the router's table for what it gives away of an address that
// it has itself.
const sharedTable = "53"

// primaries returns every address that a zone of the site is transferred
// from, once, in the order of the zones.
func primaries(s *site.Site) []netip.Addr {
	var all []netip.Addr
	for _, z := range s.DNS.Zones {
		for _, a := range z.Primaries {
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return all
}

// placePrimary puts the primary behind a cable of its own, under all of its
// addresses. Where one lies in a subnet of the site, the router answers for it
// on that wire.
func (l *layout) placePrimary(s *site.Site) error {
	all := primaries(s)
	if len(all) == 0 {
		return nil
	}
	l.cable(cable{End: priEnd, Role: RolePrimary, Port: "eth0"})
	p := port{Name: priEnd, Members: []member{{priEnd, 0}}, Addrs: []netip.Prefix{netip.MustParsePrefix(priNear + "/64")}}
	l.Primary = endpoint{Port: "eth0"}
	for _, a := range all {
		if whose := l.owner(s, a); whose != "" {
			return fmt.Errorf("place the primary %s: it is %s as well: a zone cannot come from there; see dns zone primaries", a, whose)
		}
		single := netip.PrefixFrom(a, a.BitLen())
		l.Primary.Addrs = append(l.Primary.Addrs, single)
		if l.has(a) {
			l.Shared = append(l.Shared, a)
			continue
		}
		p.Routes = append(p.Routes, single)
		for i := range l.Ports {
			if l.Ports[i].prefix(a).Bits() < a.BitLen() {
				l.Ports[i].Proxied = append(l.Ports[i].Proxied, a)
			}
		}
	}
	l.Ports = append(l.Ports, p)
	return nil
}

// owner says who has an address that the primary cannot have besides, or "".
// An address of the router's is none of these: see shareAddresses.
func (l *layout) owner(s *site.Site, a netip.Addr) string {
	is := func(p netip.Prefix) bool { return p.Addr() == a }
	switch {
	case a.IsLoopback() || a.IsUnspecified() || a.IsMulticast() || a.IsLinkLocalUnicast():
		return "an address of one machine or link only"
	case slices.ContainsFunc(slices.Concat(l.Server.Addrs, s.Server.Management.Addresses, s.Server.Service.Addresses), is):
		return "the server's own address"
	case slices.Contains(s.ServiceAddresses(), a):
		return "a service address"
	case slices.ContainsFunc(l.BMC.Addrs, is) || s.BMC != nil && slices.ContainsFunc(s.BMC.Addresses, is):
		return "the BMC's address"
	}
	return ""
}

// wirePrimary addresses the primary and tells the router which addresses they
// share.
func (t *Testbed) wirePrimary(ctx context.Context) error {
	l := t.Layout
	if l.Primary.Port == "" {
		return nil
	}
	n := t.Netns(RolePrimary)
	if err := n.ip(ctx, "link", "set", l.Primary.Port, "up"); err != nil {
		return err
	}
	if err := n.addAddr(ctx, l.Primary.Port, netip.MustParsePrefix(priFar+"/64")); err != nil {
		return err
	}
	for _, a := range l.Primary.Addrs {
		if err := n.addAddr(ctx, l.Primary.Port, a); err != nil {
			return err
		}
	}
	if err := n.leaveBy(ctx, l.Primary.Port); err != nil {
		return err
	}
	return t.shareAddresses(ctx)
}

// leaveBy gives the primary its default routes. The kernel takes those of
// IPv4 away with the last address of that family.
func (n Netns) leaveBy(ctx context.Context, dev string) error {
	if err := n.ip(ctx, "-4", "route", "replace", "default", "via", "inet6", priNear, "dev", dev); err != nil {
		return err
	}
	return n.ip(ctx, "-6", "route", "replace", "default", "via", priNear, "dev", dev)
}

// shareAddresses has the router pass on port 53 of an address that it has
// itself, as where a host's resolver or time server and its primary are one
// machine. Its table of own addresses has to be asked after ours for that.
func (t *Testbed) shareAddresses(ctx context.Context) error {
	n := t.Netns(RoleRouter)
	moved := map[string]bool{}
	for _, a := range t.Layout.Shared {
		family, via := "-4", []string{"via", "inet6"}
		if a.Is6() {
			family, via = "-6", []string{"via"}
		}
		if !moved[family] {
			moved[family] = true
			if err := n.ip(ctx, family, "rule", "add", "pref", "10", "lookup", "local"); err != nil {
				return err
			}
			if err := n.ip(ctx, family, "rule", "del", "pref", "0"); err != nil {
				return err
			}
		}
		args := slices.Concat([]string{family, "route", "add", a.String()}, via,
			[]string{priFar, "dev", priEnd, "table", sharedTable})
		if err := n.ip(ctx, args...); err != nil {
			return err
		}
		// UDP and TCP by number: a small machine has no /etc/protocols.
		for _, proto := range []string{"17", "6"} {
			// From port 53 come the answers to its NOTIFYs.
			for _, end := range []string{"dport", "sport"} {
				if err := n.ip(ctx, family, "rule", "add", "pref", "5", "to", a.String(),
					"ipproto", proto, end, "53", "lookup", sharedTable); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
