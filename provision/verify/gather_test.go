package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// nameServer answers on the loopback, by both transports, as a good copy does.
type nameServer struct{ udp, tcp string }

func answerQuery(q *dns.Msg) *dns.Msg {
	asked := q.Question[0]
	var m *dns.Msg
	switch kind := asked.Qtype; {
	case asked.Name == "hostname.bind.":
		m = reply(verify.AskHostname, identity)
	case asked.Name == "id.server.":
		m = reply(verify.AskServer, identity)
	case asked.Qclass == dns.ClassCHAOS, kind == dns.TypeAXFR, kind == dns.TypeIXFR, slices.Contains([]string{"example.com.", "arpa.", "root-servers.net."}, asked.Name):
		m = reply(verify.AskElsewhere, identity)
	case kind == dns.TypeNS:
		m = reply(verify.AskSOA, identity)
		m.Answer = []dns.RR{&dns.NS{Hdr: dns.RR_Header{Name: asked.Name, Rrtype: dns.TypeNS, Class: dns.ClassINET}, Ns: "a.example."}}
	case kind == dns.TypeA:
		m = reply(verify.AskSOA, identity)
		m.Rcode, m.Ns, m.Answer = dns.RcodeNameError, m.Answer, nil
		_, zone, _ := strings.Cut(asked.Name, ".")
		m.Ns[0].Header().Name = zone
	default:
		m = reply(verify.AskSOA, identity)
		m.Answer[0].Header().Name = asked.Name
	}
	m.Id, m.Question, m.RecursionDesired = q.Id, q.Question, q.RecursionDesired
	return m
}

func newNameServer(t *testing.T) nameServer {
	t.Helper()
	return nameServerOf(t, answerQuery)
}

func nameServerOf(t *testing.T, answer func(*dns.Msg) *dns.Msg) nameServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(answer(q)) })
	for _, s := range []*dns.Server{{Listener: l, Handler: handler}, {PacketConn: p, Handler: handler}} {
		started, ended := make(chan struct{}), make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { defer close(ended); _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown(); <-ended })
	}
	return nameServer{udp: p.LocalAddr().String(), tcp: l.Addr().String()}
}

// connection is a server that is logged in to. What is forwarded leads to the
// name server; what is asked of the helper goes through the language, both ways.
type connection struct {
	t       *testing.T
	dns     nameServer
	forward error
	change  func(*server.Answer)               // of what a good copy answers
	hear    func([]byte) (server.Reply, error) // of what the helper prints
}

func (c connection) Addr() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.20:22") }

func (c connection) Keys() []string { return []string{"SHA256:ours"} }

func (c connection) Forward(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if to.Port() != 53 || !strings.Contains(fmt.Sprint(serviceAddresses()), to.Addr().String()) {
		c.t.Errorf("forwards to %s", to)
	}
	if c.forward != nil {
		return nil, c.forward
	}
	return new(net.Dialer).DialContext(ctx, "tcp", c.dns.tcp)
}

// Call implements verify.Server.
func (c connection) Call(_ context.Context, r server.Request) (server.Reply, error) {
	wire, err := r.Encode()
	if err != nil {
		return server.Reply{}, err
	}
	got, err := server.ReadRequest(bytes.NewReader(wire))
	if err != nil || got.Verb != server.VerbLook {
		return server.Reply{}, fmt.Errorf("asks to %s: %w", got.Verb, err)
	}
	a := c.look(*got.Look)
	c.change(&a)
	out, err := json.Marshal(a)
	if err != nil {
		return server.Reply{}, err
	}
	return c.hear(append(out, '\n'))
}

// hears reads what a helper prints.
func hears(out []byte) (server.Reply, error) {
	events, a, err := server.ReadAnswer(out)
	return server.Reply{Events: events, Answer: a}, err
}

