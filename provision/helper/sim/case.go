package sim

import (
	"fmt"
	"time"

	"github.com/raiz-dns/raiz/provision/helper/promise"
	"github.com/raiz-dns/raiz/provision/server"
)

// Case is a server with a history, and who changes it.
type Case struct {
	Name    string
	Start   Start
	History []Want // applied and confirmed before
	Sides   []Side
	Event   Event
	Code    Code
	ByHand  bool // somebody has changed what runs, and no file
}

// Side is somebody who applies.
type Side struct {
	Want    Want
	Seconds int           // until it reverts by itself; 0 for 120
	After   time.Duration // it begins
	Pause   time.Duration // it waits at the prompt
	Dies    time.Duration // after it began; 0 for never
	Gate    time.Duration // it looks before it confirms
	No      bool          // its gate says no
}

// base is a server with its history, which worlds begin with.
type base struct {
	disk   *disk
	now    time.Duration
	boots  int
	runs   map[string]promise.Generation // of a run before
	ip     string                        // where it answers
	before print
	// meddled is the same after a file was changed by others, and a boot.
	meddled print
	plain   uint64   // effect after a boot, without what was done by hand
	words   []string // of what was in effect
	threads *threads
	// manifests are those of wants that have been looked for.
	manifests map[Want]server.Manifest
}

// before makes the server of a case: the history is applied by a near side like
// any other.
func (x *Case) before() (*base, error) {
	b := &base{runs: map[string]promise.Generation{}, ip: oldAddress, threads: &threads{}, manifests: map[Want]server.Manifest{}}
	m := newMachine(newServer(x.Start), x.Code.Programs, b.threads)
	m.Boot()
	w := &world{x: x, m: m, base: b}
	w.rest()
	for i, want := range x.History {
		s := &side{name: fmt.Sprintf("past%d", i), want: want, seconds: 120, address: b.ip, until: never}
		w.sides = []*side{s}
		s.wake = m.now
		w.rest()
		if s.told != promise.Confirmed {
			return nil, fmt.Errorf("history %d of %s: told %q, %s", i, x.Name, s.told, s.said)
		}
		for run := range b.runs {
			b.runs[run] = promise.Mixture
		}
		b.runs[s.run] = promise.Before
		b.ip = want.ip()
	}
	m.disk.flushAll()
	m.Crash(KeepAll)
	b.disk, b.now, b.boots = m.disk, m.now, m.boots
	n := x.begin(b)
	b.before, b.words = n.print(), n.effectWords()
	untouched := *x
	untouched.ByHand = false
	b.plain = untouched.begin(b).effectPrint()
	other := *b
	other.disk = b.disk.clone()
	other.disk.meddle(x.Event)
	b.meddled = x.begin(&other).print()
	if !n.m.answers(b.ip) {
		return nil, fmt.Errorf("%s: the server does not answer at %s before anything happens", x.Name, b.ip)
	}
	return b, nil
}

// begin is the world of a case at its beginning: the server is up, and nobody
// has done anything yet.
func (x *Case) begin(b *base) *world {
	w := &world{x: x, base: b}
	w.m = newMachine(b.disk.clone(), x.Code.Programs, b.threads)
	w.m.now, w.m.boots = b.now, b.boots
	w.m.Boot()
	w.rest()
	if x.ByHand {
		w.m.byHand()
	}
	w.m.Acts = nil
	for i, s := range x.Sides {
		n := &side{name: string(rune('A' + i)), want: s.Want, seconds: s.Seconds, pause: s.Pause, gate: s.Gate, no: s.No, address: b.ip, of: promise.Generation(i + 1)}
		if n.seconds == 0 {
			n.seconds = 120
		}
		n.wake = w.m.now + s.After
		n.began = n.wake
		n.until = never
		if s.Dies != 0 {
			n.until = n.wake + s.Dies
		}
		w.sides = append(w.sides, n)
	}
	w.event = event{Event: x.Event}
	w.watch()
	return w
}

// want is what a generation wants.
func (w *world) want(g promise.Generation) Want { return w.sides[g-1].want }
