//go:build linux

package provision_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/verify"
)

// drill is something that ends a copy's right to be announced, and how long it
// may take until no router has a route to it. It comes back by itself once it
// is mended.
type drill struct {
	name   string
	break_ func(*bed)
	limit  time.Duration
	mend   func(*bed)
}

// TestDrills kills, freezes and breaks what a copy is made of, with every routing
// daemon that there is a pack of, and looks at the routers' own tables.
func TestDrills(t *testing.T) {
	t.Parallel()
	for _, bgp := range []string{"bird", "frr"} {
		t.Run(bgp, func(t *testing.T) {
			t.Parallel()
			s := *loadSite(t, "../sites/root-example.hcl")
			s.Components = maps.Clone(s.Components)
			s.Components["bgp"] = bgp
			s.PackOptions = map[string]map[string]any{"guard": {"damping": int64(0), "drain": int64(3)}}
			b := newBedOf(t, &s, rehearse.Options{})
			b.mustApply(b.Site)
			b.until(settle, "the announcement", b.announced(true))
			b.verifyUntil(b.Site, map[string]verify.Status{}) // the guard sees what is exported, among others
			drills := append(nameServerDrills(), routingDrills(bgp)...)
			if bgp == "bird" {
				drills = append(drills, hangingProcess())
			}
			for _, d := range drills {
				t.Run(d.name, func(t *testing.T) {
					b.t = t
					b.drill(d)
				})
			}
			b.t = t
			b.gracefully(func() { b.drain(true) })
			b.must(b.announced(false)())
			b.drain(false)
			b.until(10*time.Second, "the announcement", b.announced(true))
			b.obeysWithOneNeighbor(bgp + ".service")
			if bgp == "bird" {
				b.isLeftWithdrawn()
			}
		})
	}
}

// obeysWithOneNeighbor drains while one neighbor is down: what a routing daemon
// says of a session that is down is no disobedience, and it is not ended.
func (b *bed) obeysWithOneNeighbor(unit string) {
	b.t.Helper()
	second := b.Site.BGP.Neighbors[1].Name
	b.on(b.Router.Machine, "birdc", "-s", "/run/bird/"+second+".ctl", "disable", "all")
	defer b.on(b.Router.Machine, "birdc", "-s", "/run/bird/"+second+".ctl", "enable", "all")
	id := func() string { return b.on(b.Server, "systemctl", "show", "-P", "InvocationID", unit) }
	before := id()
	b.drain(true)
	// It is withdrawn here; the router has to read it yet.
	b.until(3*time.Second, "the withdrawal", b.announced(false))
	time.Sleep(8 * time.Second) // longer than one that does not obey is left alone
	b.drain(false)
	if after := id(); after != before {
		b.t.Errorf("%s was ended, and it had obeyed", unit)
	}
}

// isLeftWithdrawn has a person withdraw at the routing daemon: it is not ended for
// that, which would announce.
func (b *bed) isLeftWithdrawn() {
	b.t.Helper()
	b.until(settle, "the announcement to each neighbor", b.announced(true))
	id := func() string { return b.on(b.Server, "systemctl", "show", "-P", "InvocationID", "bird.service") }
	before := id()
	b.on(b.Server, "birdc", "disable", "guard")
	b.until(3*time.Second, "the withdrawal", b.announced(false))
	b.until(30*time.Second, "the guard's word", func() error {
		if text := b.on(b.Server, "raiz-helper", "status"); !strings.Contains(text, "there is no session with bird.service") || !strings.Contains(text, "feed: ") {
			return errors.New(text)
		}
		return nil
	})
	if planned, _ := b.plan(b.Site); !strings.Contains(messages.English().All(planned.Notices()), "the guard does not announce 193.0.14.0/23") {
		b.t.Errorf("a plan tells nobody: %s", messages.English().All(planned.Notices()))
	}
	if after := id(); after != before {
		b.t.Error("BIRD was ended, and a person had withdrawn")
	}
	b.must(b.announced(false)())
	b.on(b.Server, "birdc", "enable", "guard")
	b.until(10*time.Second, "the announcement", b.announced(true))
}

// gracefully does what takes the blocks away, and sees that routers are told to
// take other routes before there are none (RFC 8326).
func (b *bed) gracefully(deed func()) {
	b.t.Helper()
	done := make(chan struct{})
	defer func() { <-done }()
	go func() {
		defer close(done)
		deed()
	}()
	b.until(20*time.Second, "GRACEFUL_SHUTDOWN", func() error {
		routes, err := b.Router.Routes(b.t.Context())
		if err != nil {
			return err
		}
		for _, r := range routes {
			if !slices.Contains(r.Communities, "65535:0") {
				return fmt.Errorf("%s over %s has %v", r.Prefix, r.Neighbor, r.Communities)
			}
		}
		if len(routes) != 2*len(b.Site.Blocks()) {
			return fmt.Errorf("%d routes", len(routes))
		}
		return nil
	})
	b.until(20*time.Second, "the withdrawal", b.announced(false))
}

