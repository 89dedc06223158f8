package shell_test

// A small model of the transaction: two operators, what their calls run on
// the server, the timer and the boot, one statement at a time. Every order in
// which these can happen, with every fault in between, is looked at by the
// explorer in explore_test.go.

// status is the state of a generation. Its words are the script's own, which
// a test sees to.
type status uint8

const (
	none status = iota
	staged
	armed
	active
	reverting
	confirmed
	reverted
	refused
)

func (s status) String() string {
	return [...]string{"none", "staged", "armed", "active", "reverting", "confirmed", "reverted", "refused"}[s]
}

// gen is a generation, and a set of files: 0 stands for what was there at
// first.
type gen uint8

// proc is something that runs on the server.
type proc uint8

const (
	applyA proc = iota
	commitA
	confirmA
	takeBackA // the revert that the client asks for
	applyB
	commitB
	timer // the revert that the timer starts
	boot
	procs
)

func (p proc) String() string {
	return [...]string{"apply A", "commit A", "confirm A", "revert A", "apply B", "commit B", "timer's revert", "boot"}[p]
}

// world is one state of everything.
type world struct {
	st     [3]status
	base   [3]gen  // the files that stood when the generation was staged
	snap   [3]bool // its snapshot is whole
	files  gen
	mixed  bool // some files are of another generation
	kept   gen  // what must stand at rest: the last one that was confirmed
	holder proc // of the lock; procs for nobody

	pending, timed, firing gen // timed has the timer; firing is what the timer's revert is for
	bootUnit, up, full     bool
	pc                     [procs]uint8 // 0 for not running

	alive, link, asked     bool // the client of A; asked: its confirmation is under way
	applied, sent, tookOff bool // what the client of A does once
	cuts, drops, fails     uint8
	filled                 bool
	second                 bool // B may come
	givenUp                bool // a boot was, for it took too long; once is enough
	broken                 bool // by the step just taken: see wrong
}

// flaws are the ways in which the model can be made wrong on purpose.
type flaws struct {
	noBootUnit       bool
	pendingFirst     bool // before the timer
	confirmUnlocked  bool
	timerUnchecked   bool // does not look at pending
	lockTakenAnew    bool // between the look at pending and the arming
	decisionForgot   bool // a revert does not see that one was done before
	quietRevert      bool // does not say that it has begun
	renamesInTheOpen bool // files change before pending is written
	bootAlone        bool // no revert follows a boot
}

// outcome is a step that a process can take. A process that has to wait has
// none.
type outcome struct {
	does string
	w    world
}

// step is one statement of a program.
type step struct {
	does string
	run  func(m model, w world, p proc, g gen) []world
}

type model struct {
	flaws  flaws
	lists  [procs][]step
	prefix [procs]int // where the revert begins in the list of a commit
}

func newModel(f flaws) model {
	m := model{flaws: f}
	commit := commitSteps()
	for p := range procs {
		switch p {
		case applyA, applyB:
			m.lists[p] = applySteps(f)
		case commitA, commitB:
			m.lists[p], m.prefix[p] = append(commit[:len(commit):len(commit)], revertSteps()...), len(commit)
		case confirmA:
			m.lists[p] = confirmSteps()
		case takeBackA, timer:
			m.lists[p] = revertSteps()
		case boot:
			m.lists[p] = append([]step{{does: "have a revert follow", run: revertFollows}}, revertSteps()[1:]...)
		}
	}
	return m
}

func first() world {
	return world{holder: procs, up: true, alive: true, link: true}
}

// next goes on, end ends, fail of a commit begins its revert.
func next(w world, p proc) []world { w.pc[p]++; return []world{w} }

func end(w world, p proc) []world {
	w.pc[p] = 0
	if w.holder == p {
		w.holder = procs
	}
	return []world{w}
}

func (m model) fail(w world, p proc) []world {
	w.pc[p] = uint8(m.prefix[p]) + 1
	if w.holder == p {
		w.holder = procs
	}
	return []world{w}
}

// set writes the state of a generation, which a full disk refuses.
func (w *world) set(g gen, s status) bool {
	if w.full {
		return false
	}
	undone := w.st[g] == confirmed && s != confirmed
	w.broken = undone || s == reverted && (w.mixed || w.files != w.base[g])
	w.st[g] = s
	if s == confirmed {
		w.kept = g
	}
	return true
}

func (w world) decided(g gen) bool { return w.st[g] == confirmed || w.st[g] == reverted }

func refuse(w world, p proc, g gen) []world {
	w.set(g, refused) // a full disk keeps the old word; the next one settles it
	w.pending = 0
	return end(w, p)
}

// finish ends what has been decided. Without room for "current" it stays
// pending.
func (w *world) finish(g gen) {
	w.snap[g] = false
	if w.st[g] != confirmed || !w.full {
		w.pending = 0
	}
}

