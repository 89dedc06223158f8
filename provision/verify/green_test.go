package verify_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verify"
)

// A family that the site has nothing of has no checks: there is nothing that
// could be good.
func TestOneFamily(t *testing.T) {
	s := example(t, `"192.175.48.0/24", "2620:4f:8000::/48"`, `"192.175.48.0/24"`, `, [for n in [1, 6, 42] : "2620:4f:8000::${n}"]`, "",
		`["198.51.100.0", "2001:db8:0:3::2"]`, `["198.51.100.0"]`)
	announced := 0
	for _, r := range verify.Judge(s, healthy()) {
		if strings.HasPrefix(r.ID, "bgp.announced.") {
			announced++
		}
		if r.ID == "bgp.announced.ipv6" || strings.HasPrefix(r.ID, "outside.2620") {
			t.Errorf("there is %s: %s, %s", r.ID, r.Status, inWords(r))
		}
	}
	if announced != 1 {
		t.Errorf("%d checks of what is announced", announced)
	}
}

// TestNothingIsNotGreen makes every check alone, without those it rests on, on
// evidence that has nothing in it: none may pass. The same for evidence of
// somebody who looked, and found nothing at all.
func TestNothingIsNotGreen(t *testing.T) {
	hardware := func(s *site.Site) *site.Site {
		all, b := *s, *s.BMC
		b.Hardware = site.Hardware{CPUs: 1, Cores: 4, MemoryGiB: 8, Disks: 2, RAID: "raid1", PowerSupplies: 2, NICs: 2}
		all.BMC = &b
		return &all
	}
	sites := map[string]*site.Site{
		"the example": hardware(example(t)),
		"one family": example(t, `"192.175.48.0/24", "2620:4f:8000::/48"`, `"192.175.48.0/24"`, `, [for n in [1, 6, 42] : "2620:4f:8000::${n}"]`, "",
			`["198.51.100.0", "2001:db8:0:3::2"]`, `["198.51.100.0"]`),
		"a session without a block": example(t, `"192.175.48.0/24", "2620:4f:8000::/48"`, `"192.175.48.0/24"`, `, [for n in [1, 6, 42] : "2620:4f:8000::${n}"]`, ""),
	}
	looked := verify.Evidence{Units: units(), BMC: verify.BMCEvidence{}, Router: verify.RouterEvidence{Asked: true}, Outside: verify.OutsideEvidence{Asked: true}}
	// The login and what it tells are the object of these two.
	seen := map[string]bool{}
	for name, s := range sites {
		for what, e := range map[string]verify.Evidence{"nobody looked": {}, "nobody looked for units": {Units: units()}, "nothing was found": looked} {
			for _, r := range verify.Hollow(s, e) {
				seen[family(r.ID)] = true
				if r.Status == verify.Pass || r.Status == verify.Warn {
					t.Errorf("%s, %s: %s is %s: %s", name, what, r.ID, r.Status, inWords(r))
				}
			}
		}
	}
	for _, r := range verify.Judge(sites["the example"], healthy()) {
		if !seen[family(r.ID)] {
			t.Errorf("%s was not made", r.ID)
		}
	}
}

// TestSilentMeansSilent: only what harms those who ask is said to be dead, and
// only silence is told to be stopped at once.
func TestSilentMeansSilent(t *testing.T) {
	s := example(t)
	all := func(change func(*dns.Msg)) func(verify.Question, *verify.Answer) {
		return func(_ verify.Question, a *verify.Answer) { change(a.Msg) }
	}
	for _, tt := range []struct {
		name   string
		change func(verify.Question, *verify.Answer)
		status verify.Status
		advice string // in the detail
	}{
		{"healthy", func(verify.Question, *verify.Answer) {}, verify.Pass, ""},
		{"NSID is hidden", all(func(m *dns.Msg) { m.Extra = nil }), verify.Pass, ""},
		{"names are hidden", func(q verify.Question, a *verify.Answer) {
			if q.Ask != verify.AskSOA {
				a.Msg.Answer, a.Msg.Rcode = nil, dns.RcodeRefused
			}
		}, verify.Pass, ""},
		{"recursion is offered", all(func(m *dns.Msg) { m.RecursionAvailable = true }), verify.Pass, ""},
		{"silent", func(_ verify.Question, a *verify.Answer) { *a = verify.Answer{Err: errors.New("no answer in 4 s")} }, verify.Fail, "systemctl stop bird.service"},
		{"a zone fails", all(func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure }), verify.Fail, "systemctl stop raiz-guard.service"},
		{"another copy", func(q verify.Question, a *verify.Answer) { a.Msg = reply(q.Ask, "eze1.as112.example.net") }, verify.Fail, "not on this server"},
		{"not asked", func(_ verify.Question, a *verify.Answer) { *a = verify.Answer{} }, verify.Unknown, "nobody asked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := healthy()
			for q, a := range e.Server.UDP {
				if q.Address == addr("192.175.48.1") {
					tt.change(q, &a)
					e.Server.UDP[q] = a
				}
			}
			for _, r := range verify.Judge(s, e) {
				if r.ID != "bgp.silent.198.51.100.0" {
					continue
				}
				if said := inWords(r); r.Status != tt.status || !strings.Contains(said, tt.advice) || tt.advice != "systemctl stop bird.service" && strings.Contains(said, "stop bird") {
					t.Errorf("%s: %s", r.Status, said)
				}
			}
		})
	}
}

