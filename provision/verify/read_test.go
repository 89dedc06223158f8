package verify_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verify"
	"github.com/raiz-dns/raiz/templates"
)

// saved are the lines that birdc 2.0.12 printed.
func saved(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "birdc-"+name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(text), "\n")
}

// looksOf are the looks of packs that are part of the binary.
func looksOf(t testing.TB, packs ...string) verify.Looks {
	t.Helper()
	looks := verify.Looks{}
	for _, pack := range packs {
		kind, name := filepath.Split(pack)
		c, err := templates.Load(templates.FS(), filepath.Clean(kind), name)
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(looks, c.Observations)
	}
	return looks
}

// mute are the lines after which nobody knows anything.
func mute(lines []string) bool {
	return !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "BIRD ") })
}

func TestParseSessions(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  []verify.Session
	}{
		{"of a real BIRD", saved(t, "protocols"), []verify.Session{
			{Name: "n_edge1_v4", State: "Established", Neighbor: addr("127.0.0.2"), PeerAS: 64500},
			{Name: "n_edge1_v6", State: "Established", Neighbor: addr("fd00::2"), PeerAS: 64500},
			{Name: "n_edge2_v4", State: "Active", Neighbor: addr("127.0.0.3"), PeerAS: 64500, Error: "Socket: Connection refused"},
			{Name: "n_off", State: "Down", Neighbor: addr("127.0.0.4"), PeerAS: 64500},
		}},
		{"BIRD is not there", saved(t, "nosocket"), nil},
		{"nothing", nil, nil},
		{"a neighbor on the link", []string{"BIRD 2.0.12 ready.", "x BGP --- up 1 Established", "  BGP state: Established", "    Neighbor address: fe80::1%eth0", "    Neighbor AS: 4294967295"},
			[]verify.Session{{Name: "x", State: "Established", Neighbor: addr("fe80::1"), PeerAS: 4294967295}}},
		{"numbers that are none", []string{"BIRD 2.0.12 ready.", "x BGP --- up 1", "  Neighbor address: nowhere", "  Neighbor AS: 99999999999"}, []verify.Session{{Name: "x", State: "up"}}},
		{"attributes of nobody", []string{"BIRD 2.0.12 ready.", "  BGP state: Established", "d Device --- up 1", "  BGP state: Established"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have, err := verify.ReadSessions(looksOf(t, "bgp/bird"), tt.lines)
			if (err != nil) != mute(tt.lines) {
				t.Errorf("got error %v", err)
			}
			if diff := cmp.Diff(tt.want, have, cmpopts.EquateComparable(addr("::"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRoutes(t *testing.T) {
	a, b, c := prefix("192.175.48.0/24"), prefix("203.0.113.0/24"), prefix("2620:4f:8000::/48")
	tests := []struct {
		name  string
		lines []string
		want  []verify.Route
	}{
		{"exported, IPv4", saved(t, "export4"), []verify.Route{{Prefix: a}, {Prefix: b, Communities: []string{"65535:65281", "112:1:2"}}}},
		{"exported, IPv6", saved(t, "export6"), []verify.Route{{Prefix: c}}},
		{"exported by a session that is off", saved(t, "exportoff"), nil},
		{"learnt, one of them twice", saved(t, "routes"), []verify.Route{
			{Prefix: a, ASPath: []site.ASN{112}, Origin: "IGP"},
			{Prefix: a, ASPath: []site.ASN{65001, 65002}, Origin: "IGP"},
			{Prefix: b, ASPath: []site.ASN{112}, Communities: []string{"65535:65281", "112:1:2"}, Origin: "IGP"},
			{Prefix: c, ASPath: []site.ASN{112}, Origin: "IGP"},
		}},
		{"BIRD is not there", saved(t, "nosocket"), nil},
		{"a set in the path", []string{"BIRD 2.0.12 ready.", "192.175.48.0/24 x", "\tBGP.as_path: 112 {64512 64513}"}, []verify.Route{{Prefix: a, ASPath: []site.ASN{112, 64512, 64513}}}},
		{"extended communities", []string{"BIRD 2.0.12 ready.", "192.175.48.0/24 x", "\tBGP.ext_community: (rt, 112, 1) (ro, 1, 2)"}, []verify.Route{{Prefix: a, Communities: []string{"rt:112:1", "ro:1:2"}}}},
		{"what nobody has declared", []string{"BIRD 2.0.12 ready.", "192.175.48.0/24 x", "\tBGP.origin: Incomplete", "\tBGP.med: 5"}, []verify.Route{{Prefix: a, Origin: "Incomplete", MED: "5"}}},
		{"attributes of nothing", []string{"BIRD 2.0.12 ready.", "\tBGP.as_path: 1", "no prefix", "\tBGP.as_path: 2"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have, err := verify.ReadRoutes(looksOf(t, "bgp/bird"), tt.lines)
			if (err != nil) != mute(tt.lines) {
				t.Errorf("got error %v", err)
			}
			if diff := cmp.Diff(tt.want, have, cmpopts.EquateComparable(a, addr("::"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A route that is not understood does not vanish from what is exported.
func TestUnknownRoute(t *testing.T) {
	routes, err := verify.ReadRoutes(looksOf(t, "bgp/bird"), []string{"BIRD 2.0.12 ready.", "192.175.48.0/24 x", "192.175.480.0/24 x"})
	if err == nil || !strings.Contains(err.Error(), "192.175.480.0/24") || routes != nil {
		t.Errorf("%v, %v", routes, err)
	}
}

func TestReadClock(t *testing.T) {
	const good = "C0000201,192.0.2.1,3,1795447220.1,-0.000012,0.00002,0.00003,1.5,0.001,0.02,0.01,0.001,64.2,Normal"
	tests := []struct {
		name  string
		lines []string
		want  verify.ServerEvidence
		err   string
	}{
		{"disciplined", []string{good}, verify.ServerEvidence{Synced: true, Stratum: 3, Offset: -12 * time.Microsecond}, ""},
		{"a leap second is due", []string{strings.Replace(good, "Normal", "Insert second", 1)}, verify.ServerEvidence{Synced: true, Stratum: 3, Offset: -12 * time.Microsecond}, ""},
		{"free", []string{"7F7F0101,,0,0.0,0.0,0.0,0.0,0,0,0,1.0,1.0,0.0,Not synchronised"}, verify.ServerEvidence{}, ""},
		{"stratum of nobody", []string{strings.Replace(good, ",3,", ",16,", 1)}, verify.ServerEvidence{Stratum: 16, Offset: -12 * time.Microsecond}, ""},
		{"no daemon", []string{"506 Cannot talk to daemon"}, verify.ServerEvidence{}, `the time daemon says "506 Cannot talk to daemon"`},
		{"nothing", nil, verify.ServerEvidence{}, `the time daemon says ""`},
		{"no number", []string{strings.Replace(good, "-0.000012", "fast", 1)}, verify.ServerEvidence{}, `the time daemon says "C0000201,192.0.2.1,3,1795447220.1,fast,0.00002,0.00003,1.5,0.001,0.02,0.01,0.001,64.2,Normal"`},
		{"a number beyond all time", []string{strings.Replace(good, "-0.000012", "1e300", 1)}, verify.ServerEvidence{}, `the time daemon's offset is no number: "1e300"`},
		{"not a number", []string{strings.Replace(good, "-0.000012", "NaN", 1)}, verify.ServerEvidence{}, `the time daemon says "C0000201,192.0.2.1,3,1795447220.1,NaN,0.00002,0.00003,1.5,0.001,0.02,0.01,0.001,64.2,Normal"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have := verify.ReadClock(looksOf(t, "time/chrony"), tt.lines)
			if said := text(have.ClockErr); said != tt.err {
				t.Errorf("error %q, want %q", said, tt.err)
			}
			have.ClockErr = nil
			if diff := cmp.Diff(tt.want, have); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// asked is one question and the message that was sent.
func asked() ([]verify.Question, []*dns.Msg) {
	m := new(dns.Msg)
	m.Id = 7
	m.Question = []dns.Question{{Name: "10.in-addr.arpa.", Qtype: dns.TypeSOA, Qclass: dns.ClassINET}}
	return []verify.Question{{Address: addr("192.175.48.1"), Ask: verify.AskSOA, Network: "udp"}}, []*dns.Msg{m}
}

func packed(t *testing.T, change func(*dns.Msg)) []byte {
	t.Helper()
	_, sent := asked()
	m := new(dns.Msg)
	m.SetReply(sent[0])
	change(m)
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func TestReadHeard(t *testing.T) {
	message := func(change func(*dns.Msg)) server.DNSAnswer { return server.DNSAnswer{Message: packed(t, change)} }
	problem := func(p server.Problem) server.DNSAnswer { return server.DNSAnswer{Problem: p, Text: "x\x1b[31m"} }
	tests := []struct {
		name  string
		heard server.DNSAnswer
		want  string // error, "" for an answer
	}{
		{"an answer", message(func(*dns.Msg) {}), ""},
		{"nothing is said", server.DNSAnswer{}, "the server did not ask it"},
		{"silent", problem(server.ProblemSilent), "no answer in 4 s"},
		{"refused", problem(server.ProblemRefused), "connection refused"},
		{"elsewhere", problem(server.ProblemElsewhere), "the address is not on this server"},
		{"no way", problem(server.ProblemUnreachable), "no way leads there"},
		{"closed", problem(server.ProblemClosed), "the connection was ended without an answer"},
		{"too much", problem(server.ProblemTooMuch), "the answers are more than is read of them"},
		{"something else", problem(server.ProblemFailed), `"x\x1b[31m"`},
		{"a reason that nobody knows", problem("later"), "the server did not ask it"},
		{"no message", server.DNSAnswer{Message: []byte{0, 0, 0}}, "answer is no DNS message: bad header bits: dns: overflow unpacking uint16"},
		{"another identifier", message(func(m *dns.Msg) { m.Id = 8 }), "answer has identifier 8, want 7"},
		{"a question", message(func(m *dns.Msg) { m.Response = false }), "what came back is a question"},
		{"another question", message(func(m *dns.Msg) { m.Question[0].Name = "example.com." }), "answer is to another question"},
		{"another class", message(func(m *dns.Msg) { m.Question[0].Qclass = dns.ClassCHAOS }), "answer is to another question"},
		{"no question", message(func(m *dns.Msg) { m.Question = nil }), "answer is to another question"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			qs, sent := asked()
			have := verify.ReadHeard([]server.DNSAnswer{tt.heard}, qs, sent)[qs[0]]
			if text(have.Err) != tt.want || (have.Msg == nil) != (tt.want != "") {
				t.Errorf("got %v, %v; want %q", have.Msg, have.Err, tt.want)
			}
		})
	}
}

// What a server sends is not trusted: no bytes panic, and only an answer to
// the question that was asked is one.
func FuzzReadHeard(f *testing.F) {
	_, sent := asked()
	reply := new(dns.Msg)
	reply.SetReply(sent[0])
	wire, err := reply.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire, "", "")
	f.Add([]byte{0, 0, 0}, "failed", "x")
	f.Fuzz(func(t *testing.T, message []byte, problem, text string) {
		qs, sent := asked()
		have := verify.ReadHeard([]server.DNSAnswer{{Message: message, Problem: server.Problem(problem), Text: text}}, qs, sent)
		a := have[qs[0]]
		if len(have) != 1 || (a.Err == nil) == (a.Msg == nil) {
			t.Errorf("got %d answers, %v, %v", len(have), a.Msg, a.Err)
		}
		if a.Msg != nil && (a.Msg.Id != 7 || !a.Msg.Response) {
			t.Errorf("took %v", a.Msg)
		}
	})
}

// What a program printed is its answer only where it has ended in time and all
// of it was read. A line that was cut in two is none.
func TestReadPrinted(t *testing.T) {
	tests := []struct {
		name   string
		answer server.Printed
		lines  []string
		err    string
	}{
		{"two lines", server.Printed{Output: []byte("a\nb\n")}, []string{"a", "b"}, ""},
		{"nothing", server.Printed{}, nil, ""},
		{"words and an exit code", server.Printed{Output: []byte("506 x\n"), Problem: server.ProblemFailed, Text: "exit status 1"}, []string{"506 x"}, ""},
		{"an exit code alone", server.Printed{Problem: server.ProblemFailed, Text: "exit status 1"}, nil, `p: "exit status 1"`},
		{"it hangs", server.Printed{Output: []byte("a\n"), Problem: server.ProblemSilent}, []string{"a"}, "p: no answer in 4 s"},
		{"there is none", server.Printed{Problem: server.ProblemAbsent}, nil, "p: there is no such program on the server"},
		{"too much", server.Printed{Output: []byte("a\nb"), Cut: true}, []string{"a"}, "p: it prints more than is read of it"},
		{"too much for a line", server.Printed{Output: []byte("ab"), Cut: true}, nil, "p: it prints more than is read of it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have := verify.ReadPrinted("p", tt.answer)
			if diff := cmp.Diff(tt.lines, have.Lines); diff != "" || text(have.Err) != tt.err {
				t.Errorf("%v (-want +got):\n%s", have.Err, diff)
			}
		})
	}
}

// A whole routing table that leaks is seen, however little of it is read.
func TestExportsThatAreCut(t *testing.T) {
	bird := func(routes string, cut bool) verify.Printed {
		return verify.ReadPrinted("birdc", server.Printed{Output: []byte("BIRD 2.0.12 ready.\n" + routes), Cut: cut})
	}
	const declared, leak = "192.175.48.0/24 x\n", "10.0.0.0/8 x\n"
	for _, tt := range []struct {
		name   string
		p      verify.Printed
		routes int
		known  bool
	}{
		{"whole", bird(declared, false), 1, true},
		{"whole, and nothing", bird("", false), 0, true},
		{"cut before anything", bird("", true), 0, false},
		{"cut after what is declared", bird(declared, true), 1, false},
		{"cut after more", bird(declared+leak, true), 2, true},
		{"cut within more", bird(declared+leak[:6], true), 1, false},
		{"it hangs", verify.ReadPrinted("birdc", server.Printed{Output: []byte("BIRD 2.0.12 ready.\n" + declared + leak), Problem: server.ProblemSilent}), 0, false},
	} {
		have := verify.ReadExports(looksOf(t, "bgp/bird"), 1, tt.p)
		if len(have.Exports) != tt.routes || (have.ExportsErr == nil) != tt.known {
			t.Errorf("%s: %d routes, %v", tt.name, len(have.Exports), have.ExportsErr)
		}
	}
}

// The readers of BIRD's words never panic either.
func FuzzParseBIRD(f *testing.F) {
	for _, name := range []string{"protocols", "routes", "export4", "nosocket"} {
		text, err := os.ReadFile("testdata/birdc-" + name + ".txt")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	looks := looksOf(f, "bgp/bird")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		sessions, _ := verify.ReadSessions(looks, lines)
		for _, s := range sessions {
			if s.Name == "" {
				t.Errorf("a session without a name in %q", text)
			}
		}
		routes, _ := verify.ReadRoutes(looks, lines)
		for _, r := range routes {
			if !r.Prefix.IsValid() {
				t.Errorf("a route without a prefix in %q", text)
			}
		}
	})
}
