package verify

import (
	"net/netip"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// outsideChecks ask from where raiz runs. They need the blocks to be
// announced, and count only when the NSID says that this copy answered. What
// the router has not taken does not reach anybody behind it.
func outsideChecks(s *site.Site, e Evidence) []check {
	var checks []check
	for _, a := range s.ServiceAddresses() {
		for _, network := range networks() {
			checks = append(checks, check{
				id: outsideID(a, network), vantage: FromOutside,
				title: verdict.New("outside.title", verdict.Address("address", a), verdict.Word("network", network)),
				want:  verdict.New("outside.want", verdict.Word("identity", s.DNS.Identity)), about: zoneNames(s),
				needs: append([]string{dnsID(a, network)}, announcedNeeds(s, a)...), explained: []string{routerID},
				find: func() finding {
					if !e.Outside.Asked {
						return notLooked(verdict.New("outside.nobody"))
					}
					return dnsAnswers(s, a, network, e.Outside.Answers)
				},
			})
		}
		checks = append(checks, outsideContent(s, a, e))
	}
	return checks
}

// outsideContent is one check of all that is not said by who answers: the rules
// of both transports, and what is offered. What the server has heard as well is
// said there.
func outsideContent(s *site.Site, a netip.Addr, e Evidence) check {
	c := check{
		id: "outside.content." + a.String(), vantage: FromOutside, title: verdict.New("outside.content.title", verdict.Address("address", a)),
		want: verdict.New("dns.content.want"), about: zoneNames(s), explained: []string{offersID(a)},
		find: func() finding {
			if !e.Outside.Asked {
				return notLooked(verdict.New("outside.nobody"))
			}
			f := contentOf(s, a, "udp", e.Outside.Answers)
			for _, next := range []finding{contentOf(s, a, "tcp", e.Outside.Answers), offersOf(s, a, e.Outside.Answers)} {
				f = f.and(next)
			}
			return f
		},
	}
	for _, network := range networks() {
		c.needs, c.explained = append(c.needs, outsideID(a, network)), append(c.explained, contentID(a, network))
	}
	return c
}

func outsideID(a netip.Addr, network string) string { return "outside." + a.String() + "." + network }

func outsideCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("outside.title", "what a service address answers to somebody elsewhere", verdict.TypeAddress.Named("address"), verdict.TypeWord.Named("network")),
		verdict.Define("outside.want", "the NSID of this copy is wanted", verdict.TypeWord.Named("identity")),
		verdict.Define("outside.content.title", "the answers of a service address to somebody elsewhere, rule by rule", verdict.TypeAddress.Named("address")),
		verdict.Define("outside.nobody", "nobody asked from outside"),
	}
}