// A root without signatures is no root, and a zone that has not been
// transferred yet is told apart from a name server that does not work.
func TestTransferredRoot(t *testing.T) {
	s := example(t, `    dynamic "zone" {`, "    zone \".\" {\n      primaries = [\"192.0.2.53\"]\n      unauthenticated = \"x\"\n    }\n    dynamic \"zone\" {")
	sig := signature(".", -time.Hour, time.Hour)
	root := func(change func(*dns.Msg)) map[verify.Question]verify.Answer {
		all := answers("tcp")
		for _, a := range serviceAddresses() {
			m := reply(verify.AskSOA, identity)
			m.Answer = append(m.Answer, sig)
			change(m)
			all[verify.Question{Address: a, Ask: verify.AskSOA, Zone: ".", Network: "tcp"}] = verify.Answer{Msg: m, At: answered}
		}
		return all
	}
	gone := root(func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeServerFailure, nil })
	for _, tt := range []struct {
		name             string
		answers          map[verify.Question]verify.Answer
		problems, server int
		missing          []string
	}{
		{"signed", root(func(*dns.Msg) {}), 0, 0, nil},
		{"without its signature", root(func(m *dns.Msg) { m.Answer = m.Answer[:1] }), 6, 6, nil},
		{"not there yet", gone, 6, 0, []string{"."}},
		{"refused", root(func(m *dns.Msg) { m.Rcode, m.Answer = dns.RcodeRefused, nil }), 6, 6, nil},
	} {
		problems := verify.DNSProblems(s, tt.answers)
		rest, missing := verify.Gate(s, nil, tt.answers)
		if len(problems) != tt.problems || len(rest) != tt.server || len(missing) != len(tt.missing) || len(missing) > 0 && !strings.Contains(allInWords(missing), "zone . is not there yet: its primaries are 192.0.2.53") {
			t.Errorf("%s: %s, without what is missing %s, missing %s", tt.name, problems, rest, missing)
		}
	}
	// What was there before the change has to be there after it.
	before := verify.Served(s, root(func(*dns.Msg) {}))
	if problems, missing := verify.Gate(s, before, gone); len(problems) != 6 || len(missing) != 0 {
		t.Errorf("a root that was there before: %s, missing %s", problems, missing)
	}
	if len(verify.Served(s, gone)) == 0 || verify.Served(s, gone)[verify.ZoneAt{Zone: ".", Address: serviceAddresses()[0]}] {
		t.Errorf("served without the root: %v", verify.Served(s, gone))
	}
	on := gone[verify.Question{Address: serviceAddresses()[0], Ask: verify.AskHostname, Network: "tcp"}]
	on.Msg.Answer = nil
	if problems, _ := verify.Gate(s, nil, gone); len(problems) != 1 {
		t.Error("a zone that is missing hides another fault")
	}
}

