//go:build unix

package render_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
)

// inside tells a test that it runs in a network of its own.
const inside = "RAIZ_TEST_OWN_NETWORK"

// inOwnNetwork runs the test once more in a network that has nothing but a
// loopback, and reports whether this is that run.
func inOwnNetwork(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return true
	}
	for _, program := range []string{"unshare", "ip", "bird", "birdc", "perl", "bash"} {
		need(t, program)
	}
	t.Parallel() // they wait more than they work
	argv := append(alone(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=100s", fmt.Sprintf("-test.short=%t", testing.Short()))
	if len(alone()) == 2 && exec.Command(alone()[0], alone()[1], "true").Run() != nil {
		t.Skip("no network namespaces here")
	}
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in a network of its own: %v\n%s", err, out)
	}
	return false
}

// longForm leaves a test that waits for many seconds to make test.
func longForm(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("waits for a quarter of a minute; TestWatcherWithdraws has a case of each transport")
	}
}

// nameServer serves every name at the service addresses of a site, until it
// is told to do otherwise.
type nameServer struct {
	mu    sync.Mutex
	spoil func(network, address string, m *dns.Msg) *dns.Msg
	asked map[string]bool
	from  map[string]bool
	tcp   map[string]*dns.Server // by address
}

func serve(t *testing.T, s *site.Site) *nameServer {
	t.Helper()
	n := &nameServer{asked: map[string]bool{}, from: map[string]bool{}, tcp: map[string]*dns.Server{}}
	for _, a := range s.ServiceAddresses() {
		argv := []string{"address", "add", a.String(), "dev", "lo"}
		if a.Is6() {
			argv = append(argv, "nodad") // usable at once
		}
		if out, err := exec.Command("ip", argv...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		at := net.JoinHostPort(a.String(), "53")
		p, err := net.ListenPacket("udp", at)
		if err != nil {
			t.Fatal(err)
		}
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		n.tcp[a.String()] = &dns.Server{Listener: l}
		for network, server := range map[string]*dns.Server{"udp": {PacketConn: p}, "tcp": n.tcp[a.String()]} {
			started, ended := make(chan struct{}), make(chan struct{})
			server.NotifyStartedFunc = func() { close(started) }
			server.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { n.answer(w, q, network, a.String()) })
			go func() { defer close(ended); _ = server.ActivateAndServe() }()
			<-started
			t.Cleanup(func() { _ = server.Shutdown(); <-ended })
		}
	}
	return n
}

func (n *nameServer) answer(w dns.ResponseWriter, q *dns.Msg, network, address string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := q.Question[0].Name
	n.asked[name+" "+network+" "+address] = true
	from, _, _ := net.SplitHostPort(w.RemoteAddr().String())
	n.from[from] = true
	m := new(dns.Msg).SetReply(q)
	m.Authoritative = true
	m.Answer = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: "a.example.", Mbox: "b.example."}}
	if n.spoil != nil {
		m = n.spoil(network, address, m)
	}
	if m != nil {
		_ = w.WriteMsg(m)
	}
}

func (n *nameServer) spoiled(f func(network, address string, m *dns.Msg) *dns.Msg) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.spoil = f
}

// post is a real BIRD, and the watcher as it is rendered, in a folder of their
// own. systemctl is a stand-in: it kills this BIRD.
type post struct {
	t     *testing.T
	dir   string
	bird  *exec.Cmd
	lines chan string
	said  []string // all of it
	heard []string // since the last forget
}

// newPost plants what is rendered. Only paths and the pauses are others.
func newPost(t *testing.T, s *site.Site) *post {
	t.Helper()
	p := &post{t: t, dir: t.TempDir(), lines: make(chan string, 1000)}
	there := strings.NewReplacer("/usr/local/lib/raiz/", p.dir+"/", "/run/raiz-", p.dir+"/run-", "/etc/bird/", p.dir+"/",
		"interval=1 patience=2", "interval=0.2 patience=1")
	for it := range desired(t, s, render.Revealed).Of(state.Path) {
		name := it.Key.Name
		if strings.HasPrefix(name, "/usr/local/lib/raiz/") || strings.Contains(name, "raiz-blocks") {
			f := it.Value.(state.File)
			p.write(filepath.Base(name), there.Replace(string(f.Data)), f.Mode|0o600)
		}
	}
	p.write("bird.conf", p.config(), 0o600)
	p.write("birdc", "#!/bin/sh\nexec "+need(t, "birdc")+" -s "+p.dir+"/bird.ctl \"$@\"\n", 0o700)
	p.write("systemctl", `#!/bin/sh
pid=$(cat `+p.dir+`/bird.pid)
case $1 in
is-active) kill -0 "$pid" 2>/dev/null && echo active || { echo failed; exit 3; } ;;
kill) kill -9 "$pid" ;;
esac
`, 0o700)
	p.startBIRD()
	return p
}

