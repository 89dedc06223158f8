//go:build linux

package guard

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/watch"
)

// moment is one look in a history, and what a person wanted before it.
type moment struct {
	at    time.Duration
	drain watch.Drain
	grade grade
	state route // afterwards
}

// history makes one by chance: spells of one mind, a look between 0.3 and 2
// seconds.
func history(r *rand.Rand, c watch.Config) []moment {
	k := newKeeper(c)
	var all []moment
	var m moment
	for range 40 {
		likely := grade(r.IntN(4))
		if r.IntN(2) == 0 {
			likely = right
		}
		n := 1 + r.IntN(2*c.Fall+c.Rise)
		if r.IntN(8) == 0 {
			n += 200
		}
		for range n {
			m.grade = likely
			if r.IntN(12) == 0 {
				m.grade = grade(r.IntN(4))
			}
			if r.IntN(25) == 0 {
				m.drain = watch.Drain{Wanted: r.IntN(2) == 0}
				m.drain.Now = m.drain.Wanted && r.IntN(3) == 0
			}
			m.at += tense + time.Duration(r.IntN(1700))*time.Millisecond
			k.told(m.drain, m.at)
			k.heard(looks(c, m.grade), m.at)
			m.state = k.blocks[0].state
			all = append(all, m)
		}
	}
	return all
}

// broken says by which look a history breaks a promise, and which. It knows the
// looks alone.
func broken(c watch.Config, all []moment) string {
	drainedAt, ups := time.Duration(-1), 0
	for i, m := range all {
		past, was := all[:i+1], withdrawn
		if i > 0 {
			was = all[i-1].state
		}
		switch {
		case !m.drain.Wanted:
			drainedAt = -1
		case drainedAt < 0:
			drainedAt = m.at
		}
		up := was == withdrawn && m.state != withdrawn
		switch {
		case up && rightInARow(past) < c.Rise:
			return fmt.Sprintf("look %d: announced after %d right looks in a row", i, rightInARow(past))
		case up && m.drain.Wanted:
			return fmt.Sprintf("look %d: announced while drained", i)
		case m.state != withdrawn && badness(past) >= 2*c.Fall:
			return fmt.Sprintf("look %d: announced after %d half looks in a row that were wrong", i, badness(past))
		case m.state != withdrawn && m.drain.Now:
			return fmt.Sprintf("look %d: announced though drained now", i)
		case m.state != withdrawn && drainedAt >= 0 && m.at-drainedAt >= c.DrainTime():
			return fmt.Sprintf("look %d: announced %s after it was drained", i, m.at-drainedAt)
		case m.state == announced && m.drain.Wanted, m.state == draining && !m.drain.Wanted:
			return fmt.Sprintf("look %d: in state %d, and that it was drained is %t", i, m.state, m.drain.Wanted)
		case m.state == withdrawn && !m.drain.Wanted && rightFor(past) > dampLast && rightInARow(past) >= c.Rise:
			return fmt.Sprintf("look %d: withdrawn, though right for %s", i, rightFor(past))
		case was != withdrawn && m.state == withdrawn && badness(past) < 2*c.Fall && !m.drain.Wanted:
			return fmt.Sprintf("look %d: withdrawn without a reason", i)
		}
		if up {
			ups++
		}
	}
	if ups == 0 {
		return "it was never announced"
	}
	return ""
}

func rightInARow(past []moment) (n int) {
	for _, m := range slices.Backward(past) {
		if m.grade != right {
			break
		}
		n++
	}
	return n
}

func rightFor(past []moment) time.Duration {
	n := rightInARow(past)
	if n == 0 {
		return 0
	}
	return past[len(past)-1].at - past[len(past)-n].at
}

// badness counts back, in half looks, to the last one that was right.
func badness(past []moment) (n int) {
	for _, m := range slices.Backward(past) {
		switch m.grade {
		case right:
			return n
		case slow:
			n++
		case wrong:
			n += 2
		}
	}
	return n
}

