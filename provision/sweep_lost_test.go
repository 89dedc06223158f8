//go:build linux

package provision_test

import (
	"errors"
	"fmt"
	"testing"
)

// claim is what a raiz said in the end of the variant that it was to apply.
type claim struct {
	of string
	tally
}

// lost holds what was told against what stands. Of two that were both told that
// theirs was applied, one had reviewed his over the other's, and it stands.
func lost(stands string, ours, theirs claim) error {
	done := func(c claim) bool { return c.Outcome == "done" }
	last := ours
	switch {
	case !done(ours) && !done(theirs):
		return nil
	case done(ours) && done(theirs) && ours.Over == theirs.Over:
		return fmt.Errorf("%s and %s were both applied over generation %d", ours.of, theirs.of, ours.Over)
	case done(theirs) && (!done(ours) || theirs.Over > ours.Over):
		last = theirs
	}
	if stands != last.of {
		return fmt.Errorf("raiz said that %s was applied, and %s stands", last.of, stands)
	}
	return nil
}

// TestLost has what the sweep of two operators must say no to, and what not.
func TestLost(t *testing.T) {
	none, refused := tally{}, tally{Outcome: "failed", Over: 3}
	over := func(n int) tally { return tally{Outcome: "done", Over: n} }
	for _, tt := range []struct {
		what         string
		stands       string
		ours, theirs tally
		want         error
	}{
		{"nobody heard of an end", "A", none, none, nil},
		{"the first alone", "B", over(3), refused, nil},
		{"the second alone", "C", refused, over(3), nil},
		{"the second over the first", "C", over(3), over(4), nil},
		{"the first over the second", "B", over(4), over(3), nil},
		{"told, and it is not there", "A", over(3), none, errors.New("raiz said that B was applied, and A stands")},
		{"the second was told, and the first stands", "B", refused, over(3), errors.New("raiz said that C was applied, and B stands")},
		{"both over the same", "C", over(3), over(3), errors.New("B and C were both applied over generation 3")},
		{"the later one is gone", "B", over(3), over(4), errors.New("raiz said that C was applied, and B stands")},
	} {
		if got := lost(tt.stands, claim{"B", tt.ours}, claim{"C", tt.theirs}); fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %v, want %v", tt.what, got, tt.want)
		}
	}
}
