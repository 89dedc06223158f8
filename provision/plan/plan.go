// Package plan compares what is wanted with what was seen: Diff gives a Plan,
// and a Plan is data. It can be printed, saved, compared and reviewed; it
// holds no way to carry itself out, and no secret.
//
// Start reading at Diff.
package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// Action says what a change does to its thing.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// Change is one difference. Before is nil for Create, After for Delete.
type Change struct {
	Key    state.Key
	Action Action
	Before state.Value
	After  state.Value
	Effect state.Effect
	// Foreign says that what stands there is nothing that raiz has put there.
	Foreign bool
	// AtReboot says that it takes effect at the next reboot of the server.
	AtReboot bool
	// Pending is what would take effect then without the change; nil where
	// nothing would.
	Pending state.Value
}

// Plan is what would have to change, in key order, and what stands in the way
// of knowing it.
type Plan struct {
	Site    string
	Changes []Change
	// Unknown could not be looked at: while there are any, the plan is not
	// Applicable.
	Unknown []state.Fact
	// Unsupported cannot be had on this machine: it is said, and is no change.
	Unsupported []state.Fact
	// Waiting has been written as it is wanted, and takes effect at the next
	// reboot of the server: nothing is left to be changed, and it is not so yet.
	Waiting []state.Fact
	// Queued is not as it is wanted, and cannot be written before the next reboot
	// of the server: what waits for that one keeps it back.
	Queued []state.Fact
	// Standing is what the server has that raiz did not build.
	Standing Standing
	// Found is what is there beside it that nobody has declared; no change mends
	// it.
	Found []verdict.Message
	// Part is what the plan is of, where it is not the whole site.
	Part   Part
	digest string
	wants  string
}

// Part is a part of a site.
type Part string

// The parts that a plan may be of.
const (
	BMCAlone    Part = "bmc"    // nobody has looked at the server
	ServerAlone Part = "server" // nobody has looked at the BMC
)

// Empty reports whether everything is as wanted. A plan with unknowns is not
// empty: nobody knows what it would say.
func (p Plan) Empty() bool { return len(p.Changes) == 0 && len(p.Unknown) == 0 }

// Applicable reports whether the plan may be carried out.
func (p Plan) Applicable() bool { return len(p.Unknown) == 0 }

// Digest identifies the wanted and the observed state that the plan was made
// from. It depends on no secret: instead of the bytes of a secret file it
// covers a token that changes with the file.
func (p Plan) Digest() string { return p.digest }

// Risk reports whether any change carries that risk.
func (p Plan) Risk(r state.Risk) bool {
	return slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Effect.Name.Risk() == r })
}

// Of returns the changes of one kind.
func (p Plan) Of(k state.Kind) []Change {
	var out []Change
	for _, c := range p.Changes {
		if c.Key.Kind == k {
			out = append(out, c)
		}
	}
	return out
}

// Diff compares. It is pure: the same arguments give the same plan.
func Diff(want *state.Set, have *state.Facts) Plan {
	p := Plan{Site: want.Site()}
	sum := sha256.New()
	digestSite(sum, want.Site())
	for it := range want.All() {
		fact := have.Get(it.Key)
		digestItem(sum, it, fact)
		switch {
		case it.Key.Kind == state.Running && !settled(want, have, it.Key.Name):
			// What changes the file puts it in effect, or says why nobody knows.
		case fact.Unsupported():
			if fact.Value == nil || !it.Value.Equal(fact.Value) {
				p.Unsupported = append(p.Unsupported, fact)
			}
		case fact.Unknown():
			p.Unknown = append(p.Unknown, fact)
		case fact.Pending != nil && it.Value.Equal(fact.Pending):
			p.Waiting = append(p.Waiting, fact)
		case fact.Queued != "" && (fact.Value == nil || !it.Value.Equal(fact.Value)):
			p.Queued = append(p.Queued, fact)
		case fact.Value == nil:
			p.Changes = append(p.Changes, Change{Key: it.Key, Action: Create, After: it.Value, Effect: it.Effect, AtReboot: fact.AtReboot, Pending: fact.Pending})
		case fact.Pending != nil || !it.Value.Equal(fact.Value):
			p.Changes = append(p.Changes, Change{Key: it.Key, Action: Update, Before: fact.Value, After: it.Value, Effect: it.Effect, AtReboot: fact.AtReboot, Pending: fact.Pending})
		}
	}
	for fact := range have.All() {
		if _, wanted := want.Get(fact.Key); wanted || fact.Value == nil || fact.Err != nil {
			continue
		}
		digestDelete(sum, fact)
		p.Changes = append(p.Changes, Change{Key: fact.Key, Action: Delete, Before: fact.Value, Effect: effectOfDelete(want, fact.Key)})
	}
	slices.SortStableFunc(p.Changes, func(a, b Change) int { return a.Key.Compare(b.Key) })
	p.digest, p.wants = hex.EncodeToString(sum.Sum(nil)), Wants(want)
	return p
}

// Wanting says what a site wants as a whole, where a plan was made of a part.
func (p Plan) Wanting(all *state.Set) Plan {
	p.wants = Wants(all)
	return p
}

// settled reports whether a file stands as it is wanted.
func settled(want *state.Set, have *state.Facts, path string) bool {
	k := state.Key{Kind: state.Path, Name: path}
	it, wanted := want.Get(k)
	fact := have.Get(k)
	return wanted && fact.Err == nil && fact.Value != nil && it.Value.Equal(fact.Value)
}

// effectOfDelete is what it does to take something away that nobody wants: on a
// link, what the change of its manager would do.
func effectOfDelete(want *state.Set, k state.Key) state.Effect {
	if k.Kind != state.Live {
		return state.Effect{}
	}
	_, iface, _ := k.Live()
	it, _ := want.Get(state.ManagerKey(iface))
	return it.Effect
}
