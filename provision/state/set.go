package state

import (
	"fmt"
	"iter"
	"slices"
)

// How says what makes a changed file take effect on its unit.
type How string

const (
	// Nothing has to be done: the file is read when it is needed.
	Nothing How = ""
	// Reload keeps the service running.
	Reload How = "reload"
	// Restart interrupts the service.
	Restart How = "restart"
	// Command runs Effect.Command and touches no unit.
	Command How = "command"
)

// Item is one wanted thing.
type Item struct {
	Key    Key
	Value  Value
	Effect Effect
}

// Set is everything that is wanted of one site, in key order. The zero Set is
// empty.
type Set struct {
	site  string
	items []Item
}

// NewSet returns the items as a Set, or an error naming a key that is in it
// twice or has no value.
func NewSet(site string, items []Item) (*Set, error) {
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, func(a, b Item) int { return a.Key.Compare(b.Key) })
	for i, it := range sorted {
		if it.Value == nil {
			return nil, fmt.Errorf("%s has no value", it.Key)
		}
		if i > 0 && sorted[i-1].Key == it.Key {
			return nil, fmt.Errorf("%s is wanted twice, by %q and by %q", it.Key, sorted[i-1].Effect.Component, it.Effect.Component)
		}
	}
	return &Set{site: site, items: sorted}, nil
}

// Site returns the name of the site the set belongs to.
func (s *Set) Site() string { return s.site }

// Len returns the number of items.
func (s *Set) Len() int { return len(s.items) }

// All yields the items in key order.
func (s *Set) All() iter.Seq[Item] { return slices.Values(s.items) }

// Of yields the items of one kind in key order.
func (s *Set) Of(k Kind) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for _, it := range s.items {
			if it.Key.Kind == k && !yield(it) {
				return
			}
		}
	}
}

// Without returns the set without the items of one kind.
func (s *Set) Without(k Kind) *Set {
	kept := slices.DeleteFunc(slices.Clone(s.items), func(it Item) bool { return it.Key.Kind == k })
	return &Set{site: s.site, items: kept}
}

// Where returns the set with the items that something holds of.
func (s *Set) Where(holds func(Item) bool) *Set {
	kept := slices.DeleteFunc(slices.Clone(s.items), func(it Item) bool { return !holds(it) })
	return &Set{site: s.site, items: kept}
}

// Get returns the item with that key.
func (s *Set) Get(k Key) (Item, bool) {
	i, ok := slices.BinarySearchFunc(s.items, k, func(it Item, k Key) int { return it.Key.Compare(k) })
	if !ok {
		return Item{}, false
	}
	return s.items[i], true
}

// Keys returns the keys of one kind in order.
func (s *Set) Keys(k Kind) []Key {
	var keys []Key
	for it := range s.Of(k) {
		keys = append(keys, it.Key)
	}
	return keys
}
