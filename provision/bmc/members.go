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

// reader reads the documents of one controller by their addresses.
type reader struct{ session *redfish.Session }

// whole is a collection with the members of all its pages. One that does not end
// is an error: who is on the last page would be absent otherwise.
func (r reader) whole(ctx context.Context, d redfish.Document) (redfish.Document, error) {
	next, err := d.Next()
	if err != nil || next == "" {
		return d, err
	}
	d.Props = maps.Clone(d.Props)
	all := slices.Clone(d.List("Members"))
	for range maxPages {
		page, err := r.session.Get(ctx, next)
		if err != nil {
			return d, err
		}
		if all = append(all, page.List("Members")...); len(all) > maxListed {
			return d, fmt.Errorf("look through %s: more than %d members", d.URI, maxListed)
		}
		if next, err = page.Next(); err != nil || next == "" {
			d.Props["Members"] = all
			return d, err
		}
	}
	return d, fmt.Errorf("look through %s: more than %d pages", d.URI, maxPages)
}

// members returns the links of a collection that is not empty.
func (r reader) members(ctx context.Context, uri string) ([]string, error) {
	if uri == "" {
		return nil, unsupported("the service root has no link to what is needed")
	}
	d, err := r.session.Get(ctx, uri)
	if gone(err) {
		return nil, unsupported("the controller lists %s but does not have it", uri)
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
			return unsupported("the controller lists %s but does not have it", m)
		} else if err != nil {
			return err
		}
		if err := do(d); err != nil {
			return err
		}
	}
	return nil
}
