package render

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
)

// ownSources are the blocks and the loopback, by family.
func ownSources(s *site.Site) []family {
	v4, v6 := []string{"127.0.0.0/8"}, []string{"::1"}
	for _, p := range widest(s.Blocks()) {
		if p.Addr().Is4() {
			v4 = append(v4, p.String())
		} else {
			v6 = append(v6, p.String())
		}
	}
	return []family{{Number: 4, Word: "ip", Joined: strings.Join(v4, ", ")}, {Number: 6, Word: "ip6", Joined: strings.Join(v6, ", ")}}
}

// widest leaves out what another prefix covers: nftables takes no intervals
// that overlap.
func widest(all []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range all {
		covered := slices.ContainsFunc(all, func(q netip.Prefix) bool { return q.Bits() < p.Bits() && q.Contains(p.Addr()) })
		if !covered {
			out = append(out, p)
		}
	}
	return out
}

// notifyView are the primaries of one family and the server's addresses that
// they send NOTIFY to.
type notifyView struct {
	Word     string // of nftables: ip or ip6
	From, To string
	to       []string
}

// notifySources: NOTIFY comes to the management addresses, which are this
// copy's alone; one to an anycast address would reach any copy.
func notifySources(s *site.Site) []notifyView {
	var from []netip.Addr
	for _, z := range s.DNS.Zones {
		for _, p := range z.Primaries {
			if !slices.Contains(from, p) {
				from = append(from, p)
			}
		}
	}
	var out []notifyView
	for _, f := range families(from) {
		n := notifyView{Word: f.Word, From: f.Joined}
		for _, a := range s.Server.Management.Addresses {
			if familyOf(a.Addr()) == f.Number {
				n.to = append(n.to, a.Addr().String())
			}
		}
		if n.To = strings.Join(n.to, ", "); n.To != "" {
			out = append(out, n)
		}
	}
	return out
}
