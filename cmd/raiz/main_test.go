package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verify"
)

var update = flag.Bool("update", false, "rewrite what the scripts compare with")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"raiz": main})
}

// TestScripts runs testdata/script: one script for each promise and verb.
// "exits 64 raiz plan x" wants exactly that exit code.
func TestScripts(t *testing.T) {
	example, err := filepath.Abs("../../sites/as112-gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			text, err := os.ReadFile(example)
			if err != nil {
				return err
			}
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			return os.WriteFile(filepath.Join(env.WorkDir, "gru1.hcl"), text, 0o644)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("%v", err)
	}
	have := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		have = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if have != want {
		ts.Fatalf("exit code %d, want %d", have, want)
	}
}

// in puts the example into a folder of its own, and a plan of it beside.
func in(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("../../sites/as112-gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	saved, err := json.Marshal(plan.Saved{Schema: 3, Site: "as112-gru1", Source: "gru1.hcl", Wants: strings.Repeat("0", 64), Digest: strings.Repeat("0", 64)})
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.ReadFile("../../sites/root-example.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"gru1.hcl": text, "gru1.plan": saved, "sites/as112-gru1.hcl": text, "sites/root-example.hcl": root} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HOME", dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	t.Chdir(dir)
}

// raiz runs the whole program in this process.
func raiz(t *testing.T, args ...string) (code exitCode, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, streams{in: strings.NewReader(""), out: &out, err: &err, env: os.Getenv})
	return code, out.String(), err.String()
}

// parse finds the verb of a command line and lets it read its flags and
// arguments, as running it would; nothing is run.
func parse(line []string) error {
	root := newRoot(&globals{std: streams{in: strings.NewReader(""), out: new(bytes.Buffer), err: new(bytes.Buffer), env: os.Getenv}})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(line...)
	cmd, rest, err := root.Find(line)
	if err != nil {
		return err
	}
	cmd.InitDefaultHelpFlag()
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if !cmd.Runnable() {
		return fmt.Errorf("%s does nothing by itself", cmd.CommandPath())
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// commands are the command lines of raiz in a text, without what follows two
// spaces or a "#" in explanation.
func commands(text string) [][]string {
	var out [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		line, _, _ = strings.Cut(line, " #")
		for part := range strings.SplitSeq(line, "&&") {
			part = strings.TrimPrefix(strings.TrimSpace(part), "bin/")
			part, _, _ = strings.Cut(part, "  ")
			if rest, ok := strings.CutPrefix(part, "raiz "); ok {
				out = append(out, strings.Fields(rest))
			}
		}
	}
	return out
}

func TestParseRefuses(t *testing.T) {
	for _, line := range []string{"pan gru1.hcl", "bmc docter gru1.hcl", "plan", "plan a b", "plan gru1.hcl --outt x", "verify gru1.hcl --wait soon", "version now"} {
		if err := parse(strings.Fields(line)); err == nil {
			t.Errorf("takes %q", line)
		}
	}
}

// Every command line of the README is one that raiz understands, and those
// that need no machine do what is said of them.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	in(t)
	// In a line that begins a sentence raiz is no command.
	_, block, _ := strings.Cut(string(text), "## A day with it")
	lines := append(commands(block), commands(string(makefile))...)
	if len(lines) < 7 {
		t.Fatalf("%d command lines", len(lines))
	}
	for _, line := range lines {
		t.Run(strings.Join(line, " "), func(t *testing.T) {
			if err := parse(line); err != nil {
				t.Fatal(err)
			}
			switch line[0] {
			case "validate", "render", "fmt", "version":
				if code, _, stderr := raiz(t, line...); code != exitDone {
					t.Errorf("exit code %d: %s", code, stderr)
				}
			case "plan", "apply", "verify":
				// The example is a lab site: it is refused before anything
				// is dialled, and after everything was read. A rehearsal of
				// that ID is not there.
				want := "says lab = true"
				if slices.Contains(line, "--rehearsal") {
					want = "find rehearsal 1a2b3c4d"
				}
				if code, _, stderr := raiz(t, line...); code != exitUsage || !strings.Contains(stderr, want) {
					t.Errorf("exit code %d: %s", code, stderr)
				}
			}
		})
	}
}

// Every table of exit codes is the one of exit.go.
func TestReadmeExitCodes(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| code | meaning |")
	var have []exitCode
	for line := range strings.Lines(table) {
		if f := strings.Split(line, "|"); len(f) == 4 {
			if n, err := strconv.Atoi(strings.TrimSpace(f[1])); err == nil {
				have = append(have, exitCode(n))
			}
		}
	}
	want := []exitCode{exitDone, exitError, exitPending, exitFailed, exitUnreachable, exitReverted, exitUsage, exitInterrupted}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// each calls f for a command and all below it.
func each(cmd *cobra.Command, f func(*cobra.Command)) {
	f(cmd)
	for _, sub := range cmd.Commands() {
		each(sub, f)
	}
}

// What --help shows as an example can be typed.
func TestExamplesParse(t *testing.T) {
	n := 0
	each(newRoot(&globals{}), func(cmd *cobra.Command) {
		for _, line := range commands(cmd.Example) {
			n++
			if err := parse(line); err != nil {
				t.Errorf("%s --help shows %q: %v", cmd.CommandPath(), strings.Join(line, " "), err)
			}
		}
	})
	if n < 15 {
		t.Errorf("%d examples only", n)
	}
}

// Every verb says what it is for, and shows its help on standard output.
func TestHelp(t *testing.T) {
	each(newRoot(&globals{}), func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		args := append(strings.Fields(cmd.CommandPath())[1:], "--help")
		code, stdout, stderr := raiz(t, args...)
		if code != exitDone || stderr != "" || !strings.Contains(stdout, cmd.Short) && cmd.Long == "" || cmd.Short == "" {
			t.Errorf("%s: exit code %d, %q, %q", cmd.CommandPath(), code, stdout, stderr)
		}
	})
}

// A secret is in no output, whatever is asked for.
func TestSecretsAreNotPrinted(t *testing.T) {
	in(t)
	const planted = "Planted-Secret-7"
	for _, name := range []string{"GRU1_BMC_PASSWORD", "GRU1_BMC_FACTORY", "GRU1_BGP_PASSWORD"} {
		t.Setenv(name, planted)
	}
	for _, verb := range []string{"validate", "render", "plan", "apply", "verify", "fmt"} {
		for _, flags := range [][]string{nil, {"--json"}, {"--full", "--verbose"}, {"--json", "--full", "-v"}} {
			args := append([]string{verb, "gru1.hcl"}, flags...)
			_, stdout, stderr := raiz(t, args...)
			if strings.Contains(stdout+stderr, planted) {
				t.Errorf("raiz %s tells a secret", strings.Join(args, " "))
			}
			if stdout+stderr == "" && verb != "fmt" && len(flags) == 0 {
				t.Errorf("raiz %s says nothing", strings.Join(args, " "))
			}
		}
	}
	// A secret where none belongs is refused, and not repeated.
	text, err := os.ReadFile("gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	bad := strings.Replace(string(text), `hostname = "gru1"`, `hostname = env("GRU1_BGP_PASSWORD")`, 1)
	if err := os.WriteFile("bad.hcl", []byte(bad), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"validate", "render", "plan"} {
		code, stdout, stderr := raiz(t, verb, "bad.hcl", "-v")
		if code != exitUsage || strings.Contains(stdout+stderr, planted) {
			t.Errorf("raiz %s: exit code %d, %s%s", verb, code, stdout, stderr)
		}
	}
}

func TestExitCodes(t *testing.T) {
	k := state.Key{Kind: state.Setting, Name: "ntp"}
	diff := func(value state.Value, err error) plan.Plan {
		set, e := state.NewSet("gru1", []state.Item{{Key: k, Value: state.Text("x")}})
		if e != nil {
			t.Fatal(e)
		}
		return plan.Diff(set, state.NewFacts([]state.Fact{{Key: k, Value: value, Err: err}}))
	}
	of := func(statuses ...verify.Status) []verify.Result {
		var out []verify.Result
		for _, s := range statuses {
			out = append(out, verify.Result{Status: s})
		}
		return out
	}
	broken := errors.New("broken")
	tests := []struct {
		name       string
		have, want exitCode
	}{
		{"plan: as declared", planCode(provision.Planned{Plan: diff(state.Text("x"), nil)}), exitDone},
		{"plan: cannot be had", planCode(provision.Planned{Plan: diff(nil, state.ErrUnsupported)}), exitDone},
		{"plan: a change", planCode(provision.Planned{Plan: diff(nil, nil)}), exitPending},
		{"plan: unknown", planCode(provision.Planned{Plan: diff(nil, broken)}), exitUnreachable},
		{"verify: good", verifyCode(of(verify.Pass, verify.Warn, verify.Skipped)), exitDone},
		{"verify: one failed", verifyCode(of(verify.Pass, verify.Unknown, verify.Fail)), exitFailed},
		{"verify: one unknown", verifyCode(of(verify.Pass, verify.Unknown)), exitUnreachable},
		{"apply: done", applyCode(apply.Journal{Outcome: apply.Done}, nil), exitDone},
		{"apply: refused", applyCode(apply.Journal{Outcome: apply.Done, Entries: []apply.Entry{{Outcome: apply.Done}, {Outcome: apply.Unsupported}}}, nil), exitPending},
		{"apply: reverted", applyCode(apply.Journal{Outcome: apply.Reverted}, broken), exitReverted},
		{"apply: moved", applyCode(apply.Journal{Outcome: apply.NotTried}, fmt.Errorf("x: %w", provision.ErrMoved)), exitPending},
		{"apply: failed", applyCode(apply.Journal{Outcome: apply.Failed}, broken), exitError},
		{"apply: nobody knows", applyCode(apply.Journal{Outcome: apply.Unknown}, broken), exitError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.have != tt.want {
				t.Errorf("got %d, want %d", tt.have, tt.want)
			}
		})
	}
}

// Colours are for terminals, and for those who want them. A buffer is none.
func TestNoColourOffTheTerminal(t *testing.T) {
	in(t)
	_, _, stderr := raiz(t, "validate", "gone.hcl")
	if stderr == "" || strings.Contains(stderr, "\x1b") {
		t.Errorf("got %q", stderr)
	}
}

// On a terminal there are colours, unless somebody does not want them
// (no-color.org) or the terminal has none.
func TestColour(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer terminal.Close()
	for _, tt := range []struct {
		name string
		to   io.Writer
		env  map[string]string
		want printable.Palette
	}{
		{"terminal", terminal, nil, printable.Colours},
		{"NO_COLOR", terminal, map[string]string{"NO_COLOR": "1"}, printable.Monochrome},
		{"NO_COLOR is empty", terminal, map[string]string{"NO_COLOR": ""}, printable.Colours},
		{"dumb terminal", terminal, map[string]string{"TERM": "dumb"}, printable.Monochrome},
		{"pipe", new(bytes.Buffer), nil, printable.Monochrome},
	} {
		t.Run(tt.name, func(t *testing.T) {
			std := streams{env: func(name string) string { return tt.env[name] }}
			if have := std.way(tt.to, tt.to).Palette(); have != tt.want {
				t.Errorf("got %d, want %d", have, tt.want)
			}
		})
	}
}

// An interrupted run says so.
func TestInterrupted(t *testing.T) {
	in(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, err bytes.Buffer
	code := run(ctx, []string{"validate", "gone.hcl"}, streams{in: strings.NewReader(""), out: &out, err: &err, env: os.Getenv})
	if code != exitInterrupted || !strings.Contains(err.String(), "raiz: error: interrupted\n") {
		t.Errorf("exit code %d, %s", code, err.String())
	}
}
