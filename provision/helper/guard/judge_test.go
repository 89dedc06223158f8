//go:build linux

package guard

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/watch"
)

const copyName = "gru1.example.net"

func asked(network string) subject {
	return subject{Address: addr("192.0.2.1"), Network: network, Zone: watch.Zone{Name: "Example.NET"}}
}

func record(t testing.TB, text string) dns.RR {
	t.Helper()
	rr, err := dns.NewRR(text)
	if err != nil || rr == nil {
		t.Fatalf("%s: %v", text, err)
	}
	return rr
}

// rightAnswer is one that nothing is wrong with.
func rightAnswer(t testing.TB) *dns.Msg {
	m := new(dns.Msg)
	m.Id, m.Response, m.Authoritative = 3, true, true
	m.Question = []dns.Question{{Name: "example.net.", Qtype: dns.TypeSOA, Qclass: dns.ClassINET}}
	m.Answer = []dns.RR{
		record(t, "example.net. 60 IN SOA ns.example.net. root.example.net. 7 1800 900 604800 86400"),
		record(t, "example.net. 60 IN RRSIG SOA 13 2 60 20260301000000 20260201000000 1 example.net. AAAA"),
	}
	m.SetEdns0(udpSize, true)
	m.IsEdns0().Option = []dns.EDNS0{
		&dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: hex.EncodeToString([]byte(copyName))},
		&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708" + strings.Repeat("ab", 16)},
	}
	return m
}

func packed(t testing.TB, m *dns.Msg) server.DNSAnswer {
	t.Helper()
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return server.DNSAnswer{Message: wire}
}

func TestJudgeAnswers(t *testing.T) {
	nsid := func(m *dns.Msg, hexed string) { m.IsEdns0().Option[0].(*dns.EDNS0_NSID).Nsid = hexed }
	for _, tt := range []struct {
		name   string
		change func(*dns.Msg)
		why    string // "" for right
	}{
		{"as it should be", func(*dns.Msg) {}, ""},
		{"in another case", func(m *dns.Msg) {
			m.Question[0].Name = "eXAMPLE.nET."
			m.Answer[0].Header().Name = "EXAMPLE.net."
		}, ""},
		{"without EDNS", func(m *dns.Msg) { m.Extra = nil }, ""},
		{"without NSID", func(m *dns.Msg) { m.IsEdns0().Option = nil }, ""},
		{"with an empty NSID", func(m *dns.Msg) { nsid(m, "") }, ""},
		{"without a signature", func(m *dns.Msg) { m.Answer = m.Answer[:1] }, ""},
		{"the signature first", func(m *dns.Msg) { slices.Reverse(m.Answer) }, ""},
		{"of another copy", func(m *dns.Msg) { nsid(m, hex.EncodeToString([]byte("gru2"))) }, `answered by "gru2" and not by "gru1.example.net"`},
		{"of a copy with a strange name", func(m *dns.Msg) { nsid(m, "1b5b324a") }, `answered by "\x1b[2J"`},
		{"of a copy with a long name", func(m *dns.Msg) { nsid(m, strings.Repeat("41", 300)) }, `answered by "` + strings.Repeat("A", 64) + `" and`},
		{"a question", func(m *dns.Msg) { m.Response = false }, "an answer to another question"},
		{"without a question", func(m *dns.Msg) { m.Question = nil }, "an answer to another question"},
		{"to two questions", func(m *dns.Msg) { m.Question = append(m.Question, m.Question[0]) }, "an answer to another question"},
		{"about another zone", func(m *dns.Msg) { m.Question[0].Name = "example.com." }, "an answer to another question"},
		{"about another type", func(m *dns.Msg) { m.Question[0].Qtype = dns.TypeNS }, "an answer to another question"},
		{"about another class", func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }, "an answer to another question"},
		{"SERVFAIL", func(m *dns.Msg) { m.Rcode = dns.RcodeServerFailure }, "SERVFAIL"},
		{"REFUSED", func(m *dns.Msg) { m.Rcode = dns.RcodeRefused }, "REFUSED"},
		{"NXDOMAIN", func(m *dns.Msg) { m.Rcode = dns.RcodeNameError }, "NXDOMAIN"},
		{"a code that has no name", func(m *dns.Msg) { m.Rcode = 14 }, "RCODE 14"},
		{"an extended code", func(m *dns.Msg) { m.Rcode = dns.RcodeBadCookie }, "BADCOOKIE"},
		{"truncated", func(m *dns.Msg) { m.Truncated = true }, "truncated"},
		{"from a cache", func(m *dns.Msg) { m.Authoritative = false }, "not authoritative"},
		{"empty", func(m *dns.Msg) { m.Answer = nil }, "no SOA record of the zone"},
		{"a referral", func(m *dns.Msg) { m.Ns, m.Answer = m.Answer[:1], nil }, "no SOA record of the zone"},
		{"a signature alone", func(m *dns.Msg) { m.Answer = m.Answer[1:] }, "no SOA record of the zone"},
		{"the SOA of the parent", func(m *dns.Msg) { m.Answer[0].Header().Name = "net." }, "no SOA record of the zone"},
	} {
		for _, network := range []string{"udp", "tcp"} {
			m := rightAnswer(t)
			tt.change(m)
			f, _ := judge(asked(network), packed(t, m), copyName)
			if want := map[bool]grade{true: right, false: wrong}[tt.why == ""]; f.grade != want || !strings.HasPrefix(f.why, tt.why) || (f.why == "") != (tt.why == "") {
				t.Errorf("%s by %s: grade %d, %s; want grade %d, %s", tt.name, network, f.grade, f.why, want, tt.why)
			}
			if (f.grade == right) != (f.soa != nil) {
				t.Errorf("%s: right or not, and the SOA record is %v", tt.name, f.soa)
			}
		}
	}
}