func take(wait bool) step {
	return step{does: "take the lock", run: func(_ model, w world, p proc, _ gen) []world {
		switch {
		case w.holder == procs || w.holder == p:
			w.holder = p
			return next(w, p)
		case wait:
			return nil
		}
		return end(w, p)
	}}
}

func applySteps(f flaws) []step {
	look := step{does: "look at pending", run: func(_ model, w world, p proc, _ gen) []world {
		if w.pending != 0 && w.decided(w.pending) {
			w.finish(w.pending)
		}
		if w.pending != 0 {
			return end(w, p)
		}
		return next(w, p)
	}}
	stage := step{does: "stage", run: func(_ model, w world, p proc, g gen) []world {
		if !w.set(g, staged) {
			return end(w, p)
		}
		return next(w, p)
	}}
	release := step{does: "release the lock", run: func(_ model, w world, p proc, _ gen) []world {
		w.holder = procs
		return next(w, p)
	}}
	steps := []step{take(false), look, stage}
	if f.lockTakenAnew {
		steps = append(steps, release, take(true))
	}
	steps = append(steps, snapshotSteps()...)
	if f.pendingFirst {
		return append(steps, writePending(), armTimer(), handOver())
	}
	return append(steps, armTimer(), writePending(), handOver())
}

func snapshotSteps() []step {
	return []step{
		{does: "snapshot and checks", run: func(m model, w world, p proc, g gen) []world {
			var out []world
			if w.full || w.fails > 0 {
				no := w
				if !w.full {
					no.fails--
				}
				out = refuse(no, p, g)
			}
			if !w.full {
				w.base[g], w.snap[g] = w.files, true
				if m.flaws.renamesInTheOpen {
					w.files = g
				}
				out = append(out, next(w, p)...)
			}
			return out
		}},
		{does: "install the boot unit", run: func(m model, w world, p proc, _ gen) []world {
			w.bootUnit = !m.flaws.noBootUnit
			return next(w, p)
		}},
		{does: "call it armed", run: func(_ model, w world, p proc, g gen) []world {
			if !w.set(g, armed) {
				return refuse(w, p, g)
			}
			return next(w, p)
		}},
	}
}

func armTimer() step {
	return step{does: "arm the timer", run: func(_ model, w world, p proc, g gen) []world {
		w.timed = g
		return next(w, p)
	}}
}

func writePending() step {
	return step{does: "write pending", run: func(_ model, w world, p proc, g gen) []world {
		if w.full {
			return refuse(w, p, g)
		}
		w.pending = g
		return next(w, p)
	}}
}

func handOver() step {
	return step{does: "start the activation", run: func(_ model, w world, p proc, _ gen) []world {
		w.pc[p+1] = 1 // its commit
		return end(w, p)
	}}
}

func commitSteps() []step {
	return []step{
		take(true),
		{does: "look whether it is armed", run: func(_ model, w world, p proc, g gen) []world {
			if w.pending != g || w.st[g] != armed {
				return end(w, p)
			}
			return next(w, p)
		}},
		{does: "write beside", run: func(m model, w world, p proc, _ gen) []world {
			if w.full {
				return m.fail(w, p)
			}
			return next(w, p)
		}},
		{does: "rename the first file", run: func(_ model, w world, p proc, _ gen) []world {
			w.mixed = true
			return next(w, p)
		}},
		{does: "rename the last file", run: func(_ model, w world, p proc, g gen) []world {
			w.mixed, w.files = false, g
			return next(w, p)
		}},
		{does: "act on the units", run: func(m model, w world, p proc, _ gen) []world {
			var out []world
			if w.fails > 0 {
				no := w
				no.fails--
				out = m.fail(no, p)
			}
			return append(out, next(w, p)...)
		}},
		{does: "call it active", run: func(m model, w world, p proc, g gen) []world {
			if !w.set(g, active) {
				return m.fail(w, p)
			}
			return end(w, p)
		}},
	}
}

func confirmSteps() []step {
	return []step{
		{does: "take the lock", run: func(m model, w world, p proc, g gen) []world {
			if m.flaws.confirmUnlocked {
				return next(w, p)
			}
			return take(true).run(m, w, p, g)
		}},
		{does: "look whether it is active", run: func(_ model, w world, p proc, g gen) []world {
			if w.pending == g && w.st[g] == confirmed {
				w.finish(g)
			}
			if w.pending != g || w.st[g] != active {
				return end(w, p)
			}
			return next(w, p)
		}},
		{does: "call it confirmed", run: func(_ model, w world, p proc, g gen) []world {
			if !w.set(g, confirmed) {
				return end(w, p)
			}
			return next(w, p)
		}},
		{does: "forget the way back", run: func(_ model, w world, p proc, g gen) []world { w.snap[g] = false; return next(w, p) }},
		{does: "take pending away", run: func(_ model, w world, p proc, g gen) []world {
			if w.full {
				return end(w, p)
			}
			w.pending = 0
			return next(w, p)
		}},
		{does: "disarm", run: func(_ model, w world, p proc, _ gen) []world { w.timed = 0; return end(w, p) }},
	}
}