// look answers as a good copy does.
func (c connection) look(q server.LookRequest) server.Answer {
	seen := &server.Looked{}
	for _, cmd := range q.Commands {
		seen.Printed = append(seen.Printed, server.Printed{Output: []byte(prints(c.t, strings.Join(cmd.Argv, " ")))})
	}
	for _, m := range q.Questions {
		if m.To.Port() != 53 || !m.Source.IsLoopback() || !slices.Contains(serviceAddresses(), m.To.Addr()) {
			c.t.Errorf("asks %+v", m)
		}
		ask := new(dns.Msg)
		if err := ask.Unpack(m.Message); err != nil {
			c.t.Error(err)
		}
		answer, err := answerQuery(ask).Pack()
		if err != nil {
			c.t.Error(err)
		}
		seen.Heard = append(seen.Heard, server.DNSAnswer{Message: answer})
	}
	for _, w := range q.Ways {
		if !slices.Contains(serviceAddresses(), w.From) || slices.Contains(serviceAddresses(), w.To) {
			c.t.Errorf("wants the way from %s to %s", w.From, w.To)
		}
		seen.Ways = append(seen.Ways, by(w.To.String(), "198.51.100.0", "eno2", 112))
	}
	facts := &server.Facts{Units: map[string]server.UnitFact{}, Network: server.Network{Links: healthy().Server.Links}, Guard: healthy().Server.Guard, Packages: map[string]string{}}
	for _, p := range q.Probe.Packages {
		if version := map[string]string{"bird2": "2.0.12-7", "nsd": "4.6.1\x1b[2J"}[p]; version != "" {
			facts.Packages[p] = version
		}
	}
	for _, u := range q.Probe.Units {
		facts.Units[u] = server.UnitFact{Load: "loaded", Active: "active", File: "enabled"}
	}
	a := around()
	facts.Network.Routes, facts.Network.Rules = a.Routes, a.Rules
	if q.Probe.Around == nil || !slices.Contains(q.Probe.Around.Users, "root") {
		c.t.Errorf("asks for %+v around", q.Probe.Around)
	}
	facts.Around = &a.Around
	return server.Answer{Version: server.Version, Done: true, Facts: facts, Looked: seen}
}

// prints is what BIRD 2.0.12 and chrony 4.3 print.
func prints(t *testing.T, command string) string {
	const ready = "BIRD 2.0.12 ready.\n"
	for words, text := range map[string]string{
		"tracking": "C0000201,192.0.2.1,3,1.0,-0.001,0,0,0,0,0,0,0,0,Normal\n",
		"protocols": ready + "e4 BGP --- up 1 Established\n  BGP state: Established\n    Neighbor address: 198.51.100.0\n    Neighbor AS: 64500\n" +
			"e6 BGP --- up 1 Established\n  BGP state: Established\n    Neighbor address: 2001:db8:0:3::2\n    Neighbor AS: 64500\n",
		"export n_edge1_v4":   ready + "192.175.48.0/24 blackhole [b 1] * (200)\n",
		"export n_edge1_v6":   ready + "2620:4f:8000::/48 blackhole [b 1] * (200)\n",
		"protocol n_edge1_v4": ready + "Table master4:\n0.0.0.0/0 unicast [n_edge1_v4 1] * (100) [AS64500i]\n\tvia 198.51.100.0 on eno2\n",
		"protocol n_edge1_v6": ready + "Table master6:\n::/0 unicast [n_edge1_v6 1] * (100) [AS64500i]\n\tvia 2001:db8:0:3::2 on eno2\n",
	} {
		if strings.Contains(command, words) {
			return text
		}
	}
	t.Errorf("runs %q", command)
	return ""
}

// controller is a BMC as the example wants it.
type controller struct{ err error }

func (c controller) Identity(context.Context) (bmc.Identity, error) {
	return healthy().BMC.Identity, c.err
}

func (c controller) Administrators(context.Context) ([]string, error) {
	return healthy().BMC.Administrators, c.err
}

func (c controller) Read(_ context.Context, wanted []state.Item) []state.Fact {
	var out []state.Fact
	for _, it := range wanted {
		out = append(out, healthy().BMC.Facts[it.Key.Name])
	}
	return out
}

func (c controller) Inventory(context.Context, bmc.InventoryWanted) bmc.Inventory {
	inv := inventory()
	inv.Until = time.Now().AddDate(1, 0, 0)
	return inv
}

func vantages(t *testing.T) (verify.Vantages, *connection) {
	t.Helper()
	conn := &connection{t: t, dns: newNameServer(t)}
	conn.change, conn.hear = func(*server.Answer) {}, hears
	return verify.Vantages{
		Units:    units(),
		Looks:    looksOf(t, "bgp/bird", "time/chrony"),
		Table:    112,
		Ports:    healthy().Ports,
		Declared: func(context.Context) verify.Declared { return verify.Declared{Asked: true} },
		BMC:      func(context.Context) (verify.Controller, error) { return controller{}, nil },
		SSH:      func(context.Context) (verify.Server, error) { return conn, nil },
		Router:   func(context.Context) ([]verify.Route, error) { return healthy().Router.Routes, nil },
		Outside: func(ctx context.Context, network, _ string) (net.Conn, error) {
			to := map[string]string{"udp": conn.dns.udp, "tcp": conn.dns.tcp}[network]
			return new(net.Dialer).DialContext(ctx, network, to)
		},
	}, conn
}

