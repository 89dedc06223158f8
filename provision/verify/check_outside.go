package verify

import (
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
				id: "outside." + a.String() + "." + network, vantage: FromOutside,
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
	}
	return checks
}

func outsideCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("outside.title", "what a service address answers to somebody elsewhere", verdict.TypeAddress.Named("address"), verdict.TypeWord.Named("network")),
		verdict.Define("outside.want", "the NSID of this copy is wanted", verdict.TypeWord.Named("identity")),
		verdict.Define("outside.nobody", "nobody asked from outside"),
	}
}
