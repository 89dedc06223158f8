package sim

import (
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
)

// Protocols of routes (rtnetlink(7), systemd.network(5)).
const (
	byKernel = 2
	byBoot   = 3 // `ip route add` without a word: ifupdown and dhclient
	byBird   = 12
	byStatic = 4 // networkd and NetworkManager
)

const (
	anywhere  = "0.0.0.0/0"
	mainTable = 254
)

// network is the kernel's, and what the managers have in memory.
type network struct {
	links  []link
	routes []route
	rules  []server.Rule

	networkd map[string]linkFile // by link, while networkd runs
	dhclient map[string]bool     // by link
	plugged  time.Duration       // when the cable of a link that is not up comes back
}

// link is a link of the kernel.
type link struct {
	index     int
	name, mac string
	up        bool // with a carrier
	down      bool // set so
	mtu       int
	addresses []address
}

type address struct {
	prefix  string
	by      string        // who set it last
	ends    time.Duration // never, or when its lease is over
	noRoute bool          // noprefixroute
	old     bool          // deprecated
}

type route struct {
	server.Route
	by string
}

// linkFile is the file that networkd has configured a link from.
type linkFile struct {
	path string
	text *blob
}

func newNetwork() network {
	return network{
		links: []link{
			{index: 1, name: "lo", up: true, mtu: 1500},
			{index: 2, name: "eno1", mac: "02:00:00:00:00:01", up: true, mtu: 1500},
			{index: 3, name: "eno2", mac: "02:00:00:00:00:02", up: true, mtu: 1500},
		},
		networkd: nil,
		dhclient: map[string]bool{},
	}
}

func (n *network) link(name string) *link {
	for i := range n.links {
		if n.links[i].name == name {
			return &n.links[i]
		}
	}
	return nil
}

func (l *link) find(prefix string) *address {
	for i := range l.addresses {
		if l.addresses[i].prefix == prefix {
			return &l.addresses[i]
		}
	}
	return nil
}

// reaches reports whether a link has a connected route to an address.
func (n *network) reaches(l *link, to string) bool {
	a, err := netip.ParseAddr(to)
	if err != nil {
		return false
	}
	for _, has := range l.addresses {
		if p, err := netip.ParsePrefix(has.prefix); err == nil && !has.noRoute && p.Contains(a) {
			return true
		}
	}
	for _, r := range n.routes {
		if p, err := netip.ParsePrefix(r.To); err == nil && r.Dev == l.name && r.Via == "" && p.Bits() > 0 && p.Contains(a) {
			return true
		}
	}
	return false
}

// addAddress is RTM_NEWADDR without NLM_F_REPLACE.
func (n *network) addAddress(link string, a address) error {
	l := n.link(link)
	switch {
	case l == nil:
		return fs.ErrNotExist
	case l.find(a.prefix) != nil:
		return fs.ErrExist
	}
	l.addresses = append(l.addresses, a)
	return nil
}

// delAddress takes an address away, and with it the routes that have it as
// their source; with the last one of a link all routes through it
// (fib_disable_ip of Linux, IPv4).
func (n *network) delAddress(link, prefix string) error {
	l := n.link(link)
	if l == nil {
		return fs.ErrNotExist
	}
	i := slices.IndexFunc(l.addresses, func(a address) bool { return a.prefix == prefix })
	if i < 0 {
		return fs.ErrNotExist
	}
	l.addresses = slices.Delete(l.addresses, i, i+1)
	source := prefix
	if p, err := netip.ParsePrefix(prefix); err == nil {
		source = p.Addr().String()
	}
	isFour := strings.Contains(prefix, ".")
	none := isFour && !slices.ContainsFunc(l.addresses, func(a address) bool { return strings.Contains(a.prefix, ".") })
	n.routes = slices.DeleteFunc(n.routes, func(r route) bool {
		return r.Dev == link && (none && strings.Contains(r.To, ".") || r.Source == source)
	})
	return nil
}