func TestJudgeTakesWhatCame(t *testing.T) {
	m := rightAnswer(t)
	m.Answer = append(m.Answer, record(t, "example.net. 60 IN RRSIG NS 13 2 60 20260301000000 20260201000000 1 example.net. AAAA"))
	f, cookie := judge(asked("udp"), packed(t, m), copyName)
	if f.soa == nil || f.soa.Serial != 7 || len(f.sigs) != 1 || f.sigs[0].TypeCovered != dns.TypeSOA || cookie != "0102030405060708"+strings.Repeat("ab", 16) {
		t.Errorf("%+v, cookie %s", f, cookie)
	}
	// Whoever has no name may be anybody.
	if f, _ := judge(asked("udp"), packed(t, m), ""); f.grade != right {
		t.Errorf("without a name of one's own: %v", f)
	}
}

func TestJudgeSilence(t *testing.T) {
	for _, tt := range []struct {
		problem  server.Problem
		udp, tcp grade
		why      string
	}{
		{server.ProblemSilent, wrong, slow, "no answer"},
		{server.ProblemClosed, wrong, slow, "closed without an answer"},
		{server.ProblemRefused, wrong, wrong, "nobody listens there"},
		{server.ProblemElsewhere, wrong, wrong, "the address is not on this server"},
		{server.ProblemUnreachable, wrong, wrong, "no way leads there"},
		{server.ProblemFailed, wrong, wrong, `"no answer\x1b"`},
	} {
		a := server.DNSAnswer{Problem: tt.problem, Text: "no answer\x1b"}
		u, _ := judge(asked("udp"), a, copyName)
		c, _ := judge(asked("tcp"), a, copyName)
		if u.grade != tt.udp || c.grade != tt.tcp || u.why != tt.why || c.why != tt.why {
			t.Errorf("%s: by UDP %d %s, by TCP %d %s", tt.problem, u.grade, u.why, c.grade, c.why)
		}
	}
	for _, text := range []string{"", "x", strings.Repeat("\xff", 600)} {
		if f, _ := judge(asked("tcp"), server.DNSAnswer{Message: []byte(text)}, copyName); f.grade != wrong {
			t.Errorf("%q: %v", text, f)
		}
	}
	half := packed(t, rightAnswer(t))
	half.Message = half.Message[:len(half.Message)-9]
	if f, _ := judge(asked("tcp"), half, copyName); f.grade != wrong || f.why != "an answer that cannot be read" {
		t.Errorf("half an answer: %v", f)
	}
}

// Times wrap in 2106 (RFC 4034 section 3.1.5).
func TestExpired(t *testing.T) {
	at := func(text string) time.Time { tm, _ := time.Parse(time.RFC3339, text); return tm }
	sig := func(until time.Time) *dns.RRSIG { return &dns.RRSIG{Expiration: uint32(until.Unix())} }
	now, late := at("2026-02-03T00:00:00Z"), at("2106-02-07T06:28:16Z")
	for _, tt := range []struct {
		now  time.Time
		ends []time.Duration
		gone bool
	}{
		{now, nil, false},
		{now, []time.Duration{time.Hour}, false},
		{now, []time.Duration{0}, false},
		{now, []time.Duration{-time.Second}, true},
		{now, []time.Duration{-time.Hour, time.Hour}, false},
		{now, []time.Duration{-time.Hour, -time.Minute}, true},
		{late.Add(-time.Hour), []time.Duration{2 * time.Hour}, false},
		{late.Add(time.Hour), []time.Duration{-2 * time.Hour}, true},
	} {
		var sigs []*dns.RRSIG
		for _, d := range tt.ends {
			sigs = append(sigs, sig(tt.now.Add(d)))
		}
		gone, end := expired(sigs, tt.now)
		if gone != tt.gone || len(sigs) > 0 && !end.Equal(tt.now.Add(slices.Max(tt.ends))) {
			t.Errorf("at %s, %v: %t, %s", tt.now, tt.ends, gone, end)
		}
	}
}

// FuzzJudge finds nothing right that another reading does not.
func FuzzJudge(f *testing.F) {
	f.Add(packed(f, rightAnswer(f)).Message, true)
	bad := rightAnswer(f)
	bad.Rcode = dns.RcodeBadCookie
	f.Add(packed(f, bad).Message, false)
	f.Fuzz(func(t *testing.T, message []byte, tcp bool) {
		s := asked(map[bool]string{true: "tcp", false: "udp"}[tcp])
		got, cookie := judge(s, server.DNSAnswer{Message: message}, copyName)
		if (got.grade == right) != (got.why == "") || got.grade != right && got.grade != wrong {
			t.Fatalf("%d %q", got.grade, got.why)
		}
		for _, r := range got.why {
			if r < ' ' || r == 0x7f {
				t.Fatalf("%q is shown to people", got.why)
			}
		}
		q, err := newInquiry(watch.Config{Blocks: twoBlocks().Blocks, Zones: []watch.Zone{s.Zone}})
		if err != nil {
			t.Fatal(err)
		}
		for _, given := range []string{cookie, q.client + cookie} {
			if q.learn(s.Address, given, 0, true); q.write() != nil {
				t.Fatalf("%q cannot be sent back", given)
			}
		}
		if got.grade != right {
			return
		}
		// RFC 1035 section 4.1.1: QR, OPCODE, AA, TC and RCODE.
		if len(message) < 12 || message[2]&0x80 == 0 || message[2]&0x04 == 0 || message[2]&0x02 != 0 || message[3]&0x0f != 0 || message[5] != 1 || message[4] != 0 {
			t.Fatalf("right: %x", message)
		}
	})
}
