package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/redact"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
)

func newBMC(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bmc",
		Short: "Look at the management controller, and switch the server",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newBMCInfo(g), newBMCDoctor(g), newBMCPower(g))
	return cmd
}

// withController runs do with a session that is ended afterwards.
func (g *globals) withController(ctx context.Context, t *target, path string, do func(*site.Site, *bmc.Controller) error) error {
	return g.withRun(ctx, t, path, func(_ *provision.Run, s *site.Site, c *bmc.Controller) error { return do(s, c) })
}

// withRun is the same, for what needs the server as well.
func (g *globals) withRun(ctx context.Context, t *target, path string, do func(*provision.Run, *site.Site, *bmc.Controller) error) (err error) {
	s, o, _, err := t.aim(g, path)
	if err != nil {
		return err
	}
	run := provision.New(s, o)
	defer func() {
		if left := run.Close(ctx); left != nil && err == nil {
			err = exit(exitError, left)
		}
	}()
	c, err := run.Controller(ctx)
	if err != nil {
		return exit(exitUnreachable, err)
	}
	return do(run, s, c)
}

func newBMCInfo(g *globals) *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:     "info PATH",
		Short:   "Say what the BMC is, how the server is, and where it answers",
		Example: `  raiz bmc info gru1.hcl`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.withController(cmd.Context(), &t, args[0], func(_ *site.Site, c *bmc.Controller) error {
				return g.bmcInfo(cmd.Context(), c)
			})
		},
	}
	t.flags(cmd)
	return cmd
}

func (g *globals) bmcInfo(ctx context.Context, c *bmc.Controller) error {
	d, err := c.Diagnose(ctx)
	if err != nil {
		return exit(exitUnreachable, err)
	}
	power, err := c.Power(ctx)
	if err != nil {
		power = "not told: " + err.Error()
	}
	if g.json {
		return g.put(newInfoResult(d, c.Certificate(), power))
	}
	id := d.Identity
	w := tabwriter.NewWriter(g.std.out, 0, 8, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			printable.Fprintf(w, "%s\t%s\n", name, value)
		}
	}
	row("login", d.Endpoint)
	row("certificate", c.Certificate())
	row("vendor", id.Vendor)
	row("line", id.Line)
	row("firmware", id.Firmware)
	row("redfish", id.Redfish)
	row("model", id.Model)
	row("serial", id.Serial)
	row("uuid", id.UUID)
	row("health", id.Health)
	row("power", power)
	row("licence", strings.Join(d.Licences, ", "))
	for _, f := range d.Settings {
		if strings.HasPrefix(f.Key.Name, "ipv") || f.Key.Name == "vlan" {
			row(f.Key.Name, factText(f))
		}
	}
	return w.Flush()
}

// factText words what a setting reads as.
func factText(f state.Fact) string {
	v, is := f.Value.(state.Attr)
	text := strings.Join(v.Values, ", ")
	switch {
	case f.Unsupported() && is:
		return fmt.Sprintf("%s; unsupported to change: %s", cmp.Or(text, "none"), why(f.Err))
	case f.Unsupported():
		return "unsupported: " + why(f.Err)
	case f.Err != nil:
		return "unknown: " + why(f.Err)
	case !is:
		return "not set"
	}
	return cmp.Or(text, "none")
}

// why leaves out of an error what the line says already: which setting, and
// that it is unsupported.
func why(err error) string {
	text := err.Error()
	if _, rest, ok := strings.Cut(text, ": "); ok && strings.HasPrefix(text, "read ") {
		text = rest
	}
	return strings.TrimSuffix(text, ": "+state.ErrUnsupported.Error())
}

type doctorOptions struct {
	target  target
	capture string
	serials bool
}