func someOptions(r *rand.Rand) watch.Config {
	c := twoBlocks()
	c.Rise, c.Fall = 1+r.IntN(4), 1+r.IntN(4)
	c.Drain, c.Damping = r.IntN(40), []int{0, 1, 30, 3600}[r.IntN(4)]
	return c
}

// TestHistories plays what happens by chance, and holds it against what is
// promised.
func TestHistories(t *testing.T) {
	for seed := range uint64(150) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := someOptions(r)
		if why := broken(c, history(r, c)); why != "" {
			t.Errorf("seed %d, rise %d, fall %d, drain %d, damping %d: %s", seed, c.Rise, c.Fall, c.Drain, c.Damping, why)
		}
	}
}

// Each promise can be broken.
func TestHistoriesRefuse(t *testing.T) {
	now, wanted := watch.Drain{Wanted: true, Now: true}, watch.Drain{Wanted: true}
	for _, tt := range []struct {
		want string
		all  []moment
	}{
		{"announced after 1 right looks", []moment{{grade: right, state: announced}}},
		{"announced while drained", []moment{{}, {drain: wanted, state: draining}}},
		{"announced after 6 half looks", []moment{{}, {state: announced}, {grade: slow, state: announced}, {grade: slow, state: announced}, {grade: wrong, state: announced}, {grade: crowded, state: announced}, {grade: wrong, state: announced}}},
		{"though drained now", []moment{{}, {state: announced}, {drain: now, state: draining}}},
		{"announced 30s after", []moment{{}, {state: announced}, {drain: wanted, state: draining}, {drain: wanted, at: 30 * time.Second, state: draining}}},
		{"in state 2", []moment{{}, {state: announced}, {drain: wanted, state: announced}}},
		{"withdrawn, though right", []moment{{}, {at: 11 * time.Minute}}},
		{"without a reason", []moment{{}, {state: announced}, {grade: wrong}}},
		{"never announced", []moment{{}}},
	} {
		if got := broken(twoBlocks(), tt.all); !strings.Contains(got, tt.want) {
			t.Errorf("want %q, got %q", tt.want, got)
		}
	}
}

// Damping grows with each withdrawal and has an end.
func TestDampingGrows(t *testing.T) {
	c := twoBlocks()
	for _, damping := range []int{1, 30, 3600} {
		c.Damping = damping
		k := newKeeper(c)
		b, last := k.blocks[0], time.Duration(0)
		for n := range 300 {
			b.fell = append(b.fell, time.Second)
			got := k.damped(b, 2*time.Second)
			if got < last || got > dampLast || n+1 < dampAfter && got != 0 || n+1 == dampAfter && got != min(time.Duration(damping)*time.Second, dampLast) {
				t.Fatalf("damping %d: %s after %d withdrawals, %s before", damping, got, n+1, last)
			}
			last = got
		}
		if last != dampLast {
			t.Errorf("damping %d: ends at %s", damping, last)
		}
		if got := k.damped(b, dampWindow+2*time.Second); got != 0 || len(b.fell) != 0 {
			t.Errorf("damping %d: %s for withdrawals that are past", damping, got)
		}
	}
}

func TestWorst(t *testing.T) {
	a, other := addr("192.0.2.1"), addr("192.0.2.9")
	b := block{Block: watch.Block{Addresses: []netip.Addr{a}}}
	f := func(a netip.Addr, g grade) finding { return finding{subject: subject{Address: a}, grade: g, why: "x"} }
	for _, tt := range []struct {
		all  []finding
		want grade
	}{
		{nil, wrong},
		{[]finding{f(other, right)}, wrong},
		{[]finding{f(a, right), f(other, wrong)}, right},
		{[]finding{f(a, right), f(a, crowded), f(a, right)}, crowded},
		{[]finding{f(a, crowded), f(a, wrong), f(a, slow)}, wrong},
	} {
		if worst := b.worst(tt.all); worst.grade != tt.want {
			t.Errorf("%v: %d", tt.all, worst.grade)
		}
	}
}
