package bmc

import (
	"context"
	"fmt"
	"iter"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// maxInventory bounds how many answers an inventory reads, pages of collections
// among them. The largest saved tree takes 101.
const maxInventory = 256

// maxLog bounds how many answers the log takes of an inventory's.
const maxLog = maxInventory / 2

// inspector reads documents for an inventory: each once, and no more than it has
// room for, wherever the links lead.
type inspector struct {
	session *redfish.Session
	room    int
	seen    map[string]redfish.Document
	held    holding // what seen takes
	plainly bool    // it does not send members with their collection
}

// newInspector reads over a session. A controller says whether it sends members
// with their collection (DSP0266 clause 7.3.1).
func newInspector(s *redfish.Session) *inspector {
	expands := s.Root.At("ProtocolFeaturesSupported", "ExpandQuery", "NoLinks") == true
	return &inspector{session: s, room: maxInventory, seen: map[string]redfish.Document{}, plainly: !expands}
}

// get reads one resource. What the controller lists and does not have is
// unsupported.
func (r *inspector) get(ctx context.Context, uri string) (redfish.Document, error) {
	if d, ok := r.seen[uri]; ok {
		return d, nil
	}
	d, err := r.fetch(ctx, uri)
	if gone(err) {
		return redfish.Document{}, notThere(uri)
	} else if err != nil {
		return redfish.Document{}, err
	}
	return d, r.keep(uri, d)
}

// keep remembers a document, where there is room for it.
func (r *inspector) keep(uri string, d redfish.Document) error {
	if err := r.held.take(d); err != nil {
		return err
	}
	r.seen[uri] = d
	return nil
}

func (r *inspector) fetch(ctx context.Context, uri string) (redfish.Document, error) {
	if r.room--; r.room < 0 {
		return redfish.Document{}, fmt.Errorf("read %s: an inventory reads no more than %d answers, and of its log %d", uri, maxInventory, maxLog)
	}
	return r.session.Get(ctx, uri)
}

// members are the resources of a collection, whatever number of pages it comes
// in. One that is listed and not there has its URI and no properties. An error
// is the last thing that comes: what is after it was not seen.
func (r *inspector) members(ctx context.Context, uri string) iter.Seq2[redfish.Document, error] {
	return func(yield func(redfish.Document, error) bool) {
		been, listed, told := map[string]bool{uri: true}, 0, 0
		d, err := r.firstPage(ctx, uri)
		for {
			if err != nil {
				yield(redfish.Document{}, err)
				return
			}
			for _, e := range d.List("Members") {
				m, err := r.member(ctx, e)
				if !yield(m, err) || err != nil {
					return
				}
				listed++
			}
			n, _ := d.At("Members@odata.count").(float64)
			told = max(told, int(min(n, 1<<30)))
			next, wrong := d.Next()
			switch {
			case wrong == nil && next == "" && listed >= told:
				return
			case wrong == nil && next == "":
				err = fmt.Errorf("look through %s: it counts %d and shows %d", uri, told, listed)
			case wrong != nil:
				err = wrong
			case been[next], len(been) >= maxPages:
				err = fmt.Errorf("look through %s: more than %d pages, or a page again", uri, maxPages)
			default:
				been[next] = true
				d, err = r.fetch(ctx, next)
			}
		}
	}
}

// firstPage asks for the members themselves where it can: a memory of 32 modules
// is one answer then. A controller that refuses it is not asked again.
func (r *inspector) firstPage(ctx context.Context, uri string) (redfish.Document, error) {
	if uri == "" {
		return redfish.Document{}, unsupported("there is no link to it")
	}
	d, err := redfish.Document{}, error(nil)
	if !r.plainly {
		d, err = r.fetch(ctx, uri+"?$expand=.($levels=1)")
		r.plainly = redfish.StatusOf(err) >= 400 && !gone(err)
	}
	if d.Props == nil && (err == nil || redfish.StatusOf(err) >= 400) {
		d, err = r.get(ctx, uri)
	}
	if err == nil && !d.Has("Members") {
		err = unsupported("%s lists no members", uri)
	}
	return d, err
}

// member is one of a collection. Whoever sends it whole sends its Id, which
// every resource has (DSP0268, common properties).
func (r *inspector) member(ctx context.Context, e any) (redfish.Document, error) {
	uri := redfish.LinkTarget(e)
	if o, _ := e.(redfish.Object); o["Id"] != nil {
		return redfish.Document{URI: uri, Props: o}, nil
	}
	if uri == "" {
		return redfish.Document{URI: "a member without a link"}, nil
	}
	if d, ok := r.seen[uri]; ok {
		return d, nil
	}
	d, err := r.fetch(ctx, uri)
	if gone(err) {
		d, err = redfish.Document{URI: uri}, nil
	}
	if err != nil {
		return redfish.Document{}, err
	}
	return d, r.keep(uri, d)
}