func (p *post) config() string {
	return "router id 192.0.2.1;\nprotocol device {}\ninclude \"" + p.dir + "/run-blocks[46].conf\";\n"
}

func (p *post) write(name, text string, mode os.FileMode) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), mode); err != nil {
		p.t.Fatal(err)
	}
}

func (p *post) startBIRD() {
	p.t.Helper()
	p.bird = exec.Command(need(p.t, "bird"), "-f", "-c", p.dir+"/bird.conf", "-s", p.dir+"/bird.ctl")
	if err := p.bird.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func(c *exec.Cmd) { defer close(ended); _ = c.Wait() }(p.bird)
	p.t.Cleanup(func() { _ = p.bird.Process.Kill(); <-ended })
	p.write("bird.pid", fmt.Sprint(p.bird.Process.Pid), 0o600)
	p.await("BIRD to answer", func() bool { return exec.Command(p.dir+"/birdc", "show", "status").Run() == nil })
}

// watch starts the watcher and returns what ends it.
func (p *post) watch() (stop func()) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "bash", p.dir+"/announce", "watch")
	cmd.Env = append(os.Environ(), "PATH="+p.dir+":"+os.Getenv("PATH"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd.Stderr, cmd.WaitDelay = p.t.Output(), time.Second
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.lines <- lines.Text()
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); _ = cmd.Wait() })
	p.t.Cleanup(stop)
	return stop
}

// withdraw is what the unit runs when the watcher has ended.
func (p *post) withdraw() string {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "bash", p.dir+"/announce", "withdraw")
	cmd.Env = append(os.Environ(), "PATH="+p.dir+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Errorf("withdraw: %v", err)
	}
	return string(out)
}

const patience = 30 * time.Second

// await waits for a condition and fails when it does not come.
func (p *post) await(what string, is func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) { // between two looks at a condition
		p.listen()
		if time.Now().After(end) {
			p.t.Fatalf("waited for %s; the watcher said:\n%s\nof which nobody waited for:\n%s", what, lastOf(p.said), lastOf(p.heard))
		}
	}
}

func lastOf(lines []string) string { return strings.Join(lines[max(0, len(lines)-20):], "\n") }

func (p *post) listen() {
	for {
		select {
		case l := <-p.lines:
			p.said, p.heard = append(p.said, l), append(p.heard, l)
		default:
			return
		}
	}
}

// forget leaves what was said so far.
func (p *post) forget() {
	p.listen()
	p.heard = nil
}

// hears waits for a line of the watcher that has all the words, since the
// last time that was said to be forgotten.
func (p *post) hears(words ...string) {
	p.t.Helper()
	p.await("the words "+strings.Join(words, ", "), func() bool {
		p.listen()
		return slices.ContainsFunc(p.heard, func(l string) bool {
			return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(l, w) })
		})
	})
}

// announced are the families whose block BIRD has in its table: the effect,
// not what the watcher believes.
func (p *post) announced() string {
	out, _ := exec.Command("timeout", "2", p.dir+"/birdc", "-r", "show", "route").CombinedOutput()
	var families []string
	for family, block := range map[string]string{"4": "203.0.113.0/24", "6": "2001:db8:53::/48"} {
		if strings.Contains(string(out), block) {
			families = append(families, family)
		}
	}
	slices.Sort(families)
	return strings.Join(families, " ")
}

func (p *post) wantAnnounced(families string) {
	p.t.Helper()
	p.await("announced to be "+families, func() bool { return p.announced() == families })
}

// zones replaces the zone of the variant by others.
func zones(t *testing.T, names ...string) *site.Site {
	t.Helper()
	var text strings.Builder
	for _, n := range names {
		fmt.Fprintf(&text, "zone %q {\n      primaries = [\"192.0.2.53\"]\n      unauthenticated = \"x\"\n      unverified = \"x\"\n    }\n    ", n)
	}
	return load(t, examples()["variant"], "zone \"10.in-addr.arpa\" {\n      source = \"as112\"\n    }\n", "", "zone \"example.net\" {\n      primaries       = [\"192.0.2.53\"]\n      unauthenticated = \"the primary is in the same rack\"\n      unverified      = \"the zone has no ZONEMD\"\n    }\n", text.String())
}

