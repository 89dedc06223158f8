package verify

import (
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// ZoneAt is a zone at one service address.
type ZoneAt struct {
	Zone    string // with the dot at the end
	Address netip.Addr
}

// Served are the zones that the answers over TCP show to be served, as this
// copy. A zone whose signatures have expired is.
func Served(s *site.Site, answers map[Question]Answer) map[ZoneAt]bool {
	out := map[ZoneAt]bool{}
	for _, a := range s.ServiceAddresses() {
		for _, z := range s.DNS.Zones {
			answer := answers[Question{Address: a, Ask: AskSOA, Zone: z.Name, Network: "tcp"}]
			if answer.Msg == nil {
				continue
			}
			if kind := zoneFault(s, z, answer).kind; kind == 0 || kind == expired {
				out[ZoneAt{name(z), a}] = true
			}
		}
	}
	return out
}

// Gate judges the answers over TCP after a change. problems keep it from being
// confirmed: an address that does not answer as this copy, or a zone that is
// not served as before. missing are the zones that the name server would serve
// and that were not there before either: their first transfer has not come
// through, which says nothing of the change. Their blocks stay withdrawn.
// Expired signatures say nothing of it either: they come from the primaries.
func Gate(s *site.Site, before map[ZoneAt]bool, answers map[Question]Answer) (problems, missing []verdict.Message) {
	if len(s.ServiceAddresses()) == 0 {
		problems = append(problems, verdict.New("dns.gate.nowhere"))
	}
	var absent []string
	for _, a := range s.ServiceAddresses() {
		said := false
		for _, f := range dnsFaults(s, a, "tcp", answers) {
			switch {
			case f.kind == expired:
			case f.kind == notLoaded && !before[ZoneAt{f.zone, a}]:
				if !slices.Contains(absent, f.zone) {
					absent = append(absent, f.zone)
				}
			case !said:
				said = true
				problems = append(problems, problem(a, f))
			}
		}
	}
	for _, zone := range absent {
		missing = append(missing, verdict.New("dns.gate.missing", verdict.Zone("zone", zone), verdict.Addresses("primaries", primariesOf(s, zone))))
	}
	return problems, missing
}

func problem(a netip.Addr, f fault) verdict.Message {
	more := append(f.evidence(), f.advices()...)
	if len(more) == 0 {
		return verdict.New("dns.gate.unknown", verdict.Address("address", a), verdict.Inner("got", f.got))
	}
	return verdict.New("dns.gate.problem", verdict.Address("address", a), verdict.Inner("got", f.got),
		verdict.Messages("more", more))
}

func primariesOf(s *site.Site, zone string) []netip.Addr {
	for _, z := range s.DNS.Zones {
		if name(z) == zone {
			return z.Primaries
		}
	}
	return nil
}

// DNSProblems says what keeps each service address from answering over TCP as
// this copy; nothing means that all of them do.
func DNSProblems(s *site.Site, answers map[Question]Answer) []verdict.Message {
	var out []verdict.Message
	for _, a := range s.ServiceAddresses() {
		if faults := dnsFaults(s, a, "tcp", answers); len(faults) > 0 {
			out = append(out, problem(a, faults[0]))
		}
	}
	return out
}