// What is gathered of a copy as it should be is judged good.
func TestGatherHealthy(t *testing.T) {
	s := example(t)
	v, _ := vantages(t)
	before := time.Now()
	e := verify.Gather(t.Context(), s, v)
	for _, answers := range []map[verify.Question]verify.Answer{e.Server.UDP, e.Server.Content, e.TCP, e.Outside.Answers} {
		for q, a := range answers {
			if a.Size != a.Msg.Len() {
				t.Errorf("%s %s by %s had %d bytes of %d", q.Address, q.Ask, q.Network, a.Size, a.Msg.Len())
			}
			if a.At.Before(before) || a.At.After(time.Now()) {
				t.Errorf("%s %s by %s was answered at %s", q.Address, q.Ask, q.Network, a.At)
			}
		}
	}
	// What was printed can be had by the name of its probe.
	for _, name := range []string{"clock", "sessions", "export 198.51.100.0", "export 2001:db8:0:3::2"} {
		if len(e.Server.Printed[name].Lines) == 0 {
			t.Errorf("nothing was printed by %q", name)
		}
	}
	for _, r := range verify.Judge(s, e) {
		if r.Status != verify.Pass {
			t.Errorf("%s is %s: %s %s", r.ID, r.Status, inWords(r), r.Because)
		}
	}
}

// Which versions a copy runs is told of the packages that it lives by, and of
// those that are there.
func TestVersionsOfTheServer(t *testing.T) {
	s := example(t)
	v, conn := vantages(t)
	v.Packages = []string{"nsd", "bird2", "gone"}
	conn.change = func(a *server.Answer) {
		a.Facts.OS, a.Facts.Arch, a.Facts.Current = "debian 12", "amd64", 7
		a.Facts.Packages["other"] = "1" // which nobody has asked for
	}
	told := map[string][]verdict.Message{}
	for _, r := range verify.Judge(s, verify.Gather(t.Context(), s, v)) {
		told[r.ID] = r.Evidence
	}
	const want = `os.look.system os="debian 12" arch=amd64; os.look.generation generation=7; os.look.package package=nsd version=4.6.1` + "\uFFFD" + `[2J; os.look.package package=bird2 version=2.0.12-7`
	if have := verdict.Text(told["os.look"]); have != want {
		t.Errorf("%s, want %s", have, want)
	}
}

