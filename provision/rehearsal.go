//go:build linux

package provision

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// Rehearsal is what a rehearsal tells while it goes on.
type Rehearsal struct {
	Testbed rehearse.Options
	// Step is told which step begins.
	Step func(verdict.Message)
	// Show is given each report as it comes.
	Show func(report.Report) error
}

// convergence is how long BGP and the clock may take to come up once
// everything is in place: a routing daemon that was refused once may
// try again after two minutes at most.
const convergence = 3 * time.Minute

// Rehearse builds the site on this machine and runs on it what an engineer
// runs on the real one: plan, apply, verify, and a second plan that has to be
// empty. Whatever happens, nothing is left behind.
func Rehearse(ctx context.Context, s *site.Site, o Options, h Rehearsal) (err error) {
	h.Step(verdict.New("rehearse.build"))
	testbed, err := rehearse.Up(ctx, s, h.Testbed)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRehearsal, err)
	}
	defer func() {
		h.Step(verdict.New("rehearse.down"))
		err = errors.Join(err, testbed.Down(context.WithoutCancel(ctx)))
	}()
	if err := h.Show(report.Report{Site: testbed.Site, Notices: substitutions(testbed)}); err != nil {
		return err
	}
	o = OnTestbed(o, testbed)
	if err := rehearseApply(ctx, testbed.Site, o, h); err != nil {
		return err
	}
	if err := rehearseVerify(ctx, testbed, o, h); err != nil {
		return err
	}
	return rehearseAgain(ctx, testbed.Site, o, h)
}

// OnTestbed makes a run go to a rehearsal instead of the real site.
func OnTestbed(o Options, testbed *rehearse.Testbed) Options {
	o.Dial = testbed.Netns(rehearse.RoleController).DialContext
	o.AgentSocket = ""
	return o
}

// TestbedVantages are the places that only a rehearsal lets us look from: the
// host's router, and somebody behind it.
func TestbedVantages(testbed *rehearse.Testbed) Vantages {
	return Vantages{
		Router: func(ctx context.Context) ([]verify.Route, error) {
			taken, err := testbed.Router.Routes(ctx)
			if err != nil {
				return nil, err
			}
			refused, err := testbed.Router.Refused(ctx)
			if err != nil {
				return nil, err
			}
			var out []verify.Route
			for i, r := range append(taken, refused...) {
				out = append(out, verify.Route{
					Prefix: r.Prefix, ASPath: r.ASPath, Communities: r.Communities, MED: r.MED, Origin: r.Origin,
					Neighbor: r.Neighbor, NextHop: r.NextHop, Refused: i >= len(taken),
				})
			}
			return out, nil
		},
		Outside: func(ctx context.Context, network, address string) (net.Conn, error) {
			return testbed.Netns(rehearse.RoleController).DialContext(ctx, network, address)
		},
	}
}

func substitutions(testbed *rehearse.Testbed) []verdict.Message {
	var out []verdict.Message
	for _, s := range testbed.Substitutions {
		out = append(out, verdict.New("rehearse.made", verdict.Seen("what", s.What), verdict.Seen("why", s.Why)))
	}
	return out
}

func rehearseApply(ctx context.Context, s *site.Site, o Options, h Rehearsal) error {
	h.Step(verdict.New("rehearse.plan"))
	run := New(s, o)
	defer run.Close(ctx)
	planned, err := run.planAndShow(ctx, h)
	if err != nil {
		return err
	}
	h.Step(verdict.New("rehearse.apply"))
	journal, applyErr := run.Apply(ctx, planned, planned.Plan.Digest())
	if err := h.Show(run.ApplyReport(journal, applyErr)); err != nil {
		return err
	}
	if applyErr != nil {
		return fmt.Errorf("%w: %w", ErrRehearsal, applyErr)
	}
	return nil
}

func rehearseVerify(ctx context.Context, testbed *rehearse.Testbed, o Options, h Rehearsal) error {
	h.Step(verdict.New("rehearse.verify"))
	results := VerifyWithin(ctx, testbed.Site, o, TestbedVantages(testbed), convergence)
	if err := h.Show(report.Report{Site: testbed.Site, Verify: results}); err != nil {
		return err
	}
	if n := len(verify.Failed(results)) + len(verify.Undecided(results)); n > 0 {
		return fmt.Errorf("%w: %d checks did not pass", ErrRehearsal, n)
	}
	return nil
}

// rehearseAgain makes the second plan, which has to be empty.
func rehearseAgain(ctx context.Context, s *site.Site, o Options, h Rehearsal) error {
	h.Step(verdict.New("rehearse.again"))
	run := New(s, o)
	defer run.Close(ctx)
	planned, err := run.planAndShow(ctx, h)
	if err != nil {
		return err
	}
	if !planned.Plan.Empty() {
		return fmt.Errorf("%w: %d changes and %d unknowns after an apply", ErrRehearsal, len(planned.Plan.Changes), len(planned.Plan.Unknown))
	}
	return nil
}

func (r *Run) planAndShow(ctx context.Context, h Rehearsal) (Planned, error) {
	planned, err := r.Plan(ctx)
	if err != nil {
		return planned, err
	}
	return planned, h.Show(r.PlanReport(planned))
}
