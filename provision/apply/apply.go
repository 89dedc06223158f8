package apply

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// Setter changes settings of a BMC; *bmc.Controller is one. It returns what
// is now true of every change, also when it returns an error.
type Setter interface {
	Set(ctx context.Context, changes []bmc.Change) ([]bmc.Outcome, error)
}

// Server is a connection to the server.
type Server interface {
	// Call has raiz-helper answer one request. An error means that its answer
	// was not heard; what was heard until then is in the reply.
	Call(context.Context, server.Request) (server.Reply, error)
	Run(context.Context, remote.Script) (remote.Result, error)
	Close() error
}

// Deps are what a run works with.
type Deps struct {
	BMC Setter // nil when the plan has no setting to change
	// Account is the password of the BMC account that the plan may create.
	Account secret.Value
	Server  Server
	// Reconnect makes a new connection to the address that the server is
	// meant to have as its generation declares it, and to no other; nil stands
	// for the site file.
	Reconnect func(ctx context.Context, declared []byte) (Server, error)
	// Seen is what the server answered when the plan was made: it compares
	// that with what stands before it changes anything.
	Seen server.Facts
	// Declared is what has to answer; the server keeps it with the generation,
	// for a rollback.
	Declared []byte
	// Gate looks through the new connection whether the copy does its work as
	// the generation declares it; nil stands for the site file. Its error is
	// the reason for the revert.
	Gate func(ctx context.Context, s Server, declared []byte) error
	// Lifeline proves the other way in, just before a change on the server
	// that may cut this one. Nil stands for somebody on site.
	Lifeline func(context.Context) error
	// Old makes a new connection to wherever the server answered before or
	// is meant to answer now: after a revert it is back where it was.
	Old func(context.Context) (Server, error)
	// By is recorded on the server.

	// RevertAfter is how long the server waits for the confirmation.
	RevertAfter time.Duration
	Log         *slog.Logger
}

// Outcome is how a step, or a whole run, ended.
type Outcome string

// The outcomes.
const (
	// Done: it is as planned, and that was seen.
	Done Outcome = "done"
	// Waits: it is written as planned, that was seen, and it takes effect at the
	// next reboot of the server.
	Waits Outcome = "waits"
	// Queued: it can be written once the server has been rebooted; nothing changed.
	Queued Outcome = "queued"
	// Unsupported: this machine cannot have it; nothing changed.
	Unsupported Outcome = "unsupported"
	// Failed: it is as it was before.
	Failed Outcome = "failed"
	// Reverted: it was changed and has been put back.
	Reverted Outcome = "reverted"
	// Unknown: nobody knows; it was not seen after it had been tried.
	Unknown Outcome = "unknown"
	// NotTried: an earlier step did not end well.
	NotTried Outcome = "not-tried"
)

// Entry is one step of a run.
type Entry struct {
	Step    verdict.Message // what was done
	Outcome Outcome
	Err     error
	Took    time.Duration
}

// Journal is what is now true, also after a failure.
type Journal struct {
	Generation string // its number on the server; "" when none is known
	Outcome    Outcome
	Entries    []Entry
	// Missing says which zones are not there yet. They keep the blocks
	// withdrawn, and revert nothing.
	Missing []verdict.Message
}

// Refused reports whether the BMC did not take a setting that was planned: the
// next plan has it again, until the site says to leave it alone.
func (j Journal) Refused() bool {
	return slices.ContainsFunc(j.Entries, func(e Entry) bool { return e.Outcome == Unsupported })
}

// Settings names the settings of the BMC that ended so.
func (j Journal) Settings(how Outcome) []string {
	var out []string
	for _, e := range j.Entries {
		if name, ok := SettingOf(e.Step); ok && e.Outcome == how {
			out = append(out, name)
		}
	}
	return out
}

func (j *Journal) add(step verdict.Message, outcome Outcome, err error, since time.Time) {
	j.Entries = append(j.Entries, Entry{Step: step, Outcome: outcome, Err: err, Took: time.Since(since)})
}

// ErrNotApplicable says that a plan with unknowns, or one without its lifeline, is
// not started.
var ErrNotApplicable = errors.New("plan cannot be applied")

// ErrMoved means that what was reviewed is not what stands, or not what would
// run: the site file or the machine has changed since the plan was made.
var ErrMoved = errors.New("the plan has moved")

// ErrBusy means that somebody else's change has to end first.
var ErrBusy = errors.New("somebody else is changing the server")

// Run carries out a plan. want is the set the plan was made from. The error
// is nil exactly when the outcome of the journal is Done.
func Run(ctx context.Context, p plan.Plan, want *state.Set, d Deps) (Journal, error) {
	j := Journal{Outcome: NotTried}
	if !p.Applicable() {
		return j, fmt.Errorf("%w: %d things could not be looked at", ErrNotApplicable, len(p.Unknown))
	}
	steps := []struct {
		step verdict.Message
		need bool
		run  func(context.Context, *Journal) error
	}{
		{verdict.New("apply.bmc"), len(p.Of(state.Setting)) > 0, func(ctx context.Context, j *Journal) error { return settings(ctx, p, d, j) }},
		{verdict.New("apply.packages"), len(p.Of(state.Package)) > 0, func(ctx context.Context, j *Journal) error { return packages(ctx, p, d, j) }},
		{verdict.New("apply.server"), TouchesServer(p), func(ctx context.Context, j *Journal) error { return transaction(ctx, p, want, d, j) }},
	}
	for i, s := range steps {
		if !s.need {
			continue
		}
		if err := s.run(ctx, &j); err != nil {
			for _, rest := range steps[i+1:] {
				if rest.need {
					j.add(rest.step, NotTried, nil, time.Now())
				}
			}
			return j, err
		}
	}
	j.Outcome = Done
	return j, nil
}

// TouchesServer reports whether a plan changes anything of the operating system.
func TouchesServer(p plan.Plan) bool {
	return len(p.Of(state.Path))+len(p.Of(state.Unit))+len(p.Of(state.Live))+len(p.Of(state.Running)) > 0
}
