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
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// pressed is a server whose change is interrupted while it is made.
type pressed struct {
	*far
	interrupt context.CancelFunc
}

func (p pressed) Call(ctx context.Context, r server.Request) (server.Reply, error) {
	reply, err := p.far.Call(ctx, r)
	if r.Verb == server.VerbApply {
		p.interrupt()
		err = ctx.Err()
	}
	return reply, err
}

// Who interrupts a change that the server is making is told what is true of it:
// it is not done, when it goes back by itself, and what to type.
func TestInterrupted(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	armed := server.Reply{Events: []server.Event{{Event: server.Staged, At: at}, {Event: server.Armed, At: at}}}
	stands := func(s server.State) server.Reply {
		r := says(s, "a reason")
		r.Answer.Status.Until = at.Add(29 * time.Second)
		return r
	}
	next := []string{"raiz history", "raiz release"}
	for _, c := range []struct {
		name   string
		status server.Reply
		err    error // of the new connection
		want   apply.Outcome
		says   []string
	}{
		{"it is activated", stands(server.Activating), nil, apply.Unknown, append(next, "generation 7 is activating and not confirmed", "reverts it by itself at 03:04:34 UTC")},
		{"it is active", stands(server.Active), nil, apply.Unknown, append(next, "generation 7 is active and not confirmed", "at 03:04:34 UTC")},
		{"it is being put back", stands(server.Reverting), nil, apply.Unknown, append(next, "putting back what stood before generation 7")},
		{"it was put back", stands(server.Reverted), nil, apply.Reverted, []string{"the server is back: it reverted generation 7: a reason"}},
		{"it never began", server.Reply{Answer: server.Answer{Done: true, Status: &server.Status{}}}, nil, apply.Failed, []string{"nothing was changed"}},
		{"nobody answers", server.Reply{}, errors.New("no route"), apply.Unknown, append(next, "not confirmed", "reverts it by itself at 03:04:35 UTC")},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, interrupt := context.WithCancel(t.Context())
				defer interrupt()
				f := pressed{&far{t: t, answers: map[server.Verb][]server.Reply{"apply": {armed}, "status": {c.status}}}, interrupt}
				p, want := planned(t, item(state.Path, "/etc/a", file("a\n"), state.Effect{}))
				start := time.Now()
				j, err := apply.Run(ctx, p, want, apply.Deps{
					Server: f, RevertAfter: 30 * time.Second,
					Reconnect: func(ctx context.Context, _ []byte) (apply.Server, error) { return nil, ctx.Err() },
					Old:       func(context.Context) (apply.Server, error) { return f, c.err },
				})
				if j.Outcome != c.want || err == nil || time.Since(start) > 6*time.Second {
					t.Fatalf("outcome %q, %v, after %s; want %q", j.Outcome, err, time.Since(start), c.want)
				}
				for _, w := range append(c.says, "interrupted") {
					if !strings.Contains(err.Error(), w) {
						t.Errorf("says %q, and nothing of %q", err, w)
					}
				}
				if got := steps(j); got != "apply.activate "+string(c.want) {
					t.Errorf("the journal says %q", got)
				}
			})
		})
	}
}

// steps are what a journal says was done.
func steps(j apply.Journal) string {
	var out []string
	for _, e := range j.Entries {
		out = append(out, fmt.Sprintf("%s %s", e.Step.Code, e.Outcome))
	}
	return strings.Join(out, ", ")
}

// What was lost sight of and found again was activated when that was heard.
func TestActivatedWhenHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{t: t, answers: map[server.Verb][]server.Reply{"apply": {until(server.Armed)}, "status": {says(server.Activating, ""), says(server.Active, "")}, "confirm": {says(server.Confirmed, "")}},
			err: map[server.Verb]error{"apply": errors.New("lost")}}
		p, want := planned(t, item(state.Path, "/etc/a", file("a\n"), state.Effect{}))
		j, err := apply.Run(t.Context(), p, want, apply.Deps{
			Server: f, RevertAfter: 30 * time.Second,
			Reconnect: func(context.Context, []byte) (apply.Server, error) { return f, nil },
			Gate:      func(context.Context, apply.Server, []byte) error { return nil },
		})
		if got := steps(j); err != nil || got != "apply.activate done, apply.confirm done" {
			t.Errorf("%v, the journal says %q", err, got)
		}
		if took := j.Entries[0].Took; took < time.Second {
			t.Errorf("activated after %s, want the time until it was heard", took)
		}
	})
}
