package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/report"
)

func newRehearse(g *globals) *cobra.Command {
	var name string
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
  raiz rehearse up sites/as112-gru1.hcl     keep it, to work on by hand
  raiz plan sites/as112-gru1.hcl --rehearsal 1a2b3c4d`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := g.one(args[0], name)
			if err != nil {
				return err
			}
			o, err := g.options(args[0])
			if err != nil {
				return err
			}
			err = provision.Rehearse(cmd.Context(), s, o, provision.Rehearsal{
				Ground: rehearse.Options{Progress: g.progress},
				Step:   func(step string) { fmt.Fprintf(g.std.err, "==> %s\n", step) },
				Show:   g.showAll,
			})
			if err != nil {
				return exit(exitFailed, err)
			}
			fmt.Fprintln(g.std.err, "==> the rehearsal has passed")
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "site", "", "name of the site, where the files hold several")
	cmd.AddCommand(newRehearseUp(g), newRehearseDown(g), newRehearseStatus(g), newRehearseShell(g), newRehearseZone(g), newRehearseBMC(g))
	return cmd
}

// showAll shows also the checks that passed: a rehearsal is there to show them.
func (g *globals) showAll(r report.Report) error {
	shown := *g
	shown.full = g.full || r.Verify != nil
	return shown.show(r)
}

func (g *globals) progress(line string) { fmt.Fprintf(g.std.err, "    %s\n", line) }

func newRehearseUp(g *globals) *cobra.Command {
	var name, personality string
	cmd := &cobra.Command{
		Use:   "up PATH",
		Short: "Build the site and keep it",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := g.one(args[0], name)
			if err != nil {
				return err
			}
			self, err := os.Executable()
			if err != nil {
				return exit(exitError, err)
			}
			ground, err := rehearse.Up(cmd.Context(), s, rehearse.Options{
				Progress: g.progress, Personality: personality, BMCCommand: []string{self, "rehearse", "bmc"},
			})
			if err != nil {
				return exit(exitError, err)
			}
			fmt.Fprintln(g.std.out, ground.ID)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "site", "", "name of the site, where the files hold several")
	cmd.Flags().StringVar(&personality, "bmc", "", "vendor that the BMC behaves like")
	return cmd
}

func newRehearseDown(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "down ID...",
		Short: "Take rehearsals down",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, id := range args {
				ground, err := rehearse.Find(id)
				if err != nil {
					return exit(exitUsage, err)
				}
				if err := ground.Down(cmd.Context()); err != nil {
					return exit(exitError, err)
				}
			}
			return nil
		},
	}
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
			for _, r := range all {
				state := "kept"
				switch {
				case r.Abandoned():
					state = "left behind"
				case !r.Kept:
					state = "running"
				}
				fmt.Fprintf(g.std.out, "%s\t%s\t%s\t%s\n", r.ID, r.Site, r.Created.Format(time.RFC3339), state)
			}
			return nil
		},
	}
}

func newRehearseShell(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "shell ID [server|router|controller|primary] [COMMAND...]",
		Short: "Enter a machine of a rehearsal",
		Example: `  raiz rehearse shell 1a2b3c4d server
  raiz rehearse shell 1a2b3c4d router birdc show route
  raiz rehearse shell 1a2b3c4d controller dig @192.175.48.1 hostname.as112.net TXT`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ground, err := rehearse.Find(args[0])
			if err != nil {
				return exit(exitUsage, err)
			}
			where := "server"
			if len(args) > 1 {
				where = args[1]
			}
			argv := []string{"bash"}
			if len(args) > 2 {
				argv = args[2:]
			}
			var c *exec.Cmd
			switch where {
			case "server":
				c, err = ground.Server.Command(cmd.Context(), argv...)
			case "router":
				c, err = ground.Router.Command(cmd.Context(), argv...)
			case "controller":
				c = ground.Netns(rehearse.RoleController).Command(cmd.Context(), argv...)
			case "primary":
				if err = ground.Primary.Has(); err == nil {
					c = ground.Primary.Command(cmd.Context(), argv...)
				}
			default:
				return exit(exitUsage, fmt.Errorf("no machine %q; there are server, router, controller and primary", where))
			}
			if err != nil {
				return exit(exitError, err)
			}
			c.Stdin, c.Stdout, c.Stderr = g.std.in, g.std.out, g.std.err
			if err := c.Run(); err != nil {
				return exit(exitError, fmt.Errorf("%s on %s: %w", strings.Join(argv, " "), where, err))
			}
			return nil
		},
	}
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
