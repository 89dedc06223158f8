package verify

import (
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/verdict"
)

// response is an answer as the rules see it.
type response struct {
	label string // what was asked, such as "./NS"
	zone  string
	asked dns.Question
	m     *dns.Msg
	at    time.Time
	keys  keyring // of the zone
	roots keyring // those of them that the site trusts
}

// rule is one that an answer has to keep. It returns how it is broken.
type rule func(response) []verdict.Message

// answerRules are what RSSAC047v2 wants of each kind of answer of the root, and
// what is general enough of it for other zones. The question's own section
// comes before what else is in the answer.
func answerRules(zone string, ask Ask) []rule {
	root := zone == "."
	switch ask {
	case AskApex:
		rules := []rule{succeeds, hasAuthority, answersWith(dns.TypeSOA)}
		if root {
			rules = append(rules, authorityOrNone(dns.TypeNS))
		}
		return rules
	case AskNS:
		rules := []rule{succeeds, hasAuthority, answersWith(dns.TypeNS)}
		if root {
			rules = append(rules, noAuthorityRecords, onlyGlue)
		}
		return rules
	case AskKeys:
		rules := []rule{succeeds, hasAuthority, answersWith(dns.TypeDNSKEY)}
		if root {
			rules = append(rules, noAuthorityRecords, noAdditionalRecords)
		}
		return rules
	case AskDS, AskArpaDS:
		return []rule{succeeds, hasAuthority, answersWith(dns.TypeDS), noAuthorityRecords, noAdditionalRecords}
	case AskReferral:
		return []rule{succeeds, hasNoAuthority, noAnswerRecords, delegates, hasGlue}
	case AskNothing:
		if root {
			return []rule{denies, hasAuthority, noAnswerRecords, proves, noAdditionalRecords}
		}
		return []rule{deniesOrExpands, hasAuthority, proves}
	case AskPlain, AskSmall:
		return []rule{succeeds, hasAuthority, hasRecords(dns.TypeDNSKEY)}
	}
	return nil
}

// plainRules are those for a zone without signatures.
func plainRules(ask Ask) []rule {
	if ask == AskNothing {
		return []rule{denies, hasAuthority, noAnswerRecords, hasSOA}
	}
	return []rule{succeeds, hasAuthority, hasRecords(dns.TypeNS)}
}

// broken is a rule that is broken by one thing.
func broken(by verdict.Message) []verdict.Message { return []verdict.Message{by} }

func succeeds(r response) []verdict.Message { return r.withCode(dns.RcodeSuccess) }

func denies(r response) []verdict.Message { return r.withCode(dns.RcodeNameError) }

// deniesOrExpands lets a zone have a wildcard.
func deniesOrExpands(r response) []verdict.Message {
	if r.m.Rcode == dns.RcodeSuccess {
		return nil
	}
	return denies(r)
}

func (r response) withCode(want int) []verdict.Message {
	if r.m.Rcode == want {
		return nil
	}
	return broken(verdict.New("dns.rule.rcode", verdict.Word("question", r.label), verdict.Word("want", dns.RcodeToString[want]), verdict.Word("rcode", rcode(r.m))))
}

func hasAuthority(r response) []verdict.Message {
	if r.m.Authoritative {
		return nil
	}
	return broken(verdict.New("dns.rule.authority", verdict.Word("question", r.label)))
}

func hasNoAuthority(r response) []verdict.Message {
	if !r.m.Authoritative {
		return nil
	}
	return broken(verdict.New("dns.rule.no-authority", verdict.Word("question", r.label)))
}

// answersWith wants the records that were asked for with their signatures, and
// nothing else.
func answersWith(kind uint16) rule {
	return func(r response) []verdict.Message {
		set := setOf(r.m.Answer, r.asked.Name, kind)
		if len(set) == 0 {
			return broken(verdict.New("dns.rule.answer.missing", verdict.Word("question", r.label), verdict.Word("type", typeName(kind))))
		}
		if other := r.foreign(r.m.Answer, r.asked.Name, kind); other != nil {
			return broken(verdict.New("dns.rule.answer.more", verdict.Word("question", r.label), verdict.Seen("record", called(other))))
		}
		return r.sealed(set, r.m.Answer)
	}
}

func noAnswerRecords(r response) []verdict.Message {
	if all := r.m.Answer; len(all) > 0 {
		return broken(verdict.New("dns.rule.answer.more", verdict.Word("question", r.label), verdict.Seen("record", called(all[0]))))
	}
	return nil
}

func noAuthorityRecords(r response) []verdict.Message {
	if all := r.m.Ns; len(all) > 0 {
		return broken(verdict.New("dns.rule.authority.more", verdict.Word("question", r.label), verdict.Seen("record", called(all[0]))))
	}
	return nil
}

