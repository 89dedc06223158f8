//go:build linux

package guard

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/watch"
)

// nameServer answers as RFC 7873 has it, where it wants cookies.
type nameServer struct {
	t      testing.TB
	name   string
	half   string // of the cookies that it gives and takes
	wants  bool   // a cookie by UDP
	silent bool
	fails  string // a zone that is SERVFAIL
	asked  [][]server.DNSQuestion
}

// Ask implements asker.
func (n *nameServer) Ask(questions []server.DNSQuestion, _ time.Duration) []server.DNSAnswer {
	n.asked = append(n.asked, slices.Clone(questions))
	out := make([]server.DNSAnswer, len(questions))
	for i, q := range questions {
		if n.silent {
			out[i].Problem = server.ProblemSilent
			continue
		}
		out[i] = packed(n.t, n.answer(q))
	}
	return out
}

func (n *nameServer) answer(q server.DNSQuestion) *dns.Msg {
	in := new(dns.Msg)
	if err := in.Unpack(q.Message); err != nil {
		n.t.Fatal(err)
	}
	out := new(dns.Msg)
	out.SetReply(in)
	out.Authoritative = true
	out.SetEdns0(udpSize, true)
	cookie := given(in)
	if n.half != "" {
		out.IsEdns0().Option = append(out.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie[:16] + n.half})
	}
	if n.wants && q.Network == "udp" && cookie[16:] != n.half {
		out.Rcode = dns.RcodeBadCookie
		return out
	}
	zone := in.Question[0].Name
	if zone == n.fails {
		out.Rcode = dns.RcodeServerFailure
		return out
	}
	out.Answer = []dns.RR{record(n.t, zone+" 60 IN SOA ns. root. 7 1800 900 604800 86400")}
	return out
}

func given(m *dns.Msg) string {
	for _, o := range m.IsEdns0().Option {
		if c, ok := o.(*dns.EDNS0_COOKIE); ok {
			return c.Cookie
		}
	}
	return ""
}

func inquire(t *testing.T, q *inquiry, n *nameServer, at time.Duration) (rights int) {
	t.Helper()
	all, err := q.look(n, n.name, at)
	if err != nil || len(all) != len(q.subjects) {
		t.Fatalf("%d findings, %v", len(all), err)
	}
	for _, f := range all {
		if f.grade == right {
			rights++
		}
	}
	return rights
}

// Every zone is asked at every address by both ways, from the loopback.
func TestQuestions(t *testing.T) {
	c := twoBlocks()
	c.Blocks[1].Addresses = append(c.Blocks[1].Addresses, addr("192.0.2.1")) // it speaks for both
	q, err := newInquiry(c)
	if err != nil {
		t.Fatal(err)
	}
	if len(q.client) != 16 {
		t.Errorf("cookie %q", q.client)
	}
	seen, ports := map[string]bool{}, map[string]bool{}
	for i, w := range q.wire {
		ports[fmt.Sprint(w.To, w.Network, w.Flow)] = true
		m := new(dns.Msg)
		if err := m.Unpack(w.Message); err != nil {
			t.Fatal(err)
		}
		ask := m.Question[0]
		seen[w.To.String()+" "+w.Network+" "+ask.Name] = true
		from := map[bool]string{true: "127.0.0.1", false: "::1"}[w.To.Addr().Is4()]
		if ask.Qtype != dns.TypeSOA || ask.Qclass != dns.ClassINET || m.RecursionDesired || w.Source != addr(from) || int(m.Id) != i || given(m) != q.client {
			t.Errorf("%+v asks %v", w, m)
		}
		if e := m.IsEdns0(); !e.Do() || e.Option[0].Option() != dns.EDNS0NSID || e.UDPSize() != 1232 {
			t.Errorf("EDNS: %v", e)
		}
	}
	if len(q.wire) != 2*(flows+2) || len(seen) != 8 || len(ports) != 2*(flows+1) || !seen["[2001:db8::1]:53 tcp ."] || !seen["192.0.2.1:53 udp example.net."] {
		t.Errorf("%d questions: %v", len(q.wire), seen)
	}
	again, err := newInquiry(c)
	if err != nil || again.client == q.client {
		t.Errorf("a cookie that can be guessed, %v", err)
	}
}

func TestCookies(t *testing.T) {
	n := &nameServer{t: t, half: strings.Repeat("a1", 8), wants: true}
	q, err := newInquiry(twoBlocks())
	if err != nil {
		t.Fatal(err)
	}
	step := func(what string, at time.Duration, asks, first int) {
		t.Helper()
		n.asked = nil
		if got := inquire(t, q, n, at); got != 12 {
			t.Errorf("%s: %d of 12 right", what, got)
		}
		if len(n.asked) != asks || len(n.asked[asks-1]) != first {
			t.Errorf("%s: asked %d times, %d questions the last time", what, len(n.asked), len(n.asked[asks-1]))
		}
	}
	step("refused, and asked again by UDP alone", 0, 2, 8)
	step("with the cookie", time.Second, 1, 12)
	n.half = strings.Repeat("b2", 8)
	step("another one, as after a restart", time.Minute, 2, 8)
	step("with that", time.Minute, 1, 12)

	// Who does not insist on it gets it renewed now and then.
	n.wants, n.half = false, strings.Repeat("c3", 8)
	step("not before its time", time.Minute+cookieAge-1, 1, 12)
	if q.server[addr("192.0.2.1")].half != strings.Repeat("b2", 8) {
		t.Error("renewed before its time")
	}
	step("in time", time.Minute+cookieAge, 1, 12)
	n.wants = true
	step("with the renewed one", time.Minute+cookieAge+1, 1, 12)
}

