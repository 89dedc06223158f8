package bmc_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// The planted passwords must appear in no log and no error.
const (
	factoryPassword  = "Planted-Factory-0"
	declaredPassword = "Planted-Declared-1"
)

// lab is a simulated controller in a network of its own: addresses are routed
// to its listener on loopback only while it has them.
type lab struct {
	t    *testing.T
	bmc  *simbmc.BMC
	logs *logs

	mu     sync.Mutex
	routes map[netip.Addr]string // to listeners
	dials  []string
	listen string
	keep   bool // old addresses go on answering
	// unroutable is an address that nobody here can reach.
	unroutable netip.Addr
	moved      func() // called once the controller has moved
}

type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

var (
	oldV4 = netip.MustParsePrefix("192.0.2.120/24")
	newV4 = netip.MustParsePrefix("192.0.2.10/28")
	newV6 = netip.MustParsePrefix("2001:db8:0:1::10/64")
)

func newLab(t *testing.T, cfg simbmc.Config) *lab {
	t.Helper()
	l := &lab{t: t, logs: &logs{}, routes: map[netip.Addr]string{}}
	if cfg.Addresses == nil && !cfg.Lease.IsValid() {
		cfg.Addresses = []netip.Prefix{oldV4}
	}
	if cfg.Users == nil {
		cfg.Users = map[string]string{"root": factoryPassword}
	}
	if cfg.Delay == 0 {
		cfg.Delay = -1
	}
	cfg.Move = func(_ context.Context, _, now []netip.Prefix) {
		l.route(now)
		if l.moved != nil {
			l.moved()
		}
	}
	b, err := simbmc.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l.bmc = b
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.listen = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- b.Serve(ln) }()
	t.Cleanup(func() {
		_ = b.Close()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		l.noSecrets(l.logs.String())
	})
	l.route(b.Addresses())
	return l
}

func (l *lab) route(now []netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.keep {
		clear(l.routes)
	}
	for _, p := range now {
		if p.Addr() != l.unroutable {
			l.routes[p.Addr()] = l.listen
		}
	}
}

func (l *lab) dial(ctx context.Context, network, address string) (net.Conn, error) {
	to := netip.MustParseAddrPort(address)
	l.mu.Lock()
	l.dials = append(l.dials, address)
	at, ok := l.routes[to.Addr()]
	l.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("no route to %s", address)
	}
	return new(net.Dialer).DialContext(ctx, network, at)
}

func (l *lab) noSecrets(text string) {
	l.t.Helper()
	for _, s := range []string{factoryPassword, declaredPassword, "X-Auth-Token", "Authorization"} {
		if bytes.Contains([]byte(text), []byte(s)) {
			l.t.Errorf("%q appears in: %s", s, text)
		}
	}
}

func factory() redfish.Endpoint {
	return redfish.Endpoint{Address: netip.AddrPortFrom(oldV4.Addr(), 443), Username: "root", Password: secret.New(`env("FACTORY")`, factoryPassword), Origin: redfish.Factory}
}

func declared() redfish.Endpoint {
	return redfish.Endpoint{Address: netip.AddrPortFrom(newV4.Addr(), 443), Username: "raiz", Password: secret.New(`env("DECLARED")`, declaredPassword), Origin: redfish.Declared}
}

// quick are waits that fit a simulated controller.
func quick() redfish.Timing {
	return redfish.Timing{
		Connect: 5 * time.Second, Stagger: 200 * time.Millisecond, Prefer: 100 * time.Millisecond, Request: 10 * time.Second,
		Task: 5 * time.Second, Poll: 5 * time.Millisecond, Logout: 5 * time.Second,
	}
}

