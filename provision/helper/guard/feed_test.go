//go:build linux

package guard

import (
	"bytes"
	"context"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/raiz-dns/raiz/provision/watch"
)

const (
	feedASN = 4200000001 // more than two bytes
	soon    = 10 * time.Second
)

// fed is a feed that runs, and what it feeds.
func fed(t *testing.T, how manner) (*feed, *speaker) {
	t.Helper()
	s := listen(t, feedASN, "127.0.0.3:0")
	s.behave(how)
	f := feedTo(t, feedASN, s.at())
	runs(t, f)
	return f, s
}

// runs returns how to end it and wait for that.
func runs(t *testing.T, f *feed) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { f.run(ctx) })
	stop = func() { cancel(); all.Wait() }
	t.Cleanup(stop)
	return stop
}

func (s *speaker) hasSoon(want ...string) {
	t := s.t.(*testing.T)
	t.Helper()
	slices.Sort(want)
	within(t, soon, "routes "+strings.Join(want, ", "), func() bool { return slices.Equal(s.has(), want) })
}

func routes(all ...string) map[netip.Prefix]route {
	out := map[netip.Prefix]route{}
	for _, text := range all {
		p, drained := strings.CutPrefix(text, "drain ")
		out[prefix(p)] = map[bool]route{true: draining, false: announced}[drained]
	}
	return out
}

func TestFeedBringsRoutes(t *testing.T) {
	t.Parallel()
	f, s := fed(t, talks)
	const four, other, six = "192.0.2.0/24", "198.51.100.0/24", "2001:db8::/48"
	for _, want := range [][]string{{four, six}, {four, other, six}, {"drain " + four, other, six}, {other, "drain " + six}, {six}, {}, {four}} {
		f.set(routes(want...))
		s.hasSoon(want...)
	}
	before := 0
	s.with(func() { before = len(s.updates) })
	f.set(routes(four)) // nothing has changed: nothing is said
	f.set(routes(six))
	s.hasSoon(six)
	s.with(func() {
		if n := len(s.updates) - before; n != 2 {
			t.Errorf("%d messages for one that is gone and one that has come", n)
		}
		o := s.opens[0]
		if o.HoldTime != 3 || o.ID != watch.Source() || o.MyAS != bgp.AS_TRANS || s.up != 1 {
			t.Errorf("OPEN %+v, %d sessions", o, s.up)
		}
	})
	if st := f.state(); !st.Up || st.Mute != 0 || !st.Lost {
		t.Errorf("state %+v", st)
	}
}

// A session that is lost comes back with what is wanted then.
func TestFeedComesBack(t *testing.T) {
	t.Parallel()
	f, s := fed(t, talks)
	f.set(routes("192.0.2.0/24", "2001:db8::/48"))
	s.hasSoon("192.0.2.0/24", "2001:db8::/48")
	s.behave(rejects)
	within(t, soon, "the loss", func() bool { return !f.state().Up })
	f.set(routes("198.51.100.0/24", "drain 2001:db8::/48"))
	// By what GoBGP calls Cease, as BIRD does while it waits after an error.
	within(t, soon, "a rejection", func() bool { n := 0; s.with(func() { n = len(s.opens) }); return n >= 3 })
	if len(s.has()) > 0 {
		t.Errorf("routes without a session: %v", s.has())
	}
	s.behave(talks)
	s.hasSoon("198.51.100.0/24", "drain 2001:db8::/48")
	s.with(func() {
		for _, u := range s.updates {
			if len(u.Withdrawn) > 0 || slices.Contains(u.Reached, "192.0.2.0/24") {
				t.Errorf("a new session is told of the past: %+v", u)
			}
		}
	})
}

// A daemon that hangs is known by the hold time.
func TestFeedIsDeserted(t *testing.T) {
	t.Parallel()
	f, s := fed(t, deserted)
	f.set(routes("192.0.2.0/24"))
	s.hasSoon("192.0.2.0/24")
	within(t, soon, "the loss", func() bool { return !f.state().Up })
}

