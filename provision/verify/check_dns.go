package verify

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/raiz-dns/raiz/provision/site"
)

func dnsID(a netip.Addr, network string) string { return "dns." + a.String() + "." + network }

// dnsChecks asks this very instance: over UDP from the server itself, over TCP
// through the SSH connection.
func dnsChecks(s *site.Site, e Evidence) []check {
	var checks []check
	for _, a := range s.ServiceAddresses() {
		for _, network := range []string{"udp", "tcp"} {
			answers := e.Server.UDP
			if network == "tcp" {
				answers = e.TCP
			}
			needs := append(unitNeeds(e.Units, "dns"), addressID("lo", netip.PrefixFrom(a, a.BitLen())))
			checks = append(checks, check{
				id: dnsID(a, network), title: a.String() + " answers over " + network + " as this copy", vantage: FromServer,
				want: "every zone, no recursion, identity " + s.DNS.Identity, needs: needs,
				find: func() finding { return dnsAnswers(s, a, network, answers) },
			})
		}
	}
	return checks
}

// dnsAnswers judges all that one address said over one transport: the worst,
// and how often. An answer from another copy is no verdict on this one.
func dnsAnswers(s *site.Site, a netip.Addr, network string, answers map[Question]Answer) finding {
	faults := dnsFaults(s, a, network, answers)
	if len(faults) == 0 {
		return pass(fmt.Sprintf("identity and NSID %s; zones: %d", s.DNS.Identity, len(s.DNS.Zones)))
	}
	worst := faults[0]
	f := finding{status: Fail, got: worst.String(), detail: worst.detail}
	switch worst.kind {
	case notAsked:
		return unknown(errors.New(worst.got))
	case otherCopy:
		f.status = OtherInstance
	}
	if more := alike(faults) - 1; more > 0 {
		f.got += fmt.Sprintf(", and %d more", more)
	}
	return f
}

// outsideChecks ask from where raiz runs. They need the blocks to be
// announced, and count only when the NSID says that this copy answered. What
// the router has not taken does not reach anybody behind it.
func outsideChecks(s *site.Site, e Evidence) []check {
	var checks []check
	for _, a := range s.ServiceAddresses() {
		for _, network := range []string{"udp", "tcp"} {
			checks = append(checks, check{
				id: "outside." + a.String() + "." + network, title: a.String() + " answers from outside over " + network, vantage: FromOutside,
				want: "NSID " + s.DNS.Identity, needs: append([]string{dnsID(a, network)}, announcedNeeds(s, a)...), explained: []string{"router.routes"},
				find: func() finding {
					if !e.Outside.Asked {
						return finding{status: Skipped, got: "not looked", detail: "nobody asked from outside"}
					}
					return dnsAnswers(s, a, network, e.Outside.Answers)
				},
			})
		}
	}
	return checks
}

// DNSProblems says what keeps each service address from answering over TCP as
// this copy; nothing means that all of them do.
func DNSProblems(s *site.Site, answers map[Question]Answer) []string {
	var out []string
	for _, a := range s.ServiceAddresses() {
		if f := dnsAnswers(s, a, "tcp", answers); f.status != Pass {
			out = append(out, a.String()+": "+f.got+" ("+f.detail+")")
		}
	}
	return out
}
