//go:build linux

package provision_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verify"
)

// TestBMCAlone brings a controller up as it was delivered, beside a server that is
// off: it moves for somebody on site alone. Then the server comes, and the rest.
func TestBMCAlone(t *testing.T) {
	needMachines(t)
	t.Parallel()
	b := newBedWith(t, "../sites/as112-gru1.hcl", rehearse.Options{})
	b.must(b.Server.Kill(t.Context()))
	alone := b.o
	alone.BMCOnly = true
	try := func(o provision.Options) (provision.Planned, apply.Journal, error) {
		t.Helper()
		run := provision.New(b.Site, o)
		defer run.Close(context.Background())
		planned, err := run.Plan(t.Context())
		b.must(err)
		if len(planned.Plan.Unknown) > 0 {
			t.Errorf("unknown: %v", planned.Plan.Unknown)
		}
		j, err := run.Apply(t.Context(), planned, planned.Plan.Digest())
		return planned, j, err
	}
	planned, j, err := try(alone)
	if !errors.Is(err, apply.ErrNotApplicable) || j.Outcome != apply.NotTried {
		t.Errorf("it moved with no other way in: %s: %v", j.Outcome, err)
	}
	if n := len(planned.Plan.Of(state.Setting)); n == 0 || n != len(planned.Plan.Changes) {
		t.Errorf("%d of %d changes are the controller's", n, len(planned.Plan.Changes))
	}
	alone.HandsOnSite = true
	if _, j, err := try(alone); err != nil || j.Outcome != apply.Done {
		t.Fatalf("%s: %v", j.Outcome, err)
	}
	if again, _, _ := try(alone); !again.Plan.Empty() {
		t.Errorf("the second plan is not empty: %+v", again.Plan.Changes)
	}
	run := provision.New(b.Site, alone)
	results := run.Verify(t.Context(), provision.TestbedVantages(b.Testbed))
	b.must(run.Close(t.Context()))
	if bad := notInOrder(results); len(bad) > 0 || len(results) < 10 || slices.ContainsFunc(results, func(r verify.Result) bool { return r.Vantage != verify.FromBMC }) {
		t.Errorf("%d checks, of which %v", len(results), bad)
	}
	for _, a := range b.Site.BMC.Addresses {
		c, err := b.Netns(rehearse.RoleController).DialContext(t.Context(), "tcp", netip.AddrPortFrom(a.Addr(), b.Site.BMC.Port).String())
		b.must(err)
		_ = c.Close()
	}

	b.must(b.Server.Boot(t.Context()))
	b.mustApply(b.Site)
	b.verifyUntil(b.Site, allInOrder())
	if all, _ := b.plan(b.Site); !all.Plan.Empty() {
		t.Errorf("left: %+v", all.Plan.Changes)
	}

	// Of a controller that nobody has seen nothing is known, whoever is on site.
	b.must(b.Unplug(t.Context(), rehearse.LinkBMC))
	unseen := func(o provision.Options) plan.Plan {
		t.Helper()
		run := provision.New(b.Site, o)
		defer run.Close(context.Background())
		planned, err := run.Plan(t.Context())
		b.must(err)
		return planned.Plan
	}
	if p := unseen(alone); p.Applicable() || p.Part != plan.BMCAlone {
		t.Errorf("a plan of a BMC that is away: %d unknown, of %q", len(p.Unknown), p.Part)
	}
	onSite := b.o
	onSite.HandsOnSite = true
	if p := unseen(onSite); !p.Empty() || p.Part != plan.ServerAlone {
		t.Errorf("a plan beside a BMC that is away: %d changes, of %q", len(p.Changes), p.Part)
	}
}
