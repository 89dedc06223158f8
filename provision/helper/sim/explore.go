package sim

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/helper/promise"
)

// Crash is a loss of power: before a call, and what of the unflushed stays.
type Crash struct {
	At   int
	Keep Keep
}

// Path names one world: the calls at which its event happens, and its crashes
// in their order. Its case is named beside it.
type Path struct {
	At, And int
	Crashes []Crash
}

// String writes a path so that ParsePath reads it.
func (p Path) String() string {
	out := fmt.Sprintf("%d,%d", p.At, p.And)
	for _, c := range p.Crashes {
		out += fmt.Sprintf("/%d+%d", c.At, c.Keep)
	}
	return out
}

// ParsePath reads what String wrote.
func ParsePath(s string) (Path, error) {
	head, rest, _ := strings.Cut(s, "/")
	at, and, _ := strings.Cut(head, ",")
	var p Path
	var err error
	if p.At, err = strconv.Atoi(at); err != nil {
		return p, err
	}
	if p.And, err = strconv.Atoi(and); err != nil {
		return p, err
	}
	for c := range strings.SplitSeq(rest, "/") {
		call, keep, ok := strings.Cut(c, "+")
		if !ok {
			break
		}
		n, err := strconv.Atoi(call)
		if err != nil {
			return p, err
		}
		k, err := strconv.Atoi(keep)
		if err != nil {
			return p, err
		}
		p.Crashes = append(p.Crashes, Crash{n, Keep(k)})
	}
	return p, nil
}

// Bounds are how much is explored.
type Bounds struct {
	Crashes int // one after the other
	// Keeps are what stays of the unflushed: the first three, and seeds.
	Keeps []Keep
	// Every takes each so manieth call of an event, of a first crash and of a
	// second one; 1 takes all.
	EveryEvent, EveryFirst, EverySecond int
	Worlds                              int // of one case; 0 for all
}

// Broken is a promise that did not hold in a world.
type Broken struct {
	Case    *Case
	Path    Path
	Promise string
	Err     error
}

// Error implements error.
func (b Broken) Error() string {
	return fmt.Sprintf("%s: %v (RAIZ_WORLD='%s %s')", b.Promise, b.Err, b.Case.Name, b.Path)
}

// Count is what an exploration has done.
type Count struct {
	Worlds   int // that came to rest, each from another state of disk and near sides
	Equal    int // that began in a state that another one had begun in, and were not run again
	Outcomes int // disks and effects at rest that differ
	Calls    int // that change something
	Broken   int
}

// Add sums counts of cases that have nothing in common.
func (c *Count) Add(o Count) {
	c.Worlds += o.Worlds
	c.Equal += o.Equal
	c.Outcomes += o.Outcomes
	c.Calls += o.Calls
	c.Broken += o.Broken
}

// explorer walks the worlds of one case.
type explorer struct {
	x        *Case
	bounds   Bounds
	base     *base
	begun    map[uint64]bool
	outcomes map[uint64]bool
	plain    map[uint64]bool // outcomes from which a plain apply has converged
	count    Count
	broken   func(Broken)
}

// Explore walks the worlds of a case: its event at each call, a loss of power
// before each call, and before each call of the recovery. Each comes to rest, is
// looked at, is mended from outside where something hindered it, and then gets
// a plain apply.
func Explore(x *Case, b Bounds, broken func(Broken)) (Count, error) {
	e := &explorer{x: x, bounds: b, begun: map[uint64]bool{}, outcomes: map[uint64]bool{}, plain: map[uint64]bool{}, broken: broken}
	var err error
	if e.base, err = x.before(); err != nil {
		return Count{}, err
	}
	calls := e.from(Path{})
	if x.Event != NoEvent {
		for at := 1; at <= calls; at += e.bounds.EveryEvent {
			e.from(Path{At: at})
			if x.Event != Preempt {
				continue
			}
			for and := at + 1; and <= calls; and += e.bounds.EveryEvent {
				e.from(Path{At: at, And: and})
			}
		}
	}
	e.count.Outcomes = len(e.outcomes)
	return e.count, nil
}

func (e *explorer) done() bool { return e.bounds.Worlds > 0 && e.count.Worlds >= e.bounds.Worlds }