// What could not be seen is in the evidence with its reason, and what needs
// it is judged accordingly.
func TestGatherFails(t *testing.T) {
	down := errors.New("connection refused")
	tests := []struct {
		name   string
		change func(*verify.Vantages, *connection)
		want   []string // the checks that say no, unknown or not looked
	}{
		{"no BMC", func(v *verify.Vantages, _ *connection) {
			v.BMC = func(context.Context) (verify.Controller, error) { return nil, down }
		}, []string{"bmc.login unknown: connection refused"}},
		{"BMC does not say who it is", func(v *verify.Vantages, _ *connection) {
			v.BMC = func(context.Context) (verify.Controller, error) { return controller{down}, nil }
		}, []string{"bmc.login unknown: connection refused"}},
		{"nobody to log in", func(v *verify.Vantages, _ *connection) { v.SSH = nil }, []string{"ssh.login unknown: nobody looked"}},
		{"no server", func(v *verify.Vantages, _ *connection) {
			v.SSH = func(context.Context) (verify.Server, error) { return nil, down }
		}, []string{"ssh.login unknown: connection refused"}},
		{"no router", func(v *verify.Vantages, _ *connection) {
			v.Router = func(context.Context) ([]verify.Route, error) { return nil, down }
		}, []string{"router.routes unknown: connection refused"}},
		{"the look is cut off", func(_ *verify.Vantages, c *connection) {
			c.hear = func(out []byte) (server.Reply, error) { return hears(out[:len(out)-4]) }
		}, []string{"os.look unknown: the answer of the server ends too early"}},
		{"the look breaks", func(_ *verify.Vantages, c *connection) {
			c.hear = func([]byte) (server.Reply, error) { return server.Reply{}, down }
		}, []string{"os.look unknown: connection refused"}},
		{"the helper refuses", func(_ *verify.Vantages, c *connection) {
			c.change = func(a *server.Answer) {
				*a = server.Answer{Version: server.Version, Done: true, Error: &server.Error{Code: server.ErrSystem, Text: "no room"}}
			}
		}, []string{"os.look unknown: no room"}},
		{"one program was not run", told(func(a *server.Answer) { a.Looked.Printed = a.Looked.Printed[1:] }),
			[]string{"os.look unknown: the answer of the server is not understood: it does not answer for everything"}},
		{"one question was not asked", told(func(a *server.Answer) { a.Looked.Heard = a.Looked.Heard[1:] }),
			[]string{"os.look unknown: the answer of the server is not understood: it does not answer for everything"}},
		{"no way was looked up", told(func(a *server.Answer) { a.Looked.Ways = nil }),
			[]string{"os.look unknown: the answer of the server is not understood: it does not answer for everything"}},
		{"no facts", told(func(a *server.Answer) { a.Facts = nil }),
			[]string{"os.look unknown: the answer of the server is not understood: it does not answer for everything"}},
		{"nothing is told of units", told(func(a *server.Answer) {
			a.Facts.Units, a.Facts.Problems = nil, map[string]string{"units": "no bus"}
		}), eachUnit("unit.%s.service unknown: no bus")},
		{"the time daemon hangs", told(func(a *server.Answer) { printedBy(a, "Normal").Problem = server.ProblemSilent }),
			[]string{"os.clock unknown: chronyc: no answer in 4 s"}},
		{"there is no time daemon", told(func(a *server.Answer) { *printedBy(a, "Normal") = server.Printed{Problem: server.ProblemAbsent} }),
			[]string{"os.clock unknown: chronyc: there is no such program on the server"}},
		{"the time daemon may not be asked", told(func(a *server.Answer) {
			*printedBy(a, "Normal") = server.Printed{Problem: server.ProblemFailed, Text: "exit status 1"}
		}), []string{`os.clock unknown: chronyc: "exit status 1"`}},
		{"the time daemon is loud", told(func(a *server.Answer) { printedBy(a, "Normal").Cut = true }),
			[]string{"os.clock unknown: chronyc: it prints more than is read of it"}},
		{"the routing daemon hangs after its greeting", told(func(a *server.Answer) {
			*printedBy(a, "Neighbor") = server.Printed{Output: []byte("BIRD 2.0.12 ready.\n"), Problem: server.ProblemSilent}
		}), []string{"bgp.neighbors unknown: birdc: no answer in 4 s", "bgp.session.198.51.100.0 unknown: birdc: no answer in 4 s",
			"bgp.session.2001:db8:0:3::2 unknown: birdc: no answer in 4 s"}},
		{"nothing is forwarded", func(_ *verify.Vantages, c *connection) { c.forward = down },
			repeated("dns.%s.tcp fail: connection refused; is the name server up, and does it listen there?")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := example(t)
			v, conn := vantages(t)
			tt.change(&v, conn)
			var have []string
			for _, r := range verify.Judge(s, verify.Gather(t.Context(), s, v)) {
				if r.Status != verify.Pass && r.Because == "" {
					have = append(have, r.ID+" "+string(r.Status)+": "+messages.English().All(slices.Concat(r.Evidence, r.Advice)))
				}
			}
			if diff := cmp.Diff(tt.want, have); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func repeated(format string) []string {
	var out []string
	for _, a := range serviceAddresses() {
		out = append(out, fmt.Sprintf(format, a))
	}
	return out
}

func eachUnit(format string) []string {
	var out []string
	for _, u := range []string{"bird", "chrony", "nftables", "nsd", "ssh", "systemd-networkd", "raiz-guard"} {
		out = append(out, fmt.Sprintf(format, u))
	}
	return out
}

// Places that nobody can look from are said to be such, and are no failure.
func TestGatherFromTheServerAlone(t *testing.T) {
	s := example(t)
	v, _ := vantages(t)
	v.Router, v.Outside = nil, nil
	skipped := 0
	for _, r := range verify.Judge(s, verify.Gather(t.Context(), s, v)) {
		switch {
		case strings.HasPrefix(r.ID, "outside.content."):
			if r.Status != verify.Skipped || !strings.HasPrefix(r.Because, "outside.") {
				t.Errorf("%s is %s because of %q", r.ID, r.Status, r.Because)
			}
		case r.Vantage == verify.FromRouter || r.Vantage == verify.FromOutside:
			if skipped++; r.Status != verify.Skipped || !strings.HasPrefix(inWords(r), "not looked") {
				t.Errorf("%s is %s: %s", r.ID, r.Status, inWords(r))
			}
		case r.Status != verify.Pass:
			t.Errorf("%s is %s", r.ID, r.Status)
		}
	}
	if skipped != 13 {
		t.Errorf("%d skipped", skipped)
	}
}

// told changes what a good copy answers.
func told(change func(*server.Answer)) func(*verify.Vantages, *connection) {
	return func(_ *verify.Vantages, c *connection) { c.change = change }
}

// printedBy is what that program printed which says a word.
func printedBy(a *server.Answer, word string) *server.Printed {
	i := slices.IndexFunc(a.Looked.Printed, func(p server.Printed) bool { return bytes.Contains(p.Output, []byte(word)) })
	return &a.Looked.Printed[i]
}
