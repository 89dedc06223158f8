//go:build linux

package guard

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/watch"
)

// whole is a guard that runs, with a name server and a routing daemon.
type whole struct {
	*Guard
	m    *fakeMachine
	out  *toldTo
	peer *speaker
	stop func() error

	mu    sync.Mutex
	shows func([]string) []string // what the daemon shows of the routes it has
}

func runWhole(t *testing.T, change func(*watch.Config)) *whole {
	t.Helper()
	w := &whole{peer: listen(t, feedASN, "127.0.0.3:0"), shows: func(has []string) []string { return has }}
	c := twoBlocks()
	c.Identity = ""
	c.Feed = watch.Feed{ASN: feedASN, Source: watch.Source(), Daemon: w.peer.at()}
	c.Router = watch.Router{
		Unit: "bird.service", Exports: []watch.Exports{{Session: "edge1", Family: 4, Carries: true, Argv: []string{"birdc"}}},
		Look: observation.Observation{Lines: observation.Lines{Begin: []*regexp.Regexp{regexp.MustCompile(`^(?P<prefix>\S+)`)}}},
	}
	if change != nil {
		change(&c)
	}
	w.Guard, w.m, w.out = guardOn(t, c)
	w.m.run = func([]string) (string, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		var out []string
		for _, p := range w.shows(w.peer.has()) {
			out = append(out, strings.TrimPrefix(p, "drain "))
		}
		return strings.Join(out, "\n"), nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	var err error
	all.Go(func() { err = w.Guard.Run(ctx) })
	w.stop = func() error { cancel(); all.Wait(); return err }
	t.Cleanup(func() { _ = w.stop() })
	return w
}

func (w *whole) show(f func([]string) []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shows = f
}

func (w *whole) status(t *testing.T) watch.Status {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(w.files.home, "status.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := watch.ReadStatus(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A whole life: nothing is announced before so many looks, what dies is
// withdrawn, and the end takes the session along.
func TestRun(t *testing.T) {
	t.Parallel()
	w := runWhole(t, nil)
	within(t, soon, "a session", func() bool { return w.peer.sessions() > 0 })
	w.peer.hasSoon(four, six)
	if n := w.m.looked(); n < 2 {
		t.Errorf("announced after %d looks", n)
	}
	within(t, soon, "that it is seen", func() bool { s := w.status(t); return len(s.Exports) == 1 && len(s.Exports[0].Prefixes) == 2 })

	put(t, w.files.drain, `{"by":"anna"}`)
	w.peer.hasSoon("drain "+four, "drain "+six)
	if err := os.Remove(w.files.drain); err != nil {
		t.Fatal(err)
	}
	w.peer.hasSoon(four, six)

	looks := w.m.looked()
	w.m.turn(server.ProblemRefused)
	w.peer.hasSoon()
	if n := w.m.looked() - looks; n < w.c.Fall || n > w.c.Fall+2 { // one before it is dead, one until that is seen here
		t.Errorf("withdrawn after %d looks", n)
	}
	within(t, soon, "that it says so", func() bool { s := w.status(t); return s.Blocks[0].State == watch.Withdrawn })
	if s := w.status(t); s.Counts.Withdrawals != 2 || s.Counts.Wrong < 3 || !s.Feed.Up || !strings.Contains(s.Blocks[0].Reason, "nobody listens there") {
		t.Errorf("%+v", s)
	}
	w.m.turn("")
	w.peer.hasSoon(four, six)

	if err := w.stop(); err != nil {
		t.Error(err)
	}
	w.peer.hasSoon()
	w.saidWell(t)
}

// saidWell holds what people and systemd were told against what there was: each
// change once, and a sign of life for each look.
func (w *whole) saidWell(t *testing.T) {
	t.Helper()
	text, states := w.out.said()
	for line, n := range map[string]int{
		"announcing " + four + ": every zone is served": 3, "withdrew " + four + ": 192.0.2.1 by ": 1,
		"draining " + six + ": drained by anna: withdrawn in 30s": 1, "withdrew " + six: 1,
	} {
		if got := strings.Count(text, line); got != n {
			t.Errorf("%q is said %d times, and not %d:\n%s", line, got, n, text)
		}
	}
	if len(states) == 0 || !strings.HasPrefix(states[0], "READY=1\n") {
		t.Fatalf("systemd hears %q", states)
	}
	alive := slices.DeleteFunc(slices.Clone(states), func(s string) bool { return !strings.HasPrefix(s, "WATCHDOG=1\nSTATUS="+four+" ") })
	if looks := w.m.looked(); len(alive) != looks || len(states) != looks+1 {
		t.Errorf("%d looks, %d signs of life, and %d words in all", looks, len(alive), len(states))
	}
}

// A daemon that goes on exporting what it was not to is ended, by a file, and
// its successor has its own time.
func TestRunEndsWhoDoesNotObey(t *testing.T) {
	t.Parallel()
	w := runWhole(t, nil)
	stop := filepath.Join(w.files.home, "stop-router")
	w.peer.hasSoon(four, six)
	w.show(func([]string) []string { return []string{four, six} })
	if _, err := os.Lstat(stop); err == nil {
		t.Error("a daemon that obeys is ended")
	}
	w.m.turn(server.ProblemRefused)
	w.peer.hasSoon()
	began := time.Now()
	within(t, soon, "the end of the daemon", func() bool { _, err := os.Lstat(stop); return err == nil })
	if took := time.Since(began); took < obeys/2 {
		t.Errorf("ended after %s", took)
	}
	within(t, soon, "that it is counted", func() bool { return w.status(t).Counts.Stops == 1 })
	if f := w.feed.state(); !f.Up || f.Lost {
		t.Errorf("one that was ended has let a session die: %+v", f)
	}
	if got := w.alarmed(watch.TroubleExports); !strings.Contains(got, four+" is exported over edge1, and should not be") {
		t.Errorf("alarm %q", got)
	}
	w.show(func(has []string) []string { return has })
	within(t, soon, "the end of the alarm", func() bool { return w.alarmed(watch.TroubleExports) == "" })
	if text, _ := w.out.said(); strings.Count(text, "stopping bird.service: "+four+" is exported over edge1, and should not be") != 1 {
		t.Errorf("it says:\n%s", text)
	}
}

// One that hangs lets each look at it hang, which keeps it from nothing.
func TestRunEndsWhoHangs(t *testing.T) {
	t.Parallel()
	w := runWhole(t, nil)
	stop := filepath.Join(w.files.home, "stop-router")
	w.peer.hasSoon(four, six)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	hangs := make(chan struct{})
	var first sync.Once
	w.show(func([]string) []string { first.Do(func() { close(hangs) }); <-over; return nil })
	w.m.turn(server.ProblemRefused) // by which it looks again
	<-hangs
	w.peer.behave(mute)
	within(t, 2*soon, "the end of the daemon", func() bool { _, err := os.Lstat(stop); return err == nil })
	if text, _ := w.out.said(); !strings.Contains(text, "stopping bird.service: it takes connections, and does not speak") {
		t.Errorf("it says:\n%s", text)
	}
}

func (w *whole) alarmed(code watch.TroubleCode) string { return w.alarm(code) }

// A crowd that the kernel drops keeps what is announced, where a site wants
// that, and brings nothing up.
func TestRunInACrowd(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]watch.Policy{"absorb": watch.Alarm, "give way": watch.Withdraw} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := runWhole(t, func(c *watch.Config) { c.OnOverload, c.Fall = policy, 2 })
			w.peer.hasSoon(four, six)
			w.m.turnUDP(server.ProblemSilent)
			if policy == watch.Withdraw {
				w.crowd(t, isRead, func() bool { return len(w.peer.has()) == 0 })
				return
			}
			looks := w.m.looked()
			w.crowd(t, isRead, func() bool { return w.m.looked() > looks+3 && w.alarmed(watch.TroubleCrowd) != "" })
			if got := w.peer.has(); len(got) != 2 {
				t.Errorf("withdrawn for a crowd: %v", got)
			}
			// It goes, and the name server does not come back.
			w.peer.hasSoon()
		})
	}
}