func TestFeedMute(t *testing.T) {
	t.Parallel()
	f, s := fed(t, mute)
	within(t, soon, "that it is mute", func() bool { return f.state().Mute > 0 })
	if st := f.state(); st.Up || st.Lost {
		t.Errorf("state %+v", st)
	}
	was := f.state().Mute
	within(t, soon, "that it goes on", func() bool { return f.state().Mute > was+200*time.Millisecond })

	s.behave(talks)
	within(t, soon, "a session", func() bool { return f.state().Up })
	if st := f.state(); st.Mute != 0 || !st.Lost {
		t.Errorf("state %+v", st)
	}

	s.behave(mute)
	within(t, soon, "that it is mute again", func() bool { return f.state().Mute > 0 })
	if st := f.state(); st.Up || !st.Lost {
		t.Errorf("after a session: state %+v", st)
	}

	// One that was ended has let no session die.
	f.anew()
	if st := f.state(); st.Mute != 0 || st.Lost {
		t.Errorf("after its end: state %+v", st)
	}
	within(t, soon, "that its successor is mute", func() bool { return f.state().Mute > 0 })
	if st := f.state(); st.Lost {
		t.Errorf("state %+v", st)
	}
}

// Who takes no connection is not there, and not mute.
func TestFeedRefused(t *testing.T) {
	t.Parallel()
	f, s := fed(t, talks)
	within(t, soon, "a session", func() bool { return f.state().Up })
	s.leave()
	within(t, soon, "the end", func() bool { st := f.state(); return !st.Up && !st.Lost })
	if st := f.state(); st.Mute != 0 {
		t.Errorf("state %+v", st)
	}
	again := listen(t, feedASN, s.at().String())
	f.set(routes("192.0.2.0/24"))
	again.hasSoon("192.0.2.0/24")
}

// The end takes the session along, whatever state it is in, and leaves nothing
// that runs.
func TestFeedEnds(t *testing.T) {
	for name, how := range map[string]manner{"established": talks, "mute": mute, "rejected": rejects} {
		t.Run(name, func(t *testing.T) {
			s := listen(t, feedASN, "127.0.0.3:0")
			s.behave(how)
			f := feedTo(t, feedASN, s.at())
			f.set(routes("192.0.2.0/24"))
			stop := runs(t, f)
			seen := func() (n int) { s.with(func() { n = len(s.conns) + len(s.opens) }); return n }
			within(t, soon, "a connection", func() bool { return seen() > 0 })
			if how == talks {
				s.hasSoon("192.0.2.0/24")
			}
			stop()
			s.hasSoon()
			within(t, soon, "the end of what it started", func() bool { return left() == "" })
		})
	}
}

// left are goroutines of a feed.
func left() string {
	buf := make([]byte, 1<<20)
	for g := range bytes.SplitSeq(buf[:runtime.Stack(buf, true)], []byte("\n\n")) {
		if bytes.Contains(g, []byte("corebgp")) || bytes.Contains(g, []byte("guard.(*feed)")) {
			return string(g)
		}
	}
	return ""
}

// A port of root's is taken where the kernel lets, and another one where it is
// in use.
func TestReservedPort(t *testing.T) {
	d := net.Dialer{Control: fromReserved(watch.Source())}
	s := listen(t, feedASN, "127.0.0.3:0")
	s.behave(mute)
	may := os.Geteuid() == 0
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start"); err == nil {
		n, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		may = may || n <= firstReserved
	}
	seen := map[uint16]bool{}
	for range 20 {
		c, err := d.DialContext(t.Context(), "tcp", s.at().String())
		if (err == nil) != may {
			t.Fatalf("may it: %t, %v", may, err)
		}
		if err != nil {
			return
		}
		defer c.Close()
		from := netip.MustParseAddrPort(c.LocalAddr().String())
		if from.Addr() != watch.Source() || from.Port() < firstReserved || from.Port() >= 1024 || seen[from.Port()] {
			t.Errorf("from %s, seen before: %t", from, seen[from.Port()])
		}
		seen[from.Port()] = true
	}
}
