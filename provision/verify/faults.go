package verify

import (
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// fault is one thing that is wrong with what an address said.
type fault struct {
	kind   faultKind
	zone   string // "" where it is about no zone
	got    verdict.Message
	advice verdict.Message // zero for none
	err    error           // why nothing came back
}

// faultKind says what a fault means for those who ask; the worst first.
type faultKind uint8

const (
	silent     faultKind = iota + 1 // nothing came back
	otherCopy                       // another copy answered
	notServed                       // an answer that helps nobody
	notLoaded                       // a transferred zone that is not there, or not any more
	unverified                      // an answer that a validating resolver throws away
	expired                         // the same, of a zone that is served as it was once: an alarm, and no reason to withdraw or to revert
	disguised                       // an answer of somebody who does not say that it is this copy, or offers more
	notAsked                        // nobody knows
)

// finding is the verdict on an address, or on its zone, with this fault.
func (f fault) finding() finding {
	status := Fail
	switch f.kind {
	case notAsked:
		return unknown(f.got)
	case otherCopy:
		status = OtherInstance
	}
	return finding{status: status, got: []verdict.Message{f.got}, evidence: f.evidence(), advice: f.advices()}
}

func (f fault) evidence() []verdict.Message {
	if f.err == nil || f.kind == notAsked {
		return nil
	}
	return []verdict.Message{why(f.err)}
}

func (f fault) advices() []verdict.Message {
	if f.advice.IsZero() {
		return nil
	}
	return []verdict.Message{f.advice}
}

func (f fault) same(other fault) bool {
	return f.kind == other.kind && f.got.Equal(other.got) && f.advice.Equal(other.advice)
}

// alike counts the faults that say the same as the first, of other zones.
func alike(faults []fault) int {
	n := 0
	for _, f := range faults {
		if f.kind == faults[0].kind && f.got.Without("zone").Equal(faults[0].got.Without("zone")) {
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
		if f.kind != 0 && !slices.ContainsFunc(out, f.same) {
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
		add(fault{kind: notAsked, got: verdict.New("dns.no-zone")})
	}
	slices.SortStableFunc(out, func(a, b fault) int { return int(a.kind) - int(b.kind) })
	if !heard && len(out) > 0 && out[0].err != nil {
		return []fault{unheard(out[0].err)} // it is about no zone
	}
	return out
}

// unheard is the fault of an address that has answered nothing.
func unheard(err error) fault {
	if err == errNotLooked {
		return fault{kind: notAsked, got: verdict.New("dns.not-asked"), err: err}
	}
	return fault{kind: silent, got: verdict.New("dns.silent"), advice: verdict.New("dns.silent.advice"), err: err}
}

// unheardAs is unheard of one question; got is what is said where nothing came
// back, untold where nobody asked.
func unheardAs(err error, got, untold verdict.Message) fault {
	f := unheard(err)
	if f.got = got; f.kind == notAsked {
		f.got = untold
	}
	return f
}

func nameFault(s *site.Site, ask Ask, a Answer) fault {
	advice := verdict.New("dns.name.advice", verdict.Word("identity", s.DNS.Identity))
	switch {
	case a.Msg == nil:
		return unheardAs(a.Err, verdict.New("dns.name.silent", verdict.Word("ask", ask)), verdict.New("dns.name.not-asked", verdict.Word("ask", ask)))
	case txt(a.Msg) == "":
		return fault{kind: disguised, got: verdict.New("dns.name.empty", verdict.Word("ask", ask), verdict.Word("rcode", rcode(a.Msg))), advice: advice}
	case txt(a.Msg) != s.DNS.Identity:
		return fault{kind: disguised, got: verdict.New("dns.name.other", verdict.Word("ask", ask), verdict.Seen("name", txt(a.Msg))), advice: advice}
	}
	return fault{}
}

func recursionFault(a Answer) fault {
	switch {
	case a.Msg == nil:
		return unheardAs(a.Err, verdict.New("dns.elsewhere.silent"), verdict.New("dns.elsewhere.not-asked"))
	case a.Msg.RecursionAvailable || len(a.Msg.Answer) > 0:
		return fault{kind: disguised, got: verdict.New("dns.recursion"), advice: verdict.New("dns.recursion.others.advice")}
	}
	return fault{}
}
