package state

import (
	"errors"
	"iter"
	"slices"
)

// ErrUnsupported is wrapped by the Err of a Fact whose thing cannot exist
// here: this controller or this system has no such setting. It does not apply
// to something that could not be looked at.
var ErrUnsupported = errors.New("unsupported")

// Fact is what was seen of one thing.
//
//	Value set, Err nil   it is there, like this
//	Value nil, Err nil   it was looked for and is absent
//	Err is ErrUnsupported  it cannot be there, or, with a Value, it is like
//	                     this and cannot be otherwise; Err says why
//	any other Err        unknown: it could not be looked at
type Fact struct {
	Key   Key
	Value Value
	Err   error
	// AtReboot says that a change of it takes effect at the next reboot of the
	// server. Pending is what it becomes then, where that has been written and
	// is another value than the one in effect; nil otherwise.
	AtReboot bool
	Pending  Value
	// Queued is why a change of it cannot be written before that reboot; "" where
	// it can.
	Queued string
}

// Unknown reports whether the thing could not be looked at.
func (f Fact) Unknown() bool { return f.Err != nil && !errors.Is(f.Err, ErrUnsupported) }

// Unsupported reports whether the thing cannot exist here, or not be changed.
func (f Fact) Unsupported() bool { return errors.Is(f.Err, ErrUnsupported) }

// Facts holds one Fact for every key that was asked for, in key order.
type Facts struct{ facts []Fact }

// NewFacts returns facts sorted by key. Two facts for one key are a bug of
// the caller.
func NewFacts(facts []Fact) *Facts {
	sorted := slices.Clone(facts)
	slices.SortFunc(sorted, func(a, b Fact) int { return a.Key.Compare(b.Key) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i].Key == sorted[i-1].Key {
			panic("state: two facts for " + sorted[i].Key.String())
		}
	}
	return &Facts{facts: sorted}
}

// errNotLooked is the Err of a key nobody reported on.
var errNotLooked = errors.New("nobody looked")

// Get returns the fact for a key; for a key that was not asked for it is
// unknown, never absent.
func (f *Facts) Get(k Key) Fact {
	i, ok := slices.BinarySearchFunc(f.facts, k, func(x Fact, k Key) int { return x.Key.Compare(k) })
	if !ok {
		return Fact{Key: k, Err: errNotLooked}
	}
	return f.facts[i]
}

// Without returns the facts without those of one kind.
func (f *Facts) Without(k Kind) *Facts {
	return &Facts{facts: slices.DeleteFunc(slices.Clone(f.facts), func(x Fact) bool { return x.Key.Kind == k })}
}

// All yields the facts in key order.
func (f *Facts) All() iter.Seq[Fact] { return slices.Values(f.facts) }