// from runs a world from the beginning, and what its crashes lead to. It
// returns how many calls there were.
func (e *explorer) from(p Path) int {
	if e.done() {
		return 0
	}
	w := e.x.begin(e.base)
	w.event.at, w.event.and = p.At, p.And
	w.record = e.bounds.Crashes > 0
	w.m.calls = 0
	w.rest()
	calls, points := w.m.calls, w.points
	e.judge(w, p)
	e.crashes(w, p, points, 1)
	return calls
}

// crashes runs on from each point of a world at which its power may be lost.
func (e *explorer) crashes(w *world, p Path, points []point, depth int) {
	every := e.bounds.EveryFirst
	if depth > 1 {
		every = e.bounds.EverySecond
	}
	shift := 0
	for _, c := range p.Crashes {
		shift += c.At + int(c.Keep) // another offset for each, so that in sum all are met
	}
	for i, at := range points {
		if depth == 1 && at.call < p.At {
			continue // the event has not happened yet: the same without it
		}
		if every > 1 && (i+shift)%every != 0 {
			continue
		}
		for _, k := range e.bounds.Keeps {
			if k != KeepNothing && !at.disk.loose() {
				break // nothing to lose
			}
			if e.done() {
				return
			}
			e.crash(w, Path{p.At, p.And, append(p.Crashes[:len(p.Crashes):len(p.Crashes)], Crash{at.call, k})}, at, k, depth)
		}
	}
}

func (e *explorer) crash(w *world, p Path, at point, k Keep, depth int) {
	n := w.revive(at, k)
	state := n.state()
	if e.begun[state] {
		e.count.Equal++
		return
	}
	e.begun[state] = true
	n.record = depth < e.bounds.Crashes
	n.m.Boot()
	n.rest()
	points := n.points
	e.judge(n, p)
	if depth < e.bounds.Crashes {
		e.crashes(n, p, points, depth+1)
	}
}

// judge looks at a world that has come to rest.
func (e *explorer) judge(w *world, p Path) {
	e.count.Worlds++
	e.count.Calls += w.m.calls
	w.record = false
	w.m.hook = nil
	outcome := w.outcome()
	e.outcomes[outcome] = true
	e.hold(w.seen(), p)
	if w.m.disk.readOnly != "" || w.m.disk.full {
		w.mend()
		e.hold(w.seen(), p)
	}
	if after := w.state(); !e.plain[after] {
		e.plain[after] = true
		if err := w.converges(); err != nil {
			e.report(Broken{e.x, p, "a plain apply converges", err})
		}
	}
}

func (e *explorer) hold(s promise.Seen, p Path) {
	for _, pr := range promise.All() {
		if err := pr.Holds(s); err != nil {
			e.report(Broken{e.x, p, pr.Name, err})
		}
	}
}

func (e *explorer) report(b Broken) {
	e.count.Broken++
	e.broken(b)
}

// mend is somebody who mends what hinders, and has the server start anew.
func (w *world) mend() {
	w.m.disk.readOnly, w.m.disk.full = "", false
	w.rest()
	w.m.disk.flushAll()
	w.m.Crash(KeepAll)
	w.m.Boot()
	w.rest()
}

// converges applies what the last side wants, over whatever there is.
func (w *world) converges() error {
	last := w.sides[len(w.sides)-1]
	want := last.want
	want.Spoilt, want.Gateway, want.Again = "", realGateway, 0
	if want.Address == wrongAddress {
		want.Address = w.base.ip + "/28"
	}
	ip := w.base.ip
	for _, s := range w.sides {
		if w.m.answers(s.want.ip()) {
			ip = s.want.ip()
		}
	}
	s := &side{name: "plain", want: want, seconds: 120, address: ip, until: never, wake: w.m.now, began: w.m.now, of: promise.Generation(len(w.sides) + 1)}
	sides := w.sides
	w.sides = []*side{s}
	w.stuck = false
	w.rest()
	w.sides = append(sides, s)
	switch {
	case s.told == promise.Nothing && s.said == "": // all was as declared
	case s.told != promise.Confirmed:
		return fmt.Errorf("it was told %q: %s", s.told, s.said)
	}
	if !w.hasFiles(want) || !w.inEffect(want) {
		return fmt.Errorf("told %q, and files or effect are not as declared", s.told)
	}
	return nil
}
