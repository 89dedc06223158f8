//go:build linux

package rehearse

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
)

// layout is what is wired to what, and who has which address. It is worked
// out from a Site alone, before anything is made.
type layout struct {
	Cables     []cable
	Ports      []port       // the router's, in the order of the cables
	Loopback   []netip.Addr // addresses of the router that are on no wire
	Server     endpoint     // as remote hands left it
	BMC        endpoint     // as delivered
	Controller endpoint
	Primary    endpoint // of the transferred zones; without a port when there are none
	// Shared are addresses of the primary that the router has as well. There
	// only port 53 is the primary's.
	Shared []netip.Addr
}

// cable is a veth pair from the router to somebody else.
type cable struct {
	End  string // the router's end
	Role Role   // who has the other end
	Port string // the name of the other end
	MAC  string // of the other end; "" leaves it to the kernel
	MTU  int
}

// port is where the router speaks IP: one cable, one VLAN of a cable, or a
// bridge over several, where the site puts them into one subnet.
type port struct {
	Name    string
	Members []member
	Subnets []netip.Prefix // what the site says is on this wire
	Addrs   []netip.Prefix // the router's own addresses
	Routes  []netip.Prefix // reached here though the router has no address in them
	Proxied []netip.Addr   // the controller's and the primary's, which the router answers for here
}

// member is one cable of a port; VLAN 0 is untagged.
type member struct {
	End  string
	VLAN int
}

func (m member) name() string {
	if m.VLAN == 0 {
		return m.End
	}
	return fmt.Sprintf("%s.%d", m.End, m.VLAN)
}

// endpoint is how somebody at the far end of a cable is addressed.
type endpoint struct {
	Port     string
	Addrs    []netip.Prefix
	Gateways []netip.Addr
}

// The router's ends of the cables.
const (
	mgmtEnd = "mgmt"
	svcEnd  = "svc"
	bmcEnd  = "bmc"
	priEnd  = "pri"
	ctlEnd  = "ctl"
)

// layOut decides the whole wiring of a site.
func layOut(s *site.Site) (*layout, error) {
	l := &layout{}
	mgmt, svc := s.Server.Management, s.Server.Service
	mgmtName, svcName := portNames(mgmt.Match, svc.Match)
	l.cable(cable{End: mgmtEnd, Role: RoleServer, Port: mgmtName, MAC: mgmt.Match.MAC, MTU: mgmt.MTU})
	m := l.attach(member{mgmtEnd, mgmt.VLAN}, mgmt.Addresses)
	v := m
	switch {
	case len(svc.Addresses) == 0: // the blocks are announced over management
	case svc.Match == mgmt.Match:
		v = l.attach(member{mgmtEnd, svc.VLAN}, svc.Addresses)
	default:
		l.cable(cable{End: svcEnd, Role: RoleServer, Port: svcName, MAC: svc.Match.MAC, MTU: svc.MTU})
		v = l.attach(member{svcEnd, svc.VLAN}, svc.Addresses)
	}
	l.own(m, mgmt.Gateways...)
	for _, n := range s.BGP.Neighbors {
		l.own(v, n.Addresses...)
	}
	if s.BMC != nil {
		l.cable(cable{End: bmcEnd, Role: RoleBMC, Port: "eth0"})
		b := l.attach(member{bmcEnd, 0}, s.BMC.Addresses)
		l.own(b, s.BMC.Gateways...)
		l.placeBMC(b, s.BMC)
	}
	l.bridge()
	for _, a := range services(s) {
		l.place(a)
	}
	l.Server.Port = mgmtName
	l.placeServer(m, s)
	l.cable(cable{End: ctlEnd, Role: RoleController, Port: "eth0"})
	if err := l.placeController(s); err != nil {
		return nil, err
	}
	if err := l.placePrimary(s); err != nil {
		return nil, err
	}
	for i := range l.Ports {
		l.Ports[i].complete()
	}
	return l, nil
}

