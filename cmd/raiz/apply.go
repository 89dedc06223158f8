package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

type applyOptions struct {
	target target
	guards guards
	reboot bool
	within time.Duration
	source string // the site file of a plan, where that is not where the plan says
}

func newApply(g *globals) *cobra.Command {
	var a applyOptions
	cmd := &cobra.Command{
		Use:   "apply PLAN|PATH",
		Short: "Carry out a plan; the server reverts by itself unless all is well",
		Long: `apply carries out a saved plan, and refuses when the site file or the machine
has changed since. Given a site file it makes the plan, shows it, and asks.

Every change on the server reverts by itself unless raiz confirms it over a new
connection to the address that the server is meant to have, once DNS answers
there. It exits 5 when the change was reverted, 3 when it was kept and a zone is
not there yet, and 2 when the BMC has refused a setting: then it prints what to
write into the site file. Whoever interrupts it is told how the server stands.

Some settings of a BMC take effect at the next reboot of the server. They are
written and wait; --reboot withdraws the blocks, restarts the server through its
BMC, and announces them again once it answers and the settings are in effect.`,
		Example: `  raiz apply gru1.plan
  raiz apply gru1.hcl
  raiz apply gru1.hcl --yes    in CI, where the change was reviewed in git
  raiz apply gru1.hcl --bmc-only --hands-on-site    beside a server without a system`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.apply(cmd, args[0], a)
		},
	}
	a.target.flags(cmd)
	a.target.bmcFlag(cmd)
	a.guards.flags(cmd)
	cmd.Flags().BoolVar(&a.reboot, "reboot", false, "where settings of the BMC wait for a reboot of the server, make one, with the blocks withdrawn")
	cmd.Flags().DurationVar(&a.within, "reboot-within", provision.DefaultRebootWithin, "how long the server may take to come back from it")
	cmd.Flags().StringVar(&a.source, "source", "", "the site file or folder that PLAN was made from, where that is not below this folder")
	return cmd
}

// A reboot takes its time, and no more than this.
const (
	minReboot = 10 * time.Second
	maxReboot = 4 * time.Hour
)

// busyTries is how often an apply waits for somebody else's change to end.
const busyTries = 3

// apply plans and applies. Where somebody else was faster it waits for the end
// of that change and begins anew: what was planned before is of no use any more.
func (g *globals) apply(cmd *cobra.Command, path string, a applyOptions) error {
	for try := 1; ; try++ {
		err := g.applyOnce(cmd, path, a)
		if !errors.Is(err, apply.ErrBusy) || try == busyTries {
			return err
		}
		printable.Fprintf(g.std.err, "raiz: %s\n", err)
	}
}

// applyOnce returns apply.ErrBusy where somebody else is at work.
func (g *globals) applyOnce(cmd *cobra.Command, path string, a applyOptions) error {
	ctx := cmd.Context()
	file := path
	saved, isPlan, err := a.read(file)
	if err != nil {
		return exit(exitUsage, err)
	}
	if isPlan {
		if path, err = a.sourceOf(saved, file); err != nil {
			return exit(exitUsage, err)
		}
		a.target.siteName = saved.Site
	}
	s, o, _, err := a.target.aim(g, path)
	if err != nil {
		return err
	}
	if err := a.guards.set(&o); err != nil {
		return err
	}
	if a.within < minReboot || a.within > maxReboot {
		return exit(exitUsage, fmt.Errorf("--reboot-within %s: use between %s and %s", a.within, minReboot, maxReboot))
	}
	if isPlan {
		if err := provision.New(s, o).Reviewed(saved); err != nil {
			return exit(exitUsage, fmt.Errorf("%s: %w", file, err))
		}
	}
	run, planned, err := g.planAlone(ctx, s, o)
	if err != nil {
		return exit(exitError, err)
	}
	defer run.Close(ctx)
	// Also what was reviewed: the list in a file may be anybody's.
	if err := g.show(run.PlanReport(planned)); err != nil {
		return exit(exitError, err)
	}
	if isPlan {
		if err := saved.Check(planned.Plan); err != nil {
			return exit(exitUsage, fmt.Errorf("%s: %w", file, err))
		}
	}
	switch {
	case !planned.Plan.Applicable():
		return exit(exitUnreachable, nil)
	case planned.Plan.Empty(): // what was reviewed is what stands, whoever made it so
		if err := g.reboot(ctx, run, planned, apply.Journal{}, a); err != nil {
			return err
		}
		if len(planned.Plan.Queued) > 0 {
			return exit(exitPending, nil)
		}
		return unseen(planned.Plan)
	case planned.Refusal() != nil:
		return g.carriedOut(run, apply.Journal{Outcome: apply.NotTried}, planned.Refusal())
	case !isPlan && !a.guards.yes:
		if err := g.ask(toApply(planned.Plan.Site)); err != nil {
			return err
		}
	}
	journal, failed := run.Apply(ctx, planned, saved.Digest)
	if errors.Is(failed, apply.ErrBusy) {
		return exit(exitError, failed)
	}
	ended := g.carriedOut(run, journal, failed)
	if failed == nil { // also where the BMC has refused another setting
		if err := g.reboot(ctx, run, planned, journal, a); err != nil {
			return err
		}
	}
	if ended != nil {
		return ended
	}
	return unseen(planned.Plan)
}