func newBMCDoctor(g *globals) *cobra.Command {
	var d doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor PATH",
		Short: "Say what raiz makes of the BMC, and why",
		Long: `doctor says which kind of BMC this is taken for, which departures from the
schemas that brings with it, who has seen them, and what each setting reads as.

--capture keeps the resources that were read, to be shown to others. A value stays
where raiz knows that it says nothing of anybody; what stands for any other is of
the same kind, and the same for the same value. Serial numbers and addresses of the
hardware stay if --serials is given.

Some controllers list a setting and refuse to change it. The apply that meets the
refusal says what to write into the site file, so that it is not tried again.`,
		Example: `  raiz bmc doctor gru1.hcl --capture gru1-bmc.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.withController(cmd.Context(), &d.target, args[0], func(_ *site.Site, c *bmc.Controller) error {
				return g.bmcDoctor(cmd.Context(), c, d)
			})
		},
	}
	d.target.flags(cmd)
	cmd.Flags().StringVar(&d.capture, "capture", "", "write what was read into this file, redacted")
	cmd.Flags().BoolVar(&d.serials, "serials", false, "leave serial numbers and hardware addresses in the capture")
	return cmd
}

func (g *globals) bmcDoctor(ctx context.Context, c *bmc.Controller, o doctorOptions) error {
	d, err := c.Diagnose(ctx)
	if err != nil {
		return exit(exitUnreachable, err)
	}
	if o.capture != "" {
		serials := redact.SerialsHidden
		if o.serials {
			serials = redact.SerialsShown
		}
		text, err := json.MarshalIndent(c.Capture(serials), "", "  ")
		if err != nil {
			return exit(exitError, err)
		}
		if err := replaceFile(o.capture, append(text, '\n'), 0o600); err != nil {
			return err
		}
	}
	if g.json {
		return g.put(newDoctorResult(d))
	}
	w := tabwriter.NewWriter(g.std.out, 0, 8, 2, ' ', 0)
	printable.Fprintf(w, "taken for\t%s %s, Redfish %s\n", d.Identity.Line, d.Identity.Firmware, d.Identity.Redfish)
	printable.Fprintf(w, "login\t%s\n", d.Endpoint)
	if d.Stats.Sessions == 0 {
		printable.Fprintf(w, "\twith the password in every request: the service has no sessions\n")
	}
	printable.Fprintf(w, "cost\t%d GETs, %d TLS handshakes\n", d.Stats.Gets, d.Stats.Handshakes)
	printable.Fprintf(w, "\nquirks that fired\n")
	for _, q := range d.Quirks {
		printable.Fprintf(w, "  %s\t%s\n", q.Name, q.Seen)
	}
	printable.Fprintf(w, "\nsettings\n")
	for _, f := range d.Settings {
		printable.Fprintf(w, "  %s\t%s\n", f.Key.Name, factText(f))
	}
	return w.Flush()
}

type powerOptions struct {
	target target
	yes    bool
	force  bool
	boot   string
	wait   time.Duration
}

func newBMCPower(g *globals) *cobra.Command {
	var p powerOptions
	cmd := &cobra.Command{
		Use:   "power PATH [on|off|restart|cycle]",
		Short: "Say whether the server is on, or switch it",
		Long: `power says whether the server is on. With a word it switches it: off, restart and
cycle ask the operating system to shut down, and leave it as it is when that
does not happen; --force cuts the power instead. restart and cycle withdraw the
blocks before, and announce them again once the server answers from another
boot; one that does not answer now is restarted all the same. It asks for the
name of the site before anything but on.`,
		Example: `  raiz bmc power gru1.hcl
  raiz bmc power gru1.hcl restart --boot pxe`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			do := ""
			if len(args) > 1 {
				do = args[1]
			}
			return g.bmcPower(cmd.Context(), args[0], do, p)
		},
	}
	p.target.flags(cmd)
	f := cmd.Flags()
	f.BoolVar(&p.yes, "yes", false, "do not ask")
	f.BoolVar(&p.force, "force", false, "cut the power, without asking the operating system")
	f.StringVar(&p.boot, "boot", "", "for the next boot alone: "+strings.Join(bmc.BootTargets(), ", "))
	f.DurationVar(&p.wait, "wait", 5*time.Minute, "how long the operating system may take to shut down")
	return cmd
}

func (g *globals) bmcPower(ctx context.Context, path, do string, p powerOptions) error {
	words := []string{"", string(bmc.PowerOn), string(bmc.PowerOff), string(bmc.PowerRestart), string(bmc.PowerCycle)}
	switch {
	case !slices.Contains(words, do):
		return exit(exitUsage, fmt.Errorf("there is no power %s; there is%s", do, strings.Join(words, " ")))
	case p.boot != "" && !slices.Contains(bmc.BootTargets(), p.boot):
		return exit(exitUsage, fmt.Errorf("--boot %s: there is %s", p.boot, strings.Join(bmc.BootTargets(), ", ")))
	case p.boot != "" && (do == "" || do == string(bmc.PowerOff)):
		return exit(exitUsage, errors.New("--boot goes with on, restart or cycle"))
	}
	return g.withRun(ctx, &p.target, path, func(run *provision.Run, s *site.Site, c *bmc.Controller) error {
		if do != "" {
			if err := g.switchPower(ctx, run, s, c, bmc.PowerAction(do), p); err != nil {
				return err
			}
		}
		now, err := c.Power(ctx)
		if err != nil {
			return exit(exitUnreachable, err)
		}
		if g.json {
			return g.put(powerResult{s.Name, now})
		}
		_, err = printable.Fprintf(g.std.out, "%s\n", now)
		return err
	})
}

func (g *globals) switchPower(ctx context.Context, run *provision.Run, s *site.Site, c *bmc.Controller, do bmc.PowerAction, p powerOptions) error {
	if do != bmc.PowerOn && !p.yes {
		q := namingSite(fmt.Sprintf("Power %s of the server of %s?", do, s.Name), s.Name, "nothing is switched", "give --yes")
		if err := g.ask(q); err != nil {
			return err
		}
	}
	if p.boot != "" {
		if err := c.BootOnce(ctx, p.boot); err != nil {
			return exit(exitError, err)
		}
	}
	restarts := do == bmc.PowerRestart || do == bmc.PowerCycle
	var err error
	switch {
	case p.force:
		err = c.SetPower(ctx, do, bmc.Forced, p.wait)
	case restarts:
		err = run.Restart(ctx, do, p.wait, provision.DefaultRebootWithin)
	default:
		err = c.SetPower(ctx, do, bmc.Graceful, p.wait)
	}
	return exit(exitCodeOf(err, exitError))
}