func noAdditionalRecords(r response) []verdict.Message {
	if all := additional(r.m); len(all) > 0 {
		return broken(verdict.New("dns.rule.additional.more", verdict.Word("question", r.label), verdict.Seen("record", called(all[0]))))
	}
	return nil
}

// authorityOrNone wants these records of the zone, signed, or none at all.
func authorityOrNone(kind uint16) rule {
	return func(r response) []verdict.Message {
		if len(r.m.Ns) == 0 {
			return nil
		}
		if other := r.foreign(r.m.Ns, r.zone, kind); other != nil {
			return broken(verdict.New("dns.rule.authority.more", verdict.Word("question", r.label), verdict.Seen("record", called(other))))
		}
		return r.sealed(setOf(r.m.Ns, r.zone, kind), r.m.Ns)
	}
}

// foreign is the first record of a section that is none of these, nor a
// signature over them.
func (r response) foreign(section []dns.RR, owner string, kind uint16) dns.RR {
	i := slices.IndexFunc(section, func(rr dns.RR) bool {
		sig, is := rr.(*dns.RRSIG)
		mine := rr.Header().Rrtype == kind || is && sig.TypeCovered == kind
		return !mine || !equalNames(rr.Header().Name, owner)
	})
	if i < 0 {
		return nil
	}
	return section[i]
}

// sealed wants a set to have a signature that is right and valid. Keys have one
// of a key that the site trusts. Where the address has told no keys, that is
// said once, of them.
func (r response) sealed(set, section []dns.RR) []verdict.Message {
	keys := r.keys
	if r.asked.Qtype == dns.TypeDNSKEY {
		keys = r.roots
	} else if len(keys.keys) == 0 {
		return nil
	}
	question, kind := verdict.Word("question", r.label), verdict.Word("type", typeName(set[0].Header().Rrtype))
	found, until := keys.proves(set, section, r.at)
	switch {
	case found == unsealed:
		return broken(verdict.New("dns.rule.unsigned", question, kind))
	case found == bogus && r.asked.Qtype == dns.TypeDNSKEY:
		return broken(verdict.New("dns.rule.anchor", question, kind))
	case found == bogus:
		return broken(verdict.New("dns.rule.bogus", question, kind))
	case found == outdated:
		return broken(verdict.New("dns.rule.expired", question, kind, verdict.Time("until", until), verdict.Time("at", r.at)))
	}
	return nil
}

// delegates wants the name servers of a domain, and its DS or a proof that
// there is none.
func delegates(r response) []verdict.Message {
	owner := r.asked.Name
	for _, rr := range r.m.Ns {
		kind := rr.Header().Rrtype
		if sig, is := rr.(*dns.RRSIG); is {
			kind = sig.TypeCovered
		}
		if kind != dns.TypeNS && kind != dns.TypeDS && kind != dns.TypeNSEC || !equalNames(rr.Header().Name, owner) {
			return broken(verdict.New("dns.rule.authority.more", verdict.Word("question", r.label), verdict.Seen("record", called(rr))))
		}
	}
	if len(setOf(r.m.Ns, owner, dns.TypeNS)) == 0 {
		return broken(verdict.New("dns.rule.authority.missing", verdict.Word("question", r.label), verdict.Word("type", typeName(dns.TypeNS))))
	}
	if set := setOf(r.m.Ns, owner, dns.TypeDS); len(set) > 0 {
		return r.sealed(set, r.m.Ns)
	}
	set := setOf(r.m.Ns, owner, dns.TypeNSEC)
	for _, rr := range set {
		if n, is := rr.(*dns.NSEC); is && bears(n, dns.TypeNS) && !bears(n, dns.TypeDS) && !bears(n, dns.TypeSOA) {
			return r.sealed(set, r.m.Ns)
		}
	}
	return broken(verdict.New("dns.rule.nsec.ds", verdict.Word("question", r.label)))
}

// hasGlue wants an address of a name server of the domain (RFC 9471).
func hasGlue(r response) []verdict.Message {
	hosts := hostsOf(setOf(r.m.Ns, r.asked.Name, dns.TypeNS))
	if len(hosts) == 0 || slices.ContainsFunc(additional(r.m), func(rr dns.RR) bool { return isGlue(rr, hosts) }) {
		return nil
	}
	return broken(verdict.New("dns.rule.glue", verdict.Word("question", r.label)))
}