// reboot makes what waits for a reboot of the server take effect, where that was
// asked for.
func (g *globals) reboot(ctx context.Context, run *provision.Run, p provision.Planned, j apply.Journal, a applyOptions) error {
	names := p.Waiting(j)
	if a.reboot && len(names) == 0 && len(p.Queued(j)) > 0 {
		return exit(exitError, errors.New("nothing was rebooted: what keeps back the settings that are queued is none of this site's, and a reboot would carry it out unseen: look at the jobs of the BMC, then raiz bmc power SITE restart"))
	}
	if !a.reboot || len(names) == 0 {
		return nil
	}
	if !a.guards.yes {
		if err := g.ask(namingSite("Withdraw all blocks of this copy and reboot its server?", p.Plan.Site, "not rebooted", "give --yes")); err != nil {
			return err
		}
	}
	if err := run.Reboot(ctx, p, names, a.within); err != nil {
		return exit(exitError, err)
	}
	queued := p.Queued(j)
	if err := g.show(run.RebootReport(names, queued)); err != nil {
		return exit(exitError, err)
	}
	if len(queued) > 0 { // it can be written now
		return exit(exitPending, nil)
	}
	return nil
}

// unseen is the end of a run in which nobody has seen the BMC: all is well as far as
// anybody knows.
func unseen(p plan.Plan) error {
	if p.Part == plan.ServerAlone {
		return exit(exitUnreachable, nil)
	}
	return nil
}

// read reads what is to be applied, where that is a saved plan.
func (a applyOptions) read(file string) (saved plan.Saved, isPlan bool, err error) {
	saved, isPlan, err = savedPlan(file)
	switch {
	case err != nil:
		return saved, false, fmt.Errorf("%s: %w", file, err)
	case !isPlan && a.source != "":
		return saved, false, fmt.Errorf("--source is for saved plans, and %s is none", file)
	}
	return saved, isPlan, nil
}

// sourceOf is where the site of a saved plan is read from. The plan may be
// anybody's: it leads to no file outside of this folder.
func (a applyOptions) sourceOf(saved plan.Saved, file string) (string, error) {
	here := a.target.siteName
	switch _, err := os.Stat(saved.Source); {
	case here != "" && here != saved.Site:
		return "", fmt.Errorf("%s is of site %s, and not of %s", file, saved.Site, here)
	case a.source != "":
		return a.source, nil
	case filepath.IsLocal(saved.Source) && errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%s was made from %s, which is not here: apply it in the folder where it was made, or give --source", file, saved.Source)
	case !filepath.IsLocal(saved.Source):
		return "", fmt.Errorf("%s was made from %s, which is not below this folder: if those are the site files that you mean, give --source %s", file, saved.Source, saved.Source)
	}
	return saved.Source, nil
}

// carryOut changes a server and shows how it ended.
func (g *globals) carryOut(run *provision.Run, do func() (apply.Journal, error)) error {
	journal, failed := do()
	return g.carriedOut(run, journal, failed)
}

func (g *globals) carriedOut(run *provision.Run, journal apply.Journal, failed error) error {
	if err := g.show(run.ApplyReport(journal, failed)); err != nil {
		return exit(exitError, err)
	}
	if g.json {
		return exit(applyCode(journal, failed), failed)
	}
	return exit(applyCode(journal, failed), nil) // it has been said
}

// planAlone plans, and once more when it had to wait for a generation that
// somebody else, or a run that was interrupted, has left unconfirmed.
func (g *globals) planAlone(ctx context.Context, s *site.Site, o provision.Options) (*provision.Run, provision.Planned, error) {
	run := provision.New(s, o)
	planned, err := run.Plan(ctx)
	if err != nil || planned.Seen.Server.Pending == nil {
		return run, planned, err
	}
	run.Close(ctx)
	if err := provision.WaitPending(ctx, s, o, func(m verdict.Message) { printable.Fprintf(g.std.err, "raiz: %s\n", messages.English().Say(m)) }); err != nil {
		return run, planned, err
	}
	run = provision.New(s, o)
	planned, err = run.Plan(ctx)
	return run, planned, err
}
