//go:build linux

package provision_test

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

// Who asks in these tests: clients of several networks behind the router.
const (
	greedy = "198.18.1.10" // asks more than its network is given
	modest = "198.18.2.10" // of another network
	known  = "198.18.1.20" // of the greedy network, with a cookie
	loyal  = "198.18.3.10" // of a third network, whose cookie has to last
)

// TestRootFlood asks a root copy more than the site gives a network, and
// floods it with sources of its own blocks, and looks at what the others get
// and what the routers see.
func TestRootFlood(t *testing.T) {
	t.Parallel()
	b := newBed(t, "../sites/root-example.hcl")
	b.mustApply(b.Site)
	b.verifyUntil(b.Site, allInOrder())
	t.Run("rate limit", func(t *testing.T) { b.t = t; b.limits() })
	t.Run("cookies", func(t *testing.T) { b.t = t; b.cookies() })
	t.Run("spoofed sources", func(t *testing.T) { b.t = t; b.spoofed() })
	t.Run("a router that has lost its filter", func(t *testing.T) { b.t = t; b.wholeTable() })
	b.t = t
}

// answered counts what came back.
type answered struct{ sent, whole, truncated int }

// flood sends questions at an even rate from a source and counts the answers
// that come within a second after the end.
func (b *bed) flood(role rehearse.Role, source, to string, rate int, length time.Duration, cookie string) answered {
	b.t.Helper()
	var conn *net.UDPConn
	err := b.Netns(role).Do(func() (err error) {
		from := net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(source), 0))
		conn, err = net.DialUDP("udp", from, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(to), 53)))
		return err
	})
	b.must(err)
	defer conn.Close()
	_ = conn.SetReadBuffer(8 << 20)
	m := new(dns.Msg).SetQuestion(".", dns.TypeSOA)
	m.RecursionDesired = false
	m.SetEdns0(1232, false)
	if cookie != "" {
		m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: cookie})
	}
	wire, err := m.Pack()
	b.must(err)
	var out answered
	done := make(chan struct{})
	go func() {
		defer close(done)
		reply := make([]byte, 4096)
		for {
			n, err := conn.Read(reply)
			if err != nil {
				if e, ok := err.(net.Error); ok && e.Timeout() {
					return
				}
				continue // an ICMP error of one packet
			}
			if n > 2 && reply[2]&2 != 0 {
				out.truncated++
			} else {
				out.whole++
			}
		}
	}()
	start := time.Now()
	for end := start.Add(length); time.Now().Before(end); time.Sleep(2 * time.Millisecond) { // paces the load
		for due := int(time.Since(start).Seconds() * float64(rate)); out.sent < due; out.sent++ {
			wire[0], wire[1] = byte(out.sent>>8), byte(out.sent)
			_, _ = conn.Write(wire)
		}
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Second))
	<-done
	return out
}

// clients gives the controller's side addresses in other networks.
func (b *bed) clients() {
	b.t.Helper()
	for _, a := range []string{greedy, modest, known, loyal} {
		for _, step := range []struct {
			role rehearse.Role
			argv []string
		}{
			{rehearse.RoleController, []string{"ip", "address", "replace", a + "/32", "dev", "lo"}},
			{rehearse.RoleRouter, []string{"ip", "route", "replace", a + "/32", "dev", "ctl"}},
		} {
			if out, err := b.Netns(step.role).Command(b.t.Context(), step.argv...).CombinedOutput(); err != nil {
				b.t.Fatalf("%s: %v: %s", strings.Join(step.argv, " "), err, out)
			}
		}
	}
}

// limits: 200 a second are declared. NSD's limit is a switch: a network that
// asks more gets next to nothing whole while it does.
func (b *bed) limits() {
	const seconds = 10
	much := b.limited(seconds * time.Second)
	if whole := much.whole / seconds; whole > 220 {
		b.t.Errorf("%d whole answers a second over a limit of 200: %+v", whole, much)
	}
}

