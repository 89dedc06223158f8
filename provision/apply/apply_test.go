package apply_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/state"
)

// far is a server that answers each verb of the script as it is told, and
// refuses what it was not told of.
type far struct {
	t       *testing.T
	answers map[string][]string // verb to its answers, one after the other; the last one stays
	called  []string
	uploads int
	err     map[string]error
}

func (f *far) Run(_ context.Context, s remote.Script) (remote.Result, error) {
	f.t.Helper()
	lines := strings.Split(strings.TrimSpace(s.Text), "\n")
	verb := "apt-get"
	if words := strings.Fields(lines[len(lines)-1]); words[0] == "raiz" {
		verb = words[1]
	}
	f.called = append(f.called, verb)
	said, ok := f.answers[verb]
	if !ok {
		f.t.Errorf("nobody expected %s", verb)
		return remote.Result{Code: -1}, errors.New("unexpected")
	}
	if len(said) > 1 {
		f.answers[verb] = said[1:]
	}
	code := 0
	if strings.Contains(said[0], "error ") {
		code = 1
	}
	return remote.Result{Stdout: []byte(said[0]), Code: code}, f.err[verb]
}

func (f *far) Upload(context.Context, string, []byte) error { f.uploads++; return f.err["upload"] }
func (f *far) Close() error                                 { return nil }

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

const (
	active   = "generation 7\narmed 7 30\nactive 7\n"
	nothing  = "raiz 1\n== transaction\n current 6\n== end\n"
	reverted = "raiz 1\n== transaction\n current 6\n reverted 7 2026-01-01T00:00:00Z not confirmed within 30 s\n== end\n"
)

