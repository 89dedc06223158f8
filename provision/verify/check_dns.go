package verify

import (
	"net/netip"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

func dnsID(a netip.Addr, network string) string { return "dns." + a.String() + "." + network }

// networks are the transports that a name server answers over (RFC 7766).
func networks() []string { return []string{"udp", "tcp"} }

// dnsChecks ask this very instance: over UDP from the server itself, over TCP
// through the SSH connection.
func dnsChecks(s *site.Site, e Evidence) []check {
	var checks []check
	for _, a := range s.ServiceAddresses() {
		for _, network := range networks() {
			answers := e.Server.UDP
			if network == "tcp" {
				answers = e.TCP
			}
			checks = append(checks, check{
				id: dnsID(a, network), vantage: FromServer, title: verdict.New("dns.title", verdict.Address("address", a), verdict.Word("network", network)),
				want: verdict.New("dns.want", verdict.Word("identity", s.DNS.Identity)), about: zoneNames(s),
				kinds: []string{kindDNS}, needs: []string{serviceID(a)},
				find: func() finding { return dnsAnswers(s, a, network, answers) },
			})
		}
	}
	if len(checks) == 0 {
		checks = append(checks, check{
			id: "dns", vantage: FromServer, title: verdict.New("dns.nowhere"), want: verdict.New("dns.want", verdict.Word("identity", s.DNS.Identity)),
			find: func() finding { return unknown(verdict.New("verify.no-object")) },
		})
	}
	return checks
}

func zoneNames(s *site.Site) []string {
	var out []string
	for _, z := range s.DNS.Zones {
		out = append(out, name(z))
	}
	return out
}

// dnsAnswers judges all that one address said over one transport: the worst,
// and how often. An answer from another copy is no verdict on this one.
func dnsAnswers(s *site.Site, a netip.Addr, network string, answers map[Question]Answer) finding {
	faults := dnsFaults(s, a, network, answers)
	if len(faults) == 0 {
		return pass(verdict.New("dns.good", verdict.Word("identity", s.DNS.Identity), verdict.Count("zones", len(s.DNS.Zones))))
	}
	f := faults[0].finding()
	if more := alike(faults) - 1; more > 0 && f.status != Unknown {
		f.got = append(f.got, verdict.New("verify.more", verdict.Count("count", more)))
	}
	return f
}

func dnsCodes() []verdict.Definition {
	identity := verdict.TypeWord.Named("identity")
	return []verdict.Definition{
		verdict.Define("dns.title", "what a service address answers over a transport", verdict.TypeAddress.Named("address"), verdict.TypeWord.Named("network")),
		verdict.Define("dns.nowhere", "what the service addresses answer, of a site that has none"),
		verdict.Define("dns.want", "every zone has to be answered for, by this copy, and nothing else", identity),
		verdict.Define("dns.good", "every zone is answered for, by this copy", identity, verdict.TypeCount.Named("zones")),
	}
}

// faultCodes are what may be wrong with answers, from wherever they came.
func faultCodes() []verdict.Definition {
	return append(zoneFaultCodes(), []verdict.Definition{
		verdict.Define("dns.silent", "the address answers nothing"),
		verdict.Define("dns.silent.advice", "why a name server may be silent"),
		verdict.Define("dns.not-asked", "nobody asked"),
		verdict.Define("dns.no-zone", "the site has no zone to ask for"),
		verdict.Define("dns.other-copy", "another copy answered", verdict.TypeSeen.Named("nsid")),
		verdict.Define("dns.other-copy.advice", "what the answer of another copy says"),
		verdict.Define("dns.no-nsid", "the answer does not say which copy it is from"),
		verdict.Define("dns.no-nsid.advice", "the NSID that is wanted", verdict.TypeWord.Named("identity")),
		verdict.Define("dns.recursion", "the name server resolves for others, or says so"),
		verdict.Define("dns.recursion.advice", "an authoritative server does not offer recursion"),
		verdict.Define("dns.recursion.others.advice", "an authoritative server does not resolve for others"),
		verdict.Define("dns.name.silent", "the question for a name of the server is not answered", verdict.TypeWord.Named("ask")),
		verdict.Define("dns.name.not-asked", "nobody asked for a name of the server", verdict.TypeWord.Named("ask")),
		verdict.Define("dns.name.empty", "the server does not say its name", verdict.TypeWord.Named("ask"), verdict.TypeWord.Named("rcode")),
		verdict.Define("dns.name.other", "the server says another name", verdict.TypeWord.Named("ask"), verdict.TypeSeen.Named("name")),
		verdict.Define("dns.name.advice", "the name that is wanted", verdict.TypeWord.Named("identity")),
		verdict.Define("dns.elsewhere.silent", "the question for a name that is not served is not answered"),
		verdict.Define("dns.elsewhere.not-asked", "nobody asked for a name that is not served"),
		verdict.Define("dns.gate.problem", "why an address keeps a change from being confirmed",
			verdict.TypeAddress.Named("address"), verdict.TypeMessage.Named("got"), verdict.TypeMessages.Named("more")),
		verdict.Define("dns.gate.unknown", "nobody knows whether an address answers, which keeps a change from being confirmed",
			verdict.TypeAddress.Named("address"), verdict.TypeMessage.Named("got")),
		verdict.Define("dns.gate.nowhere", "the site has no service address that could be asked"),
		verdict.Define("dns.gate.missing", "a zone that has not been there yet keeps its blocks withdrawn",
			verdict.TypeZone.Named("zone"), verdict.TypeAddresses.Named("primaries")),
	}...)
}

func zoneFaultCodes() []verdict.Definition {
	zone, at := verdict.TypeZone.Named("zone"), verdict.TypeTime.Named("at")
	return []verdict.Definition{
		verdict.Define("dns.zone.silent", "the question for a zone is not answered", zone),
		verdict.Define("dns.zone.not-loaded", "the name server knows the zone and has no data of it", zone),
		verdict.Define("dns.zone.not-loaded.advice", "where to see why a zone is not loaded"),
		verdict.Define("dns.zone.not-transferred.advice", "why a transferred zone may not be there"),
		verdict.Define("dns.zone.refused", "the name server does not know the zone", zone),
		verdict.Define("dns.zone.refused.advice", "raiz apply configures the zone"),
		verdict.Define("dns.zone.rcode", "the zone is answered with an error", zone, verdict.TypeWord.Named("rcode")),
		verdict.Define("dns.zone.rcode.advice", "where to see why"),
		verdict.Define("dns.zone.no-authority", "the answer is not authoritative", zone),
		verdict.Define("dns.zone.no-authority.advice", "what an answer without authority means"),
		verdict.Define("dns.zone.truncated", "the answer is truncated", zone),
		verdict.Define("dns.zone.truncated.advice", "why an answer may be truncated"),
		verdict.Define("dns.zone.no-soa", "the answer has no SOA", zone),
		verdict.Define("dns.zone.no-soa.advice", "what an answer without SOA means"),
		verdict.Define("dns.zone.unsigned", "the zone has to be signed, and its SOA is not", zone),
		verdict.Define("dns.zone.unsigned.advice", "what resolvers do without signatures"),
		verdict.Define("dns.zone.expired", "no signature over the SOA is valid any more", zone, verdict.TypeTime.Named("until"), at),
		verdict.Define("dns.zone.not-yet-valid", "no signature over the SOA is valid yet", zone, verdict.TypeTime.Named("from"), at),
		verdict.Define("dns.zone.no-time", "nobody noted when the answer came, so that signatures cannot be judged", zone),
		verdict.Define("dns.zone.expired.advice", "what to do about signatures that are not valid now"),
	}
}
