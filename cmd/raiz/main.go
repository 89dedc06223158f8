// Command raiz brings up copies of anycast DNS root servers and keeps them as
// their site files declare.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/raiz-dns/raiz/provision/printable"
)

func main() {
	// The first signal ends the run in order: sessions are closed and a
	// rehearsal is taken down. The second one ends it at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	// A reader that is gone, as after Ctrl-C in "raiz rehearse … | tail", is an
	// error of writing. Left to itself Go would end on the spot, with a
	// rehearsal left behind. What is ignored would be so in every child too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(int(run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv})))
}

// streams are what a process is given.
type streams struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
}

// way is where everything for a stream is written: what a terminal would obey
// does not come through, whoever has said it. A terminal has colours, unless
// somebody does not want them (no-color.org) or it has none.
func (std streams) way(stream, to io.Writer) *printable.Writer {
	palette := printable.Monochrome
	f, is := stream.(*os.File)
	if is && term.IsTerminal(int(f.Fd())) && std.env("NO_COLOR") == "" && std.env("TERM") != "dumb" {
		palette = printable.Colours
	}
	return printable.NewWriter(to, palette)
}

// panicked says a fault of this program. Go would do so by itself, and would
// print what it is about as it is, and end with the code of pending changes.
func panicked(w io.Writer, p any) exitCode {
	printable.Fprintf(w, "raiz: this is a fault of raiz; please report it: %s\n", p)
	_, _ = w.Write(debug.Stack())
	return exitError
}

// run is the whole program. Errors are worded here and nowhere else.
func run(ctx context.Context, args []string, std streams) (code exitCode) {
	out := &output{to: std.out}
	g := &globals{raw: std, args: args, done: ctx.Done()}
	g.raw.out = out
	words, problems := std.way(std.out, out), std.way(std.err, std.err)
	std.out, std.err = words, problems
	g.std = std
	defer func() { _ = problems.Flush() }() // nobody is left to tell
	defer g.close()
	defer func() {
		if p := recover(); p != nil {
			code = panicked(std.err, p)
		}
	}()
	root := newRoot(g)
	root.SetArgs(args)
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	cmd, err := root.ExecuteContextC(ctx)
	code, err = ended(ctx, err)
	if g.json && g.answer.helped {
		code, err = exitUsage, errors.New("help is for people: leave --json out")
	}
	if verb := verbOf(cmd); g.speaksJSON(verb) {
		if err = g.tell(verb, code, err); err != nil && code == exitDone {
			code = exitError
		}
	}
	if words.Flush(); out.err != nil { // out has heard what came of it
		// Whoever reads half of what was said must not take it for the whole.
		code, err = max(code, exitError), errors.Join(err, out.err)
		if code == exitUsage {
			code = exitError
		}
	}
	if err != nil {
		_, _ = io.WriteString(std.err, "raiz: error: "+inLines(err)+"\n") // nobody is left to tell
	}
	return code
}

// output remembers what kept it from being written: words for people are
// printed without a look at that.
type output struct {
	to  io.Writer
	err error
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.to.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// inLines is an error for a terminal, and for the log of a CI, in which a line
// may be a command. An error may repeat what a server or a file name says.
func inLines(err error) string {
	return printable.Quoted(err.Error())
}

// ended is the exit code of a run, and what is still to be said of its end.
func ended(ctx context.Context, err error) (exitCode, error) {
	if err == nil {
		return exitDone, nil
	}
	var coded *codedError
	code := exitUsage // what cobra itself refuses is a usage error
	if errors.As(err, &coded) {
		code, err = coded.code, coded.err
	}
	if ctx.Err() != nil && code != exitReverted {
		return exitInterrupted, errors.Join(errors.New("interrupted"), err)
	}
	return code, err
}

func newRoot(g *globals) *cobra.Command {
	root := &cobra.Command{
		Use:   "raiz",
		Short: "Bring up and keep copies of anycast DNS root servers",
		Long: `raiz brings up one more copy of an anycast DNS root server at a host
organisation, from a site file: it configures the server's BMC over Redfish,
its network, DNS and BGP over SSH, and verifies the result. It keeps no state
here. On the server it has one small program, which listens on nothing and runs
when it is asked, or as a unit of systemd that makes a change or takes it back.`,
		Example: `  raiz validate sites/            check site files; needs no secret and no network
  raiz rehearse sites/as112-gru1.hcl   build the site on this machine and run everything
  raiz plan gru1.hcl --out gru1.plan   what would change, to review
  raiz apply gru1.plan                 exactly what was reviewed`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	g.flags(root)
	root.AddCommand(
		newValidate(g), newFmt(g), newRender(g), newPlan(g), newApply(g),
		newVerify(g), newReport(g), newHistory(g), newRollback(g), newRelease(g), newDrain(g), newUndrain(g), newEnroll(g), newBMC(g), newRehearse(g), newVersion(g), newSchema(g), newMan(g),
	)
	groups(root)
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		if err := g.refuseJSON(cmd, args); err != nil {
			return err
		}
		return refuseEmpty(cmd, args)
	}
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if g.answer.helped = true; !g.json {
			help(cmd, args)
		}
	})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		// It may stand behind the one that is wrong.
		g.json = g.json || slices.Contains(g.args, "--json")
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	return root
}

// refuseEmpty refuses what a script makes of a variable that is not set: an
// empty --rehearsal would go to the real site, and an empty path be the folder
// that one is in.
func refuseEmpty(cmd *cobra.Command, args []string) error {
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.Value.String() == "" && err == nil {
			err = exit(exitUsage, fmt.Errorf("--%s is empty: is a variable not set?", f.Name))
		}
	})
	if err == nil && verbOf(cmd) != "rehearse shell" && !strings.HasPrefix(cmd.Name(), "__") && slices.Contains(args, "") {
		err = exit(exitUsage, errors.New("an argument is empty: is a variable not set?"))
	}
	return err
}

// groups makes what only holds other verbs refuse a word that is none of
// them. Left alone it would print its help and be content, and so would the
// script that has mistyped a verb.
func groups(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		groups(sub)
	}
	if cmd.Runnable() {
		return
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := ""
		if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
			hint = "; did you mean " + strings.Join(like, " or ") + "?"
		}
		return fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), hint)
	}
}
