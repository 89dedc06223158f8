package provision

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/observe"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// DefaultRevertAfter is how long a server waits for the confirmation of a
// change before it takes it back: enough for a link of 300 ms that loses
// packets to connect anew and ask every question.
const DefaultRevertAfter = 120 * time.Second

// Options are what a run uses besides the site.
type Options struct {
	// Packs is the folder of component packs.
	Packs fs.FS
	// Dial opens connections to SSH and the BMC; nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Home replaces "~" in front of ssh.identity.
	Home string
	// AgentSocket is the path of an ssh-agent; "" means none.
	AgentSocket string
	// Links remembers where a BMC keeps things; nil remembers nothing.
	Links bmc.LinkCache
	// Who is recorded on the server with every change.
	Who string
	// Via is where the server answers now, when that is neither its declared
	// address nor the bootstrap one; the zero AddrPort is nowhere.
	Via netip.AddrPort
	// HandsOnSite says that somebody stands beside the server: then a change
	// that may cut access needs no proof of the other way in, and a BMC that
	// does not answer is left as it is.
	HandsOnSite bool
	// RevertAfter is DefaultRevertAfter when zero.
	RevertAfter time.Duration
	Log         *slog.Logger

	// wrap stands between an apply and its connections, where a test breaks
	// what goes through.
	wrap func(apply.Server) apply.Server
}

// Run is one run on one site. Its connections are opened when they are first
// needed; Close ends them.
type Run struct {
	site *site.Site
	o    Options
	ssh  lazy[*sshConn]
	bmc  lazy[*bmc.Controller]
	cost costs

	before  map[verify.ZoneAt]bool // what the copy answered for before the change
	missing []verdict.Message      // zones that are not there yet, after it
}

// New returns a run that has not connected to anything yet.
func New(s *site.Site, o Options) *Run {
	if o.RevertAfter == 0 {
		o.RevertAfter = DefaultRevertAfter
	}
	r := &Run{site: s, o: o}
	r.ssh.open, r.bmc.open = r.dialServer, r.openBMC
	return r
}

// Planned is a plan with what it was made from.
type Planned struct {
	Plan plan.Plan
	Want *state.Set
	Seen observe.Observation

	handsOnSite bool
}

// Plan observes the site and compares. What could not be looked at is in the
// plan as unknown; the error is for sites that cannot be rendered.
func (r *Run) Plan(ctx context.Context) (Planned, error) {
	want, err := render.Desired(r.site, r.o.Packs, render.Revealed)
	if err != nil {
		return Planned{}, err
	}
	seen := observe.Read(ctx, want, observe.Sources{
		Server: func(ctx context.Context) (observe.Runner, error) { return r.server(ctx) },
		BMC:    func(ctx context.Context) (observe.SettingReader, error) { return r.controller(ctx) },
		By:     r.by(),
	})
	p := Planned{Want: want, Seen: seen, handsOnSite: r.o.HandsOnSite}
	if r.o.HandsOnSite && seen.BMCErr != nil {
		p.Want = want.Without(state.Setting)
		p.Seen.Facts = seen.Facts.Without(state.Setting)
	}
	p.Plan = plan.Diff(p.Want, p.Seen.Facts)
	return p, nil
}

// ErrMoved means that what was reviewed is not what would run: the site file
// or the machine has changed since the plan was made.
var ErrMoved = errors.New("the plan has moved")

// Apply carries out a plan that has just been made. approved is the digest
// that was reviewed, or "" to apply what Plan has just found.
func (r *Run) Apply(ctx context.Context, p Planned, approved string) (apply.Journal, error) {
	if approved != "" && approved != p.Plan.Digest() {
		return apply.Journal{Outcome: apply.NotTried}, fmt.Errorf("%w: reviewed %.12s, now %.12s; make and review a new one", ErrMoved, approved, p.Plan.Digest())
	}
	deps, err := r.deps(ctx)
	if err != nil {
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
// same guards as an apply. generation "" is the last confirmed one before the
// current.
func (r *Run) Rollback(ctx context.Context, generation string) (apply.Journal, error) {
	fail := func(err error) (apply.Journal, error) { return apply.Journal{Outcome: apply.NotTried}, err }
	want, err := render.Desired(r.site, r.o.Packs, render.Withheld)
	if err != nil {
		return fail(err)
	}
	if generation == "" {
		past, err := r.History(ctx)
		if err != nil {
			return fail(err)
		}
		if generation = before(past); generation == "" {
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
	j, err := apply.Rollback(ctx, generation, want, deps)
	if err == nil {
		j.Missing = r.missing
	}
	return j, err
}

// before is the newest confirmed generation that is not the current one.
func before(past []server.Past) string {
	for _, p := range slices.Backward(past) {
		if p.State == "confirmed" {
			return p.Number
		}
	}
	return ""
}

func (r *Run) deps(ctx context.Context) (apply.Deps, error) {
	conn, err := r.server(ctx)
	if err != nil {
		return apply.Deps{}, err
	}
	return apply.Deps{
		Server:      r.wrapped(conn),
		Reconnect:   r.reconnect,
		Old:         r.dialAnew,
		Gate:        r.gate,
		Lifeline:    r.lifeline,
		By:          r.by(),
		RevertAfter: r.o.RevertAfter,
		Log:         r.o.Log,
	}, nil
}

// Vantages are places to look from that only the caller may have.
type Vantages struct {
	Router  func(context.Context) ([]verify.Route, error)
	Outside func(ctx context.Context, network, address string) (net.Conn, error)
}

// Verify looks from everywhere it can and judges.
func (r *Run) Verify(ctx context.Context, v Vantages) []verify.Result {
	from := verify.Vantages{
		SSH:     func(ctx context.Context) (verify.Server, error) { return r.server(ctx) },
		Router:  v.Router,
		Outside: v.Outside,
	}
	from.Units, from.Looks, from.UnitsErr = looks(r.site, r.o.Packs)
	if r.site.BMC != nil {
		from.BMC = func(ctx context.Context) (verify.Controller, error) { return r.controller(ctx) }
	}
	return verify.Judge(r.site, verify.Gather(ctx, r.site, from))
}

// looks are what the packs of a site say of their services, and of how their
// programs are looked at.
func looks(s *site.Site, packs fs.FS) (verify.Units, verify.Looks, error) {
	components, err := render.Components(s, packs)
	if err != nil {
		return nil, nil, err
	}
	units, looks := verify.Units{}, verify.Looks{}
	for _, c := range components {
		units[c.Kind] = c.Services
		maps.Copy(looks, c.Observations)
	}
	return units, looks, nil
}
