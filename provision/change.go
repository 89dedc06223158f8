package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/observe"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verify"
)

// Planned is a plan with what it was made from.
type Planned struct {
	Plan plan.Plan
	Want *state.Set
	Seen observe.Observation
	// Found is what is on the server that nobody has declared, or that no change
	// mends, and what of it could not be looked at.
	Found []verify.Result

	handsOnSite bool
	takeOver    bool
	unmanaged   map[string]string // settings of the BMC that are left alone, and why
}

func (r *Run) wanted() (*state.Set, error) {
	want, err := render.Desired(r.site, r.o.Packs, render.With{Secrets: render.Revealed, Program: r.o.Helpers.Sum()})
	switch {
	case err != nil || !r.o.BMCOnly:
		return want, err
	case r.site.BMC == nil:
		return nil, errNoBMC
	}
	return want.Where(func(it state.Item) bool { return it.Key.Kind == state.Setting }), nil
}

// Reviewed refuses a saved plan that is of other site files. It contacts nobody.
func (r *Run) Reviewed(saved plan.Saved) error {
	want, err := r.wanted()
	if err != nil {
		return err
	}
	return saved.Before(plan.Wants(want))
}

// Plan observes the site and compares. What could not be looked at is in the
// plan as unknown; the error is for sites that cannot be rendered.
func (r *Run) Plan(ctx context.Context) (Planned, error) {
	want, err := r.wanted()
	if err != nil {
		return Planned{}, err
	}
	looks, err := sessionLooks(r.site, r.o.Packs)
	if err != nil {
		return Planned{}, err
	}
	from := observe.Sources{BMC: func(ctx context.Context) (observe.SettingReader, error) { return r.controller(ctx) }}
	if !r.o.BMCOnly {
		from.Server = func(ctx context.Context) (observe.Prober, error) {
			conn, err := r.server(ctx)
			return firstLook{conn, looks["sessions"].Argv(nil), verify.AroundQuestion(r.site)}, err
		}
	}
	seen := observe.Read(ctx, want, from)
	p := Planned{Want: want, Seen: seen, handsOnSite: r.o.HandsOnSite, takeOver: r.o.TakeOver}
	if r.site.BMC != nil {
		p.unmanaged = r.site.BMC.Unmanaged
	}
	if r.o.BMCOnly {
		p.Plan = plan.Diff(want, seen.Facts)
		p.Plan.Part = plan.BMCAlone
		return p, nil
	}
	var part plan.Part
	if r.o.HandsOnSite && seen.BMCErr != nil {
		part = plan.ServerAlone
		p.Want = want.Without(state.Setting)
		p.Seen.Facts = seen.Facts.Without(state.Setting)
	}
	if conn, err := r.server(ctx); err == nil && seen.ServerErr == nil {
		p.Found = verify.AroundResults(r.site, seen.Server, byPacks(r.site, r.o.Packs), conn.Keys())
	}
	p.Plan = plan.Diff(p.Want, p.Seen.Facts).Wanting(want).Over(standing(p.Want, p.Seen.Server, looks)).Beside(found(p.Found))
	p.Plan.Part = part
	return p, nil
}

// Refusal is why the plan is not carried out before its operator has said
// something more; it wraps ErrTakeOver. Nil stands for nothing.
func (p Planned) Refusal() error {
	if p.takeOver {
		return nil
	}
	return refusal(p.Plan)
}

// ErrMoved means that what was reviewed is not what would run.
var ErrMoved = apply.ErrMoved

// ErrRehearsal means that a rehearsal did not end as it has to. Its name is
// known also where there are no rehearsals.
var ErrRehearsal = errors.New("rehearsal failed")

