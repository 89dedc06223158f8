package shell_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/shell"
)

// gen is the generation that a process works on.
func (w world) gen(p proc) gen {
	switch p {
	case applyA, commitA, confirmA, takeBackA:
		return 1
	case applyB, commitB:
		return 2
	case timer:
		return w.firing
	}
	return w.pending
}

// alone is what happens by itself: the processes go on, the timer runs out,
// the power comes back.
func (m model) alone(w world) (out []outcome) {
	if !w.up {
		w.up = true
		if w.bootUnit && w.pending != 0 {
			w.pc[boot] = 1
		}
		return []outcome{{does: "power comes back", w: w}}
	}
	for p := range procs {
		if w.pc[p] == 0 {
			continue
		}
		s := m.lists[p][w.pc[p]-1]
		for _, n := range s.run(m, w, p, w.gen(p)) {
			out = append(out, outcome{does: p.String() + ": " + s.does, w: n})
		}
	}
	// systemd starts timers once the boot unit is done.
	if w.timed != 0 && w.pc[timer] == 0 && w.pc[boot] == 0 {
		n := w
		n.firing, n.timed, n.pc[timer] = w.timed, 0, 1
		out = append(out, outcome{does: "the timer runs out", w: n})
	}
	return out
}

// chance is what may happen besides: what people do, and every fault.
func (m model) chance(w world) (out []outcome) {
	add := func(ok bool, does string, change func(*world)) {
		if ok {
			n := w
			change(&n)
			out = append(out, outcome{does: does, w: n})
		}
	}
	login := w.up && w.pc[boot] == 0
	client := login && w.alive && w.link
	add(client && !w.applied, "A applies", func(n *world) { n.applied, n.pc[applyA] = true, 1 })
	add(client && !w.sent && w.st[1] == active, "A sends its confirmation", func(n *world) { n.sent, n.asked = true, true })
	add(client && !w.tookOff && w.pending == 1, "A takes it back", func(n *world) { n.tookOff, n.pc[takeBackA] = true, 1 })
	add(login && w.asked && w.pc[confirmA] == 0, "A's confirmation arrives", func(n *world) { n.asked, n.pc[confirmA] = false, 1 })
	add(login && w.second, "B applies", func(n *world) { n.second, n.pc[applyB] = false, 1 })
	add(w.alive && w.applied, "A's client dies", func(n *world) { n.alive = false })
	add(w.link && w.drops > 0 && w.applied, "the link goes down", func(n *world) { n.link, n.drops = false, n.drops-1 })
	add(!w.link, "the link comes up", func(n *world) { n.link = true })
	for _, p := range []proc{applyA, confirmA, takeBackA} {
		add(w.pc[p] != 0 && (!w.alive || !w.link), p.String()+" dies with its login", func(n *world) { *n = end(*n, p)[0] })
	}
	add(w.up && w.cuts > 0, "the power goes", func(n *world) {
		n.up, n.timed, n.firing, n.holder, n.cuts = false, 0, 0, procs, n.cuts-1
		n.pc = [procs]uint8{}
	})
	add(w.pc[boot] > 1 && !w.givenUp, "the boot takes too long", func(n *world) { *n = end(*n, boot)[0]; n.givenUp = true })
	add(w.up && !w.filled, "the disk is full", func(n *world) { n.filled, n.full = true, true })
	add(w.full, "the disk has room again", func(n *world) { n.full = false })
	return out
}

// wrong says which promise a world breaks, if any.
func (m model) wrong(w world) string {
	if w.broken {
		return "confirmed is never undone, and reverted only with the old files"
	}
	past := func(p proc, does string) bool {
		i := slices.IndexFunc(m.lists[p], func(s step) bool { return s.does == does })
		reverting := m.prefix[p] != 0 && int(w.pc[p]) > m.prefix[p]
		return int(w.pc[p]) > i+1 && !reverting
	}
	changing := func(g gen, apply, commit proc) bool {
		return past(apply, "look at pending") || past(commit, "look whether it is armed") || w.pending == g
	}
	if changing(1, applyA, commitA) && changing(2, applyB, commitB) {
		return "two operators never overlap"
	}
	return ""
}

// atRest says why a world in which nothing happens by itself any more is not
// one to be left in.
func atRest(w world) string {
	switch {
	case w.pc != [procs]uint8{}:
		return "something waits for ever"
	case w.mixed:
		return "never a mixture at rest"
	case w.files != w.kept:
		return "at rest only what stood before, or what was confirmed"
	case w.pending != 0 && w.st[w.pending] != confirmed:
		return "nothing stays pending for ever"
	}
	return ""
}

// explored is every world that can be reached, with how it was.
type explored struct {
	worlds []world
	from   []int32
	does   []string
	by     [][]int32 // for each world, those that lead to it by themselves
	open   []int     // for each world, how many happen by themselves from it
}

// limit bounds a model that has gone wrong.
const limit = 4_000_000

// explore looks at every world, nearest first, until a promise is broken. It
// returns the promise and the way there.
func (m model) explore(start world) (e explored, promise string, way []string) {
	index := map[world]int32{start: 0}
	e = explored{worlds: []world{start}, from: []int32{-1}, does: []string{""}, by: [][]int32{nil}, open: []int{0}}
	for i := int32(0); int(i) < len(e.worlds); i++ {
		w := e.worlds[i]
		if p := m.wrong(w); p != "" {
			return e, p, e.way(i)
		}
		alone := m.alone(w)
		if len(alone) == 0 {
			if p := atRest(w); p != "" {
				return e, p, e.way(i)
			}
		}
		e.open[i] = len(alone)
		for k, o := range append(alone, m.chance(w)...) {
			j, seen := index[o.w]
			if !seen {
				j = int32(len(e.worlds))
				index[o.w] = j
				e.worlds, e.from, e.does = append(e.worlds, o.w), append(e.from, i), append(e.does, o.does)
				e.by, e.open = append(e.by, nil), append(e.open, 0)
			}
			if k < len(alone) {
				e.by[j] = append(e.by[j], i)
			}
		}
		if len(e.worlds) > limit {
			return e, "the model has an end", e.way(i)
		}
	}
	return e, e.endless(), nil
}

