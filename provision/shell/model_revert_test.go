package shell_test

// revertSteps are what a revert does, whoever starts it: the client, the timer,
// a commit that failed, or the boot.
func revertSteps() []step {
	return []step{
		{does: "stop the activation", run: func(_ model, w world, p proc, g gen) []world {
			commit := map[gen]proc{1: commitA, 2: commitB}[g]
			if p != commit && w.pending == g && w.pc[commit] != 0 {
				w = end(w, commit)[0]
			}
			return next(w, p)
		}},
		take(true),
		{does: "look at pending", run: lookBeforeRevert},
		{does: "call it reverting", run: func(m model, w world, p proc, g gen) []world {
			if !m.flaws.quietRevert && !w.set(g, reverting) {
				w.st[g] = none // a full disk lets the word be removed
			}
			return next(w, p)
		}},
		{does: "put the first file back", run: func(_ model, w world, p proc, g gen) []world {
			w.mixed = w.mixed || w.files != w.base[g]
			return next(w, p)
		}},
		{does: "put the last file back", run: func(_ model, w world, p proc, g gen) []world {
			if !w.snap[g] {
				return end(w, p) // a secret is missing: it is tried again in vain
			}
			w.mixed, w.files = false, w.base[g]
			return next(w, p)
		}},
		{does: "call it reverted", run: func(_ model, w world, p proc, g gen) []world {
			if !w.set(g, reverted) {
				w.pending = 0
			}
			return next(w, p)
		}},
		{does: "forget the snapshot", run: func(_ model, w world, p proc, g gen) []world { w.snap[g] = false; return next(w, p) }},
		{does: "take pending away", run: func(_ model, w world, p proc, _ gen) []world { w.pending = 0; return next(w, p) }},
		{does: "disarm", run: func(_ model, w world, p proc, _ gen) []world { w.timed = 0; return end(w, p) }},
	}
}

func revertFollows(m model, w world, p proc, g gen) []world {
	if !m.flaws.bootAlone {
		w.timed = g
	}
	return next(w, p)
}

func lookBeforeRevert(m model, w world, p proc, g gen) []world {
	switch {
	case w.pending != g && m.flaws.timerUnchecked && p == timer:
		return next(w, p)
	case w.pending != g:
		if w.st[g] == staged || w.st[g] == armed {
			w.set(g, refused)
		}
		return end(w, p)
	case w.decided(g) && !(m.flaws.decisionForgot && w.st[g] == reverted):
		w.finish(g)
		return end(w, p)
	}
	return next(w, p)
}