// limited has a network ask more than the limit, and returns what it gets.
// Every second limited answer is truncated; another network, and who has a
// good cookie, lose nothing.
func (b *bed) limited(length time.Duration) answered {
	const to = "193.0.14.129"
	b.clients()
	cookie := b.cookie(known, to)
	// The limiter judges by the seconds before: what is counted begins when it
	// has.
	b.flood(rehearse.RoleController, greedy, to, 500, 4*time.Second, "")
	var much, little, good answered
	var all sync.WaitGroup
	all.Go(func() { much = b.flood(rehearse.RoleController, greedy, to, 500, length, "") })
	all.Go(func() { little = b.flood(rehearse.RoleController, modest, to, 150, length, "") })
	all.Go(func() { good = b.flood(rehearse.RoleController, known, to, 300, length, cookie) })
	all.Wait()
	b.t.Logf("500/s of one network: %+v; 150/s of another: %+v; 300/s with a cookie: %+v", much, little, good)
	if little.whole != little.sent || little.sent < 1000 {
		b.t.Errorf("a network below the limit lost answers: %+v", little)
	}
	if good.whole != good.sent || good.sent < 2000 {
		b.t.Errorf("a client with a good cookie lost answers: %+v", good)
	}
	limited := much.sent - much.whole
	if limited < 2000 {
		b.t.Fatalf("only %d answers were limited: %+v", limited, much)
	}
	if share := 100 * much.truncated / limited; share < 40 || share > 60 {
		b.t.Errorf("%d %% of the limited answers are truncated, want every second: %+v", share, much)
	}
	return much
}

// cookies: the secret is the declared one and not one of the daemon's making,
// so that a cookie of before a restart is good after it, and of another copy
// here; and it is good during a rollover, when the secret is the staged one.
func (b *bed) cookies() {
	const to = "193.0.14.129"
	b.clients()
	cookie := b.cookie(loyal, to)
	good := func(when string) {
		got := b.flood(rehearse.RoleController, loyal, to, 500, 4*time.Second, cookie)
		if got.whole != got.sent || got.sent < 1500 {
			b.t.Errorf("%s: a client with a good cookie lost answers: %+v", when, got)
		}
	}
	serial, err := b.serial()
	b.must(err)
	b.written()
	b.on(b.Server, "systemctl", "restart", "nsd.service")
	b.until(settle, "the zone", b.serves(serial))
	good("after a restart")
	rolled := *b.Site
	rolled.DNS.Cookie = site.Cookie{Secret: secret.New("made", "00112233445566778899aabbccddeeff"), Staging: b.Site.DNS.Cookie.Secret}
	b.mustApply(&rolled)
	b.until(settle, "the zone", b.serves(serial))
	good("after the new secret")
	if b.cookie(loyal, to)[16:] == cookie[16:] {
		b.t.Error("the server goes on making cookies with the old secret")
	}
	rolled.DNS.Cookie.Staging = secret.Value{}
	b.mustApply(&rolled)
	b.until(settle, "the zone", b.serves(serial))
	b.flood(rehearse.RoleController, loyal, to, 500, 4*time.Second, cookie)
	if got := b.flood(rehearse.RoleController, loyal, to, 500, 3*time.Second, cookie); got.whole > got.sent/2 {
		b.t.Errorf("a cookie of a secret that is gone is still good: %+v", got)
	}
	b.mustApply(b.Site)
	b.verifyUntil(b.Site, allInOrder())
}

// cookie fetches a server cookie for a client.
func (b *bed) cookie(source, to string) string {
	b.t.Helper()
	var conn *net.UDPConn
	b.must(b.Netns(rehearse.RoleController).Do(func() (err error) {
		from := net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(source), 0))
		conn, err = net.DialUDP("udp", from, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(to), 53)))
		return err
	}))
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	m := new(dns.Msg).SetQuestion(".", dns.TypeSOA)
	m.SetEdns0(1232, false)
	m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: hex.EncodeToString([]byte("8 bytes!"))})
	c := dns.Conn{Conn: conn, UDPSize: 1232}
	b.must(c.WriteMsg(m))
	reply, err := c.ReadMsg()
	b.must(err)
	for _, o := range reply.IsEdns0().Option {
		if have, ok := o.(*dns.EDNS0_COOKIE); ok && len(have.Cookie) == 48 {
			return have.Cookie
		}
	}
	b.t.Fatalf("no server cookie in %v", reply)
	return ""
}