// Apply carries out a plan that has just been made. approved is the digest
// that was reviewed, or "" to apply what Plan has just found.
func (r *Run) Apply(ctx context.Context, p Planned, approved string) (apply.Journal, error) {
	if approved != "" && approved != p.Plan.Digest() {
		return apply.Journal{Outcome: apply.NotTried}, fmt.Errorf("%w: reviewed %.12s, now %.12s; make and review a new one", ErrMoved, approved, p.Plan.Digest())
	}
	if err := p.Refusal(); err != nil {
		return apply.Journal{Outcome: apply.NotTried}, err
	}
	deps, err := r.depsOf(ctx, p.Plan)
	if err != nil {
		return apply.Journal{Outcome: apply.NotTried}, err
	}
	deps.Seen = p.Seen.Server
	if deps.Declared, err = declare(r.site); err != nil {
		return apply.Journal{Outcome: apply.NotTried}, err
	}
	if len(p.Plan.Of(state.Setting)) > 0 {
		if deps.BMC, err = r.controller(ctx); err != nil {
			return apply.Journal{Outcome: apply.NotTried}, err
		}
		deps.Account = r.site.BMC.Password
	}
	if apply.TouchesServer(p.Plan) {
		conn, err := r.server(ctx)
		if err != nil {
			return apply.Journal{Outcome: apply.NotTried}, err
		}
		r.lookBefore(ctx, conn, p.Plan)
	}
	j, err := apply.Run(ctx, p.Plan, p.Want, deps)
	if err == nil {
		j.Missing = r.missing
	}
	return j, err
}

// Rollback makes an earlier generation of the server the new one, with the
// same guards as an apply, and gated on what that generation declares.
// generation 0 is the last confirmed one before the current.
func (r *Run) Rollback(ctx context.Context, generation int) (apply.Journal, error) {
	fail := func(err error) (apply.Journal, error) { return apply.Journal{Outcome: apply.NotTried}, err }
	past, err := r.History(ctx)
	if err != nil {
		return fail(err)
	}
	current, earlier := around(past)
	if generation == 0 {
		if generation = earlier; generation == 0 {
			return fail(errors.New("the server has no earlier confirmed generation"))
		}
	}
	deps, err := r.deps(ctx)
	if err != nil {
		return fail(err)
	}
	conn, err := r.server(ctx)
	if err != nil {
		return fail(err)
	}
	r.lookBefore(ctx, conn, plan.Plan{})
	j, err := apply.Rollback(ctx, generation, current, deps)
	if err == nil {
		j.Missing = r.missing
	}
	return j, err
}

// around are the current generation and the newest confirmed one beside it; 0
// for none.
func around(past []server.Status) (current, earlier int) {
	for _, p := range past {
		switch {
		case p.Current:
			current = p.Number
		case p.State == server.Confirmed:
			earlier = p.Number
		}
	}
	return current, earlier
}

// depsOf needs a server unless the plan is one of the BMC alone. Where that moves it
// needs another way in: a server that answers, or somebody on site.
func (r *Run) depsOf(ctx context.Context, p plan.Plan) (apply.Deps, error) {
	if !r.o.BMCOnly {
		return r.deps(ctx)
	}
	moves := slices.ContainsFunc(p.Of(state.Setting), func(c plan.Change) bool { return c.Effect.Name == state.MovesController })
	if moves && !r.o.HandsOnSite {
		if _, err := r.server(ctx); err != nil {
			return apply.Deps{}, fmt.Errorf("%w: it moves the BMC, and the server does not answer as another way in: %w; where somebody stands beside it, give --hands-on-site", apply.ErrNotApplicable, err)
		}
	}
	return apply.Deps{Log: r.o.Log}, nil
}

func (r *Run) deps(ctx context.Context) (apply.Deps, error) {
	conn, err := r.server(ctx)
	if err != nil {
		return apply.Deps{}, err
	}
	return apply.Deps{
		Server:      conn,
		Reconnect:   r.reconnect,
		Old:         r.dialAnew,
		Gate:        r.gate,
		Lifeline:    r.lifeline,
		RevertAfter: r.o.RevertAfter,
		Log:         r.o.Log,
	}, nil
}