func TestServer(t *testing.T) {
	noRoute := errors.New("no route")
	for _, c := range []struct {
		name     string
		answers  map[string][]string
		err      map[string]error
		gate     error
		dial     error // of every new connection to the declared address
		lifeline error
		want     apply.Outcome
		says     string
		called   []string
	}{
		{name: "all is well", answers: map[string][]string{"apply": {active}, "confirm": {"confirmed 7\n"}},
			want: apply.Done, called: []string{"apply", "confirm"}},
		{name: "a check command refuses", answers: map[string][]string{"apply": {"generation 7\ncheck-failed /etc/a bad line 3\nerror a check command refuses\n"}},
			want: apply.Failed, says: "prepare generation: /etc/a bad line 3; a check command refuses; nothing was changed", called: []string{"apply"}},
		{name: "the upload breaks", err: map[string]error{"upload": errors.New("broken pipe")},
			want: apply.Failed, says: "upload generation: broken pipe; nothing was changed"},
		{name: "the activation fails", answers: map[string][]string{"apply": {"generation 7\narmed 7 30\nreverted 7 activation failed: bird\n"}},
			want: apply.Reverted, says: "the server reverted: 7 activation failed: bird", called: []string{"apply"}},
		{name: "the login ends while it is active", answers: map[string][]string{"apply": {"generation 7\narmed 7 30\n"}, "confirm": {"confirmed 7\n"}},
			err: map[string]error{"apply": remote.ErrLost}, want: apply.Done, called: []string{"apply", "confirm"}},
		{name: "the login ends before it is armed", answers: map[string][]string{"apply": {"generation 7\n"}, "status": {nothing}},
			err: map[string]error{"apply": remote.ErrLost}, want: apply.Failed, says: "nothing was changed", called: []string{"apply", "status"}},
		{name: "the connection is older than the change", answers: map[string][]string{"apply": {active}, "confirm": {"early 7\n", "early 7\n", "confirmed 7\n"}},
			want: apply.Done, called: []string{"apply", "confirm", "confirm", "confirm"}},
		{name: "the gate stays closed", answers: map[string][]string{"apply": {active}, "revert": {"reverted 7 because\n"}}, gate: errors.New("DNS is dead"),
			want: apply.Reverted, says: "DNS is dead; the server is back", called: []string{"apply", "revert"}},
		{name: "the gate stays closed, and asking cuts the line", answers: map[string][]string{"apply": {active}, "revert": {""}, "status": {reverted}},
			err: map[string]error{"revert": remote.ErrLost}, gate: errors.New("DNS is dead"),
			want: apply.Reverted, says: "DNS is dead; the server is back: it reverted generation 7", called: []string{"apply", "revert", "status"}},
		{name: "a unit has died", answers: map[string][]string{"apply": {active}, "confirm": {"error bird.service is failed\n"}, "revert": {"reverted 7 x\n"}},
			want: apply.Reverted, says: "bird.service is failed; the server is back", called: []string{"apply", "confirm", "revert"}},
		{name: "the new address is dead", answers: map[string][]string{"apply": {active}, "status": {reverted}}, dial: noRoute,
			want: apply.Reverted, says: "no new connection to the declared address: no route; the server is back: it reverted generation 7", called: []string{"apply", "status"}},
		{name: "the new address answers too late", answers: map[string][]string{"apply": {active}, "confirm": {"late 7\nerror generation 7 is reverted\n"}, "status": {reverted}},
			want: apply.Reverted, says: "no new connection to the declared address in time: the first attempt came through when the server had reverted; the server is back", called: []string{"apply", "confirm", "status"}},
		{name: "the answer to the confirmation is lost", answers: map[string][]string{"apply": {active}, "confirm": {""}, "status": {"raiz 1\n== transaction\n current 7\n== end\n"}},
			err: map[string]error{"confirm": remote.ErrLost}, want: apply.Done, called: []string{"apply", "confirm", "status"}},
		{name: "the other way in is dead", lifeline: errors.New("bmc does not answer"),
			want: apply.Failed, says: "the other way in does not answer: bmc does not answer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &far{t: t, answers: c.answers, err: c.err}
				p, want := planned(t, item(state.Path, "/etc/a", file("a\n"), state.Effect{Name: state.MayCutServer}))
				j, err := apply.Run(t.Context(), p, want, apply.Deps{
					Server: f, RevertAfter: 30 * time.Second,
					Reconnect: func(context.Context) (apply.Server, error) { return f, c.dial },
					Old:       func(context.Context) (apply.Server, error) { return f, nil },
					Gate:      func(context.Context, apply.Server) error { return c.gate },
					Lifeline:  func(context.Context) error { return c.lifeline },
				})
				if j.Outcome != c.want || (err == nil) != (c.want == apply.Done) {
					t.Errorf("outcome %q, %v; want %q", j.Outcome, err, c.want)
				}
				if err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("says %q, want %q in it", err, c.says)
				}
				if diff := cmp.Diff(c.called, f.called); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
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
			f := &far{t: t, answers: map[string][]string{"apply": {active}, "confirm": {"confirmed 7\n"}}}
			b := &controller{status: c.status}
			p, want := planned(t, item(state.Setting, "hostname", state.Text("x"), state.Effect{}), item(state.Path, "/etc/a", file("a\n"), state.Effect{}))
			j, err := apply.Run(t.Context(), p, want, apply.Deps{
				BMC: b, Server: f, RevertAfter: 30 * time.Second,
				Reconnect: func(context.Context) (apply.Server, error) { return f, nil },
				Gate:      func(context.Context, apply.Server) error { return nil },
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
	f := &far{t: t, answers: map[string][]string{"apt-get": {"error no mirror\n"}}}
	p, want := planned(t, item(state.Package, "bird2", state.Text("installed"), state.Effect{}), item(state.Path, "/etc/a", file("a\n"), state.Effect{}))
	j, err := apply.Run(t.Context(), p, want, apply.Deps{Server: f, RevertAfter: time.Minute})
	if err == nil || j.Outcome != apply.Failed || f.uploads != 0 {
		t.Errorf("outcome %q, %v, %d uploads; want a failure before any", j.Outcome, err, f.uploads)
	}
}
