package sim

import (
	"fmt"
	"slices"
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

// Bounds are how much is explored of one case.
type Bounds struct {
	// Keeps are what stays of the unflushed: the first three, and seeds.
	Keeps []Keep
	// Worlds is how many are run, where there are as many.
	Worlds int
	// Starts, where there are any, are walked in place of all.
	Starts []Path
	// Each, where there is one, is told of each world that came to rest.
	Each func(Path)
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
	Worlds   int `json:"worlds"`   // that came to rest: each began in another state of disk and near sides, or with its event at another call
	Equal    int `json:"equal"`    // that began in a state that another one had begun in, and were not run again, or in which there was nothing for the event to hit
	Outcomes int `json:"outcomes"` // disks and effects at rest that differ
	Calls    int `json:"calls"`    // that change something
	Plain    int `json:"plain"`    // ends from which a plain apply was run: the others look like one of them
	Broken   int `json:"broken"`
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
	probed   map[uint64]bool // outcomes of which a probe has told the truth
	count    Count
	broken   func(Broken)
	length   int // calls where nothing happens
}

// Explore walks the worlds of a case: its event at each call, a loss of power
// before each call, and before each call of the recovery. Each comes to rest, is
// looked at, is mended from outside where something hindered it, and then gets
// a plain apply.
func Explore(x *Case, b Bounds, broken func(Broken)) (Count, error) {
	e := &explorer{x: x, bounds: b, begun: map[uint64]bool{}, outcomes: map[uint64]bool{}, plain: map[uint64]bool{}, probed: map[uint64]bool{}, broken: broken}
	var err error
	if e.base, err = x.before(); err != nil {
		return Count{}, err
	}
	defer e.base.threads.end()
	e.length = x.calls(e.base)
	e.spread()
	e.count.Outcomes = len(e.outcomes)
	return e.count, nil
}

// spread walks as many worlds as the bounds allow. Each beginning has its share
// of what is left, so that what one does not need is the next one's.
func (e *explorer) spread() {
	starts := e.bounds.Starts
	if len(starts) == 0 {
		starts = e.starts()
	}
	for i, p := range starts {
		left := e.bounds.Worlds - e.count.Worlds
		if left <= 0 {
			return
		}
		e.from(p, max(1, left/(len(starts)-i)))
	}
}

// starts are the worlds without a loss of power: the event at each call, or at
// each pair of calls; of more than there is room for beside what follows from
// them, evenly many.
func (e *explorer) starts() []Path {
	if e.x.Event == NoEvent {
		return []Path{{}}
	}
	var all []Path
	for at := 1; at <= e.length; at++ {
		all = append(all, Path{At: at})
		for and := at + 1; and <= e.length && e.x.Event == Preempt; and++ {
			all = append(all, Path{At: at, And: and})
		}
	}
	room := max(1, e.bounds.Worlds*2/3)
	if len(all) <= room {
		return all
	}
	some := make([]Path, room)
	for i := range some {
		some[i] = all[i*len(all)/room]
	}
	return some
}

// calls is how many there are where nothing happens.
func (x *Case) calls(b *base) int {
	w := x.begin(b)
	w.m.calls, w.m.looks = 0, 0
	w.rest()
	if x.Event == Blind {
		return w.m.looks
	}
	return w.m.calls
}

// from runs a world from the beginning, and of what its losses of power lead to
// as much as makes so many worlds.
func (e *explorer) from(p Path, worlds int) {
	w := e.x.begin(e.base)
	w.event.at, w.event.and = p.At, p.And
	if e.x.Event == Blind {
		w.blind()
	}
	if worlds > 1 {
		w.record = max(1, e.length/(4*worlds))
		w.shift = p.At + p.And
	}
	w.m.calls, w.m.looks = 0, 0
	w.rest()
	if !w.event.hit() {
		e.count.Equal++
		return
	}
	points := w.points
	if e.x.Event != Blind {
		points = slices.DeleteFunc(points, func(at point) bool { return at.call < p.At }) // the same without the event
	}
	e.judge(w, p)
	e.crashes(w, p, points, worlds-1)
}

// loss is a loss of power that may be looked at.
type loss struct {
	at *point
	k  Keep
}

// losses are those of some points, in an order in which the first few are spread
// over all of them.
func (e *explorer) losses(points []point) []loss {
	var all []loss
	for i := range points {
		for _, k := range e.bounds.Keeps {
			if k != KeepNothing && !points[i].disk.loose() {
				break // nothing to lose
			}
			all = append(all, loss{&points[i], k})
		}
	}
	out := make([]loss, 0, len(all))
	step := len(all)*8/13 + 1 // about the golden ratio
	for ; gcd(step, len(all)) != 1; step++ {
	}
	for i, at := 0, len(all)/3; i < len(all); i, at = i+1, (at+step)%len(all) {
		out = append(out, all[at])
	}
	return out
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return max(a, 1)
}

// crashes runs on from points of a world at which its power is lost, until there
// are so many new worlds. It returns how many there were.
func (e *explorer) crashes(w *world, p Path, points []point, worlds int) (run int) {
	if worlds <= 0 || len(p.Crashes) == deepest {
		return 0
	}
	var fresh []loss // and not their worlds: of a long run there are tens of thousands at once
	for tried, l := range e.losses(points) {
		if len(fresh) == worlds || tried > 3*worlds {
			break
		}
		state := w.revive(*l.at, l.k).state()
		if e.begun[state] {
			e.count.Equal++
			continue
		}
		e.begun[state] = true
		fresh = append(fresh, l)
	}
	for i, l := range fresh {
		next := Path{p.At, p.And, append(p.Crashes[:len(p.Crashes):len(p.Crashes)], Crash{l.at.call, l.k})}
		run += e.again(w.revive(*l.at, l.k), next, (worlds-run)/(len(fresh)-i))
	}
	return run
}

// deepest is how often the power is lost in one world.
const deepest = 4

// recovery is about how many calls one has.
const recovery = 60

// again runs a world that has begun after a loss of power, and of what others
// lead to in it as much as makes so many worlds.
func (e *explorer) again(w *world, p Path, worlds int) (run int) {
	if worlds > 1 {
		w.record, w.shift = max(1, recovery/(4*worlds)), e.count.Worlds
	}
	w.m.Boot()
	w.rest()
	points := w.points
	e.judge(w, p)
	return 1 + e.crashes(w, p, points, worlds-1)
}

// judge looks at a world that has come to rest.
func (e *explorer) judge(w *world, p Path) {
	e.count.Worlds++
	e.count.Calls += w.m.calls
	if e.bounds.Each != nil {
		e.bounds.Each(p)
	}
	w.record = 0
	w.m.hook, w.m.looked = nil, nil
	outcome := w.outcome()
	e.outcomes[outcome] = true
	past := w.history()
	shape := w.shape(past)
	if !e.probed[shape] {
		e.probed[shape] = true
		if err := w.probed(past); err != nil {
			e.report(Broken{e.x, p, "a probe is true", err})
		}
	}
	if err := w.goesBack(p); err != nil {
		e.report(Broken{e.x, p, "a rollback can be had", err})
	}
	s := w.seen(past)
	if e.x.Event == Fail || e.x.Event == Blind {
		s.Litter = nil // what could not be taken away is noted, and goes with the next change
	}
	e.hold(s, p)
	if w.m.disk.readOnly != "" || w.m.disk.full {
		w.mend()
		if p.At%2 == 0 {
			w.startAnew()
		} else {
			w.typeRevert()
		}
		past = w.history()
		shape = w.shape(past)
		s = w.seen(past)
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
	if kept := w.secrets(); len(kept) > 0 {
		return fmt.Errorf("%v keep a secret", kept)
	}
	return nil
}
