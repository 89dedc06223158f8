package render

import (
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/site"
)

// firewall is who may send what to the server, besides what others need.
func (v *Values) firewall(s *site.Site) {
	var own []netip.Addr
	for _, p := range s.Server.Management.Addresses {
		own = append(own, p.Addr())
	}
	v.ManagementFamilies = families(own)
	v.OwnSources, v.NotifySources = ownSources(s), notifySources(s, v.ManagementFamilies)
}

// ownSources are the blocks and the loopback, by family.
func ownSources(s *site.Site) []Family {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	return prefixFamilies(append(loopback, widest(s.Blocks())...))
}

// widest leaves out what another prefix covers: a packet filter may take no
// intervals that overlap.
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

// notifySources: NOTIFY comes to the management addresses, which are this
// copy's alone; one to an anycast address would reach any copy.
func notifySources(s *site.Site, management []Family) []Notify {
	var from []netip.Addr
	for _, z := range s.DNS.Zones {
		for _, p := range z.Primaries {
			if !slices.Contains(from, p) {
				from = append(from, p)
			}
		}
	}
	var out []Notify
	for _, f := range families(from) {
		for _, to := range management {
			if to.Number == f.Number {
				out = append(out, Notify{Family: f.Number, From: f.Addresses, To: to.Addresses})
			}
		}
	}
	return out
}