// onlyGlue wants nothing but addresses of the name servers in the answer.
func onlyGlue(r response) []verdict.Message {
	hosts := hostsOf(setOf(r.m.Answer, r.asked.Name, dns.TypeNS))
	if len(hosts) == 0 {
		return nil // that is said of the answer
	}
	for _, rr := range additional(r.m) {
		sig, is := rr.(*dns.RRSIG)
		if !isGlue(rr, hosts) && !(is && (sig.TypeCovered == dns.TypeA || sig.TypeCovered == dns.TypeAAAA)) {
			return broken(verdict.New("dns.rule.additional.more", verdict.Word("question", r.label), verdict.Seen("record", called(rr))))
		}
	}
	return nil
}

func isGlue(rr dns.RR, hosts map[string]bool) bool {
	h := rr.Header()
	return (h.Rrtype == dns.TypeA || h.Rrtype == dns.TypeAAAA) && hosts[dns.CanonicalName(h.Name)]
}

// hostsOf are the names of name servers.
func hostsOf(set []dns.RR) map[string]bool {
	out := map[string]bool{}
	for _, rr := range set {
		if ns, is := rr.(*dns.NS); is {
			out[dns.CanonicalName(ns.Ns)] = true
		}
	}
	return out
}

// additional is the section without EDNS.
func additional(m *dns.Msg) []dns.RR {
	return slices.DeleteFunc(slices.Clone(m.Extra), func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeOPT })
}

// proves wants the proof that a name is not there, nor a wildcard in its place:
// the SOA and NSEC records, signed. Of hashed names (RFC 5155) only the
// signatures are judged: to hash is left to resolvers.
func proves(r response) []verdict.Message {
	if r.m.Rcode == dns.RcodeSuccess {
		return nil // expanded
	}
	soa := setOf(r.m.Ns, r.zone, dns.TypeSOA)
	if len(soa) == 0 {
		return broken(verdict.New("dns.rule.authority.missing", verdict.Word("question", r.label), verdict.Word("type", typeName(dns.TypeSOA))))
	}
	out := r.sealed(soa, r.m.Ns)
	var nsecs []*dns.NSEC
	hashed, denials := false, 0
	for _, rr := range r.m.Ns {
		switch n := rr.(type) {
		case *dns.RRSIG, *dns.SOA:
			continue
		case *dns.NSEC:
			nsecs = append(nsecs, n)
		case *dns.NSEC3:
			hashed = true
		default:
			return append(out, broken(verdict.New("dns.rule.authority.more", verdict.Word("question", r.label), verdict.Seen("record", called(rr))))...)
		}
		if denials++; denials > maxDenials {
			return append(out, broken(verdict.New("dns.rule.authority.more", verdict.Word("question", r.label), verdict.Seen("record", called(rr))))...)
		}
		out = append(out, r.sealed(setOf(r.m.Ns, rr.Header().Name, rr.Header().Rrtype), r.m.Ns)...)
	}
	if !hashed && !coveredBy(nsecs, r.asked.Name, r.zone) {
		out = append(out, broken(verdict.New("dns.rule.nsec.name", verdict.Word("question", r.label)))...)
	}
	if !hashed && !coveredBy(nsecs, wildcard(r.zone), r.zone) {
		out = append(out, broken(verdict.New("dns.rule.nsec.wildcard", verdict.Word("question", r.label)))...)
	}
	return out
}

// maxDenials is how many records it may take: two of NSEC, or three of NSEC3 (RFC
// 5155 section 7.2.2).
const maxDenials = 3

func coveredBy(nsecs []*dns.NSEC, qname, zone string) bool {
	return slices.ContainsFunc(nsecs, func(n *dns.NSEC) bool { return covers(n, qname, zone) })
}

// wildcard is the one that would answer for any name of a zone.
func wildcard(zone string) string {
	if zone == "." {
		return "*."
	}
	return "*." + zone
}

// hasRecords wants the records that were asked for, whatever else there is.
func hasRecords(kind uint16) rule {
	return func(r response) []verdict.Message {
		if len(setOf(r.m.Answer, r.asked.Name, kind)) > 0 {
			return nil
		}
		return broken(verdict.New("dns.rule.answer.missing", verdict.Word("question", r.label), verdict.Word("type", typeName(kind))))
	}
}

// hasSOA is what says for how long a name is not there (RFC 2308 section 3).
func hasSOA(r response) []verdict.Message {
	if len(setOf(r.m.Ns, r.zone, dns.TypeSOA)) > 0 {
		return nil
	}
	return broken(verdict.New("dns.rule.authority.missing", verdict.Word("question", r.label), verdict.Word("type", typeName(dns.TypeSOA))))
}

func typeName(kind uint16) string { return dns.Type(kind).String() }

// called is a record by its name and type.
func called(rr dns.RR) string { return rr.Header().Name + " " + typeName(rr.Header().Rrtype) }