func sameRoute(a, b server.Route) bool {
	return a.Table == b.Table && a.To == b.To && a.Via == b.Via && a.Dev == b.Dev && a.Protocol == b.Protocol && a.Metric == b.Metric && a.Type == b.Type
}

// addRoute appends a route: behind one to the same place with the same metric,
// which goes on winning (fib_table_insert with NLM_F_APPEND).
func (n *network) addRoute(r route) error {
	if r.Table == 0 {
		r.Table = mainTable
	}
	if r.Type == 0 {
		r.Type = 1
	}
	l := n.link(r.Dev)
	switch {
	case l == nil && r.Type != 1: // an unreachable one leads nowhere
	case l == nil:
		return fs.ErrNotExist
	case r.Via != "" && !r.OnLink && !n.reaches(l, r.Via):
		return syscall.ENETUNREACH
	}
	if slices.ContainsFunc(n.routes, func(o route) bool { return sameRoute(o.Route, r.Route) }) {
		return fs.ErrExist
	}
	n.routes = append(n.routes, r)
	return nil
}

// addRouteAlone is `ip route add`: not beside another one to the same place.
func (n *network) addRouteAlone(r route) error {
	for _, o := range n.routes {
		if o.Table == mainTable && o.To == r.To && o.Metric == r.Metric {
			return fs.ErrExist
		}
	}
	return n.addRoute(r)
}

func (n *network) delRoute(r server.Route) error {
	if r.Type == 0 {
		r.Type = 1
	}
	i := slices.IndexFunc(n.routes, func(o route) bool { return sameRoute(o.Route, r) })
	if i < 0 {
		return fs.ErrNotExist
	}
	n.routes = slices.Delete(n.routes, i, i+1)
	return nil
}

// flush takes all addresses and routes of a link away.
func (n *network) flush(link string) {
	n.link(link).addresses = nil
	n.routes = slices.DeleteFunc(n.routes, func(r route) bool { return r.Dev == link })
}

// winner is the default route that is taken: the lowest metric, and of equal
// ones the first.
func (n *network) winner() (server.Route, bool) {
	var best server.Route
	found := false
	for _, r := range n.routes {
		if r.Table == mainTable && r.To == anywhere && (!found || r.Metric < best.Metric) {
			best, found = r.Route, true
		}
	}
	return best, found
}

func (n *network) nextExpiry() time.Duration {
	next := never
	for i := range n.links {
		if !n.links[i].up {
			next = min(next, n.plugged)
		}
		for _, a := range n.links[i].addresses {
			if a.ends != 0 {
				next = min(next, a.ends)
			}
		}
	}
	return next
}

// out is how long a cable is out.
const out = 10 * time.Second

// unplug takes the carrier of a link. networkd drops what it has set there, and
// sets it anew with the carrier (seen on 252); ifupdown leaves all as it is.
func (m *Machine) unplug(name string) bool {
	l := m.net.link(name)
	if !l.up || m.net.networkd[name].text == nil {
		return false
	}
	l.up, m.net.plugged = false, m.now+out
	if !withoutCarrier(m.net.networkd[name]) {
		m.dropOwn(l)
	}
	return true
}

// expire ends the leases that are over.
func (m *Machine) expire() {
	for i := range m.net.links {
		l := &m.net.links[i]
		if !l.up && m.net.plugged <= m.now {
			l.up = true
			m.configure(l, m.net.networkd[l.name])
		}
		for _, a := range slices.Clone(l.addresses) {
			if a.ends == 0 || a.ends > m.now {
				continue
			}
			if m.renews(l.name) {
				l.find(a.prefix).ends = m.now + lease
				continue
			}
			m.note("the lease of " + a.prefix + " is over")
			_ = m.net.delAddress(l.name, a.prefix)
		}
	}
}

