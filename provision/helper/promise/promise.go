// Package promise is what is promised of a change on a server, as functions of
// what was seen from outside. The simulation and the sweep over real machines
// hold the same promises; neither says here how it has looked.
package promise

import (
	"fmt"
	"slices"
	"time"
)

// Generation is what somebody saw to stand, or to be in effect.
type Generation int

// Mixture is neither the one generation nor the other. Before is what stood
// before the first change that was watched; above it generations are numbered
// as whoever looks likes to.
const (
	Mixture Generation = -1
	Before  Generation = 0
)

// Word is what a near side was told of its run at last.
type Word string

// The words. None is that of a near side that died, or that never heard.
const (
	None      Word = ""
	Nothing   Word = "nothing was changed"
	Reverted  Word = "reverted"
	Confirmed Word = "confirmed"
	Unsettled Word = "not ended yet"
)

// Run is one run of raiz.
type Run struct {
	Of   Generation // that it wanted to have
	From Generation // that stood when its plan was reviewed
	Told Word
}

// Seen is what was seen of a server once nothing happened on it any more.
type Seen struct {
	// Reachable says that it answers at the address of the generation that
	// is in effect; Steadily that it does so after every lease is over and
	// after another boot.
	Reachable, Steadily bool
	Files, Effect       Generation
	// AfterBoot is the effect after another boot.
	AfterBoot Generation
	Current   Generation // that the server itself calls current
	Owed      bool       // a way back is still owed
	Ended     bool       // all has come to rest by itself
	Hindered  bool       // something from outside keeps a revert from ending
	Litter    []string   // what was left beside managed files
	// Overwritten are files of others that somebody had changed and nobody had
	// reviewed.
	Overwritten []string
	Runs        []Run // in the order in which they were confirmed, if they were
	// Refused says that nothing managed was ever changed; Restarts are units
	// that were acted on.
	Refused  bool
	Restarts []string
	// Untimely are units that were acted on by a revert or a boot while they
	// would read files of an unconfirmed generation.
	Untimely []string
	Belated  []string // that read files of a run after it was told that nothing was changed
	// Hasty are runs that somebody else took back before their time; Idle is
	// how long nobody came for an activation that had died.
	Hasty  []string
	Idle   time.Duration
	Most   int      // how often the unit that was acted on most often was, beside the starts of boots
	Panics []string // of the programs on the server
}

// Promise is one of them.
type Promise struct {
	Name  string
	Holds func(Seen) error
}

// All are the promises, the gravest first.
func All() []Promise {
	return []Promise{
		{"never locked out", neverLockedOut},
		{"all or nothing", allOrNothing},
		{"told true", toldTrue},
		{"no lost update", noLostUpdate},
		{"it comes to rest", comesToRest},
		{"nothing restarted in vain", nothingInVain},
		{"nothing unconfirmed started by a revert", nothingUntimely},
		{"the owner's time", ownersTime},
		{"no restart storm", noStorm},
		{"nothing left beside", nothingBeside},
		{"no panic", noPanic},
	}
}

func neverLockedOut(s Seen) error {
	switch {
	case s.Hindered && s.Files == Mixture:
		return nil // between two generations, and nothing can be written: looked at again once it can
	case !s.Reachable:
		return fmt.Errorf("it does not answer; files %d, effect %d", s.Files, s.Effect)
	case !s.Steadily:
		return fmt.Errorf("it does not answer once leases are over, or after another boot; files %d, effect %d", s.Files, s.Effect)
	}
	return nil
}

func allOrNothing(s Seen) error {
	switch {
	case s.Hindered:
		return nil // looked at again once nothing hinders
	case s.Files == Mixture:
		return fmt.Errorf("files are a mixture; effect %d", s.Effect)
	case s.Effect == Mixture:
		return fmt.Errorf("the effect is a mixture; files %d", s.Files)
	case s.Files != s.Effect:
		return fmt.Errorf("files are of %d, the effect is of %d", s.Files, s.Effect)
	case s.AfterBoot != s.Effect:
		return fmt.Errorf("the effect is of %d, and after another boot of %d", s.Effect, s.AfterBoot)
	case s.Current != s.Files:
		return fmt.Errorf("files are of %d, and the server calls %d current", s.Files, s.Current)
	}
	return nil
}