// TestExpiredSignatures: a zone whose signatures are not valid when it is
// asked for is not green, and it reverts no change and counts as served: the
// copy has what it was sent.
func TestExpiredSignatures(t *testing.T) {
	s := example(t)
	const hour = time.Hour
	sigs := func(all ...*dns.RRSIG) []*dns.RRSIG { return all }
	other := signature(zone, -2*hour, -hour)
	other.TypeCovered = dns.TypeNS
	for _, tt := range []struct {
		name   string
		sigs   []*dns.RRSIG
		at     time.Time
		status verify.Status
		got    string
	}{
		{"valid", sigs(signature(zone, -hour, hour)), answered, verify.Pass, "identity and NSID"},
		{"from this second on", sigs(signature(zone, 0, hour)), answered, verify.Pass, "identity and NSID"},
		{"until this second", sigs(signature(zone, -hour, 0)), answered, verify.Pass, "identity and NSID"},
		{"expired", sigs(signature(zone, -2*hour, -time.Second)), answered, verify.Fail,
			"zone 10.in-addr.arpa.: its signature expired at 2026-11-23T11:59:59Z, and was still served at 2026-11-23T12:00:00Z"},
		{"not yet valid", sigs(signature(zone, hour, 2*hour)), answered, verify.Fail,
			"zone 10.in-addr.arpa.: its signature is valid from 2026-11-23T13:00:00Z on, and was served at 2026-11-23T12:00:00Z"},
		{"one of two is valid", sigs(signature(zone, -2*hour, -hour), signature(zone, -hour, hour)), answered, verify.Pass, "identity and NSID"},
		{"both have expired", sigs(signature(zone, -2*hour, -hour), signature(zone, -3*hour, -2*hour)), answered, verify.Fail, "its signature expired"},
		{"one over something else has expired", sigs(other), answered, verify.Pass, "identity and NSID"},
		{"nobody noted the time", sigs(signature(zone, -hour, hour)), time.Time{}, verify.Fail, "not known when"},
		// The 32 bits of a signature come round (RFC 4034 section 3.1.5).
		{"valid over the turn", sigs(&dns.RRSIG{Hdr: other.Hdr, TypeCovered: dns.TypeSOA, Inception: 1<<32 - 100, Expiration: 100}), time.Unix(1<<32, 0), verify.Pass, "identity and NSID"},
		{"expired after the turn", sigs(&dns.RRSIG{Hdr: other.Hdr, TypeCovered: dns.TypeSOA, Inception: 1<<32 - 100, Expiration: 100}), time.Unix(1<<32+101, 0), verify.Fail, "expired at 2106-02-07T06:29:56Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := healthy()
			for _, network := range []string{"tcp", "udp"} {
				on(&e, network, "192.175.48.1", verify.AskSOA, func(a *verify.Answer) {
					a.At = tt.at
					for _, sig := range tt.sigs {
						a.Msg.Answer = append(a.Msg.Answer, sig)
					}
				})
			}
			found := 0
			for _, r := range verify.Judge(s, e) {
				switch r.ID {
				case "dns.192.175.48.1.udp", "dns.192.175.48.1.tcp":
					found++
					if said := inWords(r); r.Status != tt.status || !strings.Contains(said, tt.got) {
						t.Errorf("%s: %s %s", r.ID, r.Status, said)
					}
				case "bgp.silent.198.51.100.0":
					found++
					if r.Status != verify.Pass {
						t.Errorf("%s: %s %s", r.ID, r.Status, inWords(r))
					}
				}
			}
			served := verify.Served(s, e.TCP)
			problems, missing := verify.Gate(s, served, e.TCP)
			if found != 3 || len(problems) != 0 || len(missing) != 0 || !served[verify.ZoneAt{Zone: zone + ".", Address: addr("192.175.48.1")}] {
				t.Errorf("%d checks; problems %s, missing %s", found, allInWords(problems), allInWords(missing))
			}
		})
	}
}

// A whole routing table that leaks is told by its first routes.
func TestLeakIsBounded(t *testing.T) {
	e := healthy()
	for i := range 5000 {
		e.Server.Sessions[0].Exports = append(e.Server.Sessions[0].Exports, verify.Route{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)})
	}
	for _, r := range verify.Judge(example(t), e) {
		if r.ID == "bgp.export.198.51.100.0" && (r.Status != verify.Fail || len(r.Got) != 21 || !strings.Contains(inWords(r), "10.0.19.0/24 is not declared; and 4980 more")) {
			t.Errorf("%s: %d, %s", r.Status, len(r.Got), inWords(r))
		}
	}
}

// An expired signature hides no fault that a change is reverted for.
func TestExpiredHidesNothing(t *testing.T) {
	e := healthy()
	on(&e, "tcp", "192.175.48.1", verify.AskSOA, func(a *verify.Answer) {
		a.Msg.Answer = append(a.Msg.Answer, signature(zone, -2*time.Hour, -time.Hour))
		a.Msg.RecursionAvailable = true
	})
	if problems, _ := verify.Gate(example(t), nil, e.TCP); len(problems) != 1 {
		t.Errorf("problems: %s", allInWords(problems))
	}
}
