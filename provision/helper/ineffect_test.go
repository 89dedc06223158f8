package helper_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

const forwarding = "net/ipv4/ip_forward"

// again asks for the generation that stands once more, over what a probe says.
func (b *bench) again(t *testing.T, of server.Request, run string) server.Request {
	t.Helper()
	f := of.Apply.Manifest.Files[0]
	probe := b.on(b.m.Console()).Handle(server.Request{Verb: server.VerbProbe, Probe: &server.ProbeRequest{
		Files: []server.FileQuestion{{Path: f.Path, Sum: f.Sum, Runtime: f.Runtime}},
	}}, nil)
	if probe.Error != nil {
		t.Fatal(probe.Error)
	}
	q := *of.Apply
	q.Run = run
	q.Reviewed = server.Reviewed{Current: probe.Facts.Current, Standing: map[string]string{f.Path: probe.Facts.Files[f.Path].Standing}}
	return server.Request{Verb: server.VerbApply, Apply: &q}
}

// What is in place and not in effect is taken back, and says why: here a program
// goes on showing what another file has it do.
func TestNotInEffect(t *testing.T) {
	b := newBench()
	q := b.request(t, "run000000effect", 120)
	q.Apply.Manifest.Files[0].Runtime = &state.Runtime{Shows: []string{"echo", "password yes"}, Settings: map[string]string{"password": "no"}}
	a := b.ask(q)
	if a.Error == nil || a.Error.Code != server.ErrReverted || !strings.Contains(a.Error.Text, benchFile+" is not in effect: password is yes, not no") {
		t.Errorf("%+v %v", a.Status, a.Error)
	}
	if b.state("run000000effect") != server.Reverted || b.text() != "" {
		t.Errorf("it is %s, %q stands", b.state("run000000effect"), b.text())
	}
}

// What drifts between the activation and the confirmation is not confirmed.
func TestDriftBeforeConfirm(t *testing.T) {
	b := newBench()
	q := b.request(t, "run000000drift", 120)
	q.Apply.Manifest.Files[0].Runtime = &state.Runtime{Sysctls: []state.Sysctl{{Name: forwarding, Value: "0"}}}
	if a := b.ask(q); a.Error != nil {
		t.Fatal(a.Error)
	}
	if err := b.m.Console().SetSysctl(forwarding, "1"); err != nil {
		t.Fatal(err)
	}
	a := b.of("run000000drift", server.VerbConfirm)
	if a.Error == nil || a.Error.Code != server.ErrUnfit || !strings.Contains(a.Error.Text, "net.ipv4.ip_forward is 1, not 0") {
		t.Errorf("%+v %v", a.Status, a.Error)
	}
}

// blind cannot see the parameters of the kernel.
type blind struct{ helper.OS }

func (blind) Sysctls(string) (map[string]string, error) { return nil, errors.New("no such look") }

// What cannot be seen to be in effect is not confirmed.
func TestConfirmWithoutALookAtWhatRuns(t *testing.T) {
	b := newBench()
	q := b.request(t, "run000000blind", 120)
	q.Apply.Manifest.Files[0].Runtime = &state.Runtime{Sysctls: []state.Sysctl{{Name: forwarding, Value: "0"}}}
	if a := b.ask(q); a.Error != nil {
		t.Fatal(a.Error)
	}
	b.spoil = func(os helper.OS) helper.OS { return blind{os} }
	if a := b.of("run000000blind", server.VerbConfirm); a.Error == nil || !strings.Contains(a.Error.Text, "no such look") || b.state("run000000blind") != server.Active {
		t.Errorf("it is %s, %v", b.state("run000000blind"), a.Error)
	}
}

// What runs is reviewed with the files: what somebody has set since is not
// replaced.
func TestReviewedRunning(t *testing.T) {
	b := newBench()
	q := b.request(t, "run000000first", 120)
	q.Apply.Manifest.Files[0].Runtime = &state.Runtime{Sysctls: []state.Sysctl{{Name: forwarding, Value: "0"}}}
	if a := b.ask(q); a.Error != nil {
		t.Fatal(a.Error)
	}
	if a := b.of("run000000first", server.VerbConfirm); a.Error != nil {
		t.Fatal(a.Error)
	}
	late := b.again(t, q, "run000000late")
	if err := b.m.Console().SetSysctl(forwarding, "7"); err != nil {
		t.Fatal(err)
	}
	if a := b.ask(late); a.Error == nil || a.Error.Code != server.ErrMoved || !strings.Contains(a.Error.Text, "what runs of "+benchFile) {
		t.Errorf("with what was set since the review: %+v %v", a.Status, a.Error)
	}
	// It is known now, and nothing that the file's unit does mends it: it stays.
	a := b.ask(b.again(t, q, "run000000known"))
	if a.Error == nil || a.Error.Code != server.ErrReverted {
		t.Errorf("%+v %v", a.Status, a.Error)
	}
	if got, err := b.m.Console().Sysctls(forwarding); err != nil || got[forwarding] != "7" {
		t.Errorf("it is %v, %v", got, err)
	}
}

// What runs and could not be loaded again is not replaced.
func TestRunningThatDoesNotComeBack(t *testing.T) {
	b := newBench()
	q := b.request(t, "run000000rules", 120)
	q.Apply.Manifest.Files[0].Runtime = &state.Runtime{
		Shows: []string{"nft", "list", "ruleset"}, Loads: []string{"nft", "--file", "{}"}, Clears: "flush ruleset\n",
	}
	b.spoil = func(os helper.OS) helper.OS { return &foreignRules{os} }
	a := b.ask(q)
	if a.Error == nil || a.Error.Code != server.ErrRefused || !strings.Contains(a.Error.Text, "could not be put back") || b.text() != "" {
		t.Errorf("%+v %v", a.Status, a.Error)
	}
}

// foreignRules has rules that nft shows and does not take.
type foreignRules struct{ helper.OS }

func (f *foreignRules) Run(argv []string, limit time.Duration) (string, error) {
	if argv[0] == "nft" {
		return "table ip filter {\n\t# xt_MASQUERADE\n}\n", nil
	}
	return f.OS.Run(argv, limit)
}

func (f *foreignRules) Apart(commands [][]string, limit time.Duration) (string, error) {
	if len(commands) == 2 && commands[1][1] == "list" {
		return "syntax error, unexpected xt_MASQUERADE", errors.New("exit status 1")
	}
	return f.OS.Apart(commands, limit)
}
