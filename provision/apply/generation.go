package apply

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// manifest is everything that the server needs for one transaction. It holds
// every managed thing, changed or not: a generation is whole, and the server
// itself finds out what has to be done.
func manifest(p plan.Plan, want *state.Set, declared []byte) server.Manifest {
	m := server.Manifest{Plan: fmt.Sprintf("%.12s", p.Digest()), Declared: declared}
	var files []state.Item
	for it := range want.Of(state.Path) {
		files = append(files, it)
	}
	// In the order of the components: what others build on comes first.
	slices.SortStableFunc(files, func(a, b state.Item) int { return cmp.Compare(a.Effect.Order, b.Effect.Order) })
	for _, it := range files {
		m.Files = append(m.Files, fileOf(it))
	}
	for _, c := range p.Of(state.Path) {
		if c.Action == plan.Delete {
			m.Deletes = append(m.Deletes, c.Key.Name)
		}
	}
	for it := range want.Of(state.Unit) {
		s := it.Value.(state.Service)
		m.Units = append(m.Units, server.Unit{Name: it.Key.Name, Enabled: s.Enabled, Active: s.Active, Order: it.Effect.Order})
	}
	m.Links = links(want)
	return m
}

func fileOf(it state.Item) server.File {
	f := it.Value.(state.File)
	return server.File{
		Path: it.Key.Name, Mode: uint32(f.Mode.Perm()), Owner: f.Owner, Group: f.Group, Secret: f.Secret,
		Data: f.Data, Sum: sum(f), Check: it.Effect.Check, Effect: action(it.Effect), Runtime: it.Effect.Runtime,
	}
}

// action is what a file needs whenever it changes.
func action(e state.Effect) *server.Action {
	gap := e.Name.Risk() == state.SessionReset || e.Name.Risk() == state.ServiceGap
	switch e.How {
	case state.Reload, state.Restart:
		return &server.Action{Order: e.Order, Verb: string(e.How), Unit: e.Unit, Gap: gap}
	case state.Command:
		return &server.Action{Order: e.Order, Run: e.Command, Gap: gap}
	}
	return nil
}

// links are the links that are managed, with all that they are to have.
func links(want *state.Set) []server.Link {
	var out []server.Link
	for it := range want.Of(state.Live) {
		what, iface, value := it.Key.Live()
		match := server.MatchOf(iface)
		i := slices.IndexFunc(out, func(l server.Link) bool { return l.Match == match })
		if i < 0 {
			out = append(out, server.Link{Match: match})
			i = len(out) - 1
		}
		switch what {
		case state.LiveAddress:
			out[i].Addresses = append(out[i].Addresses, value)
		case state.LiveDefault:
			out[i].Gateways = append(out[i].Gateways, value)
		case state.LiveMTU:
			out[i].MTU, _ = strconv.Atoi(it.Value.(state.Attr).Values[0]) // render wrote it
		}
	}
	return out
}

// reviewed is what stood when the plan was made, for the server to compare.
func reviewed(seen server.Facts, m server.Manifest) server.Reviewed {
	r := server.Reviewed{Current: seen.Current, Standing: map[string]string{}}
	for _, f := range m.Files {
		r.Standing[f.Path] = seen.Files[f.Path].Standing
	}
	for _, path := range m.Deletes {
		r.Standing[path] = seen.Files[path].Standing
	}
	return r
}

func sum(f state.File) string { return fmt.Sprintf("%x", f.Sum) }
