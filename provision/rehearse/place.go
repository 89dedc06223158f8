//go:build linux

package rehearse

import (
	"errors"
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/site"
)

// placeServer gives the server the one address remote hands typed in. Where
// the site names none, they typed in the declared ones.
func (l *layout) placeServer(i int, s *site.Site) {
	mgmt := s.Server.Management
	if !s.Server.SSH.Bootstrap.IsValid() {
		l.Server.Addrs, l.Server.Gateways = mgmt.Addresses, mgmt.Gateways
		return
	}
	l.placeMade(i, &l.Server, s.Server.SSH.Bootstrap, mgmt.Gateways)
}

// placeBMC gives the BMC the address it was delivered with.
func (l *layout) placeBMC(i int, b *site.BMC) {
	l.BMC.Port = "eth0"
	if b.Factory == nil || !b.Factory.Address.IsValid() {
		l.BMC.Addrs, l.BMC.Gateways = b.Addresses, b.Gateways
		return
	}
	l.placeMade(i, &l.BMC, b.Factory.Address, b.Gateways)
}

// placeMade gives somebody an address that may lie outside every subnet of
// the site. The router then gets a made gateway there and a route to this one
// address, never to a whole made subnet: that could hide one of the site's.
func (l *layout) placeMade(i int, e *endpoint, a netip.Addr, gateways []netip.Addr) {
	p := &l.Ports[i]
	if q := p.prefix(a); q.Bits() < a.BitLen() {
		e.Addrs = []netip.Prefix{q}
		for _, g := range gateways {
			if q.Masked().Contains(g) {
				e.Gateways = append(e.Gateways, g)
			}
		}
		return
	}
	subnet := netip.PrefixFrom(a, 24)
	if a.Is6() {
		subnet = netip.PrefixFrom(a, 64)
	}
	gw := subnet.Masked().Addr().Next()
	if gw == a {
		gw = gw.Next()
	}
	e.Addrs = []netip.Prefix{subnet}
	e.Gateways = []netip.Addr{gw}
	if !l.has(gw) {
		p.Addrs = append(p.Addrs, netip.PrefixFrom(gw, gw.BitLen()))
	}
	p.Routes = append(p.Routes, netip.PrefixFrom(a, a.BitLen()))
}

// controllers are subnets for the cable between controller and router, of
// which the site may use some: RFC 6598, then RFC 1918; RFC 4193.
func controllers() (v4, v6 []netip.Prefix) {
	for _, s := range []string{"100.64.0.0/30", "10.255.255.0/30", "172.31.255.0/30", "192.168.255.0/30"} {
		v4 = append(v4, netip.MustParsePrefix(s))
	}
	for _, s := range []string{"fd72:6169:7a00::/64", "fd72:6169:7a01::/64"} {
		v6 = append(v6, netip.MustParsePrefix(s))
	}
	return v4, v6
}

// placeController addresses both ends of the controller's cable.
func (l *layout) placeController(s *site.Site) error {
	p := port{Name: ctlEnd, Members: []member{{ctlEnd, 0}}}
	l.Controller.Port = "eth0"
	v4, v6 := controllers()
	for _, family := range [][]netip.Prefix{v4, v6} {
		i := slices.IndexFunc(family, func(q netip.Prefix) bool { return l.free(s, q) })
		if i < 0 {
			return errors.New("address the controller: the site uses all subnets kept for it: free one of 100.64.0.0/30 and fd72:6169:7a00::/64")
		}
		gw := family[i].Addr().Next()
		p.Subnets = append(p.Subnets, family[i])
		p.Addrs = append(p.Addrs, netip.PrefixFrom(gw, family[i].Bits()))
		l.Controller.Gateways = append(l.Controller.Gateways, gw)
		l.Controller.Addrs = append(l.Controller.Addrs, netip.PrefixFrom(gw.Next(), family[i].Bits()))
		a, ok := l.permitted(s, gw.Next())
		if !ok {
			continue
		}
		p.Routes = append(p.Routes, netip.PrefixFrom(a, a.BitLen()))
		l.Controller.Addrs = append(l.Controller.Addrs, netip.PrefixFrom(a, a.BitLen()))
		for j := range l.Ports {
			if l.Ports[j].prefix(a).Bits() < a.BitLen() {
				l.Ports[j].Proxied = append(l.Ports[j].Proxied, a)
			}
		}
	}
	l.Ports = append(l.Ports, p)
	return nil
}

// free reports whether the site has no use for a subnet.
func (l *layout) free(s *site.Site, q netip.Prefix) bool {
	return !slices.ContainsFunc(primaries(s), q.Contains) && !slices.ContainsFunc(l.Ports, func(p port) bool {
		return p.overlaps(q) || slices.ContainsFunc(slices.Concat(p.Addrs, p.Routes), q.Overlaps)
	}) && !slices.ContainsFunc(l.Loopback, q.Contains) && !slices.ContainsFunc(s.Blocks(), q.Overlaps)
}

// permitted returns an address that the site's own rules let in by SSH, where
// they would refuse the made one. It may be inside a subnet of the site, as a
// jump host's is; the router then answers for it there.
func (l *layout) permitted(s *site.Site, made netip.Addr) (netip.Addr, bool) {
	var from netip.Prefix
	for _, p := range s.Server.SSH.From {
		if p.Contains(made) {
			return netip.Addr{}, false
		}
		if p.Addr().Is4() == made.Is4() && !from.IsValid() {
			from = p.Masked()
		}
	}
	a := from.Addr()
	if from.Bits() < made.BitLen()-1 {
		a = a.Next() // past the network's own address
	}
	for range 64 {
		if !from.Contains(a) {
			break
		}
		if !l.taken(s, a) {
			return a, true
		}
		a = a.Next()
	}
	return netip.Addr{}, false
}

// taken reports whether somebody of the rehearsal has an address.
func (l *layout) taken(s *site.Site, a netip.Addr) bool {
	if l.has(a) || slices.Contains(primaries(s), a) || slices.ContainsFunc(s.Blocks(), func(p netip.Prefix) bool { return p.Contains(a) }) {
		return true
	}
	all := slices.Concat(l.Server.Addrs, l.BMC.Addrs, s.Server.Management.Addresses, s.Server.Service.Addresses)
	if s.BMC != nil {
		all = append(all, s.BMC.Addresses...)
	}
	return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Addr() == a })
}