// A process that hangs lets its socket fill, beside others that answer: that is
// no crowd.
func TestRunWithAProcessThatHangs(t *testing.T) {
	t.Parallel()
	w := runWhole(t, func(c *watch.Config) { c.OnOverload, c.Fall = watch.Alarm, 2 })
	w.peer.hasSoon(four, six)
	w.m.waits = true
	w.m.turnUDP(server.ProblemSilent)
	w.crowd(t, func(int) int { return 212992 }, func() bool { return len(w.peer.has()) == 0 })
	if text := w.alarmed(watch.TroubleCrowd); text != "" {
		t.Errorf("it is called a crowd: %s", text)
	}
}

// isRead is what is found queued at a socket that is read, however full it is.
func isRead(n int) int { return 212992 - n%7*768 }

// crowd has the kernel drop datagrams, and the name server answer others, until
// something is so.
func (w *whole) crowd(t *testing.T, queued func(n int) int, until func() bool) {
	t.Helper()
	n := 0
	within(t, soon, "what a crowd brings about", func() bool {
		n++
		for name, text := range map[string]string{
			"udp":  fmt.Sprintf("1: 010200C0:0035 00000000:0000 07 00000000:%08X 00:00000000 00000000 0 0 4711 2 0000000000000000 %d\n", queued(n), n),
			"snmp": fmt.Sprintf("Udp: 0 0 0 %d 0\n", 1000*n),
		} {
			// Whole at once: half of a file tells of nothing.
			fresh := filepath.Join(w.files.proc, "fresh")
			put(t, fresh, text)
			if err := os.Rename(fresh, filepath.Join(w.files.proc, name)); err != nil {
				t.Fatal(err)
			}
		}
		return until()
	})
}
