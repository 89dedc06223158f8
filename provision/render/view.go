package render

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// serviceTable is the routing table of the service link. Any number that the
// kernel does not use itself would do.
const serviceTable = 112

// view is what templates may substitute.
type view struct {
	Source           string
	Hostname         string
	Management       link
	Service          serviceLink
	Table            int
	Rules            []rule
	ServiceAddresses []serviceAddress
	ServiceFamilies  []family
	OwnSources       []family // sources that nobody out there can have
	NotifySources    []notifyView
	NTP              []string
	Time             timeView
	Resolvers        []string
	SSH              sshView
	BGP              bgpView
	DNS              dnsView
	Announce         announceView
}

// timeView is how other packs learn of the clock.
type timeView struct {
	SyncUnit string // ends when the clock is in sync, or after half a minute
	SyncFile string // is there while the clock was seen in sync
}

// link is the interface that has the addresses.
type link struct {
	Name      string // of the tagged interface, "" for an untagged one
	Tag       int
	Match     string // lines of a [Match] section
	MTU       int
	VLANs     []string // tagged interfaces on top of this one
	Addresses []string
	Gateways  []string
	Carrier   carrier // what carries a tagged one, where no other file does
}

// carrier is an interface that has no address and carries tagged ones.
type carrier struct {
	Match string
	MTU   int
	VLANs []string
}

type serviceLink struct {
	link
	Links []onLink
}

// onLink is a subnet of the service link and the neighbor in it.
type onLink struct{ Link, Scope, Gateway string }

type rule struct {
	From     string
	Priority int
}

type serviceAddress struct{ Address, Host string }

// family is what is said once for each address family.
type family struct {
	Number    int
	Word      string // of nftables: ip or ip6
	Any       string
	Joined    string
	Addresses []string
}

type sshView struct {
	Port       uint16
	PermitRoot string
	Any        bool
	From       []family
}

// has answers the "when" of a pack.
func (v view) has(name string) (bool, error) {
	known := map[string]bool{
		"":                   true,
		"blocks4":            len(v.BGP.Blocks4) > 0,
		"blocks6":            len(v.BGP.Blocks6) > 0,
		"management-vlan":    v.Management.Tag != 0,
		"management-carrier": v.Management.Carrier.Match != "",
		"service-vlan":       v.Service.Tag != 0,
		"service-carrier":    v.Service.Carrier.Match != "",
		"cookies":            v.DNS.Cookies,
		"verified-zones":     v.DNS.Verified,
	}
	for _, static := range []string{"as112-empty", "as112-hostname", "as112-dname-empty", "as112-dname-hostname"} {
		known[static] = slices.ContainsFunc(v.DNS.Zones, func(z zoneView) bool { return z.Static == static })
	}
	holds, ok := known[name]
	if !ok {
		return false, fmt.Errorf("when = %q is none of %s", name, strings.Join(slices.Sorted(maps.Keys(known))[1:], ", "))
	}
	return holds, nil
}

// views returns the view of public files, which holds no secret, and the one
// of secret files.
func views(s *site.Site, components []templates.Component, secrets Secrets) (open, closed view, err error) {
	open = view{
		Source:           s.Name,
		Hostname:         s.Server.Hostname,
		Table:            serviceTable,
		Rules:            rules(s),
		ServiceAddresses: serviceAddresses(s),
		ServiceFamilies:  families(s.ServiceAddresses()),
		OwnSources:       ownSources(s),
		NotifySources:    notifySources(s),
		Time:             timeView{SyncUnit: "raiz-clock.service", SyncFile: "/run/raiz-clock/synced"},
		NTP:              s.Server.NTP,
		Resolvers:        words(s.Server.DNS),
		SSH:              newSSH(s.Server.SSH),
		BGP:              newBGP(s),
		DNS:              newDNS(s, components),
	}
	if open.Announce, err = newAnnounce(s); err != nil {
		return view{}, view{}, err
	}
	open.Management, open.Service = links(s)
	closed = open
	closed.BGP.Passwords = slices.Clone(open.BGP.Passwords)
	closed.DNS.Keys = slices.Clone(open.DNS.Keys)
	for i := range closed.BGP.Passwords {
		p := &closed.BGP.Passwords[i]
		if p.Text, err = text(p.secret, secrets); err != nil {
			return view{}, view{}, err
		}
	}
	for i := range closed.DNS.Keys {
		k := &closed.DNS.Keys[i]
		if k.Text, err = text(k.secret, secrets); err != nil {
			return view{}, view{}, err
		}
	}
	c := &closed.DNS
	if c.Cookie, err = optional(c.cookie.Secret, secrets); err != nil {
		return view{}, view{}, err
	}
	if c.CookieStaging, err = optional(c.cookie.Staging, secrets); err != nil {
		return view{}, view{}, err
	}
	return open, closed, nil
}

