package verify

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/site"
)

// ZoneAt is a zone at one service address.
type ZoneAt struct {
	Zone    string // with the dot at the end
	Address netip.Addr
}

// Served are the zones that the answers over TCP show to be served, as this
// copy.
func Served(s *site.Site, answers map[Question]Answer) map[ZoneAt]bool {
	out := map[ZoneAt]bool{}
	for _, a := range s.ServiceAddresses() {
		for _, z := range s.DNS.Zones {
			answer := answers[Question{Address: a, Ask: AskSOA, Zone: z.Name, Network: "tcp"}]
			if answer.Msg != nil && zoneFault(s, z, answer).kind == 0 {
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
func Gate(s *site.Site, before map[ZoneAt]bool, answers map[Question]Answer) (problems, missing []string) {
	for _, a := range s.ServiceAddresses() {
		said := false
		for _, f := range dnsFaults(s, a, "tcp", answers) {
			switch {
			case f.kind == notLoaded && !before[ZoneAt{f.zone, a}]:
				if !slices.Contains(missing, f.zone) {
					missing = append(missing, f.zone)
				}
			case !said:
				said = true
				problems = append(problems, fmt.Sprintf("%s: %s (%s)", a, f, f.detail))
			}
		}
	}
	for i, zone := range missing {
		missing[i] = fmt.Sprintf("zone %s is not there yet: its primaries are %s", zone, joined(primariesOf(s, zone)))
	}
	return problems, missing
}

func primariesOf(s *site.Site, zone string) []string {
	var out []string
	for _, z := range s.DNS.Zones {
		if name(z) != zone {
			continue
		}
		for _, p := range z.Primaries {
			out = append(out, p.String())
		}
	}
	return out
}
