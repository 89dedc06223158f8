package verify

import (
	"net/netip"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

func offersID(a netip.Addr) string { return "dns.offers." + a.String() }

// offersChecks see that an address gives nobody what is not for strangers: the
// program's version, whole zones, and zones that are not declared. They are
// asked from the server's own loopback, which no pack lets have more than
// others.
func offersChecks(s *site.Site, e Evidence) []check {
	var checks []check
	for _, a := range s.ServiceAddresses() {
		checks = append(checks, check{
			id: offersID(a), vantage: FromServer, title: verdict.New("dns.offers.title", verdict.Address("address", a)),
			want: verdict.New("dns.offers.want"), about: zoneNames(s), needs: []string{dnsID(a, "udp"), dnsID(a, "tcp")},
			find: func() finding { return offersOf(s, a, e.Server.Content) },
		})
	}
	return checks
}

// offersOf judges what one address answers to questions that it should refuse.
// One that is silent to them offers nothing; to all of them, nobody knows.
func offersOf(s *site.Site, a netip.Addr, answers map[Question]Answer) finding {
	var offered []verdict.Message
	heard := 0
	for _, network := range networks() {
		for _, q := range offerQuestions(s, a, network) {
			got, asked := answers[q]
			if !asked || got.Msg == nil && got.Err == nil {
				return unknown(verdict.New("dns.not-asked"))
			}
			if got.Msg == nil {
				continue
			}
			if ofAnother(s, got) {
				return otherFinding(got)
			}
			heard++
			if m := offer(s, q, got.Msg); !m.IsZero() {
				offered = append(offered, m)
			}
		}
	}
	switch {
	case heard == 0:
		return unknown(verdict.New("dns.silent"))
	case len(offered) > 0:
		return finding{status: Fail, got: few(offered), advice: []verdict.Message{verdict.New("dns.offers.advice")}}
	}
	return pass(verdict.New("dns.offers.good", verdict.Count("answers", heard)))
}

// offer is what an answer gives away; zero for nothing.
func offer(s *site.Site, q Question, m *dns.Msg) verdict.Message {
	zone, network := verdict.Zone("zone", dns.Fqdn(q.Zone)), verdict.Word("network", q.Network)
	switch q.Ask {
	case AskVersion, AskVersionServer:
		if text := txt(m); text != "" {
			return verdict.New("dns.offer.version", verdict.Word("ask", q.Ask), verdict.Seen("version", text))
		}
	case AskAXFR, AskIXFR:
		if len(m.Answer) > 0 {
			return verdict.New("dns.offer.transfer", zone, verdict.Word("ask", q.Ask), network)
		}
	case AskOther:
		return otherOffer(s, q, m)
	}
	return verdict.Message{}
}

// otherOffer judges the answer about a zone that is not declared: the root refers
// to those below it, or says that they are not there; any other zone is refused.
func otherOffer(s *site.Site, q Question, m *dns.Msg) verdict.Message {
	zone := verdict.Zone("zone", dns.Fqdn(q.Zone))
	switch {
	case len(m.Answer) > 0 || m.Authoritative && m.Rcode == dns.RcodeSuccess:
		return verdict.New("dns.offer.zone", zone)
	case !serves(s, ".") && m.Rcode != dns.RcodeRefused:
		return verdict.New("dns.offer.unrefused", zone, verdict.Word("rcode", rcode(m)))
	}
	return verdict.Message{}
}

func offersCodes() []verdict.Definition {
	zone := verdict.TypeZone.Named("zone")
	return []verdict.Definition{
		verdict.Define("dns.offers.title", "what a service address gives away", verdict.TypeAddress.Named("address")),
		verdict.Define("dns.offers.want", "neither the version, nor whole zones, nor zones that are not declared"),
		verdict.Define("dns.offers.good", "nothing is given away", verdict.TypeCount.Named("answers")),
		verdict.Define("dns.offers.advice", "what configures it"),
		verdict.Define("dns.offer.version", "the name server tells its version", verdict.TypeWord.Named("ask"), verdict.TypeSeen.Named("version")),
		verdict.Define("dns.offer.transfer", "the name server lets strangers transfer a zone", zone, verdict.TypeWord.Named("ask"), verdict.TypeWord.Named("network")),
		verdict.Define("dns.offer.zone", "the name server serves a zone that is not declared", zone),
		verdict.Define("dns.offer.unrefused", "a zone that is not declared is not refused", zone, verdict.TypeWord.Named("rcode")),
	}
}
