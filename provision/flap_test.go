//go:build linux

package provision_test

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/rehearse"
)

// TestNoFlap loads a copy and applies to it what changes nothing of BGP: no
// router is sent an UPDATE. Then a stranger takes every connection over TCP, and
// none is either. RAIZ_FLAP is for how many seconds, and RAIZ_FLAP_APPLIES how
// often: make soak takes ten minutes and ten.
func TestNoFlap(t *testing.T) {
	t.Parallel()
	b := newBed(t, "../sites/root-example.hcl")
	b.mustApply(b.Site)
	b.until(settle, "the announcement", b.announced(true))
	b.clients()
	length, applies := time.Duration(number("RAIZ_FLAP", 20))*time.Second, number("RAIZ_FLAP_APPLIES", 2)
	before, used := b.updates(), b.guardUse()
	began := time.Now()
	var load sync.WaitGroup
	for _, source := range []string{greedy, modest, known, loyal} {
		load.Go(func() { b.flood(rehearse.RoleController, source, "193.0.14.129", 500, length, "") })
	}
	for i := range applies {
		changed := *b.Site
		changed.Server.Hostname = fmt.Sprintf("gru2-%d", i)
		b.mustApply(&changed)
	}
	load.Wait()
	took := time.Since(began)
	if after := b.updates(); after != before {
		t.Errorf("routers were sent %d updates", after-before)
	}
	used = b.guardUse().less(used)
	t.Logf("the guard used %.2f %% of a core in %s under load, and %d KiB at most", 100*used.cpu.Seconds()/took.Seconds(), took.Round(time.Second), used.memory)
	b.crowd()
}

// updatesSeen is a line of what a session has been sent, in numbers: received,
// and after a few other columns accepted.
var updatesSeen = regexp.MustCompile(`Import (?:updates|withdraws): +(\d+)`)

// updates counts the UPDATEs and withdrawals that all routers were ever sent.
func (b *bed) updates() int {
	b.t.Helper()
	n := 0
	all := updatesSeen.FindAllStringSubmatch(b.birdc("show", "protocols", "all"), -1)
	if len(all) < 4 {
		b.t.Fatalf("the routers tell of %d sessions", len(all)/2)
	}
	for _, m := range all {
		one, err := strconv.Atoi(m[1])
		b.must(err)
		n += one
	}
	return n
}

// use is what the guard has had of the machine, and what it has asked.
type use struct {
	cpu    time.Duration
	memory int // KiB, at most
}

func (u use) less(v use) use { return use{u.cpu - v.cpu, u.memory} }

// guardUse reads proc(5): time of its own and of the programs that it ran, in
// hundredths of a second.
func (b *bed) guardUse() use {
	b.t.Helper()
	pid := strings.TrimSpace(b.on(b.Server, "systemctl", "show", "-P", "MainPID", "raiz-guard.service"))
	_, stat, _ := strings.Cut(b.on(b.Server, "cat", "/proc/"+pid+"/stat"), ") ")
	var u use
	for _, field := range strings.Fields(stat)[11:15] {
		n, err := strconv.Atoi(field)
		b.must(err)
		u.cpu += time.Duration(n) * 10 * time.Millisecond
	}
	for line := range strings.Lines(b.on(b.Server, "cat", "/proc/"+pid+"/status")) {
		if rest, is := strings.CutPrefix(line, "VmHWM:"); is {
			_, err := fmt.Sscan(rest, &u.memory)
			b.must(err)
		}
	}
	return u
}

// crowd has one stranger hold more connections than the name server takes, and
// send a byte now and then, so that none is idle.
func (b *bed) crowd() {
	b.t.Helper()
	const connections = 3000
	var held []net.Conn
	defer func() {
		for _, c := range held {
			_ = c.Close()
		}
	}()
	b.must(b.Netns(rehearse.RoleController).Do(func() error {
		for range connections {
			c, err := net.DialTimeout("tcp", "193.0.14.129:53", 5*time.Second)
			if err != nil {
				break // the queue is full
			}
			held = append(held, c)
		}
		return nil
	}))
	if len(held) < 2100 {
		b.t.Fatalf("only %d connections", len(held))
	}
	before := b.updates()
	stop := make(chan struct{})
	var busy sync.WaitGroup
	defer busy.Wait()
	defer close(stop)
	busy.Go(func() {
		for {
			for _, c := range held {
				_, _ = c.Write([]byte{0})
			}
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Second):
			}
		}
	})
	time.Sleep(12 * time.Second) // longer than TCP may be silent
	b.must(b.announced(true)())
	if after := b.updates(); after != before {
		b.t.Errorf("routers were sent %d updates", after-before)
	}
}

// TestBoots reboots a copy and cuts its power: no router has a route to it
// before it answers. RAIZ_BOOTS is how often each: it is for make soak, which
// takes twenty; TestDrain boots a few times.
func TestBoots(t *testing.T) {
	if os.Getenv("RAIZ_BOOTS") == "" {
		t.Skip("RAIZ_BOOTS is not set: see make soak")
	}
	t.Parallel()
	b := newBed(t, "../sites/root-example.hcl")
	b.mustApply(b.Site)
	b.until(settle, "the announcement", b.announced(true))
	for i := range number("RAIZ_BOOTS", 1) {
		b.t = t
		// Its routing daemon is up long before the name server is.
		b.sh(fmt.Sprintf(`mkdir -p /run/systemd/system /etc/systemd/system/nsd.service.d
			printf '[Service]\nExecStartPre=/bin/sleep %d\n' >/etc/systemd/system/nsd.service.d/late.conf; sync`, i%5))
		for name, down := range map[string]func(){
			"reboot":    func() { _, _ = b.Server.Run(b.t.Context(), "systemctl", "reboot"); b.down() },
			"power cut": func() { b.must(b.Server.Kill(b.t.Context())); b.must(b.Server.Boot(b.t.Context())) },
		} {
			t.Run(fmt.Sprintf("%s %d", name, i+1), func(t *testing.T) {
				b.t = t
				down()
				b.firstRoute()
				b.until(settle, "the announcement", b.announced(true))
			})
		}
	}
	b.t = t
}

// down waits until a server that was told to reboot has no route any more.
func (b *bed) down() {
	b.t.Helper()
	b.until(settle, "the end of the routes", b.announced(false))
}

// firstRoute waits for the first route at any router, and asks at once.
func (b *bed) firstRoute() {
	b.t.Helper()
	seen := map[bool]bool{} // by whether it is IPv4
	b.until(settle, "a route", func() error {
		routes, err := b.Router.Routes(b.t.Context())
		if err != nil {
			return err
		}
		for _, r := range routes {
			seen[r.Prefix.Addr().Is4()] = true
		}
		if len(routes) == 0 {
			return fmt.Errorf("no route")
		}
		return nil
	})
	for _, a := range b.Site.ServiceAddresses() {
		if !seen[a.Is4()] {
			continue
		}
		for _, network := range []string{"udp", "tcp"} {
			var m *dns.Msg
			// A router's kernel may be a moment behind its table.
			b.until(300*time.Millisecond, "an answer of "+a.String(), func() (err error) {
				m, err = b.query(network, a.String(), ".", dns.TypeSOA)
				return err
			})
			if m.Rcode != dns.RcodeSuccess || len(m.Answer) == 0 {
				b.t.Errorf("announced, and %s answers by %s: %s", a, network, dns.RcodeToString[m.Rcode])
			}
		}
	}
}
