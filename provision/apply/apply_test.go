package apply_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// far is a server that answers each verb as it is told, and refuses what it was
// not told of.
type far struct {
	t       *testing.T
	answers map[server.Verb][]server.Reply // one after the other; the last one stays
	err     map[server.Verb]error
	called  []server.Verb
	runs    map[string]bool // whose they were
	script  remote.Result
	scripts int
}

func (f *far) Call(_ context.Context, r server.Request) (server.Reply, error) {
	f.t.Helper()
	f.called = append(f.called, r.Verb)
	run := ""
	switch {
	case r.Apply != nil:
		run = r.Apply.Run
	case r.Rollback != nil:
		run = r.Rollback.Run
	case r.Run != nil:
		run = r.Run.Run
	}
	if f.runs == nil {
		f.runs = map[string]bool{}
	}
	f.runs[run] = true
	said, ok := f.answers[r.Verb]
	if !ok && f.err[r.Verb] == nil {
		f.t.Errorf("nobody expected %s", r.Verb)
		return server.Reply{}, errors.New("unexpected")
	}
	if len(said) > 1 {
		f.answers[r.Verb] = said[1:]
	}
	if len(said) == 0 {
		said = []server.Reply{{}}
	}
	return said[0], f.err[r.Verb]
}

func (f *far) Run(context.Context, remote.Script) (remote.Result, error) {
	f.scripts++
	return f.script, nil
}

func (f *far) Close() error { return nil }

// says is an answer that a generation is in a state.
func says(s server.State, reason string) server.Reply {
	return server.Reply{Answer: server.Answer{Done: true, Status: &server.Status{Number: 7, State: s, Reason: reason}}}
}

// fails is an answer that something was not done.
func fails(code server.Code, text string) server.Reply {
	return server.Reply{Answer: server.Answer{Done: true, Error: &server.Error{Code: code, Text: text}}}
}

// until is what was heard before the connection was lost.
func until(states ...server.State) server.Reply {
	var r server.Reply
	for _, s := range states {
		r.Events = append(r.Events, server.Event{Event: s})
	}
	return r
}

// controller is a BMC that answers every change with the same status.
type controller struct {
	status bmc.Status
	asked  []string
}

func (c *controller) Set(_ context.Context, changes []bmc.Change) ([]bmc.Outcome, error) {
	var out []bmc.Outcome
	var err error
	for _, ch := range changes {
		c.asked = append(c.asked, ch.Key.Name)
		o := bmc.Outcome{Key: ch.Key, Status: c.status}
		if c.status != bmc.Done {
			o.Err = fmt.Errorf("it is %s", c.status)
			err = errors.Join(err, o.Err)
		}
		out = append(out, o)
	}
	return out, err
}

func item(kind state.Kind, name string, v state.Value, e state.Effect) state.Item {
	return state.Item{Key: state.Key{Kind: kind, Name: name}, Value: v, Effect: e}
}

func file(text string) state.File {
	return state.NewFile(0o644, "root", "root", []byte(text), state.Public)
}

// planned compares items with a server that has nothing.
func planned(t *testing.T, items ...state.Item) (plan.Plan, *state.Set) {
	t.Helper()
	want, err := state.NewSet("gru1", items)
	if err != nil {
		t.Fatal(err)
	}
	var facts []state.Fact
	for it := range want.All() {
		facts = append(facts, state.Fact{Key: it.Key})
	}
	return plan.Diff(want, state.NewFacts(facts)), want
}