// TestWatcherAnnouncesEveryName runs the watcher of a site whose zones have
// every length of a label, and names up to the longest; so many questions have
// every byte value in their identifiers, too. A shell's printf left a copy
// with a label of ten characters off the net for ever.
func TestWatcherAnnouncesEveryName(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	names := []string{"."}
	for n := 1; n <= 63; n++ {
		names = append(names, strings.Repeat("a", n), strings.Repeat("b", n)+".example")
	}
	for n := 1; n <= 61; n++ {
		names = append(names, strings.Repeat(strings.Repeat("c", 63)+".", 3)+strings.Repeat("d", n))
	}
	s := zones(t, names...)
	n := serve(t, s)
	p := newPost(t, s)
	p.watch()
	p.wantAnnounced("4 6")
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range names {
		for _, a := range s.ServiceAddresses() {
			for _, network := range []string{"udp", "tcp"} {
				if !n.asked[dns.Fqdn(name)+" "+network+" "+a.String()] {
					t.Errorf("%s was not asked for %s by %s", a, name, network)
				}
			}
		}
	}
	if want := len(names) * len(s.ServiceAddresses()) * 2; want < 256 || len(n.asked) != want {
		t.Errorf("%d questions, want %d", len(n.asked), want)
	}
	if len(n.from) != 2 || !n.from["127.0.0.1"] || !n.from["::1"] {
		t.Errorf("questions come from %v: their rate limit is shared", n.from)
	}
}

// spoils are the ways in which a name server can fail, with what the watcher
// has to say of them and what stays announced.
func spoils() []struct {
	name  string
	spoil func(network, address string, m *dns.Msg) *dns.Msg
	left  string
	words []string
} {
	const v4, v6 = "203.0.113.53", "2001:db8:53::53"
	at := func(network, address, zone string, change func(*dns.Msg) *dns.Msg) func(string, string, *dns.Msg) *dns.Msg {
		return func(n, a string, m *dns.Msg) *dns.Msg {
			if n == network && a == address && (zone == "" || m.Question[0].Name == zone) {
				return change(m)
			}
			return m
		}
	}
	rcode := func(code int) func(*dns.Msg) *dns.Msg {
		return func(m *dns.Msg) *dns.Msg { m.Rcode, m.Answer = code, nil; return m }
	}
	return []struct {
		name  string
		spoil func(network, address string, m *dns.Msg) *dns.Msg
		left  string
		words []string
	}{
		{"silent by UDP", at("udp", v4, "", func(*dns.Msg) *dns.Msg { return nil }), "6", []string{v4, "udp", "no answer"}},
		{"fails by TCP", at("tcp", v6, "", rcode(dns.RcodeServerFailure)), "4", []string{v6, "tcp", "SERVFAIL"}},
		{"the second zone alone fails", at("udp", v6, "example.net.", rcode(dns.RcodeServerFailure)), "4", []string{v6, "udp", "zone example.net", "SERVFAIL"}},
		{"a zone is refused by TCP", at("tcp", v4, "abcdefghij.", rcode(dns.RcodeRefused)), "6", []string{v4, "tcp", "zone abcdefghij", "REFUSED"}},
		{"not authoritative", at("udp", v4, ".", func(m *dns.Msg) *dns.Msg { m.Authoritative = false; return m }), "6", []string{v4, "zone .", "not authoritative"}},
		{"empty", at("udp", v4, ".", rcode(dns.RcodeSuccess)), "6", []string{v4, "zone .", "an empty answer"}},
		{"truncated", at("udp", v4, ".", func(m *dns.Msg) *dns.Msg { m.Truncated = true; return m }), "6", []string{v4, "zone .", "truncated"}},
		{"a question comes back", at("udp", v4, ".", func(m *dns.Msg) *dns.Msg { m.Response = false; return m }), "6", []string{v4, "zone .", "reply "}},
		{"another identifier", at("udp", v4, ".", func(m *dns.Msg) *dns.Msg { m.Id ^= 0x4000; return m }), "6", []string{v4, "zone .", "no answer"}},
		{"all is lost", func(string, string, *dns.Msg) *dns.Msg { return nil }, "", []string{"IPv6", v6, "no answer"}},
	}
}