// endless takes away, again and again, the worlds from which everything that
// happens by itself leads to one taken away before. What is left goes round
// for ever.
func (e explored) endless() string {
	open := slices.Clone(e.open)
	var ends []int32
	for i, n := range open {
		if n == 0 {
			ends = append(ends, int32(i))
		}
	}
	for i := 0; i < len(ends); i++ {
		for _, j := range e.by[ends[i]] {
			if open[j]--; open[j] == 0 {
				ends = append(ends, j)
			}
		}
	}
	if len(ends) < len(e.worlds) {
		return "nothing goes round for ever"
	}
	return ""
}

func (e explored) way(i int32) (out []string) {
	for ; e.from[i] >= 0; i = e.from[i] {
		out = append(out, e.does[i])
	}
	slices.Reverse(out)
	return out
}

// start is a world with what may go wrong in it.
type start struct {
	name               string
	cuts, drops, fails uint8
	disk, second       bool
}

func starts() []start {
	return []start{
		{name: "one operator and every fault", cuts: 2, drops: 1, fails: 1, disk: true},
		{name: "two operators and the power", cuts: 1, fails: 1, second: true},
		{name: "two operators and the disk", disk: true, second: true},
	}
}

func (s start) world() world {
	w := first()
	w.cuts, w.drops, w.fails, w.filled, w.second = s.cuts, s.drops, s.fails, !s.disk, s.second
	return w
}

func TestTransactionKeepsItsPromises(t *testing.T) {
	reached := map[string]bool{}
	for _, s := range starts() {
		t.Run(s.name, func(t *testing.T) {
			e, promise, way := newModel(flaws{}).explore(s.world())
			if promise != "" {
				t.Fatalf("broken: %s\n%s", promise, strings.Join(way, "\n"))
			}
			for _, w := range e.worlds {
				reached[w.st[1].String()] = true
			}
			t.Logf("%d worlds", len(e.worlds))
		})
	}
	if diff := cmp.Diff(scriptStates(), slices.Sorted(maps.Keys(reached))); diff != "" {
		t.Errorf("states that were reached (-script +model):\n%s", diff)
	}
}

// A checker that finds nothing may only be blind: each of these is wrong in
// one place, and must be found out.
func TestCheckerFindsWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name  string
		flaws flaws
		want  string
	}{
		{name: "no boot unit", flaws: flaws{noBootUnit: true}, want: "nothing stays pending for ever"},
		{name: "pending before the timer, and no boot unit", flaws: flaws{pendingFirst: true, noBootUnit: true}, want: "nothing stays pending for ever"},
		{name: "confirm without the lock", flaws: flaws{confirmUnlocked: true}, want: "confirmed is never undone, and reverted only with the old files"},
		{name: "timer that does not look at pending", flaws: flaws{timerUnchecked: true}, want: "confirmed is never undone, and reverted only with the old files"},
		{name: "lock taken anew after the look at pending", flaws: flaws{lockTakenAnew: true}, want: "two operators never overlap"},
		{name: "revert that forgets that it is decided", flaws: flaws{decisionForgot: true}, want: "nothing stays pending for ever"},
		{name: "revert that does not say that it has begun", flaws: flaws{quietRevert: true}, want: "never a mixture at rest"},
		{name: "no revert after a boot that is given up", flaws: flaws{bootAlone: true}, want: "nothing stays pending for ever"},
		{name: "files change before the way back is there", flaws: flaws{renamesInTheOpen: true}, want: "at rest only what stood before, or what was confirmed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var found []string
			for _, s := range starts() {
				_, promise, way := newModel(c.flaws).explore(s.world())
				t.Logf("%s: %q by\n%s", s.name, promise, strings.Join(way, "\n"))
				found = append(found, promise)
			}
			if !slices.Contains(found, c.want) {
				t.Errorf("found %q, want %q", found, c.want)
			}
		})
	}
}

// scriptStates are the states that the script writes or asks for.
func scriptStates() []string {
	written := regexp.MustCompile(`put_text \S+/state" ([a-z]+)\b|say ([a-z]+) >\S+/state"`)
	found := map[string]bool{"none": true} // what the script says of a generation that is not there
	for _, m := range written.FindAllStringSubmatch(shell.Script(), -1) {
		found[m[1]+m[2]] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// The diagram at the head of the script names the same states.
func TestScriptDrawsItsStates(t *testing.T) {
	_, text, _ := strings.Cut(shell.Script(), "kept in generations/N/state:")
	drawing, _, _ := strings.Cut(text, `"pending" names`)
	drawn := map[string]bool{"none": true}
	for _, word := range regexp.MustCompile(`[a-z]+`).FindAllString(drawing, -1) {
		drawn[word] = true
	}
	if diff := cmp.Diff(scriptStates(), slices.Sorted(maps.Keys(drawn))); diff != "" {
		t.Errorf("states (-written +drawn):\n%s", diff)
	}
	if len(drawn) != 8 {
		t.Errorf("the script draws %v", fmt.Sprint(slices.Sorted(maps.Keys(drawn))))
	}
}
