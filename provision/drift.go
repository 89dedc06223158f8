package provision

import (
	"context"
	"errors"

	"github.com/raiz-dns/raiz/provision/observe"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// declared compares the whole server as a plan does, in words that verify can
// judge. Who verifies may lack the secrets of the site: then the bytes of secret
// files are not compared, and all else is.
func (r *Run) declared(ctx context.Context) verify.Declared {
	want, err := render.Desired(r.site, r.o.Packs, render.With{Secrets: render.Revealed, Program: r.o.Helpers.Sum()})
	if errors.Is(err, render.ErrSecret) {
		want, err = render.Desired(r.site, r.o.Packs, render.With{Secrets: render.Withheld, Program: r.o.Helpers.Sum()})
		want = want.Where(func(it state.Item) bool {
			f, is := it.Value.(state.File)
			return !is || !f.Secret
		})
	}
	if err != nil {
		return verify.Declared{Asked: true, Err: err}
	}
	want = want.Without(state.Setting) // which have checks of their own
	seen := observe.Read(ctx, want, observe.Sources{
		Server: func(ctx context.Context) (observe.Prober, error) { return r.server(ctx) },
	})
	return otherwise(plan.Diff(want, seen.Facts), want)
}

// otherwise is what a plan has found. What is not wanted is left out where a
// secret file may be missing from the set.
func otherwise(p plan.Plan, want *state.Set) verify.Declared {
	d := verify.Declared{Asked: true}
	for _, c := range p.Changes {
		if hasCheck(c) {
			continue
		}
		key := verdict.Seen("key", c.Key.String())
		if c.Action == plan.Delete && c.Key.Kind == state.Path && !wantsAll(want) {
			continue
		}
		if before, is := c.Before.(state.Attr); is && c.Key.Kind == state.Running {
			d.Otherwise = append(d.Otherwise, verdict.New("os.declared.amiss", key, verdict.AllSeen("lines", before.Values)))
			continue
		}
		d.Otherwise = append(d.Otherwise, verdict.New("os.declared.change", key))
	}
	for _, f := range p.Unknown {
		d.Unknown = append(d.Unknown, verdict.New("os.declared.unknown", verdict.Seen("key", f.Key.String()), verdict.Error("error", f.Err)))
	}
	return d
}

// hasCheck reports whether verify has a check of this very thing: of each unit,
// and of each address that has to be there.
func hasCheck(c plan.Change) bool {
	what, _, _ := c.Key.Live()
	return c.Key.Kind == state.Unit || c.Key.Kind == state.Live && what == state.LiveAddress && c.Action != plan.Delete
}

// wantsAll reports whether secret files are in a set too.
func wantsAll(want *state.Set) bool {
	for it := range want.Of(state.Path) {
		if f, is := it.Value.(state.File); is && f.Secret {
			return true
		}
	}
	return false
}

// found is what results say that are not green.
func found(results []verify.Result) []verdict.Message {
	var out []verdict.Message
	for _, r := range results {
		if r.Status == verify.Unknown {
			out = append(out, r.Evidence...)
			continue
		}
		out = append(out, r.Got...)
	}
	return out
}
