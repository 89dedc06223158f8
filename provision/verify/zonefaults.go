package verify

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// zoneFault is the worst that is wrong with the answer about a zone.
func zoneFault(s *site.Site, z site.Zone, a Answer) fault {
	if a.Msg == nil {
		f := unheardAs(a.Err, verdict.New("dns.zone.silent", verdict.Zone("zone", name(z))), verdict.New("dns.not-asked"))
		f.zone = name(z)
		return f
	}
	if id := nsid(a.Msg); id != "" && id != s.DNS.Identity {
		return fault{kind: otherCopy, got: verdict.New("dns.other-copy", verdict.Seen("nsid", id)), advice: verdict.New("dns.other-copy.advice")}
	}
	for _, rule := range zoneRules(s, z, a) {
		if rule.broken {
			f := fault{kind: rule.kind, zone: name(z), got: rule.got, advice: rule.advice}
			if rule.kind == disguised {
				f.zone = "" // every answer says it
			}
			return f
		}
	}
	return fault{}
}

type zoneRule struct {
	broken      bool
	kind        faultKind
	got, advice verdict.Message
}

// zoneRules are what an answer about a zone has to keep, the worst first.
func zoneRules(s *site.Site, z site.Zone, a Answer) []zoneRule {
	m, zone := a.Msg, name(z)
	gone := zoneRule{m.Rcode == dns.RcodeServerFailure, notServed,
		verdict.New("dns.zone.not-loaded", verdict.Zone("zone", zone)), verdict.New("dns.zone.not-loaded.advice")}
	if len(z.Primaries) > 0 {
		gone.kind, gone.advice = notLoaded, verdict.New("dns.zone.not-transferred.advice")
	}
	return []zoneRule{
		gone,
		{m.Rcode == dns.RcodeRefused, notServed, verdict.New("dns.zone.refused", verdict.Zone("zone", zone)), verdict.New("dns.zone.refused.advice")},
		{m.Rcode != dns.RcodeSuccess, notServed, verdict.New("dns.zone.rcode", verdict.Zone("zone", zone), verdict.Word("rcode", rcode(m))), verdict.New("dns.zone.rcode.advice")},
		{!m.Authoritative, notServed, verdict.New("dns.zone.no-authority", verdict.Zone("zone", zone)), verdict.New("dns.zone.no-authority.advice")},
		{m.Truncated, notServed, verdict.New("dns.zone.truncated", verdict.Zone("zone", zone)), verdict.New("dns.zone.truncated.advice")},
		{!has[*dns.SOA](m), notServed, verdict.New("dns.zone.no-soa", verdict.Zone("zone", zone)), verdict.New("dns.zone.no-soa.advice")},
		{signed(z) && len(signatures(m)) == 0, unverified, verdict.New("dns.zone.unsigned", verdict.Zone("zone", zone)), verdict.New("dns.zone.unsigned.advice")},
		{m.RecursionAvailable, disguised, verdict.New("dns.recursion"), verdict.New("dns.recursion.advice")},
		{nsid(m) == "", disguised, verdict.New("dns.no-nsid"), verdict.New("dns.no-nsid.advice", verdict.Word("identity", s.DNS.Identity))},
		signatureRule(zone, a), // the last, so that it hides nothing that a change is reverted for
	}
}

// signatureRule wants one signature over the SOA that is valid when the answer
// came (RFC 4035 section 5.3.1): it is the youngest that the zone has.
func signatureRule(zone string, a Answer) zoneRule {
	at := zoneRule{kind: expired, advice: verdict.New("dns.zone.expired.advice")}
	for _, sig := range signatures(a.Msg) {
		from, until := moment(sig.Inception, a.At), moment(sig.Expiration, a.At)
		switch {
		case a.At.IsZero(): // then nobody can tell
			at.got = verdict.New("dns.zone.no-time", verdict.Zone("zone", zone))
		case !a.At.Before(from) && !a.At.After(until):
			return zoneRule{}
		case a.At.Before(from):
			at.got = verdict.New("dns.zone.not-yet-valid", verdict.Zone("zone", zone), verdict.Time("from", from), verdict.Time("at", a.At))
		default:
			at.got = verdict.New("dns.zone.expired", verdict.Zone("zone", zone), verdict.Time("until", until), verdict.Time("at", a.At))
		}
		at.broken = true
	}
	return at
}

// signatures are those over the SOA.
func signatures(m *dns.Msg) []*dns.RRSIG {
	var out []*dns.RRSIG
	for _, rr := range m.Answer {
		if sig, is := rr.(*dns.RRSIG); is && sig.TypeCovered == dns.TypeSOA {
			out = append(out, sig)
		}
	}
	return out
}

// moment is the time of a signature that is nearest to another: its 32 bits
// come round every 136 years (RFC 4034 section 3.1.5).
func moment(seconds uint32, near time.Time) time.Time {
	return near.Add(time.Duration(int32(seconds-uint32(near.Unix()))) * time.Second)
}

// signed reports whether a zone has to come with signatures. The root has been
// signed since 2010.
func signed(z site.Zone) bool { return z.Name == "." || z.Verified() }

func has[T dns.RR](m *dns.Msg) bool {
	return slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { _, is := rr.(T); return is })
}

func name(z site.Zone) string { return dns.Fqdn(z.Name) }

func rcode(m *dns.Msg) string {
	return cmp.Or(dns.RcodeToString[m.Rcode], strconv.Itoa(m.Rcode))
}
