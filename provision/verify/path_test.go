//go:build linux

package verify_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/linux"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/verify"
)

// here is a server that is this machine: what is to run there runs here, and
// what is forwarded is dialled from here.
type here struct{}

func (here) Addr() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.20:22") }

func (here) Keys() []string { return nil }

func (here) Forward(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "tcp", to.String())
}

// Call implements verify.Server.
func (here) Call(_ context.Context, r server.Request) (server.Reply, error) {
	wire, err := r.Encode()
	if err != nil {
		return server.Reply{}, err
	}
	var out bytes.Buffer
	helper.New(linux.New(), helper.Options{}).Serve(bytes.NewReader(wire), &out)
	return hears(out.Bytes())
}

// TestEveryQuestionArrives lets verify ask a name server on this machine, in a
// network of its own, by what it has the helper send, through what it
// forwards and from outside: with every byte value in both bytes of the identifier, every
// length of a label, and names up to the longest.
func TestEveryQuestionArrives(t *testing.T) {
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
	var list []string
	for _, n := range names {
		list = append(list, fmt.Sprintf("%q", n))
	}
	s := example(t, "for_each = local.as112_zones", "for_each = ["+strings.Join(list, ", ")+"]", `source = "as112"`, "primaries = [\"192.0.2.53\"]\n        unauthenticated = \"x\"\n        unverified = \"x\"")
	for _, a := range s.ServiceAddresses() {
		serveEverything(t, a)
	}
	// Identifiers that have every value in both bytes.
	random := dns.Id
	defer func() { dns.Id = random }()
	var next atomic.Uint32
	var seen [2][256]atomic.Bool
	dns.Id = func() uint16 {
		n := next.Add(1)
		id := uint16(n%256)<<8 | uint16(n/256+n)%256
		seen[0][id>>8].Store(true)
		seen[1][id&255].Store(true)
		return id
	}
	e := verify.Gather(t.Context(), s, verify.Vantages{
		SSH:     func(context.Context) (verify.Server, error) { return here{}, nil },
		Outside: new(net.Dialer).DialContext,
	})
	if e.Server.Err != nil {
		t.Fatal(e.Server.Err)
	}
	asked := 0
	for from, answers := range map[string]map[verify.Question]verify.Answer{"the server": e.Server.UDP, "the server, for content": e.Server.Content, "through SSH": e.TCP, "outside": e.Outside.Answers} {
		for q, a := range answers {
			asked++
			if a.Err != nil {
				t.Errorf("from %s: %s %s %s by %s: %v", from, q.Address, q.Ask, q.Zone, q.Network, a.Err)
			}
		}
	}
	want := 4 * len(s.ServiceAddresses()) * (len(names) + 3)
	for _, network := range []string{"udp", "tcp"} {
		want += 2 * len(verify.ContentQuestions(s, network))
	}
	if asked != want {
		t.Errorf("%d questions, want %d", asked, want)
	}
	for i := range 256 {
		if !seen[0][i].Load() || !seen[1][i].Load() {
			t.Errorf("no identifier with %#02x", i)
		}
	}
}

// serveEverything answers every question at an address with itself.
func serveEverything(t *testing.T, a netip.Addr) {
	t.Helper()
	argv := []string{"address", "add", a.String(), "dev", "lo"}
	if a.Is6() {
		argv = append(argv, "nodad") // usable at once
	}
	if out, err := exec.Command("ip", argv...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// The kernel adds the route to it in its own time.
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) { // between two looks at a condition
		out, _ := exec.Command("ip", "-o", "route", "get", a.String()).CombinedOutput()
		if strings.HasPrefix(string(out), "local") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no route to %s: %s", a, out)
		}
	}
	at := netip.AddrPortFrom(a, 53).String()
	p, err := net.ListenPacket("udp", at)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) { _ = w.WriteMsg(new(dns.Msg).SetReply(q)) })
	for _, s := range []*dns.Server{{PacketConn: p, Handler: handler}, {Listener: l, Handler: handler}} {
		started, ended := make(chan struct{}), make(chan struct{})
		s.NotifyStartedFunc = func() { close(started) }
		go func() { defer close(ended); _ = s.ActivateAndServe() }()
		<-started
		t.Cleanup(func() { _ = s.Shutdown(); <-ended })
	}
}

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
	alone := []string{"unshare", "-rn"}
	if os.Getuid() == 0 {
		alone = []string{"unshare", "-n"}
	}
	if err := exec.Command(alone[0], alone[1], "ip", "link").Run(); err != nil {
		if os.Getenv("CI") == "true" && !testing.Short() {
			t.Fatalf("no network of its own: %v", err)
		}
		t.Skipf("no network of its own: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), alone[0], alone[1], os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=100s")
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in a network of its own: %v\n%s", err, out)
	}
	return false
}
