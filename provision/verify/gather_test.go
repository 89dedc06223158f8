package verify_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verify"
)

// nameServer answers on the loopback, by both transports, as a good copy does.
type nameServer struct{ udp, tcp string }

func answerQuery(q *dns.Msg) *dns.Msg {
	asks := map[string]verify.Ask{"hostname.bind.": verify.AskHostname, "id.server.": verify.AskServer, "example.com.": verify.AskElsewhere}
	ask, ok := asks[q.Question[0].Name]
	if !ok {
		ask = verify.AskSOA
	}
	m := reply(ask, identity)
	m.Id, m.Question, m.RecursionDesired = q.Id, q.Question, q.RecursionDesired
	if ask == verify.AskSOA {
		m.Answer[0].Header().Name = q.Question[0].Name
	}
	return m
}

func newNameServer(t *testing.T) nameServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(answerQuery(q)) })
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
// name server; what is run answers as look.sh would.
type connection struct {
	t       *testing.T
	dns     nameServer
	forward error
	run     func(remote.Script) (remote.Result, error)
}

func (c connection) Addr() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.20:22") }

func (c connection) Forward(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	if to.Port() != 53 || !strings.Contains(fmt.Sprint(serviceAddresses()), to.Addr().String()) {
		c.t.Errorf("forwards to %s", to)
	}
	if c.forward != nil {
		return nil, c.forward
	}
	return new(net.Dialer).DialContext(ctx, "tcp", c.dns.tcp)
}

func (c connection) Run(_ context.Context, s remote.Script) (remote.Result, error) {
	if !s.Root || !s.Bash {
		c.t.Errorf("root %t, bash %t", s.Root, s.Bash)
	}
	return c.run(s)
}

// look answers the questions of the script as the name server would.
func (c connection) look(s remote.Script) (remote.Result, error) {
	var b strings.Builder
	b.WriteString("== udp\n")
	for _, m := range regexp.MustCompile(`(?m)^(?:questions=')?(\d+) udp \S+ \S+@53 ([0-9a-f]+)'?$`).FindAllStringSubmatch(s.Text, -1) {
		wire, err := hex.DecodeString(m[2])
		if err != nil {
			return remote.Result{}, err
		}
		q := new(dns.Msg)
		if err := q.Unpack(wire); err != nil {
			return remote.Result{}, err
		}
		answer, err := answerQuery(q).Pack()
		if err != nil {
			return remote.Result{}, err
		}
		fmt.Fprintf(&b, " %s %x\n", m[1], answer)
	}
	b.WriteString("== addresses\n " + `[{"ifname":"lo","addr_info":[` + loopback() + `]},` +
		`{"ifname":"eno1","addr_info":[{"local":"192.0.2.20","prefixlen":28},{"local":"2001:db8:0:2::20","prefixlen":64}]},` +
		`{"ifname":"eno2","address":"02:00:00:00:00:02","addr_info":[{"local":"198.51.100.1","prefixlen":31},{"local":"2001:db8:0:3::1","prefixlen":64}]}]` + "\n")
	b.WriteString("== replies\n")
	for _, a := range serviceAddresses() {
		fmt.Fprintf(&b, " %s 1.1.1.1 dev eno2 table 112\n", a)
	}
	b.WriteString("== units\n")
	for _, u := range []string{"bird", "nsd", "raiz-announce", "nftables", "chrony", "ssh", "systemd-networkd"} {
		fmt.Fprintf(&b, " Id=%s.service\n LoadState=loaded\n ActiveState=active\n UnitFileState=enabled\n \n", u)
	}
	b.WriteString("== clock\n C0000201,192.0.2.1,3,1.0,-0.001,0,0,0,0,0,0,0,0,Normal\n")
	b.WriteString("== sessions\n BIRD 2.0.12 ready.\n e4 BGP --- up 1 Established\n   BGP state: Established\n     Neighbor address: 198.51.100.0\n     Neighbor AS: 64500\n" +
		" e6 BGP --- up 1 Established\n   BGP state: Established\n     Neighbor address: 2001:db8:0:3::2\n     Neighbor AS: 64500\n")
	b.WriteString("== export 198.51.100.0\n BIRD 2.0.12 ready.\n 192.175.48.0/24 blackhole [b 1] * (200)\n== export 2001:db8:0:3::2\n BIRD 2.0.12 ready.\n 2620:4f:8000::/48 blackhole [b 1] * (200)\n== end\n")
	return remote.Result{Stdout: []byte(b.String())}, nil
}