// optional is the text of a secret that a site need not declare.
func optional(v secret.Value, secrets Secrets) (string, error) {
	if v.IsZero() {
		return "", nil
	}
	return text(v, secrets)
}

func text(v secret.Value, secrets Secrets) (string, error) {
	if secrets == Withheld {
		return v.String(), nil
	}
	if err := v.Err(); err != nil {
		return "", fmt.Errorf("%w: %s: %w", errSecret, v.Source(), err)
	}
	return v.Reveal(), nil
}

// links are both interfaces, and what carries those that are tagged: an
// interface that is used untagged as well, or one of its own.
func links(s *site.Site) (link, serviceLink) {
	m, v := s.Server.Management, s.Server.Service
	management, service := newLink(m), serviceLink{link: newLink(v), Links: onLinks(s)}
	shared := m.Match == v.Match
	if m.VLAN != 0 {
		if shared && v.VLAN == 0 {
			service.carry(m)
		} else {
			management.Carrier.Match = matchLines(m.Match)
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
			service.Carrier.Match = matchLines(v.Match)
			service.Carrier.carry(v)
		}
	}
	return management, service
}

// carry puts a tagged interface on top. No frame of it may be longer than
// what carries it.
func (l *link) carry(i site.Interface) {
	l.VLANs, l.MTU = append(l.VLANs, i.Device()), max(l.MTU, i.MTU)
}

func (c *carrier) carry(i site.Interface) {
	c.VLANs, c.MTU = append(c.VLANs, i.Device()), max(c.MTU, i.MTU)
}

func newLink(i site.Interface) link {
	l := link{Match: matchLines(i.Match), MTU: i.MTU, Gateways: words(i.Gateways)}
	if i.VLAN != 0 {
		l.Name, l.Tag = i.Device(), i.VLAN
		l.Match = "Name=" + l.Name
	}
	for _, a := range i.Addresses {
		l.Addresses = append(l.Addresses, a.String())
	}
	return l
}

func matchLines(m site.Match) string {
	if m.MAC != "" {
		// A tagged interface has the MAC of what carries it.
		return "MACAddress=" + m.MAC + "\nType=!vlan"
	}
	return "Name=" + m.Name
}

// onLinks are the subnets of the service link with the neighbor in each.
func onLinks(s *site.Site) []onLink {
	var out []onLink
	for _, a := range s.Server.Service.Addresses {
		l := onLink{Link: a.Masked().String(), Scope: "link"}
		if a.Addr().Is6() {
			l.Scope = "global" // the only one IPv6 routes have
		}
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
func rules(s *site.Site) []rule {
	var out []rule
	for _, a := range s.ServiceAddresses() {
		out = append(out, rule{From: hostPrefix(a).String(), Priority: 1000})
	}
	for _, a := range s.Server.Service.Addresses {
		out = append(out, rule{From: hostPrefix(a.Addr()).String(), Priority: 1001})
	}
	return out
}

func serviceAddresses(s *site.Site) []serviceAddress {
	var out []serviceAddress
	for _, a := range s.ServiceAddresses() {
		out = append(out, serviceAddress{Address: a.String(), Host: hostPrefix(a).String()})
	}
	return out
}

func hostPrefix(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// families sorts addresses by family; a family without any is left out.
func families(addrs []netip.Addr) []family {
	v4 := family{Number: 4, Word: "ip", Any: "0.0.0.0/0"}
	v6 := family{Number: 6, Word: "ip6", Any: "::/0"}
	for _, a := range addrs {
		f := &v4
		if a.Is6() {
			f = &v6
		}
		f.Addresses = append(f.Addresses, a.String())
	}
	var out []family
	for _, f := range []family{v4, v6} {
		if f.Joined = strings.Join(f.Addresses, ", "); f.Joined != "" {
			out = append(out, f)
		}
	}
	return out
}

func newSSH(s site.SSH) sshView {
	v := sshView{Port: s.Port, PermitRoot: "no", Any: len(s.From) == 0}
	if s.User == "root" {
		v.PermitRoot = "prohibit-password"
	}
	for _, f := range []struct {
		word string
		is   func(netip.Addr) bool
	}{{"ip", netip.Addr.Is4}, {"ip6", netip.Addr.Is6}} {
		var joined []string
		for _, p := range s.From {
			if f.is(p.Addr()) {
				joined = append(joined, p.String())
			}
		}
		if len(joined) > 0 {
			v.From = append(v.From, family{Word: f.word, Joined: strings.Join(joined, ", ")})
		}
	}
	return v
}

func joinPrefixes(ps []netip.Prefix) string {
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = p.String()
	}
	return strings.Join(out, ", ")
}
