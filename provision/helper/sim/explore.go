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

// shift has each world take other calls than the next one, so that in sum all
// are met.
func (p Path) shift() int {
	n := p.At + p.And
	for _, c := range p.Crashes {
		n += c.At + int(c.Keep)
	}
	return n
}

// Bounds are how much is explored of one case.
type Bounds struct {
	// Keeps are what stays of the unflushed: the first three, and seeds.
	Keeps []Keep
	// Worlds is about how many are run. Every call of an event, and every
	// first loss of power without one, is taken first; what is left is spread
	// evenly over losses of power after an event, and in a recovery.
	Worlds int
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
	Plain    int // ends from which a plain apply was run: the others look like one of them
	Broken   int
}

// Add sums counts of cases that have nothing in common.
func (c *Count) Add(o Count) {
	c.Worlds += o.Worlds
	c.Equal += o.Equal
	c.Outcomes += o.Outcomes
	c.Calls += o.Calls
	c.Plain += o.Plain
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
	// every takes each so manieth call for a loss of power, by how many there
	// were before.
	every [3]int
	event int // each so manieth pair of calls of an event
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
	e.spread()
	return e.count, nil
}

// many worlds of one case leave room for one more loss of power.
const many = 2000

// spread walks what the bounds allow.
func (e *explorer) spread() {
	keeps := (len(e.bounds.Keeps) + 1) * 2 / 3 // about, for some calls leave nothing unflushed
	if e.x.Event == NoEvent {
		// One crash at each call, then second ones: about as many calls as a
		// recovery has, for each.
		e.every = [3]int{1, 0, 0}
		calls := e.calls()
		left := max(e.bounds.Worlds-calls*keeps, 1)
		e.every[1] = max(1, calls*keeps*60*keeps/left/16) // most begin like another one
		if e.bounds.Worlds >= many {
			e.every[2] = 40
		}
		e.from(Path{})
		e.count.Outcomes = len(e.outcomes)
		return
	}
	calls := e.calls()
	events := calls
	if e.x.Event == Preempt {
		events = calls + calls*calls/2
		e.event = max(1, events/max(e.bounds.Worlds*3/4, 1))
		events /= e.event
	}
	left := max(e.bounds.Worlds-events, 1)
	e.every = [3]int{max(1, events*calls*keeps/2/left/2), 0, 0}
	if e.bounds.Worlds >= many {
		e.every[1] = 20
	}
	nth, step := 0, 1
	if e.x.Event == ReadOnly || e.x.Event == Full {
		step = max(1, calls*30/e.bounds.Worlds) // twenty reverts are tried in each
		e.every[0] *= 8
	}
	for at := 1; at <= calls; at += step {
		e.from(Path{At: at})
		for and := at + 1; and <= calls && e.x.Event == Preempt; and++ {
			if nth++; nth%e.event == 0 {
				e.from(Path{At: at, And: and})
			}
		}
	}
	e.count.Outcomes = len(e.outcomes)
}

// calls is how many there are where nothing happens.
func (e *explorer) calls() int {
	w := e.x.begin(e.base)
	w.m.calls = 0
	w.rest()
	return w.m.calls
}

// from runs a world from the beginning, and what its crashes lead to.
func (e *explorer) from(p Path) {
	w := e.x.begin(e.base)
	w.event.at, w.event.and = p.At, p.And
	w.record, w.shift = e.every[0], p.shift()
	w.m.calls = 0
	w.rest()
	points := w.points
	e.judge(w, p)
	e.crashes(w, p, points, 1)
}

// crashes runs on from each point of a world at which its power may be lost.
func (e *explorer) crashes(w *world, p Path, points []point, depth int) {
	for _, at := range points {
		if depth == 1 && at.call < p.At {
			continue // the event has not happened yet: the same without it
		}
		for _, k := range e.bounds.Keeps {
			if k != KeepNothing && !at.disk.loose() {
				break // nothing to lose
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
	n.record, n.shift = e.every[depth], p.shift()
	n.m.Boot()
	n.rest()
	points := n.points
	e.judge(n, p)
	e.crashes(n, p, points, depth+1)
}

// judge looks at a world that has come to rest.
func (e *explorer) judge(w *world, p Path) {
	e.count.Worlds++
	e.count.Calls += w.m.calls
	w.record = 0
	w.m.hook = nil
	outcome := w.outcome()
	e.outcomes[outcome] = true
	past := w.history()
	shape := w.shape(past)
	e.hold(w.seen(past), p)
	if w.m.disk.readOnly != "" || w.m.disk.full {
		w.mend()
		past = w.history()
		shape = w.shape(past)
		s := w.seen(past)
		s.Litter = nil // whoever comes next takes it away
		e.hold(s, p)
	}
	if !e.plain[shape] {
		e.plain[shape] = true
		e.count.Plain++
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
	w.m.Acts = nil // they have been looked at
	w.stuck = false
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
	if left := w.litter(); len(left) > 0 {
		return fmt.Errorf("%v were left behind", left)
	}
	if left := w.litter(); len(left) > 0 {
		return fmt.Errorf("%v are left beside", left)
	}
	return nil
}