func TestServer(t *testing.T) {
	noRoute := errors.New("no route")
	type answers = map[server.Verb][]server.Reply
	type errs = map[server.Verb]error
	active, confirmed, unbegun := says(server.Active, ""), says(server.Confirmed, ""), server.Reply{Answer: server.Answer{Done: true, Status: &server.Status{}}}
	reverted := says(server.Reverted, "not confirmed")
	for _, c := range []struct {
		name     string
		answers  answers
		err      errs
		gate     error
		dial     error // of every new connection to the declared address
		lifeline error
		want     apply.Outcome
		says     string
		called   string
	}{
		{name: "all is well", answers: answers{"apply": {active}, "confirm": {confirmed}},
			want: apply.Done, called: "apply confirm"},
		{name: "a check command refuses", answers: answers{"apply": {fails(server.ErrRefused, "/etc/a: bad line 3")}},
			want: apply.Failed, says: "prepare generation: /etc/a: bad line 3; nothing was changed", called: "apply"},
		{name: "what stands has moved", answers: answers{"apply": {fails(server.ErrMoved, "/etc/a is not what it was")}},
			want: apply.Failed, says: "the plan has moved: /etc/a is not what it was", called: "apply"},
		{name: "somebody else is at work", answers: answers{"apply": {fails(server.ErrBusy, "generation 6 of ana is armed")}},
			want: apply.Failed, says: "generation 6 of ana is armed; nothing was changed", called: "apply"},
		{name: "the activation fails", answers: answers{"apply": {fails(server.ErrReverted, "activation failed: bird")}},
			want: apply.Reverted, says: "the server reverted: activation failed: bird", called: "apply"},
		{name: "the revert has not ended", answers: answers{"apply": {fails(server.ErrReverts, "read-only")}, "status": {says(server.Reverting, ""), reverted}},
			want: apply.Reverted, says: "the server is back: it reverted generation 7: not confirmed", called: "apply status status"},
		{name: "the server fails, and nobody knows where", answers: answers{"apply": {fails(server.ErrSystem, "disk")}, "revert": {unbegun}},
			want: apply.Failed, says: "disk; nothing was changed", called: "apply revert"},
		{name: "the server fails, and cannot even say how it stands", answers: answers{"apply": {fails(server.ErrSystem, "disk")}, "revert": {fails(server.ErrSystem, "no lock")}},
			want: apply.Unknown, says: "disk; asked since then: no lock; whether the server has reverted could not be seen", called: "apply" + strings.Repeat(" revert", 61)},
		{name: "the login ends while it is active", answers: answers{"apply": {until(server.Staged, server.Armed)}, "status": {active}, "confirm": {confirmed}},
			err: errs{"apply": remote.ErrLost}, want: apply.Done, called: "apply status confirm"},
		{name: "the login ends before it is armed", answers: answers{"apply": {until(server.Staged)}, "revert": {says(server.Refused, "")}},
			err: errs{"apply": remote.ErrLost}, want: apply.Failed, says: "nothing was changed", called: "apply revert"},
		{name: "the login ends, and nobody had heard of the run", answers: answers{"revert": {unbegun}},
			err: errs{"apply": remote.ErrLost}, want: apply.Failed, says: "nothing was changed", called: "apply revert"},
		{name: "the login ends, and it goes on", answers: answers{"apply": {until(server.Staged)}, "revert": {says(server.Activating, ""), reverted}},
			err: errs{"apply": remote.ErrLost}, want: apply.Reverted, says: "the server is back", called: "apply revert revert"},
		{name: "the login ends, and the activation takes its time", answers: answers{"apply": {until(server.Armed)}, "status": {says(server.Activating, ""), active}, "confirm": {confirmed}},
			err: errs{"apply": remote.ErrLost}, want: apply.Done, called: "apply status status confirm"},
		{name: "the connection is older than the change", answers: answers{"apply": {active}, "confirm": {fails(server.ErrEarly, ""), fails(server.ErrEarly, ""), confirmed}},
			want: apply.Done, called: "apply confirm confirm confirm"},
		{name: "the gate stays closed", answers: answers{"apply": {active}, "revert": {reverted}}, gate: errors.New("DNS is dead"),
			want: apply.Reverted, says: "DNS is dead; the server is back", called: "apply revert"},
		{name: "the gate stays closed, and asking cuts the line", answers: answers{"apply": {active}, "status": {reverted}},
			err: errs{"revert": remote.ErrLost}, gate: errors.New("DNS is dead"),
			want: apply.Reverted, says: "DNS is dead; the server is back: it reverted generation 7", called: "apply revert status"},
		{name: "a unit has died", answers: answers{"apply": {active}, "confirm": {fails(server.ErrUnfit, "bird.service is failed")}, "revert": {reverted}},
			want: apply.Reverted, says: "bird.service is failed; the server is back", called: "apply confirm revert"},
		{name: "the new address is dead", answers: answers{"apply": {active}, "status": {reverted}}, dial: noRoute,
			want: apply.Reverted, says: "no new connection to the declared address: no route; the server is back: it reverted generation 7", called: "apply status"},
		{name: "the new address answers too late", answers: answers{"apply": {active}, "confirm": {fails(server.ErrLate, "")}, "status": {reverted}},
			want: apply.Reverted, says: "the checks over the new connection took 0s, and passed only when the server had reverted: an address or a name server answered late, or 30s are too short; the server is back", called: "apply confirm status"},
		{name: "the answer to the confirmation is lost", answers: answers{"apply": {active}, "status": {confirmed}},
			err: errs{"confirm": remote.ErrLost}, want: apply.Done, called: "apply confirm status"},
		{name: "the other way in is dead", lifeline: errors.New("bmc does not answer"),
			want: apply.Failed, says: "the other way in does not answer: bmc does not answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &far{t: t, answers: c.answers, err: c.err}
				p, want := planned(t, item(state.Path, "/etc/a", file("a\n"), state.Effect{Name: state.MayCutServer}))
				j, err := apply.Run(t.Context(), p, want, apply.Deps{
					Server: f, RevertAfter: 30 * time.Second,
					Reconnect: func(context.Context, []byte) (apply.Server, error) { return f, c.dial },
					Old:       func(context.Context) (apply.Server, error) { return f, nil },
					Gate:      func(context.Context, apply.Server, []byte) error { return c.gate },
					Lifeline:  func(context.Context) error { return c.lifeline },
				})
				if j.Outcome != c.want || (err == nil) != (c.want == apply.Done) {
					t.Errorf("outcome %q, %v; want %q", j.Outcome, err, c.want)
				}
				if err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("says %q, want %q in it", err, c.says)
				}
				if called := strings.Trim(fmt.Sprint(f.called), "[]"); called != c.called {
					t.Errorf("calls %q, want %q", called, c.called)
				}
				if len(f.runs) > 1 {
					t.Errorf("asked for the runs %v, want one", f.runs)
				}
			})
		})
	}
}