func (l *layout) cable(c cable) { l.Cables = append(l.Cables, c) }

// attach puts a member on the port that already has one of its subnets, or on
// a new one, and returns the index of that port.
func (l *layout) attach(m member, subnets []netip.Prefix) int {
	i := slices.IndexFunc(l.Ports, func(p port) bool {
		return slices.Contains(p.Members, m) || slices.ContainsFunc(subnets, p.overlaps)
	})
	if i < 0 {
		l.Ports = append(l.Ports, port{})
		i = len(l.Ports) - 1
	}
	p := &l.Ports[i]
	if !slices.Contains(p.Members, m) {
		p.Members = append(p.Members, m)
	}
	for _, s := range subnets {
		if !slices.Contains(p.Subnets, s.Masked()) {
			p.Subnets = append(p.Subnets, s.Masked())
		}
	}
	return i
}

// bridge names the ports, now that their members are known.
func (l *layout) bridge() {
	for i := range l.Ports {
		p := &l.Ports[i]
		p.Name = p.Members[0].name()
		if len(p.Members) > 1 {
			p.Name = fmt.Sprintf("lan%d", i)
		}
	}
}

// own gives the router addresses on a port: with the length of the subnet
// they are in, or as single ones.
func (l *layout) own(i int, addrs ...netip.Addr) {
	for _, a := range addrs {
		if !l.has(a) {
			l.Ports[i].Addrs = append(l.Ports[i].Addrs, l.Ports[i].prefix(a))
		}
	}
}

// place gives the router an address on the wire it belongs to, or on its
// loopback, which stands for everything far away.
func (l *layout) place(a netip.Addr) {
	if l.has(a) {
		return
	}
	for i, p := range l.Ports {
		if p.prefix(a).Bits() < a.BitLen() {
			l.own(i, a)
			return
		}
	}
	l.Loopback = append(l.Loopback, a)
}

// has reports whether the router has the address already.
func (l *layout) has(a netip.Addr) bool {
	return slices.Contains(l.Loopback, a) || slices.ContainsFunc(l.Ports, func(p port) bool {
		return slices.ContainsFunc(p.Addrs, func(q netip.Prefix) bool { return q.Addr() == a })
	})
}

func (p port) overlaps(q netip.Prefix) bool { return slices.ContainsFunc(p.Subnets, q.Overlaps) }

// prefix returns the address with the length of its subnet on this wire.
func (p port) prefix(a netip.Addr) netip.Prefix {
	for _, s := range p.Subnets {
		if s.Contains(a) {
			return netip.PrefixFrom(a, s.Bits())
		}
	}
	return netip.PrefixFrom(a, a.BitLen())
}

// complete adds routes to subnets in which the router has no address.
func (p *port) complete() {
	for _, s := range p.Subnets {
		if !slices.ContainsFunc(p.Addrs, func(a netip.Prefix) bool { return a.Masked() == s }) {
			p.Routes = append(p.Routes, s)
		}
	}
}

// portNames names the server's ends. What the site finds by MAC still needs a
// kernel name, which must not be the other one's.
func portNames(mgmt, svc site.Match) (string, string) {
	m, v := mgmt.Name, svc.Name
	if m == "" {
		m = "eno1"
		if v == m {
			m = "eno2"
		}
	}
	if v == "" {
		v = "eno2"
		if m == v {
			v = "eno3"
		}
	}
	return m, v
}

// services returns the addresses of what the site uses and does not have
// itself: resolvers and time servers. The router answers for them.
func services(s *site.Site) []netip.Addr {
	all := slices.Clone(s.Server.DNS)
	names := slices.Clone(s.Server.NTP)
	if s.BMC != nil {
		all = append(all, s.BMC.DNS...)
		names = append(names, s.BMC.NTP...)
	}
	for _, n := range names {
		if a, err := netip.ParseAddr(strings.Trim(n, "[]")); err == nil {
			all = append(all, a)
		}
	}
	return all
}
