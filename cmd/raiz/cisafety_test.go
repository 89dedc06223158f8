//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// ci is a runner: a clone of the repository of sites, the scripts of
// docs/ci-safety.md, and people with keys.
type ci struct {
	t                       *testing.T
	repo, bin, people, list string
	applied                 string // what the raiz that stands in was given, and its plan
}

// newCI has the scripts as they stand in the document. raiz stands in for the
// real one where machines would be needed: it writes down what it was asked.
func newCI(t *testing.T, raiz string) *ci {
	t.Helper()
	for _, program := range []string{"git", "ssh-keygen", "sh"} {
		_, err := exec.LookPath(program)
		need(t, program+" is not installed", err != nil)
	}
	dir := t.TempDir()
	c := &ci{t: t, repo: filepath.Join(dir, "repo"), bin: filepath.Join(dir, "bin"), people: filepath.Join(dir, "people"),
		list: filepath.Join(dir, "reviewers"), applied: filepath.Join(dir, "applied")}
	text, err := os.ReadFile("../../docs/ci-safety.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, block := range strings.Split(string(text), "```sh\n")[1:] {
		script, _, _ := strings.Cut(block, "```")
		_, rest, _ := strings.Cut(script, "\n# ")
		name := strings.FieldsFunc(rest, func(r rune) bool { return r == ' ' || r == ':' })[0]
		c.write(filepath.Join(c.bin, name), script, 0o755)
		n++
	}
	if n != 4 {
		t.Fatalf("%d scripts in docs/ci-safety.md", n)
	}
	if raiz != "" {
		c.write(filepath.Join(c.bin, "raiz"), raiz, 0o755)
	}
	example, err := os.ReadFile("../../sites/as112-gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	c.write(filepath.Join(dir, "upstream/sites/gru1.hcl"), string(example), 0o644)
	up := filepath.Join(dir, "upstream")
	for _, args := range [][]string{{"init", "-q", "-b", "main", up}, {"-C", up, "add", "-A"}, {"-C", up, "commit", "-q", "-m", "one"}, {"clone", "-q", up, c.repo}} {
		c.git(args...)
	}
	return c
}

// standIn writes down what apply was given; its plan changes something.
const standIn = `#!/bin/sh
case $1 in
plan) echo '{"the": "plan"}' >"$5"; echo words; exit ${PLAN_CODE:-2} ;;
apply) cat "$2" >"$APPLIED" ;;
esac
`

func (c *ci) write(path, text string, mode os.FileMode) {
	c.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		c.t.Fatal(err)
	}
}

func (c *ci) git(args ...string) {
	c.t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.net", "-c", "commit.gpgSign=false"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("git %q: %v: %s", args, err, out)
	}
}

// run runs a script in the clone, with the home of a person.
func (c *ci) run(home, script string, args ...string) (int, string) {
	c.t.Helper()
	cmd := exec.Command(filepath.Join(c.bin, script), args...)
	cmd.Dir = c.repo
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(c.people, home), "RAIZ_REVIEWERS="+c.list, "APPLIED="+c.applied,
		"PATH="+c.bin+":"+os.Getenv("PATH"), "RAIZ_OPERATOR=", "SSH_AUTH_SOCK=")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// person makes somebody with a key, and returns the public one.
func (c *ci) person(name string) string {
	c.t.Helper()
	key := filepath.Join(c.people, name, ".ssh/raiz-review")
	if err := os.MkdirAll(filepath.Dir(key), 0o700); err != nil {
		c.t.Fatal(err)
	}
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		c.t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(public))[:2], " ")
}

// sign has somebody sign the plan with the script, and returns the signature.
func (c *ci) sign(who string) string {
	c.t.Helper()
	if code, out := c.run(who, "sign-plan", "gru1.plan", who); code != 0 {
		c.t.Fatalf("%s signs: %d: %s", who, code, out)
	}
	return "gru1.plan." + who + ".sig"
}