// TestWatcherWithdraws takes one thing away after the other. The blocks of
// that family leave, with the reason; those of the other stay; and all come
// back when it does.
func TestWatcherWithdraws(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	s := zones(t, ".", "abcdefghij", "example.net")
	n := serve(t, s)
	n.spoiled(func(_, _ string, m *dns.Msg) *dns.Msg { m.Rcode, m.Answer = dns.RcodeServerFailure, nil; return m })
	p := newPost(t, s)
	stop := p.watch()
	p.hears("the IPv4 blocks stay withdrawn", "SERVFAIL")
	if got := p.announced(); got != "" {
		t.Errorf("announces %q while no zone is there", got)
	}
	ways := spoils()
	if testing.Short() {
		ways = append(ways[:2:2], ways[len(ways)-1]) // one of UDP, one of TCP, both families
	}
	for _, tt := range ways {
		n.spoiled(nil)
		p.forget()
		p.wantAnnounced("4 6")
		n.spoiled(tt.spoil)
		p.hears(append(tt.words, "withdrew the IPv")...)
		p.wantAnnounced(tt.left)
	}
	n.spoiled(nil)
	p.wantAnnounced("4 6")
	stop()
	if said := p.withdraw(); p.announced() != "" || strings.Count(said, "blocks are withdrawn") != 2 {
		t.Errorf("at the end: announces %q, says %s", p.announced(), said)
	}
}

// An address that has left the loopback is not asked elsewhere.
func TestWatcherKnowsItsAddresses(t *testing.T) {
	if !inOwnNetwork(t) {
		return
	}
	s := zones(t, ".")
	serve(t, s)
	p := newPost(t, s)
	p.watch()
	p.wantAnnounced("4 6")
	for _, argv := range [][]string{{"address", "del", "2001:db8:53::53/128", "dev", "lo"}, {"address", "del", "192.175.48.1/32", "dev", "lo"}} {
		if out, err := exec.Command("ip", argv...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	p.hears("withdrew the IPv6 blocks", "2001:db8:53::53", "not on this server")
	p.wantAnnounced("")
}

// TestWatcherSeesBIRDObey: "withdrew" is said when the blocks have left, and
// what BIRD does not do is tried until it does.
func TestWatcherSeesBIRDObey(t *testing.T) {
	longForm(t)
	if !inOwnNetwork(t) {
		return
	}
	s := zones(t, ".")
	n := serve(t, s)
	p := newPost(t, s)
	stop := p.watch()
	p.wantAnnounced("4 6")
	dead := func(string, string, *dns.Msg) *dns.Msg { return nil }

	// A configuration that BIRD refuses, made by hand.
	p.write("bird.conf", "this is not BIRD\n", 0o600)
	n.spoiled(dead)
	p.wantAnnounced("")
	p.hears("withdrew the IPv6 blocks")
	n.spoiled(nil)
	p.hears("cannot announce the IPv4 blocks", "birdc configure", "syntax error")
	if got := p.announced(); got != "" {
		t.Errorf("announces %q by a configuration that is refused", got)
	}
	p.forget()
	p.write("bird.conf", p.config(), 0o600)
	p.hears("announcing the IPv4 blocks")
	p.hears("announcing the IPv6 blocks")
	p.wantAnnounced("4 6")

	// A BIRD that hangs is killed; what runs then announces nothing.
	p.forget()
	if err := p.bird.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	n.spoiled(dead)
	p.hears("killing bird.service", "does not withdraw")
	p.hears("withdrew the IPv6 blocks")
	p.startBIRD() // as systemd does, after a moment
	if got := p.announced(); got != "" {
		t.Errorf("a new BIRD announces %q while DNS is dead", got)
	}
	n.spoiled(nil)
	p.wantAnnounced("4 6")

	// The watcher ends beside a BIRD that hangs.
	stop()
	if err := p.bird.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	said := p.withdraw()
	if !strings.Contains(said, "killing bird.service") || strings.Count(said, "blocks are withdrawn") != 2 {
		t.Errorf("says %s", said)
	}
	if exec.Command(p.dir+"/birdc", "show", "status").Run() == nil {
		t.Error("BIRD goes on")
	}
}
