package verify

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
)

// fault is one thing that is wrong with what an address said.
type fault struct {
	kind        faultKind
	zone        string // "" where it is about no zone
	got, detail string
}

// faultKind says what a fault means for those who ask; the worst first.
type faultKind uint8

const (
	silent     faultKind = iota + 1 // nothing came back
	otherCopy                       // another copy answered
	notServed                       // an answer that helps nobody
	notLoaded                       // a transferred zone that is not there, or not any more
	unverified                      // an answer that a validating resolver throws away
	disguised                       // an answer of somebody who does not say that it is this copy, or offers more
	notAsked                        // nobody knows
)

func (f fault) String() string {
	if f.zone == "" {
		return f.got
	}
	return "zone " + f.zone + ": " + f.got
}

// alike counts the faults that say the same as the first, of other zones.
func alike(faults []fault) int {
	n := 0
	for _, f := range faults {
		if f.kind == faults[0].kind && f.got == faults[0].got {
			n++
		}
	}
	return n
}

// dnsFaults is all that is wrong with what one address said over one
// transport, the worst first. An address that nobody asked anything is one
// that nobody knows of.
func dnsFaults(s *site.Site, a netip.Addr, network string, answers map[Question]Answer) []fault {
	var out []fault
	heard := false
	add := func(f fault) {
		if f.kind != 0 && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	at := func(ask Ask, zone string) Answer {
		v, ok := answers[Question{Address: a, Ask: ask, Zone: zone, Network: network}]
		if !ok || v.Msg == nil && v.Err == nil {
			v.Err = errNotLooked
		}
		heard = heard || v.Msg != nil
		return v
	}
	for _, z := range s.DNS.Zones {
		add(zoneFault(s, z, at(AskSOA, z.Name)))
	}
	for _, ask := range []Ask{AskHostname, AskServer} {
		add(nameFault(s, ask, at(ask, "")))
	}
	add(recursionFault(at(AskElsewhere, "")))
	if len(s.DNS.Zones) == 0 {
		add(fault{kind: notAsked, got: "there is no zone to ask for"})
	}
	slices.SortStableFunc(out, func(a, b fault) int { return int(a.kind) - int(b.kind) })
	if !heard && len(out) > 0 {
		out = out[:1]
		out[0].zone = "" // it is about no zone
	}
	return out
}

// unheard is the fault of a question that has no answer.
func unheard(a Answer, what string) fault {
	if a.Err == errNotLooked {
		return fault{kind: notAsked, got: what + "nobody asked"}
	}
	return fault{kind: silent, got: what + "no answer", detail: a.Err.Error() + ": is the name server up, and does it listen there?"}
}

func zoneFault(s *site.Site, z site.Zone, a Answer) fault {
	if a.Msg == nil {
		f := unheard(a, "")
		f.zone = name(z)
		return f
	}
	if id := nsid(a.Msg); id != "" && id != s.DNS.Identity {
		return fault{otherCopy, "", "NSID " + id, "another copy answered; it says nothing of this one"}
	}
	for _, rule := range zoneRules(s, z, a.Msg) {
		switch {
		case rule.broken && rule.kind == disguised:
			return fault{rule.kind, "", rule.got, rule.detail}
		case rule.broken:
			return fault{rule.kind, name(z), rule.got, rule.detail}
		}
	}
	return fault{}
}

type zoneRule struct {
	broken      bool
	kind        faultKind
	got, detail string
}

func zoneRules(s *site.Site, z site.Zone, m *dns.Msg) []zoneRule {
	gone := zoneRule{m.Rcode == dns.RcodeServerFailure, notServed, "SERVFAIL", "the zone is not loaded; see the log of the name server"}
	if len(z.Primaries) > 0 {
		gone.kind, gone.detail = notLoaded, "the zone has not been transferred yet, has been refused, or has expired; see the log of the name server and ask its primaries"
	}
	return []zoneRule{
		gone,
		{m.Rcode == dns.RcodeRefused, notServed, "REFUSED", "the name server does not know this zone; raiz apply configures it"},
		{m.Rcode != dns.RcodeSuccess, notServed, dns.RcodeToString[m.Rcode], "see the log of the name server"},
		{!m.Authoritative, notServed, "not authoritative", "the zone is not served from here"},
		{m.Truncated, notServed, "truncated", "a limit of the name server acts on the server's own questions"},
		{!has[*dns.SOA](m), notServed, "no SOA", "the answer is empty"},
		{signed(z) && !has[*dns.RRSIG](m), unverified, "no signature", "the zone is served without its signatures: a validating resolver throws it away (RFC 4035 section 3.1)"},
		{m.RecursionAvailable, disguised, "recursion is offered", "an authoritative server must not offer it"},
		{nsid(m) == "", disguised, "no NSID", "want the NSID " + s.DNS.Identity + " (RFC 5001)"},
	}
}

// signed reports whether a zone has to come with signatures. The root has been
// signed since 2010.
func signed(z site.Zone) bool { return z.Name == "." || z.Verified() }

func has[T dns.RR](m *dns.Msg) bool {
	return slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { _, is := rr.(T); return is })
}

func name(z site.Zone) string { return dns.Fqdn(z.Name) }

func nameFault(s *site.Site, ask Ask, a Answer) fault {
	switch {
	case a.Msg == nil:
		return unheard(a, string(ask)+": ")
	case txt(a.Msg) == "":
		return fault{kind: disguised, got: fmt.Sprintf("%s is empty (%s)", ask, dns.RcodeToString[a.Msg.Rcode]), detail: "want the identity " + s.DNS.Identity + " (RFC 4892)"}
	case txt(a.Msg) != s.DNS.Identity:
		return fault{kind: disguised, got: string(ask) + " " + txt(a.Msg), detail: "want the identity " + s.DNS.Identity + " (RFC 4892)"}
	}
	return fault{}
}

func recursionFault(a Answer) fault {
	switch {
	case a.Msg == nil:
		return unheard(a, "a name elsewhere: ")
	case a.Msg.RecursionAvailable || len(a.Msg.Answer) > 0:
		return fault{kind: disguised, got: "recursion is offered", detail: "an authoritative server must not resolve for others (RFC 7720 section 3)"}
	}
	return fault{}
}