// A name server that refuses whatever it is brought is wrong, and is not asked
// for ever.
func TestCookieNeverTaken(t *testing.T) {
	n := &fickle{nameServer{t: t, half: strings.Repeat("a1", 8), wants: true}}
	q, err := newInquiry(twoBlocks())
	if err != nil {
		t.Fatal(err)
	}
	all, err := q.look(n, "", 0)
	if err != nil || len(n.asked) != 2 {
		t.Fatalf("asked %d times, %v", len(n.asked), err)
	}
	for _, f := range all {
		if (f.grade == right) != (f.Network == "tcp") {
			t.Errorf("%v", f)
		}
	}
}

// fickle gives another cookie each time, and takes none but the next.
type fickle struct{ nameServer }

func (n *fickle) Ask(questions []server.DNSQuestion, limit time.Duration) []server.DNSAnswer {
	n.half = strings.Repeat(string('1'+rune(len(n.asked))), 16)
	return n.nameServer.Ask(questions, limit)
}

func TestCookiesThatAreNone(t *testing.T) {
	q, err := newInquiry(twoBlocks())
	if err != nil {
		t.Fatal(err)
	}
	a := addr("192.0.2.1")
	for _, bad := range []string{"", q.client, q.client + "aa", q.client + strings.Repeat("a", 15), q.client + strings.Repeat("a", 66), "0000000000000000" + strings.Repeat("a", 16)} {
		if q.learn(a, bad, 0, true) {
			t.Errorf("learnt %q", bad)
		}
	}
	for _, n := range []int{16, 64} { // RFC 7873 section 4: 8 to 32 bytes
		if !q.learn(a, q.client+strings.Repeat("a", n), 0, true) {
			t.Errorf("%d digits are not learnt", n)
		}
	}
	if len(q.server) != 1 || q.server[netip.MustParseAddr("192.0.2.1")].half != strings.Repeat("a", 64) {
		t.Errorf("%v", q.server)
	}
}

func TestLookAtSilence(t *testing.T) {
	n := &nameServer{t: t, silent: true}
	q, err := newInquiry(twoBlocks())
	if err != nil {
		t.Fatal(err)
	}
	if got := inquire(t, q, n, 0); got != 0 || len(n.asked) != 1 {
		t.Errorf("%d right, asked %d times", got, len(n.asked))
	}
}

// crowdOfZones is a copy with 22 zones at 8 addresses, as AS112 has them.
func crowdOfZones() watch.Config {
	c := twoBlocks()
	c.Zones, c.Blocks[0].Addresses = nil, nil
	for i := range 22 {
		c.Zones = append(c.Zones, watch.Zone{Name: fmt.Sprintf("z%d.example", i)})
	}
	for i := range 7 {
		c.Blocks[0].Addresses = append(c.Blocks[0].Addresses, addr(fmt.Sprintf("192.0.2.%d", i+1)))
	}
	return c
}

// A quiet look at many zones asks every address by both ways, and each zone
// there within four looks.
func TestGlance(t *testing.T) {
	q, err := newInquiry(crowdOfZones())
	if err != nil {
		t.Fatal(err)
	}
	n := &nameServer{t: t}
	glance := func() []finding {
		t.Helper()
		all, err := q.glance(n, "", 0)
		if err != nil || len(all) != len(q.subjects) {
			t.Fatalf("%d findings, %v", len(all), err)
		}
		return all
	}
	for range 3 {
		glance()
		if got := len(n.asked[0]); got != len(q.subjects) {
			t.Fatalf("the first look asks %d of %d", got, len(q.subjects))
		}
		n.asked = nil
		seen := map[string]bool{}
		for i := range quietTurns {
			glance()
			ways := map[string]bool{}
			for _, w := range n.asked[i] {
				ways[w.Network+w.To.String()] = true
				seen[string(w.Message)] = true
			}
			if len(n.asked[i]) > len(q.subjects)/quietTurns+16 || len(ways) != 16 {
				t.Errorf("%d questions by %d ways", len(n.asked[i]), len(ways))
			}
		}
		if len(seen) != len(q.subjects) {
			t.Errorf("%d of %d asked in %d looks", len(seen), len(q.subjects), quietTurns)
		}
		// One zone fails: it is found when its turn comes, and from then on all is
		// asked until all is right.
		n.fails = "z13.example."
		looks := 0
		for !slices.ContainsFunc(glance(), func(f finding) bool { return f.grade == wrong && f.Zone.Name == "z13.example" }) {
			if looks++; looks > quietTurns {
				t.Fatal("a zone that fails is not found")
			}
		}
		n.fails, n.asked = "", nil
	}
}

// Few questions are all asked in each look.
func TestGlanceAtFew(t *testing.T) {
	q, err := newInquiry(twoBlocks())
	if err != nil {
		t.Fatal(err)
	}
	n := &nameServer{t: t}
	for i := range 3 {
		if _, err := q.glance(n, "", 0); err != nil || len(n.asked[i]) != len(q.subjects) {
			t.Errorf("%d of %d asked, %v", len(n.asked[i]), len(q.subjects), err)
		}
	}
}
