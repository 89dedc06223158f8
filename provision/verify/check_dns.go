package verify

import (
	"errors"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

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
			needs := append(unitNeeds(s, "dns"), addressID("lo", netip.PrefixFrom(a, a.BitLen())))
			checks = append(checks, check{
				id: dnsID(a, network), title: a.String() + " answers over " + network + " as this copy", vantage: FromServer,
				want: "authoritative, no recursion, identity " + s.DNS.Identity, needs: needs,
				find: func() finding { return dnsAnswers(s, a, network, answers) },
			})
		}
	}
	return checks
}

// dnsAnswers judges all that one address said over one transport. An answer
// from another copy is no verdict on this one.
func dnsAnswers(s *site.Site, a netip.Addr, network string, answers map[Question]Answer) finding {
	at := func(ask Ask) (Answer, bool) {
		v, ok := answers[Question{Address: a, Ask: ask, Network: network}]
		return v, ok
	}
	soa, ok := at(AskSOA)
	if !ok {
		return unknown(errors.New("nobody asked"))
	}
	if soa.Err != nil {
		return fail("no answer", soa.Err.Error())
	}
	if id := nsid(soa.Msg); id != "" && id != s.DNS.Identity {
		return finding{status: OtherInstance, got: "NSID " + id, detail: "another copy answered; it says nothing of this one"}
	}
	for _, rule := range dnsRules(s, soa.Msg) {
		if rule.broken {
			return fail(rule.got, rule.detail)
		}
	}
	for _, ask := range []Ask{AskHostname, AskServer} {
		got, _ := at(ask)
		if got.Msg == nil || txt(got.Msg) != s.DNS.Identity {
			return fail(string(ask)+" "+orNothing(got), "want the identity "+s.DNS.Identity+" (RFC 4892)")
		}
	}
	if got, _ := at(AskElsewhere); got.Msg == nil {
		return fail("a name elsewhere: "+orNothing(got), "want a refusal")
	} else if got.Msg.RecursionAvailable || len(got.Msg.Answer) > 0 {
		return fail("recursion is offered", "an authoritative server must not resolve for others (RFC 7720 section 3)")
	}
	return pass("identity and NSID " + s.DNS.Identity)
}

type dnsRule struct {
	broken      bool
	got, detail string
}

func dnsRules(s *site.Site, m *dns.Msg) []dnsRule {
	zone := strings.TrimSuffix(s.DNS.Zones[0].Name, ".") + "."
	return []dnsRule{
		{m.Rcode != dns.RcodeSuccess, dns.RcodeToString[m.Rcode], "the zone " + zone + " is not loaded or has expired; see the log of the name server"},
		{!m.Authoritative, "not authoritative", "the zone " + zone + " is not served from here"},
		{len(m.Answer) == 0, "no SOA", "the answer to " + zone + " SOA is empty"},
		{nsid(m) == "", "no NSID", "want the NSID " + s.DNS.Identity + " (RFC 5001)"},
		{m.RecursionAvailable, "recursion is offered", "an authoritative server must not offer it"},
	}
}

func orNothing(a Answer) string {
	switch {
	case a.Err != nil:
		return a.Err.Error()
	case a.Msg == nil:
		return "was not asked"
	case txt(a.Msg) == "":
		return "is empty (" + dns.RcodeToString[a.Msg.Rcode] + ")"
	}
	return txt(a.Msg)
}

// outsideChecks ask from where raiz runs. They need the blocks to be
// announced, and count only when the NSID says that this copy answered.
func outsideChecks(s *site.Site, e Evidence) []check {
	var checks []check
	for _, a := range s.ServiceAddresses() {
		for _, network := range []string{"udp", "tcp"} {
			checks = append(checks, check{
				id: "outside." + a.String() + "." + network, title: a.String() + " answers from outside over " + network, vantage: FromOutside,
				want: "NSID " + s.DNS.Identity, needs: []string{dnsID(a, network), exportID(a)},
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
