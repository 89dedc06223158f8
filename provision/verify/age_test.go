package verify_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/verify"
)

// Signatures that end soon are told before they do, once for the zone.
func TestMargins(t *testing.T) {
	const day = 24 * time.Hour
	z := newZone(t, ".").sign()
	s := z.site(t)
	for _, tt := range []struct {
		name   string
		ask    verify.Ask
		by     func(*zoneServer) key
		left   time.Duration
		status verify.Status
		words  string
	}{
		{"three days of the SOA", verify.AskApex, zsk, 3 * day, verify.Pass, "until 2026-11-26T12:00:00Z"},
		{"less", verify.AskApex, zsk, 3*day - time.Second, verify.Warn, "SOA: until 2026-11-26T11:59:59Z"},
		{"less of the keys", verify.AskKeys, ksk, 2 * day, verify.Warn, "DNSKEY: until 2026-11-25T12:00:00Z"},
	} {
		e := z.evidence(s)
		q := verify.Question{Address: addr("192.175.48.6"), Ask: tt.ask, Zone: ".", Network: "tcp"}
		a := e.Server.Content[q]
		resealed("answer", a.Msg.Question[0].Qtype, tt.by, signFrom, tt.left)(z, &a)
		e.Server.Content[q] = a
		for _, r := range contentResults(s, e) {
			want := verify.Pass
			if r.ID == "dns.signatures.." {
				if want = tt.status; !strings.Contains(inWords(r), tt.words) {
					t.Errorf("%s: %s", tt.name, inWords(r))
				}
			}
			if r.Status != want {
				t.Errorf("%s: %s is %s: %s", tt.name, r.ID, r.Status, inWords(r))
			}
			fits(t, r)
		}
	}
}

// The served serial is held against the newest that a primary tells.
func TestSerials(t *testing.T) {
	z := newZone(t, ".").sign()
	s := z.site(t)
	primary := func(e *verify.Evidence, i int) *verify.Answer {
		a := e.Server.Told[verify.PrimaryQuestions(s)[i]]
		return &a
	}
	serial := func(i int, n uint32) func(*verify.Evidence) {
		return func(e *verify.Evidence) { primary(e, i).Msg.Answer[0].(*dns.SOA).Serial = n }
	}
	silent := func(e *verify.Evidence) {
		for q := range e.Server.Told {
			e.Server.Told[q] = verify.Answer{Err: errors.New("no answer in 4 s")}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*verify.Evidence)
		status verify.Status
		words  string
	}{
		{"the same", func(*verify.Evidence) {}, verify.Pass, "serial 2026112300; primaries that told theirs: 2"},
		{"one is behind", serial(0, 2026112200), verify.Pass, "serial 2026112300"},
		{"one is ahead", serial(1, 2026112301), verify.Warn, "serial 2026112300, and 2001:db8:53::53 has 2026112301"},
		{"ahead over the turn", serial(1, 5), verify.Pass, "serial 2026112300"}, // 5 is 2,026,112,295 before it
		{"behind over the turn", serial(1, 1<<32-1), verify.Pass, "serial 2026112300"},
		{"none tells", silent, verify.Skipped, "192.0.2.53, 2001:db8:53::53"},
		{"nobody asked", func(e *verify.Evidence) { e.Server.Told = nil }, verify.Skipped, "192.0.2.53"},
		{"one that has no authority", func(e *verify.Evidence) {
			serial(1, 2026112301)(e)
			primary(e, 1).Msg.Authoritative = false
		}, verify.Pass, "primaries that told theirs: 1"},
	} {
		e := z.evidence(s)
		tt.change(&e)
		for _, r := range contentResults(s, e) {
			if r.ID == "dns.serial.." && (r.Status != tt.status || !strings.Contains(inWords(r), tt.words)) {
				t.Errorf("%s: %s, %s", tt.name, r.Status, inWords(r))
			}
			fits(t, r)
		}
	}
}