// What the BMC ends with decides whether the server is touched at all.
func TestController(t *testing.T) {
	for _, c := range []struct {
		status bmc.Status
		want   apply.Outcome
		server bool
	}{
		{bmc.Done, apply.Done, true},
		{bmc.Unsupported, apply.Done, true},
		{bmc.Failed, apply.Failed, false},
		{bmc.Unknown, apply.Failed, false},
	} {
		t.Run(string(c.status), func(t *testing.T) {
			f := &far{t: t, answers: map[server.Verb][]server.Reply{"apply": {says(server.Active, "")}, "confirm": {says(server.Confirmed, "")}}}
			b := &controller{status: c.status}
			p, want := planned(t, item(state.Setting, "hostname", state.Text("x"), state.Effect{}), item(state.Path, "/etc/a", file("a\n"), state.Effect{}))
			j, err := apply.Run(t.Context(), p, want, apply.Deps{
				BMC: b, Server: f, RevertAfter: 30 * time.Second,
				Reconnect: func(context.Context, []byte) (apply.Server, error) { return f, nil },
				Gate:      func(context.Context, apply.Server, []byte) error { return nil },
			})
			if j.Outcome != c.want || (len(f.called) > 0) != c.server {
				t.Errorf("outcome %q, %v, calls %v", j.Outcome, err, f.called)
			}
			last := j.Entries[len(j.Entries)-1]
			if !c.server && (last.Step.Code != "apply.server" || last.Outcome != apply.NotTried) {
				t.Errorf("the journal ends with %+v, want the server not tried", last)
			}
		})
	}
}

func TestUnknownIsNotApplied(t *testing.T) {
	want, err := state.NewSet("gru1", []state.Item{item(state.Path, "/etc/a", file("a\n"), state.Effect{})})
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Diff(want, state.NewFacts([]state.Fact{{Key: want.Keys(state.Path)[0], Err: errors.New("denied")}}))
	if _, err := apply.Run(t.Context(), p, want, apply.Deps{}); !errors.Is(err, apply.ErrNotApplicable) {
		t.Errorf("%v, want ErrNotApplicable", err)
	}
}

func TestPackages(t *testing.T) {
	f := &far{t: t, script: remote.Result{Code: 100, Stderr: "no mirror"}}
	p, want := planned(t, item(state.Package, "bird2", state.Text("installed"), state.Effect{}), item(state.Path, "/etc/a", file("a\n"), state.Effect{}))
	j, err := apply.Run(t.Context(), p, want, apply.Deps{Server: f, RevertAfter: time.Minute})
	if err == nil || j.Outcome != apply.Failed || f.scripts != 1 || len(f.called) != 0 {
		t.Errorf("outcome %q, %v, %d scripts, asked %v; want a failure before the helper is asked", j.Outcome, err, f.scripts, f.called)
	}
}

// Whoever waits for somebody else's change has to know that this is why.
func TestBusyIsSaid(t *testing.T) {
	f := &far{t: t, answers: map[server.Verb][]server.Reply{"apply": {fails(server.ErrBusy, "generation 6 of ana is armed")}}}
	p, want := planned(t, item(state.Path, "/etc/a", file("a\n"), state.Effect{}))
	_, err := apply.Run(t.Context(), p, want, apply.Deps{Server: f, RevertAfter: time.Minute})
	if !errors.Is(err, apply.ErrBusy) {
		t.Errorf("%v, want ErrBusy", err)
	}
}