// Network implements helper.Kernel. What the kernel made is left out.
func (p *Process) Network() (server.Network, error) {
	if err := p.looksAt("look at", "the network"); err != nil {
		return server.Network{}, err
	}
	var out server.Network
	n := &p.m.net
	for _, l := range n.links {
		f := server.LinkFact{Index: l.index, Name: l.name, MAC: l.mac, MTU: l.mtu, Up: l.up && !l.down, Set: !l.down}
		for i, a := range l.addresses {
			fact := server.AddressFact{Address: a.prefix, NoRoute: a.noRoute, Deprecated: a.old, Secondary: secondary(l.addresses[:i], a.prefix)}
			if a.ends != 0 {
				fact.Seconds = int((a.ends - p.m.now) / time.Second)
			}
			f.Addresses = append(f.Addresses, fact)
		}
		out.Links = append(out.Links, f)
	}
	for _, r := range n.routes {
		if r.Protocol != byKernel && r.Protocol != byBird {
			out.Routes = append(out.Routes, r.Route)
		}
	}
	out.Rules = slices.Clone(n.rules)
	return out, nil
}

// secondary reports whether an address of the same network of IPv4 is there
// already.
func secondary(before []address, prefix string) bool {
	p := netip.MustParsePrefix(prefix)
	return p.Addr().Is4() && slices.ContainsFunc(before, func(a address) bool {
		return netip.MustParsePrefix(a.prefix).Masked() == p.Masked()
	})
}

// SetLink implements helper.Kernel.
func (p *Process) SetLink(f server.LinkFact) error {
	if err := p.changes("link set", f.Name, strconv.Itoa(f.MTU)); err != nil {
		return err
	}
	l := p.m.net.link(f.Name)
	if l == nil {
		return failed("link set", f.Name, fs.ErrNotExist)
	}
	l.mtu, l.down = f.MTU, !f.Set
	return nil
}

// AddAddress implements helper.Kernel.
func (p *Process) AddAddress(link string, a server.AddressFact) error {
	if err := p.changes("addr add", link, a.Address); err != nil {
		return err
	}
	if _, err := netip.ParsePrefix(a.Address); err != nil {
		return err
	}
	ends := time.Duration(0)
	if a.Seconds > 0 {
		ends = p.m.now + time.Duration(a.Seconds)*time.Second
	}
	return failed("addr add", a.Address, p.m.net.addAddress(link, address{a.Address, p.name, ends, a.NoRoute, a.Deprecated}))
}

// DelAddress implements helper.Kernel.
func (p *Process) DelAddress(link, prefix string) error {
	if err := p.changes("addr del", link, prefix); err != nil {
		return err
	}
	return failed("addr del", prefix, p.m.net.delAddress(link, prefix))
}

// AddRoute implements helper.Kernel.
func (p *Process) AddRoute(r server.Route) error {
	if err := p.changes("route add", r.To, r.Via); err != nil {
		return err
	}
	return failed("route add", r.To, p.m.net.addRoute(route{r, p.name}))
}

// DelRoute implements helper.Kernel.
func (p *Process) DelRoute(r server.Route) error {
	if err := p.changes("route del", r.To, r.Via); err != nil {
		return err
	}
	return failed("route del", r.To, p.m.net.delRoute(r))
}

// AddRule implements helper.Kernel.
func (p *Process) AddRule(r server.Rule) error {
	if err := p.changes("rule add", r.From, r.To); err != nil {
		return err
	}
	if r.Family != 4 && r.Family != 6 {
		return failed("rule add", r.From, syscall.EAFNOSUPPORT)
	}
	if slices.Contains(p.m.net.rules, r) {
		return failed("rule add", r.From, fs.ErrExist)
	}
	p.m.net.rules = append(p.m.net.rules, r)
	return nil
}

// DelRule implements helper.Kernel.
func (p *Process) DelRule(r server.Rule) error {
	if err := p.changes("rule del", r.From, r.To); err != nil {
		return err
	}
	i := slices.Index(p.m.net.rules, r)
	if i < 0 {
		return failed("rule del", r.From, fs.ErrNotExist)
	}
	p.m.net.rules = slices.Delete(p.m.net.rules, i, i+1)
	return nil
}
