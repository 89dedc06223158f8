package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/site"
)

// textOnly are the verbs whose output is for a person or a program of its own,
// and which refuse --json. Every other verb has its result in docs/schema.json.
func textOnly() []string {
	return []string{
		"help", "schema", "man", "rehearse shell", "rehearse bmc",
		"completion", "completion bash", "completion fish", "completion powershell", "completion zsh",
		cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd,
	}
}

// answer is what a run says to a program. It is written once, at the end: one
// run is one document.
type answer struct {
	result   any
	reports  []report.Report
	problems site.Diagnostics
	helped   bool // somebody has asked for help instead
}

// put keeps the result of a verb. It may be filled in until the run ends.
func (g *globals) put(result any) error {
	g.answer.result = result
	return nil
}

// people is where a verb writes what a program gets as its result.
func (g *globals) people() io.Writer {
	if g.json {
		return io.Discard
	}
	return g.std.out
}

// verbOf is a verb as its user calls it.
func verbOf(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

// refuseJSON is asked before a verb runs.
func (g *globals) refuseJSON(cmd *cobra.Command, _ []string) error {
	if verb := verbOf(cmd); g.json && slices.Contains(textOnly(), verb) {
		return exit(exitUsage, fmt.Errorf("%s has nothing to say as JSON: leave --json out", verb))
	}
	return nil
}

// speaksJSON reports whether the end of a run is told to a program.
func (g *globals) speaksJSON(verb string) bool {
	return g.json && !g.answer.helped && !slices.Contains(textOnly(), verb)
}

// tell writes the document.
func (g *globals) tell(verb string, code exitCode, err error) error {
	e := report.Envelope{Verb: verb, Exit: int(code), Result: g.answer.result, Problems: g.answer.problems, Err: err}
	if len(g.answer.reports) > 0 && e.Result == nil {
		e.Result = report.Document(report.Merged(g.answer.reports))
	}
	if err != nil {
		e.Code = errorCode(code, err, len(e.Problems) > 0)
	}
	return report.JSON(g.std.out, e)
}

// errorCode is the stable name of an error, "" where there is none.
func errorCode(code exitCode, err error, invalid bool) string {
	for _, known := range []struct {
		is   error
		name string
	}{
		{provision.ErrMoved, "plan-moved"}, {apply.ErrNotApplicable, "not-applicable"},
		{plan.ErrSaved, "not-a-plan"}, {provision.ErrRehearsal, "rehearsal-failed"},
	} {
		if errors.Is(err, known.is) {
			return known.name
		}
	}
	if code == exitUsage && invalid {
		return "invalid"
	}
	return map[exitCode]string{
		exitUsage: "usage", exitUnreachable: "unreachable", exitReverted: "reverted", exitInterrupted: "interrupted", exitPending: "pending", exitFailed: "failed",
	}[code]
}
