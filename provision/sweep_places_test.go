//go:build linux

package provision_test

import (
	"slices"
	"strings"
	"time"
)

// learn takes down what each variant looks like. They differ between
// rehearsals, because the secrets do.
func (w *worker) learn() error {
	to := w.next()
	if err := w.converge(to); err != nil {
		return err
	}
	w.note(to)
	return w.begin()
}

// applyPlaces runs an apply once, undisturbed, and collects every step and
// every message that meets the server between other steps than the one before.
func (w *worker) applyPlaces() []place {
	w.t.Helper()
	to := w.next()
	w.trace(true)
	first := w.child(order{To: to, Revert: time.Minute}).wait(w.t)
	if first.Outcome != "done" {
		w.t.Fatalf("undisturbed apply: %+v", first)
	}
	places := placesOf("apply", w.steps(), "")
	for _, i := range first.Writes.telling() {
		places = append(places, place{phase: "apply", write: i})
	}
	for _, i := range first.Reads.telling() {
		places = append(places, place{phase: "apply", read: i})
	}
	w.t.Logf("%s: %d steps; %d of %d messages of the client and %d of %d of the server find the helper at another one",
		w.start.name, len(w.steps()), len(first.Writes.telling()), len(first.Writes), len(first.Reads.telling()), len(first.Reads))
	w.at = to
	w.note(to)
	return places
}

// revertPlaces lets an apply go the other way and be reverted, and adds every
// step of that. It also says of the steps of the apply which way they are met.
func (w *worker) revertPlaces(apply []place) []place {
	w.t.Helper()
	w.must(w.fresh())
	to := w.next()
	w.trace(true)
	w.must(w.stopBeforeConfirm(order{To: to, Revert: sweepRevert}))
	w.must(w.settled())
	var there, back []string
	for _, s := range w.steps() {
		if strings.HasPrefix(s, "pending-") {
			back = append(back, s)
		} else {
			there = append(there, s)
		}
	}
	if w.start.first {
		return append(apply, placesOf("revert", back, to)...)
	}
	var places []place
	for _, p := range apply {
		if p.step != "" && !slices.Contains(there, p.step) && !strings.HasPrefix(p.step, "confirm-") {
			p.to = other(to)
		}
		places = append(places, p)
	}
	for _, p := range placesOf("apply", there, to) {
		if !slices.ContainsFunc(apply, func(q place) bool { return q.step == p.step }) {
			places = append(places, p)
		}
	}
	return append(places, placesOf("revert", back, to)...)
}

// bootPlaces cuts the power of an apply, and collects every step of the boot.
func (w *worker) bootPlaces() []place {
	w.t.Helper()
	to := w.next()
	w.trace(true)
	w.must(w.stopBeforeConfirm(order{To: to, Revert: 2 * time.Minute}))
	w.awaitActive()
	w.cutPower()
	w.must(w.g.Server.Boot(w.t.Context()))
	w.must(w.settled())
	var booting []string
	for _, s := range w.steps() {
		if strings.HasPrefix(s, "boot-") {
			booting = append(booting, s)
		}
	}
	return placesOf("boot", booting, to)
}

// placesOf takes each step once, where it is first met.
func placesOf(phase string, steps []string, to string) []place {
	seen := map[string]bool{}
	var out []place
	for i, s := range steps {
		if !seen[s] {
			seen[s] = true
			out = append(out, place{phase: phase, step: s, to: to, kind: kindOf(steps, i)})
		}
	}
	return out
}

// kindOf names what a step is: its call, between the one before and the one
// after. The files of a generation all go the same way, and so do units that are
// restarted: two steps of a kind mostly differ in which file or unit it is.
func kindOf(steps []string, i int) string {
	verb, _ := call(steps[i])
	kind := verb
	for j := i - 1; j <= i+1; j++ {
		what := "nothing"
		if j >= 0 && j < len(steps) {
			if v, c := call(steps[j]); v == verb {
				what = c
			}
		}
		kind += " " + what
	}
	return kind
}

// call splits the name of a step into the verb of the helper and the call.
func call(step string) (verb, call string) {
	verb, rest, _ := strings.Cut(step, "-")
	_, call, _ = strings.Cut(rest, "-")
	return verb, call
}
