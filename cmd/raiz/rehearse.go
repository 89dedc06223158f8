//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/verdict"
)

func newRehearse(g *globals) *cobra.Command {
	var name, start string
	cmd := &cobra.Command{
		Use:   "rehearse PATH",
		Short: "Build the site on this machine and run everything on it",
		Long: `rehearse builds the very site of a site file on this machine: a real Debian
server, the host's router, a simulated BMC and a primary for the zones that are
transferred, each in a network namespace of its own with the site's own
addresses. Then it plans, applies, verifies, and plans again, and takes
everything down. It needs root and Debian's packages mmdebstrap and
systemd-container; nothing leaves this machine.`,
		Example: `  raiz rehearse sites/as112-gru1.hcl
  raiz rehearse sites/as112-gru1.hcl --start ifupdown     as Debian's installer leaves it
  raiz rehearse up sites/as112-gru1.hcl     keep it, to work on by hand
  raiz plan sites/as112-gru1.hcl --rehearsal 1a2b3c4d`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := knownStart(start); err != nil {
				return err
			}
			s, err := g.one(args[0], name)
			if err != nil {
				return err
			}
			o, err := g.options(args[0])
			if err != nil {
				return err
			}
			err = provision.Rehearse(cmd.Context(), s, o, provision.Rehearsal{
				Testbed: rehearse.Options{Progress: g.progress, Packs: o.Packs, Start: rehearse.Start(start)},
				Step:    func(step verdict.Message) { printable.Fprintf(g.std.err, "==> %s\n", messages.English().Say(step)) },
				Show:    g.showAll,
			})
			if g.json {
				_ = g.put(rehearsed(g.answer.reports))
			}
			switch {
			case errors.Is(err, provision.ErrRehearsal):
				return exit(exitFailed, err)
			case err != nil:
				return exit(exitError, err)
			}
			printable.Fprintf(g.std.err, "==> the rehearsal has passed\n")
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "site", "", "name of the site, where the files hold several")
	startFlag(cmd, &start)
	cmd.AddCommand(newRehearseUp(g), newRehearseDown(g), newRehearseStatus(g), newRehearseShell(g), newRehearseZone(g), newRehearseBMC(g))
	return cmd
}

// rehearsalResult is a rehearsal of this machine in JSON.
type rehearsalResult struct {
	ID      string    `json:"id"`
	Site    string    `json:"site"`
	Created time.Time `json:"created"`
	State   string    `json:"state"`
}

// rehearsed are the reports of a rehearsal, in turn.
func rehearsed(reports []report.Report) any {
	out := []any{}
	for _, r := range reports {
		out = append(out, report.Document(r))
	}
	return map[string]any{"reports": out}
}

// showAll shows also the checks that passed: a rehearsal is there to show them.
func (g *globals) showAll(r report.Report) error {
	if g.json {
		return g.show(r)
	}
	shown := *g
	shown.full = g.full || r.Verify != nil
	return shown.show(r)
}

func (g *globals) progress(line string) { printable.Fprintf(g.std.err, "    %s\n", line) }

func newRehearseUp(g *globals) *cobra.Command {
	var name, personality, start string
	cmd := &cobra.Command{
		Use:   "up PATH",
		Short: "Build the site and keep it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if known := simbmc.Personalities(); personality != "" && !slices.Contains(known, personality) {
				return exit(exitUsage, fmt.Errorf("--bmc %q is none of %s", personality, strings.Join(known, ", ")))
			}
			if err := knownStart(start); err != nil {
				return err
			}
			s, err := g.one(args[0], name)
			if err != nil {
				return err
			}
			packs, err := g.packFS()
			if err != nil {
				return exit(exitError, err)
			}
			self, err := os.Executable()
			if err != nil {
				return exit(exitError, err)
			}
			testbed, err := rehearse.Up(cmd.Context(), s, rehearse.Options{
				Progress: g.progress, Packs: packs, Start: rehearse.Start(start),
				Personality: personality, BMCCommand: []string{self, "rehearse", "bmc"},
			})
			if err != nil {
				return exit(exitError, err)
			}
			if g.json {
				return g.put(map[string]string{"id": testbed.ID})
			}
			printable.Fprintf(g.std.out, "%s\n", testbed.ID)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "site", "", "name of the site, where the files hold several")
	cmd.Flags().StringVar(&personality, "bmc", "", "vendor that the BMC behaves like")
	startFlag(cmd, &start)
	return cmd
}

// startFlag asks for what runs the server's network at first.
func startFlag(cmd *cobra.Command, start *string) {
	const flag = "start"
	cmd.Flags().StringVar(start, flag, string(rehearse.StartNetworkd), "what runs the server's network at first: "+strings.Join(startNames(), ", "))
	// It fails only where there is no such flag.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(startNames(), cobra.ShellCompDirectiveNoFileComp))
}

func startNames() []string {
	var names []string
	for _, s := range rehearse.Starts() {
		names = append(names, string(s))
	}
	return names
}