// spoofed: 3,000 packets a second that claim to come from the copy's own
// blocks, for a minute. The copy answers, and no router sees a change.
func (b *bed) spoofed() {
	for _, a := range []string{"193.0.14.7/32", "193.0.15.9/32", "2001:7fd::7/128"} {
		argv := []string{"ip", "address", "replace", a, "dev", "lo"}
		if out, err := b.Netns(rehearse.RoleRouter).Command(b.t.Context(), argv...).CombinedOutput(); err != nil {
			b.t.Fatalf("%s: %v: %s", strings.Join(argv, " "), err, out)
		}
	}
	before := b.since()
	const length = time.Minute
	var all sync.WaitGroup
	sent := make([]answered, 3)
	for i, from := range []struct{ source, to string }{
		{"193.0.14.7", "193.0.14.129"}, {"193.0.15.9", "193.0.14.129"}, {"2001:7fd::7", "2001:7fd::1"},
	} {
		all.Go(func() { sent[i] = b.flood(rehearse.RoleRouter, from.source, from.to, 1000, length, "") })
	}
	for end := time.Now().Add(length - time.Second); time.Now().Before(end); time.Sleep(500 * time.Millisecond) { // between two looks
		if _, err := b.serial(); err != nil {
			b.t.Errorf("no answer during the flood: %v", err)
			break
		}
	}
	all.Wait()
	total := 0
	for _, s := range sent {
		total += s.sent
		if s.whole+s.truncated > 0 {
			b.t.Errorf("answers went to a source inside our own block: %+v", s)
		}
	}
	if total < 150_000 {
		b.t.Errorf("%d packets in a minute are no flood", total)
	}
	if after := b.since(); !unchanged(before, after) {
		b.t.Errorf("the routes changed during the flood:\n%s\nand then:\n%s", before, after)
	}
	b.t.Logf("%d packets, no answer to them, no route changed", total)
}

// routeTime is the time since when BIRD has a route. It counts back from now,
// and the last digit comes and goes.
var routeTime = regexp.MustCompile(`[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}`)

// unchanged reports whether two views show the same routes since the same time.
func unchanged(before, after string) bool {
	a, b := routeTime.FindAllString(before, -1), routeTime.FindAllString(after, -1)
	if len(a) == 0 || len(a) != len(b) || routeTime.ReplaceAllString(before, "") != routeTime.ReplaceAllString(after, "") {
		return false
	}
	for i := range a {
		x, err := time.Parse("15:04:05.000", a[i])
		y, err2 := time.Parse("15:04:05.000", b[i])
		if err != nil || err2 != nil || x.Sub(y).Abs() > 100*time.Millisecond {
			return false
		}
	}
	return true
}

// since are all routes of the routers with the time since when they stand.
func (b *bed) since() string {
	b.t.Helper()
	return b.birdc("show", "route", "where", "source = RTS_BGP")
}

// wholeTable: a router that sends more routes than it may, though the filter
// takes none of them, loses its session and not the server's memory.
func (b *bed) wholeTable() {
	var conf strings.Builder
	conf.WriteString("protocol static leak { ipv4;\n")
	for i := range 200 {
		conf.WriteString("route 10.7." + strconv.Itoa(i) + ".0/24 unreachable;\n")
	}
	conf.WriteString("}\n")
	b.must(b.Router.Write("/etc/bird/leak.conf", 0o644, conf.String()))
	b.on(b.Router.Machine, "sh", "-c", `cat /etc/bird/leak.conf >>/etc/bird/edge2.conf && birdc -s /run/bird/edge2.ctl configure`)
	b.until(settle, "the end of the session", func() error {
		log := b.journal("bird")
		if !strings.Contains(log, "hits route receive limit (10)") {
			return fmt.Errorf("BIRD tells of no limit: %s", log[max(0, len(log)-500):])
		}
		return nil
	})
	if out := b.on(b.Server, "ip", "route", "show", "table", "all", "10.7.0.0/16"); strings.TrimSpace(out) != "" {
		b.t.Errorf("routes that nobody accepts are in the kernel:\n%s", out)
	}
}