func (l *lab) target(endpoints ...redfish.Endpoint) bmc.Target {
	return bmc.Target{Target: redfish.Target{
		Endpoints: endpoints, Fingerprint: l.bmc.Fingerprint(), Dial: l.dial, Timing: quick(),
		Log: slog.New(slog.NewTextHandler(l.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, Patience: bmc.Patience{ReadBack: 50 * time.Millisecond, Move: 5 * time.Second}}
}

func (l *lab) open(t bmc.Target) *bmc.Controller {
	l.t.Helper()
	c, err := bmc.Open(l.t.Context(), t)
	if err != nil {
		l.t.Fatal(err)
	}
	return c
}

// close ends the session and makes sure that none is left behind.
func (l *lab) close(c *bmc.Controller) {
	l.t.Helper()
	if err := c.Close(l.t.Context()); err != nil {
		l.t.Error(err)
	}
	if n := l.bmc.Counters().Open; n != 0 {
		l.t.Errorf("%d sessions are left behind", n)
	}
}

func keys(names ...string) []state.Item {
	var out []state.Item
	for _, n := range names {
		out = append(out, state.Item{Key: state.Key{Kind: state.Setting, Name: n}})
	}
	return out
}

// items are settings with the values that are wanted of them.
func items(want map[string][]string) []state.Item {
	var out []state.Item
	for _, name := range slices.Sorted(maps.Keys(want)) {
		out = append(out, state.Item{Key: state.Key{Kind: state.Setting, Name: name}, Value: state.Attr{Values: want[name]}})
	}
	return out
}

func allNames() []string {
	return []string{
		bmc.Account, bmc.DNS, bmc.Hostname, bmc.IPMI, bmc.IPv4Address, bmc.IPv4DHCP, bmc.IPv4Gateway,
		bmc.IPv6Address, bmc.IPv6Gateway, bmc.NTP, bmc.PowerPolicy,
		bmc.Boot, bmc.BootOrder, bmc.HTTP, bmc.KVMIP, bmc.SNMP, bmc.SSH, bmc.SerialConsole, bmc.Telnet, bmc.VLAN, bmc.VirtualMedia,
	}
}

// wanted is the controller as a site declares it.
func wanted() map[string][]string {
	return map[string][]string{
		bmc.Account:     {"raiz"},
		bmc.Hostname:    {"gru1-bmc"},
		bmc.DNS:         {"192.0.2.1", "2001:db8::53"},
		bmc.NTP:         {"192.0.2.1", "ntp.example.net"},
		bmc.IPMI:        {"off"},
		bmc.PowerPolicy: {"always-on"},
		bmc.IPv4Address: {newV4.String()},
		bmc.IPv4Gateway: {"192.0.2.1"},
		bmc.IPv4DHCP:    {"off"},
		bmc.IPv6Address: {newV6.String()},
		bmc.IPv6Gateway: {"2001:db8:0:1::1"},

		bmc.VLAN: {"30"}, bmc.SerialConsole: {"off"}, bmc.Boot: {"disk"}, bmc.BootOrder: {"Boot0002", "Boot0001"},
		bmc.SSH: {"off"}, bmc.Telnet: {"off"}, bmc.SNMP: {"off"}, bmc.HTTP: {"off"}, bmc.KVMIP: {"off"}, bmc.VirtualMedia: {"off"},
	}
}

func changes(want map[string][]string) []bmc.Change {
	var out []bmc.Change
	for _, name := range slices.Sorted(maps.Keys(want)) {
		ch := bmc.Change{Key: state.Key{Kind: state.Setting, Name: name}, Value: state.Attr{Values: want[name]}}
		if name == bmc.Account {
			ch.Secret = secret.New(`env("DECLARED")`, declaredPassword)
		}
		out = append(out, ch)
	}
	return out
}

// read returns what settings read as; errors read as their kind.
func read(t *testing.T, c *bmc.Controller, names ...string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, f := range c.Read(t.Context(), keys(names...)) {
		switch v, _ := f.Value.(state.Attr); {
		case f.Unsupported():
			out[f.Key.Name] = []string{"(unsupported)"}
		case f.Unknown():
			out[f.Key.Name] = []string{"(unknown)", f.Err.Error()}
		case f.Value == nil:
			out[f.Key.Name] = []string{"(absent)"}
		default:
			out[f.Key.Name] = append([]string{}, v.Values...)
		}
	}
	return out
}

func equal(t *testing.T, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func serveHTTP(ln net.Listener, h http.Handler) {
	srv := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	_ = srv.Serve(ln)
}

func listenTLS(t *testing.T, cfg *tls.Config) net.Listener {
	t.Helper()
	ln, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}