func knownStart(start string) error {
	if known := startNames(); !slices.Contains(known, start) {
		return exit(exitUsage, fmt.Errorf("--start %q is none of %s", start, strings.Join(known, ", ")))
	}
	return nil
}

func newRehearseDown(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "down ID...",
		Short: "Take rehearsals down",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.takeDown(cmd.Context(), args)
		},
	}
}

// takeDown goes on where one cannot be taken down, and says of each why. What
// has begun is not left half done by a Ctrl-C.
func (g *globals) takeDown(ctx context.Context, ids []string) error {
	var errs []error
	code := exitUsage // of IDs that are none
	down := []string{}
	for _, id := range ids {
		testbed, err := rehearse.Find(id)
		if err == nil {
			if err = testbed.Down(context.WithoutCancel(ctx)); err != nil {
				code = exitError
			}
		}
		if err == nil {
			down = append(down, id)
		}
		errs = append(errs, err)
	}
	if g.json {
		_ = g.put(map[string][]string{"down": down})
	}
	if err := errors.Join(errs...); err != nil {
		return exit(code, err)
	}
	return nil
}

func newRehearseStatus(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "List the rehearsals of this machine",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			all, err := rehearse.List()
			if err != nil {
				return exit(exitError, err)
			}
			list := []rehearsalResult{}
			for _, r := range all {
				state := "kept"
				switch {
				case r.Abandoned():
					state = "left behind"
				case !r.Kept:
					state = "running"
				}
				list = append(list, rehearsalResult{r.ID, r.Site, r.Created, state})
			}
			if g.json {
				return g.put(map[string][]rehearsalResult{"rehearsals": list})
			}
			for _, r := range list {
				printable.Fprintf(g.std.out, "%s\t%s\t%s\t%s\n", r.ID, r.Site, r.Created.Format(time.RFC3339), r.State)
			}
			return nil
		},
	}
}

func newRehearseShell(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "shell ID [server|router|controller|primary] [COMMAND...]",
		Short: "Enter a machine of a rehearsal",
		Long: `shell runs a command on a machine of a rehearsal, with the words that stand
behind its name as they are, and ends as the command ends. What runs there is
what the packs say; systemctl lists it.`,
		Example: `  raiz rehearse shell 1a2b3c4d server
  raiz rehearse shell 1a2b3c4d server journalctl -f
  raiz rehearse shell 1a2b3c4d router systemctl list-units --type=service   what runs there
  raiz rehearse shell 1a2b3c4d router ip route   what it has learnt
  raiz rehearse shell 1a2b3c4d controller dig @192.175.48.1 hostname.as112.net TXT`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			testbed, err := rehearse.Find(args[0])
			if err != nil {
				return exit(exitUsage, err)
			}
			where, argv := "server", []string{"bash"}
			if len(args) > 1 {
				where = args[1]
			}
			if len(args) > 2 {
				argv = args[2:]
			}
			c, err := commandOn(cmd.Context(), testbed, where, argv)
			if err != nil {
				return err
			}
			// What is typed there and what it shows are the machine's own: a
			// screen that somebody has asked to see, as with ssh.
			c.Stdin, c.Stdout, c.Stderr = g.raw.in, g.raw.out, g.raw.err
			return endedAs(c.Run(), strings.Join(argv, " ")+" on "+where)
		},
	}
	// What stands behind the ID is the command's, flags too.
	cmd.Flags().SetInterspersed(false)
	return cmd
}

func commandOn(ctx context.Context, testbed *rehearse.Testbed, where string, argv []string) (c *exec.Cmd, err error) {
	switch where {
	case "server":
		c, err = testbed.Server.Command(ctx, argv...)
	case "router":
		c, err = testbed.Router.Command(ctx, argv...)
	case "controller":
		c = testbed.Netns(rehearse.RoleController).Command(ctx, argv...)
	case "primary":
		if err = testbed.Primary.Has(); err == nil {
			c = testbed.Primary.Command(ctx, argv...)
		}
	default:
		return nil, exit(exitUsage, fmt.Errorf("no machine %q; there are server, router, controller and primary", where))
	}
	if err != nil {
		return nil, exit(exitError, err)
	}
	return c, nil
}

// endedAs ends as a command has ended, which has said why itself; as a shell
// does where a signal ended it.
func endedAs(err error, what string) error {
	var ended *exec.ExitError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &ended):
		return exit(exitError, fmt.Errorf("%s: %w", what, err))
	case ended.ExitCode() >= 0:
		return exit(exitCode(ended.ExitCode()), nil)
	}
	code := exitError
	if status, ok := ended.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = exitCode(128 + int(status.Signal()))
	}
	return exit(code, fmt.Errorf("%s: %w", what, err))
}

// newRehearseBMC is what `rehearse up` starts in the background.
func newRehearseBMC(*globals) *cobra.Command {
	return &cobra.Command{
		Use:    "bmc ID",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := rehearse.ServeBMC(cmd.Context(), args[0]); err != nil {
				return exit(exitError, err)
			}
			return nil
		},
	}
}