func (b *bed) drill(d drill) {
	b.still()
	mended := false
	mend := func() {
		if !mended {
			mended = true
			d.mend(b)
		}
	}
	defer mend()
	d.break_(b)
	took := b.until(d.limit+5*time.Second, "the withdrawal", b.announced(false))
	b.t.Logf("withdrawn after %s, of %s", took.Round(10*time.Millisecond), d.limit)
	if took > d.limit {
		b.t.Errorf("withdrawn after %s, and not within %s", took, d.limit)
	}
	mend()
	back := b.until(settle, "the announcement", b.announced(true))
	b.t.Logf("announced %s after it was mended", back.Round(10*time.Millisecond))
}

// sh runs a script on the server.
func (b *bed) sh(script string) { b.on(b.Server, "sh", "-ec", script) }

func shells(script string) func(*bed) { return func(b *bed) { b.sh(script) } }

func nameServerDrills() []drill {
	return []drill{{
		name:   "name server killed",
		break_: shells("systemctl mask --runtime nsd.service; systemctl kill --signal=SIGKILL nsd.service"),
		limit:  2 * time.Second,
		mend:   shells("systemctl unmask --runtime nsd.service; systemctl daemon-reload; systemctl reset-failed nsd.service; systemctl start nsd.service"),
	}, {
		name: "name server frozen", break_: freeze("nsd.service"), limit: 6 * time.Second, mend: thaw("nsd.service"),
	}, {
		name: "name server spinning",
		// It takes the sockets' place, takes what comes, and answers nothing.
		break_: shells(`systemctl stop nsd.service
			cat >/run/spin.pl <<'EOF'
use strict; use Socket qw(:all);
for my $a (@ARGV) {
	for my $type (SOCK_DGRAM, SOCK_STREAM) {
		my $v6 = $a =~ /:/;
		socket(my $s, $v6 ? PF_INET6 : PF_INET, $type, 0) or die;
		setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1);
		bind($s, $v6 ? pack_sockaddr_in6(53, inet_pton(AF_INET6, $a)) : pack_sockaddr_in(53, inet_aton($a))) or die "$a: $!";
		listen($s, 128) if $type == SOCK_STREAM;
		push @main::all, $s;
	}
}
1 while 1;
EOF
			systemd-run --quiet --unit=spin perl /run/spin.pl 193.0.14.129 2001:7fd::1`),
		limit: 6 * time.Second,
		mend:  shells("systemctl kill --signal=SIGKILL spin.service; systemctl start nsd.service"),
	}, {
		name:   "TCP alone dead",
		break_: shells("nft insert rule inet raiz input iif lo tcp dport 53 drop"),
		limit:  10 * time.Second,
		mend:   shells("nft --file /etc/nftables.conf"),
	}, {
		name:   "one zone of many refused",
		break_: shells(`cp /etc/nsd/raiz-zones.conf /run/zones; awk '/^zone:/ { n++ } n != 2' /run/zones >/etc/nsd/raiz-zones.conf; /usr/local/lib/raiz/nsd-zones reconfig`),
		limit:  10 * time.Second,
		mend:   shells("cat /run/zones >/etc/nsd/raiz-zones.conf; /usr/local/lib/raiz/nsd-zones reconfig"),
	}, {
		name: "one zone of many SERVFAIL",
		// It is configured, and there is nothing to load.
		break_: shells(`cp /etc/nsd/raiz-zones.conf /run/zones; systemctl stop nsd.service
			name=$(awk '$1 == "name:" { print $2 }' /run/zones | tr -d '"' | sed -n 2p)
			awk '/^zone:/ { n++ } n != 2' /run/zones >/etc/nsd/raiz-zones.conf
			printf 'zone:\n\tname: "%s"\n\tzonefile: "/nowhere"\n\trequest-xfr: 127.0.0.9 NOKEY\n' "$name" >>/etc/nsd/raiz-zones.conf
			systemctl start nsd.service
			drill @193.0.14.129 "$name" SOA | grep --quiet SERVFAIL`),
		limit: 10 * time.Second,
		mend:  shells("cat /run/zones >/etc/nsd/raiz-zones.conf; /usr/local/lib/raiz/nsd-zones reconfig"),
	}, {
		name:   "address removed",
		break_: shells("ip address del 193.0.14.129/32 dev lo; ip address del 2001:7fd::1/128 dev lo"),
		limit:  5 * time.Second,
		mend:   shells("ip address add 193.0.14.129/32 dev lo; ip address add 2001:7fd::1/128 dev lo nodad"),
	}}
}

// hangingProcess stops one process of several: each hears a part of the clients,
// so that others get their answers all the time.
func hangingProcess() drill {
	return drill{
		name: "one process of the name server hangs",
		break_: shells(`pidof nsd | tr ' ' '\n' | sort --numeric-sort >/run/nsds
			[ "$(wc --lines </run/nsds)" -ge 4 ] # itself, its transfers, and two that answer
			kill -STOP "$(tail --lines=1 /run/nsds)"`),
		limit: 12 * time.Second,
		mend:  shells(`kill -CONT "$(tail --lines=1 /run/nsds)"`),
	}
}

