package render

import (
	"net/netip"

	"github.com/raiz-dns/raiz/provision/site"
)

// ServiceTable is the routing table of the service link. Any number that the
// kernel does not use itself would do.
const ServiceTable = 112

// network is both interfaces, the loopback, and the routes of what is answered.
func (v *Values) network(s *site.Site) {
	v.Management, v.Service = links(s)
	v.Table, v.Rules = ServiceTable, rules(s)
	v.ServiceAddresses, v.ServiceFamilies = serviceAddresses(s), families(s.ServiceAddresses())
}

// links are both interfaces, and what carries those that are tagged: an
// interface that is used untagged as well, or one of its own.
func links(s *site.Site) (Link, ServiceLink) {
	m, v := s.Server.Management, s.Server.Service
	management, service := newLink(m), ServiceLink{Link: newLink(v), Links: onLinks(s)}
	shared := m.Match == v.Match
	if m.VLAN != 0 {
		if shared && v.VLAN == 0 {
			service.carry(m)
		} else {
			management.Carrier.Match = matchOf(m.Match)
			management.Carrier.carry(m)
		}
	}
	if v.VLAN != 0 {
		switch {
		case shared && m.VLAN == 0:
			management.carry(v)
		case shared:
			management.Carrier.carry(v)
		default:
			service.Carrier.Match = matchOf(v.Match)
			service.Carrier.carry(v)
		}
	}
	return management, service
}

// carry puts a tagged interface on top. No frame of it may be longer than
// what carries it.
func (l *Link) carry(i site.Interface) {
	l.VLANs, l.MTU = append(l.VLANs, i.Device()), max(l.MTU, i.MTU)
}

func (c *Carrier) carry(i site.Interface) {
	c.VLANs, c.MTU = append(c.VLANs, i.Device()), max(c.MTU, i.MTU)
}

func newLink(i site.Interface) Link {
	l := Link{Match: matchOf(i.Match), MTU: i.MTU, Gateways: words(i.Gateways)}
	if i.VLAN != 0 {
		l.Name, l.Tag = i.Device(), i.VLAN
		l.Match = Match{Name: l.Name}
	}
	for _, a := range i.Addresses {
		l.Addresses = append(l.Addresses, a.String())
	}
	return l
}

func matchOf(m site.Match) Match {
	if m.MAC != "" {
		return Match{MAC: m.MAC}
	}
	return Match{Name: m.Name}
}

// onLinks are the subnets of the service link with the neighbor in each.
func onLinks(s *site.Site) []OnLink {
	var out []OnLink
	for _, a := range s.Server.Service.Addresses {
		l := OnLink{Family: familyOf(a.Addr()), Subnet: a.Masked().String()}
		for _, n := range s.BGP.Neighbors {
			for _, g := range n.Addresses {
				if l.Gateway == "" && a.Contains(g) {
					l.Gateway = g.String()
				}
			}
		}
		out = append(out, l)
	}
	return out
}

// rules sends what the service addresses and the server's own end of the
// link answer out by the service link.
func rules(s *site.Site) []Rule {
	var out []Rule
	for _, a := range s.ServiceAddresses() {
		out = append(out, Rule{From: hostPrefix(a).String(), Priority: 1000})
	}
	for _, a := range s.Server.Service.Addresses {
		out = append(out, Rule{From: hostPrefix(a.Addr()).String(), Priority: 1001})
	}
	return out
}

func serviceAddresses(s *site.Site) []ServiceAddress {
	var out []ServiceAddress
	for _, a := range s.ServiceAddresses() {
		out = append(out, ServiceAddress{Family: familyOf(a), Address: a.String(), Host: hostPrefix(a).String()})
	}
	return out
}

func hostPrefix(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// families sorts addresses by family; a family without any is left out.
func families(addrs []netip.Addr) []Family {
	var words [2][]string
	for _, a := range addrs {
		words[familyOf(a)/6] = append(words[familyOf(a)/6], a.String())
	}
	return byFamily(words)
}

// prefixFamilies sorts prefixes likewise.
func prefixFamilies(prefixes []netip.Prefix) []Family {
	var words [2][]string
	for _, p := range prefixes {
		i := familyOf(p.Addr()) / 6
		words[i] = append(words[i], p.String())
	}
	return byFamily(words)
}

// byFamily takes what there is of IPv4 and of IPv6.
func byFamily(words [2][]string) []Family {
	var out []Family
	for i, f := range []Family{{Number: 4, Any: "0.0.0.0/0"}, {Number: 6, Any: "::/0"}} {
		if f.Addresses = words[i]; len(f.Addresses) > 0 {
			out = append(out, f)
		}
	}
	return out
}
