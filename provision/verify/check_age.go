package verify

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// margin is how long before the end of a signature it is said: RSSAC047v2's
// signer makes new ones long before.
const margin = 3 * 24 * time.Hour

// ageChecks see for each zone how long it is still good, and whether it is the
// newest: once for all addresses, which have it from one name server.
func ageChecks(s *site.Site, e Evidence) []check {
	var answer, content []string
	for _, a := range s.ServiceAddresses() {
		for _, network := range networks() {
			answer, content = append(answer, dnsID(a, network)), append(content, contentID(a, network))
		}
	}
	var checks []check
	for _, z := range s.DNS.Zones {
		if signed(z) {
			checks = append(checks, check{
				id: "dns.signatures." + name(z), vantage: FromServer, title: verdict.New("dns.signatures.title", verdict.Zone("zone", name(z))),
				want: verdict.New("dns.signatures.want", verdict.Duration("margin", margin)), about: []string{name(z)}, needs: append(answer[:len(answer):len(answer)], content...),
				find: func() finding { return signaturesLeft(s, z, e.Server.Content) },
			})
		}
		if z.Transferred() {
			checks = append(checks, check{
				id: "dns.serial." + name(z), vantage: FromServer, title: verdict.New("dns.serial.title", verdict.Zone("zone", name(z))),
				want: verdict.New("dns.serial.want"), about: []string{name(z)}, needs: answer,
				find: func() finding { return newest(s, z, e.Server) },
			})
		}
	}
	return checks
}

// signaturesLeft finds the signatures over the SOA and the keys that end the
// first. Whether they are right is said elsewhere.
func signaturesLeft(s *site.Site, z site.Zone, answers map[Question]Answer) finding {
	var first, at time.Time
	var kind uint16
	for _, a := range s.ServiceAddresses() {
		for _, network := range networks() {
			for _, ask := range []Ask{AskApex, AskKeys} {
				got := answers[Question{Address: a, Ask: ask, Zone: z.Name, Network: network}]
				if last := lastSeal(got); !last.IsZero() && (first.IsZero() || last.Before(first)) {
					first, at, kind = last, got.At, got.Msg.Question[0].Qtype
				}
			}
		}
	}
	until := verdict.Time("until", first)
	switch {
	case first.IsZero():
		return unknown(verdict.New("dns.not-asked"))
	case first.Sub(at) < margin:
		return warn(verdict.New("dns.signatures.soon", verdict.Word("type", typeName(kind)), until, verdict.Time("at", at)), verdict.New("dns.signatures.advice"))
	}
	return pass(verdict.New("dns.signatures.good", until))
}

// lastSeal is when the last signature over what was asked for ends.
func lastSeal(a Answer) time.Time {
	var last time.Time
	if a.Msg == nil || a.At.IsZero() {
		return last
	}
	asked := a.Msg.Question[0]
	for _, sig := range sealsOf(a.Msg.Answer, asked.Name, asked.Qtype) {
		if until := moment(sig.Expiration, a.At); until.After(last) {
			last = until
		}
	}
	return last
}

// newest compares the oldest serial that is served with the newest of those that
// the primaries tell. They need not tell: they may answer under TSIG alone.
func newest(s *site.Site, z site.Zone, e ServerEvidence) finding {
	served, known := uint32(0), false
	for _, a := range s.ServiceAddresses() {
		serial, ok := serialOf(z, e.UDP[Question{Address: a, Ask: AskSOA, Zone: z.Name, Network: "udp"}])
		if ok && (!known || older(serial, served)) {
			served, known = serial, true
		}
	}
	if !known {
		return unknown(verdict.New("dns.not-asked"))
	}
	best, from := served, netip.Addr{}
	told := 0
	for _, a := range z.Primaries {
		serial, ok := serialOf(z, e.Told[Question{Address: a, Ask: AskPrimary, Zone: z.Name, Network: "udp"}])
		if !ok {
			continue
		}
		told++
		if older(best, serial) {
			best, from = serial, a
		}
	}
	have := verdict.Count("serial", int(served))
	switch {
	case told == 0:
		return notLooked(verdict.New("dns.serial.untold", verdict.Addresses("primaries", z.Primaries)))
	case from.IsValid():
		return warn(verdict.New("dns.serial.behind", have, verdict.Count("newest", int(best)), verdict.Address("primary", from)), verdict.New("dns.serial.advice"))
	}
	return pass(verdict.New("dns.serial.good", have, verdict.Count("primaries", told)))
}

// serialOf is the serial of a zone in an answer with authority.
func serialOf(z site.Zone, a Answer) (uint32, bool) {
	if a.Msg == nil || !a.Msg.Authoritative {
		return 0, false
	}
	for _, rr := range setOf(a.Msg.Answer, name(z), dns.TypeSOA) {
		if soa, is := rr.(*dns.SOA); is {
			return soa.Serial, true
		}
	}
	return 0, false
}

// older compares serials as RFC 1982 section 3.2 does.
func older(a, b uint32) bool { return int32(a-b) < 0 }

func ageCodes() []verdict.Definition {
	zone, serial, until := verdict.TypeZone.Named("zone"), verdict.TypeCount.Named("serial"), verdict.TypeTime.Named("until")
	return []verdict.Definition{
		verdict.Define("dns.signatures.title", "how long the signatures of a zone are still valid", zone),
		verdict.Define("dns.signatures.want", "signatures have to be valid for so long", verdict.TypeDuration.Named("margin")),
		verdict.Define("dns.signatures.good", "the signatures are valid for long enough", until),
		verdict.Define("dns.signatures.soon", "the signatures end soon", verdict.TypeWord.Named("type"), until, verdict.TypeTime.Named("at")),
		verdict.Define("dns.signatures.advice", "why signatures may end soon"),
		verdict.Define("dns.serial.title", "whether a zone is the newest that its primaries have", zone),
		verdict.Define("dns.serial.want", "the newest serial of all primaries is wanted"),
		verdict.Define("dns.serial.good", "no primary has a newer one", serial, verdict.TypeCount.Named("primaries")),
		verdict.Define("dns.serial.behind", "a primary has a newer zone", serial, verdict.TypeCount.Named("newest"), verdict.TypeAddress.Named("primary")),
		verdict.Define("dns.serial.advice", "why a zone may be behind"),
		verdict.Define("dns.serial.untold", "no primary has told its serial to who asked without a key", verdict.TypeAddresses.Named("primaries")),
	}
}