func routingDrills(bgp string) []drill {
	unit, file := bgp+".service", filepath.Join("/etc", bgp, bgp+".conf")
	return []drill{{
		name: "routing daemon frozen", break_: freeze(unit), limit: 10 * time.Second, mend: thaw(unit),
	}, {
		name:   "routing daemon stopped by SIGSTOP",
		break_: shells("systemctl kill --kill-who=all --signal=SIGSTOP " + unit),
		limit:  10 * time.Second, mend: func(*bed) {}, // it is killed, and comes back without anybody
	}, {
		name:   "its file broken and DNS dead",
		break_: shells(fmt.Sprintf("cp -p %s /run/was; echo 'no such thing {' >>%s; systemctl stop nsd.service", file, file)),
		limit:  10 * time.Second,
		mend:   shells(fmt.Sprintf("cp -p /run/was %s; systemctl start nsd.service", file)),
	}, {
		name:   "guard killed, its file gone",
		break_: shells("mv /usr/local/sbin/raiz-helper /run/helper; systemctl kill --signal=SIGKILL raiz-guard.service"),
		limit:  10 * time.Second,
		mend:   shells("mv /run/helper /usr/local/sbin/raiz-helper"),
	}, {
		name: "guard frozen", break_: freeze("raiz-guard.service"), limit: 10 * time.Second, mend: thaw("raiz-guard.service"),
	}, {
		name:   "guard stopped by SIGSTOP",
		break_: shells("systemctl kill --signal=SIGSTOP raiz-guard.service"),
		limit:  10 * time.Second, mend: func(*bed) {},
	}}
}

// freeze stops all processes of a unit by the freezer of its control group.
func freeze(unit string) func(*bed) { return frozen(unit, "1") }
func thaw(unit string) func(*bed)   { return frozen(unit, "0") }

func frozen(unit, to string) func(*bed) {
	return func(b *bed) {
		b.t.Helper()
		group := strings.TrimSpace(b.on(b.Server, "systemctl", "show", "-P", "ControlGroup", unit))
		b.sh(fmt.Sprintf("echo %s >/sys/fs/cgroup%s/cgroup.freeze", to, group))
	}
}

// TestDrain drains a copy, reboots it, applies to it and takes the drain back,
// in every order of two: it is announced exactly when nobody wants it withdrawn.
// Half of them, but with RAIZ_DRAIN=all.
func TestDrain(t *testing.T) {
	t.Parallel()
	s := *loadSite(t, "../sites/root-example.hcl")
	s.PackOptions = map[string]map[string]any{"guard": {"damping": int64(0), "drain": int64(3)}}
	b := newBedOf(t, &s, rehearse.Options{})
	b.mustApply(b.Site)
	b.until(settle, "the announcement", b.announced(true))
	drained, turn := false, 0
	deeds := []struct {
		name string
		do   func()
	}{
		{"drain", func() { b.drain(true); drained = true }},
		{"undrain", func() { b.drain(false); drained = false }},
		{"reboot", func() {
			b.must(b.Server.Kill(b.t.Context()))
			b.must(b.Server.Boot(b.t.Context()))
			if !drained {
				b.firstRoute()
			}
		}},
		{"apply", func() {
			turn++
			changed := *b.Site
			changed.DNS.Identity = fmt.Sprintf("again%d.k.example.net", turn)
			b.mustApply(&changed)
		}},
	}
	t.Run("apply drains first", func(t *testing.T) {
		b.t = t
		b.gracefully(deeds[len(deeds)-1].do)
		b.stays(true)
	})
	for i, first := range deeds {
		for j, second := range deeds {
			if few := os.Getenv("RAIZ_DRAIN") == ""; few && (j-i+len(deeds))%len(deeds) < 2 {
				continue // what changes least is for make soak
			}
			t.Run(first.name+" and "+second.name, func(t *testing.T) {
				b.t = t
				first.do()
				second.do()
				b.stays(!drained)
			})
		}
	}
	b.t = t
}

// drain has raiz drain, or take it back.
func (b *bed) drain(wanted bool) {
	b.t.Helper()
	run := provision.New(b.Site, b.o)
	defer run.Close(b.t.Context())
	g, err := run.Drain(b.t.Context(), server.DrainRequest{Wanted: wanted})
	b.must(err)
	if g.Silent != "" || g.Lingers != "" || (g.Wanted != nil) != wanted {
		b.t.Fatalf("the guard: %+v", g)
	}
}

// stays sees that all blocks are announced, or none, and for a while.
func (b *bed) stays(announced bool) {
	b.t.Helper()
	b.until(settle, "its state", b.announced(announced))
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) { // between two looks
		b.must(b.announced(announced)())
	}
}