// last is the generation that was confirmed last, as far as anybody was told.
func last(s Seen) Generation {
	g := Before
	for _, r := range s.Runs {
		if r.Told == Confirmed {
			g = r.Of
		}
	}
	return g
}

func toldTrue(s Seen) error {
	if s.Hindered {
		return nil
	}
	if len(s.Belated) > 0 {
		return fmt.Errorf("told %q, and then %v read the new files", Nothing, s.Belated)
	}
	want, open := last(s), false
	for _, r := range s.Runs {
		switch r.Told {
		case None, Unsettled:
			open = open || r.Of == s.Current
		case Nothing, Reverted:
			if r.Of == s.Current && want != r.Of {
				return fmt.Errorf("told %q, and generation %d is current", r.Told, r.Of)
			}
		}
	}
	if s.Current != want && !open {
		return fmt.Errorf("generation %d was confirmed, and %d is current", want, s.Current)
	}
	return nil
}

// noLostUpdate: each run that is confirmed was reviewed over what had been
// confirmed before it, also while nobody listened any more.
func noLostUpdate(s Seen) error {
	if len(s.Overwritten) > 0 {
		return fmt.Errorf("%v were overwritten", s.Overwritten)
	}
	g := Before
	for _, r := range s.Runs {
		if r.Told != Confirmed {
			continue
		}
		if !follows(s.Runs, g, r.From) {
			return fmt.Errorf("generation %d was confirmed over %d, and was reviewed over %d", r.Of, g, r.From)
		}
		g = r.Of
	}
	return nil
}

// follows reports whether one generation may have become current over another by
// runs that nobody was told the end of.
func follows(runs []Run, g, to Generation) bool {
	for range runs {
		i := slices.IndexFunc(runs, func(r Run) bool { return r.Of == to && (r.Told == None || r.Told == Unsettled) })
		if g == to || i < 0 {
			break
		}
		to = runs[i].From
	}
	return g == to
}

func comesToRest(s Seen) error {
	switch {
	case s.Hindered:
		return nil
	case !s.Ended:
		return fmt.Errorf("something goes on for ever")
	case s.Owed:
		return fmt.Errorf("a way back is owed, and nothing brings it")
	}
	return nil
}

func nothingInVain(s Seen) error {
	if s.Refused && len(s.Restarts) > 0 {
		return fmt.Errorf("nothing had changed, and %v were acted on", s.Restarts)
	}
	return nil
}

func nothingUntimely(s Seen) error {
	if len(s.Untimely) > 0 {
		return fmt.Errorf("%v read unconfirmed files", s.Untimely)
	}
	return nil
}

// patience is how long a dead activation may be left alone.
const patience = 10 * time.Second

func ownersTime(s Seen) error {
	switch {
	case len(s.Hasty) > 0:
		return fmt.Errorf("%v was taken back before its time", s.Hasty)
	case s.Idle > patience && !s.Hindered:
		return fmt.Errorf("nobody came for %s after the activation had died", s.Idle)
	}
	return nil
}

// bound is how often one unit may be acted on: by the activation, and by the
// reverts after some losses of power.
const bound = 12

func noStorm(s Seen) error {
	if s.Most > bound {
		return fmt.Errorf("one unit was acted on %d times", s.Most)
	}
	return nil
}

func nothingBeside(s Seen) error {
	if len(s.Litter) > 0 && !s.Hindered {
		return fmt.Errorf("%v were left behind", s.Litter)
	}
	return nil
}

func noPanic(s Seen) error {
	if len(s.Panics) > 0 {
		return fmt.Errorf("%v", s.Panics)
	}
	return nil
}