// TestTwoReviewers wants a plan applied when two people have signed it, and in
// no other case; it looks at whether raiz was run, and with which bytes.
func TestTwoReviewers(t *testing.T) {
	type refusal struct {
		name   string
		change func(*ci) []string // returns the signatures to show
		want   string
	}
	rewrite := func(c *ci) { c.write(filepath.Join(c.repo, "gru1.plan"), `{"the": "other plan"}`, 0o644) }
	namespace := func(c *ci, who, name string) {
		script := filepath.Join(c.bin, "sign-plan")
		text, _ := os.ReadFile(script)
		c.write(script, strings.ReplaceAll(string(text), "raiz-plan", name), 0o755)
		c.sign(who)
		c.write(script, string(text), 0o755)
	}
	both := func(c *ci) []string { return []string{c.sign("alice"), c.sign("bob")} }
	const two = "two people have to; nothing was applied"
	const otherPlan = "is not under this gru1.plan, or not made for raiz-plan"
	for _, r := range []refusal{
		{"two people", both, ""},
		{"three people", func(c *ci) []string { return append(both(c), c.sign("carol")) }, ""},
		{"nobody", func(*ci) []string { return nil }, "signed by 0, and " + two},
		{"one reviewer only", func(c *ci) []string { return []string{c.sign("alice")} }, "signed by 1, and " + two},
		{"the same signature twice", func(c *ci) []string { return []string{c.sign("alice"), c.sign("alice")} }, "signed by 1, and " + two},
		{"the same reviewer with two keys", func(c *ci) []string { return []string{c.sign("alice"), c.sign("alice2")} }, "signed by 1, and " + two},
		{"one key under two names", func(c *ci) []string {
			text, _ := os.ReadFile(c.list)
			first, _, _ := strings.Cut(string(text), "\n")
			c.write(c.list, string(text)+strings.Replace(first, "alice@", "zoe@", 1)+"\n", 0o644)
			return []string{c.sign("alice"), c.sign("alice")}
		}, "signed by 1, and " + two},
		{"a stranger's key", func(c *ci) []string { return []string{c.sign("alice"), c.sign("eve")} }, "eve.sig is by nobody who may review"},
		{"the plan has changed since", func(c *ci) []string { s := both(c); rewrite(c); return s }, otherPlan},
		{"the plan has changed between them", func(c *ci) []string { a := c.sign("alice"); rewrite(c); return []string{a, c.sign("bob")} }, otherPlan},
		{"another namespace", func(c *ci) []string {
			a := c.sign("alice")
			namespace(c, "bob", "git")
			return []string{a, "gru1.plan.bob.sig"}
		}, otherPlan},
		{"a pattern among the reviewers", func(c *ci) []string {
			c.write(c.list, "*@example.net "+c.person("mallory")+"\n", 0o644)
			return []string{c.sign("mallory"), c.sign("mallory")}
		}, "is not one person's name"},
		{"a signature that is none", func(c *ci) []string {
			c.write(filepath.Join(c.repo, "gru1.plan.bob.sig"), "-----BEGIN SSH SIGNATURE-----\n", 0o644)
			return []string{c.sign("alice"), "gru1.plan.bob.sig"}
		}, "is by nobody who may review"},
		{"no list of reviewers", func(c *ci) []string { _ = os.Remove(c.list); return both(c) }, "is by nobody who may review"},
		{"a branch that is not merged", func(c *ci) []string {
			s := both(c)
			c.git("-C", c.repo, "commit", "-q", "--allow-empty", "-m", "mine")
			return s
		}, "not main as it is merged"},
		{"an older main", func(c *ci) []string {
			s := both(c)
			c.git("-C", filepath.Join(c.repo, "../upstream"), "commit", "-q", "--allow-empty", "-m", "two")
			return s
		}, "not main as it is merged"},
		{"a site file by hand", func(c *ci) []string {
			s := both(c)
			c.write(filepath.Join(c.repo, "sites/more.hcl"), "", 0o644)
			return s
		}, "not main as it is merged"},
	} {
		t.Run(r.name, func(t *testing.T) {
			c := newCI(t, standIn)
			var list strings.Builder
			for _, p := range []struct{ home, name string }{{"alice", "alice"}, {"alice2", "alice"}, {"bob", "bob"}, {"carol", "carol"}} {
				fmt.Fprintf(&list, "%s@example.net namespaces=\"raiz-plan,git\" %s\n", p.name, c.person(p.home))
			}
			c.person("eve")
			c.write(c.list, list.String(), 0o644)
			if code, out := c.run("alice", "plan-merged", "gru1"); code != 0 {
				t.Fatalf("plan-merged: %d: %s", code, out)
			}
			code, out := c.run("runner", "apply-reviewed", append([]string{"gru1.plan"}, r.change(c)...)...)
			got, err := os.ReadFile(c.applied)
			if r.want == "" {
				if code != 0 || string(got) != "{\"the\": \"plan\"}\n" {
					t.Errorf("exit code %d, applied %q: %s", code, got, out)
				}
				return
			}
			if code != 1 || err == nil || !strings.Contains(out, r.want) {
				t.Errorf("exit code %d, applied %q: %s", code, got, out)
			}
		})
	}
}

// A job for a pull request needs nothing but the files, and fails where they are
// wrong.
func TestPullRequestJob(t *testing.T) {
	c := newCI(t, "") // with raiz itself
	if code, out := c.run("stranger", "pull-request"); code != 0 {
		t.Fatalf("%d: %s", code, out)
	}
	c.write(filepath.Join(c.repo, "sites/bad.hcl"), "site \"x\" {}\n", 0o644)
	if code, out := c.run("stranger", "pull-request"); code == 0 {
		t.Errorf("it takes %s", out)
	}
}

// A plan is kept where there is something to review, and nowhere else.
func TestPlanJob(t *testing.T) {
	for _, want := range []exitCode{exitDone, exitError, exitUnreachable, exitUsage} {
		c := newCI(t, standIn)
		t.Setenv("PLAN_CODE", strconv.Itoa(int(want)))
		c.write(filepath.Join(c.repo, "gru1.plan"), "an old one", 0o644)
		code, out := c.run("runner", "plan-merged", "gru1")
		if _, err := os.Stat(filepath.Join(c.repo, "gru1.plan")); code != int(want) || err == nil {
			t.Errorf("raiz ends with %d: exit code %d, %v: %s", want, code, err, out)
		}
	}
	c := newCI(t, "")
	if code, out := c.run("runner", "plan-merged", "gru1"); code != int(exitUsage) || !strings.Contains(out, "raiz: error: ") {
		t.Errorf("a lab site: %d: %s", code, out)
	}
	c.git("-C", c.repo, "commit", "-q", "--allow-empty", "-m", "mine")
	if code, out := c.run("runner", "plan-merged", "gru1"); code != 1 || !strings.Contains(out, "not main as it is merged") {
		t.Errorf("a branch: %d: %s", code, out)
	}
}
