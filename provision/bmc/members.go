package bmc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// The members of collections, and what is gone of them.

// maxMembers bounds how many members of a collection are looked at.
const maxMembers = 8

// maxPages bounds how many pages of one collection are read. iDRAC sends 50
// entries of a log in each, OpenBMC 1,000.
const maxPages = 40

// maxListed bounds how many members of a collection are told apart.
const maxListed = 1000

// maxHeld bounds how much memory documents take that are kept for one look, in
// bytes. What a saved tree tells for an inventory takes 1.1 MiB at the most.
const maxHeld = 32 << 20

// holding is what kept documents take so far, in bytes.
type holding int

// take makes room for one more.
func (h *holding) take(d redfish.Document) error {
	if *h += holding(d.Size()); *h > maxHeld {
		return fmt.Errorf("keep %s: a look takes no more than %d MiB of memory", d.URI, maxHeld>>20)
	}
	return nil
}

// notThere is what the controller links to and does not have.
func notThere(uri string) error {
	return unsupported("the controller lists %s but does not have it", uri)
}

// untold reports an error that says what the controller does not have or tell.
func untold(err error) bool { return errors.Is(err, state.ErrUnsupported) }

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// shown is an error where a document counts more elements of an array than it
// has (DSP0266, count): who is among the others is not seen.
func shown(d redfish.Document, path ...string) error {
	listed := len(d.List(path...))
	last := len(path) - 1
	told, _ := d.At(append(slices.Clone(path[:last]), path[last]+"@odata.count")...).(float64)
	if told > float64(listed) {
		return fmt.Errorf("look through %s: it counts %d %s and shows %d", d.URI, int(min(told, 1<<30)), path[last], listed)
	}
	return nil
}

// reader reads the documents of one controller by their addresses.
type reader struct{ session *redfish.Session }

// whole is a collection with the members of all its pages. One that does not end,
// or counts more than it shows, is an error: who is there and not shown would be
// absent otherwise.
func (r reader) whole(ctx context.Context, d redfish.Document) (redfish.Document, error) {
	next, err := d.Next()
	if err != nil {
		return d, err
	}
	d.Props = maps.Clone(d.Props)
	all, held, pages := slices.Clone(d.List("Members")), holding(d.Size()), 0
	const count = "Members@odata.count"
	for next != "" {
		if pages++; pages > maxPages {
			return d, fmt.Errorf("look through %s: more than %d pages", d.URI, maxPages)
		}
		page, err := r.session.Get(ctx, next)
		if err == nil {
			err = held.take(page)
		}
		if err != nil {
			return d, err
		}
		if all = append(all, page.List("Members")...); len(all) > maxListed {
			return d, fmt.Errorf("look through %s: more than %d members", d.URI, maxListed)
		}
		if told, ok := page.At(count).(float64); ok {
			had, _ := d.At(count).(float64)
			d.Props[count] = max(told, had)
		}
		if next, err = page.Next(); err != nil {
			return d, err
		}
	}
	if pages > 0 {
		d.Props["Members"] = all
	}
	return d, shown(d, "Members")
}

// members returns the links of a collection that is not empty.
func (r reader) members(ctx context.Context, uri string) ([]string, error) {
	if uri == "" {
		return nil, unsupported("the service root has no link to what is needed")
	}
	d, err := r.session.Get(ctx, uri)
	if gone(err) {
		return nil, notThere(uri)
	} else if err != nil {
		return nil, err
	}
	if d, err = r.whole(ctx, d); err != nil {
		return nil, err
	}
	if list := d.Targets("Members"); len(list) > 0 {
		return list, nil
	}
	return nil, fmt.Errorf("%s: %w: %w", uri, errEmpty, state.ErrUnsupported)
}

// errEmpty is a collection without members.
var errEmpty = errors.New("the collection is empty")

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func gone(err error) bool {
	s := redfish.StatusOf(err)
	return s == http.StatusNotFound || s == http.StatusGone
}

// expanded reads a collection with its members in it, where the controller says
// that it can (DSP0266 clause 7.3.1).
func (r reader) expanded(ctx context.Context, uri string) (redfish.Document, error) {
	list, err := redfish.Document{}, error(nil)
	if r.session.Root.At("ProtocolFeaturesSupported", "ExpandQuery", "NoLinks") == true {
		list, err = r.session.Get(ctx, uri+"?$expand=.($levels=1)")
	}
	if list.Props == nil && (err == nil || redfish.StatusOf(err) >= 400) {
		list, err = r.session.Get(ctx, uri)
	}
	if err != nil {
		return list, err
	}
	return r.whole(ctx, list)
}

// maxAccounts is more than any controller is known to have; iDRAC has 16 slots.
const maxAccounts = 64

// member reads one member of a collection, unless it was expanded and has this
// property.
func (r reader) member(ctx context.Context, e any, property string) (redfish.Document, error) {
	uri := redfish.LinkTarget(e)
	if uri == "" {
		return redfish.Document{}, &redfish.StatusError{Method: http.MethodGet, Path: "a member without a link", Status: http.StatusNotFound}
	}
	if o, _ := e.(redfish.Object); o[property] != nil {
		return redfish.Document{URI: uri, Props: o}, nil
	}
	return r.session.Get(ctx, uri)
}

// maxHardware bounds how many resources are read to count hardware.
const maxHardware = 64

// each reads the members of a collection that are there.
func (r reader) each(ctx context.Context, uri string, room *int, do func(redfish.Document) error) error {
	members, err := r.members(ctx, uri)
	if err != nil {
		return err
	}
	for _, m := range members {
		if *room--; *room < 0 {
			return fmt.Errorf("look through %s: more than %d resources", uri, maxHardware)
		}
		d, err := r.session.Get(ctx, m)
		if gone(err) {
			return notThere(m)
		} else if err != nil {
			return err
		}
		if err := do(d); err != nil {
			return err
		}
	}
	return nil
}