func loopback() string {
	var all []string
	for _, a := range serviceAddresses() {
		all = append(all, `{"local":"`+a.String()+`","prefixlen":`+strconv.Itoa(a.BitLen())+`}`)
	}
	return strings.Join(all, ",")
}

// controller is a BMC as the example wants it.
type controller struct{ err error }

func (c controller) Identity(context.Context) (bmc.Identity, error) {
	return healthy().BMC.Identity, c.err
}

func (c controller) Read(_ context.Context, wanted []state.Item) []state.Fact {
	var out []state.Fact
	for _, it := range wanted {
		out = append(out, healthy().BMC.Facts[it.Key.Name])
	}
	return out
}

func vantages(t *testing.T) (verify.Vantages, *connection) {
	t.Helper()
	conn := &connection{t: t, dns: newNameServer(t)}
	conn.run = conn.look
	return verify.Vantages{
		Units:  units(),
		Looks:  looksOf(t, "bgp/bird", "time/chrony"),
		BMC:    func(context.Context) (verify.Controller, error) { return controller{}, nil },
		SSH:    func(context.Context) (verify.Server, error) { return conn, nil },
		Router: func(context.Context) ([]verify.Route, error) { return healthy().Router.Routes, nil },
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
	for _, answers := range []map[verify.Question]verify.Answer{e.Server.UDP, e.TCP, e.Outside.Answers} {
		for q, a := range answers {
			if a.At.Before(before) || a.At.After(time.Now()) {
				t.Errorf("%s %s by %s was answered at %s", q.Address, q.Ask, q.Network, a.At)
			}
		}
	}
	// What was printed can be had by the name of its probe.
	for _, name := range []string{"addresses", "units", "clock", "sessions", "export 198.51.100.0", "export 2001:db8:0:3::2"} {
		if len(e.Server.Printed[name]) == 0 {
			t.Errorf("nothing was printed by %q", name)
		}
	}
	for _, r := range verify.Judge(s, e) {
		if r.Status != verify.Pass {
			t.Errorf("%s is %s: %s %s", r.ID, r.Status, inWords(r), r.Because)
		}
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
			c.run = func(s remote.Script) (remote.Result, error) {
				r, err := c.look(s)
				return remote.Result{Stdout: r.Stdout[:len(r.Stdout)-4], Stderr: "killed", Code: 137}, err
			}
		}, []string{"os.look unknown: answer of the server is not understood: it ends too early: exit 137: killed"}},
		{"the look breaks", func(_ *verify.Vantages, c *connection) {
			c.run = func(remote.Script) (remote.Result, error) { return remote.Result{}, down }
		}, []string{"os.look unknown: connection refused"}},
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

// Places that nobody can look from are said to be such, and are no failure.
func TestGatherFromTheServerAlone(t *testing.T) {
	s := example(t)
	v, _ := vantages(t)
	v.Router, v.Outside = nil, nil
	skipped := 0
	for _, r := range verify.Judge(s, verify.Gather(t.Context(), s, v)) {
		switch {
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

// The script that looks changes nothing and is what bash reads.
func TestLookScript(t *testing.T) {
	for _, word := range []string{"systemctl start", "systemctl restart", "rm ", "birdc configure", "ip route add"} {
		if strings.Contains(verify.LookScript(), word) {
			t.Errorf("it says %q", word)
		}
	}
	if !strings.HasSuffix(verify.LookScript(), "section end\n") {
		t.Error("it does not say where it ends")
	}
}
