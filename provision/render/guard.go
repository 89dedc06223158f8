package render

import (
	"fmt"
	"net/netip"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/ask"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// guard is what lets the blocks be announced.
func (v *Values) guard(s *site.Site, components []templates.Component) error {
	how := of(components, "bgp").Announce
	v.Guard = Guard{
		Unit: mainUnit(components, "guard"), Router: mainUnit(components, "bgp"), Asker: ask.Program(),
		Link: how.Link, Announce: how.Announce, Withdraw: how.Withdraw, Show: how.Show, Shown: how.Shown,
	}
	for _, family := range []int{4, 6} {
		if all, _ := blocksOf(s, family); len(all) > 0 {
			v.Guard.Families = append(v.Guard.Families, family)
		}
	}
	var qs []ask.Question
	for _, a := range s.ServiceAddresses() {
		for _, network := range []string{"udp", "tcp"} {
			for _, z := range s.DNS.Zones {
				// The number is the identifier: an answer says what it answers.
				m, err := soaQuery(z.Name, uint16(len(qs)))
				if err != nil {
					return err
				}
				qs = append(qs, ask.Question{
					Network: network, Source: ask.Loopback(a), To: netip.AddrPortFrom(a, 53), Message: m, Note: z.Name,
				})
			}
		}
	}
	v.Guard.Questions = ask.Lines(qs)
	return nil
}

// soaQuery is a question without EDNS and without recursion (RFC 1035
// section 4.1): what every name server answers from what it has.
func soaQuery(zone string, id uint16) ([]byte, error) {
	m := new(dns.Msg)
	m.Id = id
	m.Question = []dns.Question{{Name: dns.Fqdn(zone), Qtype: dns.TypeSOA, Qclass: dns.ClassINET}}
	wire, err := m.Pack()
	if err != nil {
		return nil, fmt.Errorf("pack the question for zone %s: %w", zone, err)
	}
	return wire, nil
}
