package render

import (
	"encoding/binary"
	"fmt"
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
	NTP              []string
	Resolvers        []string
	SSH              sshView
	BGP              bgpView
	DNS              dnsView
	Announce         announceView
}

type link struct {
	Match     string // a line of a [Match] section
	MTU       int
	Addresses []string
	Gateways  []string
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
func (v view) has(name string) bool {
	switch name {
	case "blocks4":
		return len(v.BGP.Blocks4) > 0
	case "blocks6":
		return len(v.BGP.Blocks6) > 0
	case "as112":
		return slices.ContainsFunc(v.DNS.Zones, func(z zoneView) bool { return z.File != "" })
	}
	panic("render: a pack asks for unknown " + name)
}

// views returns the view of public files, which holds no secret, and the one
// of secret files.
func views(s *site.Site, components []templates.Component, secrets Secrets) (open, closed view, err error) {
	open = view{
		Source:           s.Name,
		Hostname:         s.Server.Hostname,
		Management:       newLink(s.Server.Management),
		Service:          newServiceLink(s),
		Table:            serviceTable,
		Rules:            rules(s),
		ServiceAddresses: serviceAddresses(s),
		ServiceFamilies:  families(s.ServiceAddresses()),
		NTP:              s.Server.NTP,
		Resolvers:        words(s.Server.DNS),
		SSH:              newSSH(s.Server.SSH),
		BGP:              newBGP(s),
		DNS:              newDNS(s, components),
		Announce:         newAnnounce(s),
	}
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
	return open, closed, nil
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

func newLink(i site.Interface) link {
	l := link{Match: "Name=" + i.Match.Name, MTU: i.MTU, Gateways: words(i.Gateways)}
	if i.Match.MAC != "" {
		l.Match = "MACAddress=" + i.Match.MAC
	}
	for _, a := range i.Addresses {
		l.Addresses = append(l.Addresses, a.String())
	}
	return l
}

func newServiceLink(s *site.Site) serviceLink {
	out := serviceLink{link: newLink(s.Server.Service)}
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
		out.Links = append(out.Links, l)
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

// announceView is the question that decides whether the blocks are announced.
type announceView struct {
	Question string // in words
	Query    string // the message as printf escapes
	ID       string // its identifier as hex
	Families []family
}

func newAnnounce(s *site.Site) announceView {
	zone := s.DNS.Zones[0].Name
	const id = 0x7261 // fixed: the answer comes from this very server
	return announceView{
		Question: strings.TrimSuffix(zone, ".") + ". SOA",
		Query:    escape(soaQuery(zone, id)),
		ID:       fmt.Sprintf("%04x", id),
		Families: families(s.ServiceAddresses()),
	}
}

// soaQuery is a question without EDNS and without recursion (RFC 1035
// section 4.1): what every name server answers from what it has.
func soaQuery(zone string, id uint16) []byte {
	q := binary.BigEndian.AppendUint16(nil, id)
	q = append(q, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
	for label := range strings.SplitSeq(strings.Trim(zone, "."), ".") {
		if label != "" {
			q = append(append(q, byte(len(label))), label...)
		}
	}
	return append(q, 0, 0, 6, 0, 1)
}

func escape(b []byte) string {
	var out strings.Builder
	for _, c := range b {
		fmt.Fprintf(&out, `\x%02x`, c)
	}
	return out.String()
}

func joinPrefixes(ps []netip.Prefix) string {
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = p.String()
	}
	return strings.Join(out, ", ")
}
