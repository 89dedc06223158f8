//go:build linux

package rehearse

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func firstOf(t *testing.T) edition {
	t.Helper()
	e, err := firstEdition(time.Date(2026, 11, 24, 23, 59, 0, 0, time.FixedZone("", -3600)))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEdition(t *testing.T) {
	e := firstOf(t)
	if e.Serial != 2026112500 { // in UTC the day is another
		t.Errorf("serial = %d", e.Serial)
	}
	made := time.Unix(e.Inception, 0).Add(backdate)
	first := e
	e.renew(made.Add(6 * 24 * time.Hour))
	if e.Serial != first.Serial+1 || e.Inception != first.Inception || e.Expiration != first.Expiration {
		t.Errorf("the next edition is %+v", e)
	}
	e.renew(made.Add(7 * 24 * time.Hour))
	if e.Inception <= first.Inception || e.Expiration <= first.Expiration {
		t.Error("signatures in the second half of their life are kept")
	}
}

// TestZoneText reads zones as a name server does.
func TestZoneText(t *testing.T) {
	e := firstOf(t)
	for _, zone := range []string{".", "root-servers.net", "arpa", strings.Repeat("l.", 126) + "l"} {
		text := zoneText(zone, seed{1}, e)
		if text != zoneText(zone, seed{1}, e) {
			t.Errorf("%s: one seed makes two zones", zone)
		}
		parser := dns.NewZoneParser(strings.NewReader(text), dns.Fqdn(zone), "")
		seen := map[string]bool{}
		for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
			if seen[rr.String()] {
				t.Errorf("%s: twice: %s", zone, rr)
			}
			seen[rr.String()] = true
			if !dns.IsSubDomain(dns.Fqdn(zone), rr.Header().Name) {
				t.Errorf("%s: outside of it: %s", zone, rr)
			}
		}
		if err := parser.Err(); err != nil {
			t.Errorf("%s: %v", zone, err)
		}
	}
	if zoneText(".", seed{1}, e) == zoneText(".", seed{2}, e) {
		t.Error("two seeds make one root zone")
	}
}

// TestSmallChange: the next edition differs by its SOA and one record.
func TestSmallChange(t *testing.T) {
	lines := func(zone string, e edition) map[string]bool {
		all := map[string]bool{}
		for l := range strings.Lines(zoneText(zone, seed{1}, e)) {
			all[l] = true
		}
		return all
	}
	for zone, want := range map[string]int{".": 2, "arpa": 2, "root-servers.net": 1} {
		e := firstOf(t)
		before := lines(zone, e)
		e.renew(time.Unix(e.Inception, 0))
		after := lines(zone, e)
		maps.DeleteFunc(after, func(l string, _ bool) bool { return before[l] })
		if len(after) != want {
			t.Errorf("%s: %d lines are new, want %d: %v", zone, len(after), want, slices.Collect(maps.Keys(after)))
		}
	}
}

const signedZone = ".\t86400\tIN\tSOA\ta. b. 1 2 3 4 5\n" +
	".\t86400\tIN\tRRSIG\tSOA 8 0 86400 2 1 3 . abc0\n" +
	".\t86400\tIN\tZONEMD\t1 1 1 00ff\n" +
	"a.\t86400\tIN\tDS\t1 8 2 00a1\n" +
	"ns.a.\t1\tIN\tA\t198.18.0.1\n" +
	"z.\t1\tIN\tA\t198.18.0.2\n" +
	"z.\t1\tIN\tRRSIG\tA 8 0 86400 2 1 3 . abc0\n"

func TestDamage(t *testing.T) {
	for flaw, want := range map[Flaw]string{
		FlawRecord: "a.\t86400\tIN\tDS\t1 8 2 00a2\n",
		FlawGlue:   "ns.a.\t1\tIN\tA\t198.18.0.2\n", // z. is signed
		FlawZONEMD: ".\t86400\tIN\tZONEMD\t1 1 1 00f1\n",
	} {
		got, err := damage(signedZone, flaw)
		if err != nil {
			t.Errorf("%s: %v", flaw, err)
		}
		var changed []string
		was := slices.Collect(strings.Lines(signedZone))
		for i, l := range slices.Collect(strings.Lines(got)) {
			if l != was[i] {
				changed = append(changed, l)
			}
		}
		if !slices.Equal(changed, []string{want}) {
			t.Errorf("%s changed %q, want %q", flaw, changed, want)
		}
	}
	if got, err := damage(signedZone, FlawTruncated); err != nil || !strings.HasPrefix(signedZone, got) || strings.Count(got, "\n") != 4 {
		t.Errorf("truncated = %q, %v", got, err)
	}
	bare := ".\t86400\tIN\tSOA\ta. b. 1 2 3 4 5\n"
	for _, flaw := range []Flaw{FlawRecord, FlawGlue, FlawZONEMD, "", "..."} {
		if got, err := damage(bare, flaw); err == nil {
			t.Errorf("%q damaged a zone that has nothing for it: %q", flaw, got)
		}
	}
}

// FuzzFindZone: whatever is typed names one of the zones there are or none,
// and is shown clean and short.
func FuzzFindZone(f *testing.F) {
	p := Primary{testbed: &Testbed{Record: Record{ID: "00000000", Zones: []zoneRecord{{Name: "."}, {Name: "arpa"}, {Name: "root-servers.net"}}}}}
	for _, s := range []string{".", "arpa", "ARPA.", "root-servers.net.", "", "..", "arpa..", "/", "../../etc", "$INCLUDE x", "-h", strings.Repeat("a", 255), "\x1b]0;x\a", "arpa\n", "\xff", "K.arpa"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		i, err := p.find(typed)
		if err == nil {
			if name := p.zones()[i].Name; dns.CanonicalName(typed) != dns.Fqdn(name) {
				t.Errorf("%q found %q", typed, name)
			}
			return
		}
		if text := err.Error(); len(text) > 600 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x9b }) {
			t.Errorf("%q: error %q", typed, text)
		}
	})
}
