package apply

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// transaction stages, activates with the revert armed on the server, connects
// anew, gates and confirms. It leaves the server with the new generation
// confirmed, or reverting.
func transaction(ctx context.Context, p plan.Plan, want *state.Set, d Deps, j *Journal) error {
	m := manifest(p, want, d.Declared)
	c := newChange(d, j, d.Declared)
	return c.guarded(ctx, p.Risk(state.MayCutAccess), server.Request{Verb: server.VerbApply, Apply: &server.ApplyRequest{
		Run: c.run, Seconds: c.seconds(), Reviewed: reviewed(d.Seen, m), Manifest: m,
	}})
}

// Rollback makes an earlier generation the new one, as guarded as any other
// change: current is the one that was current when that was decided. It is
// gated on what that generation declares.
func Rollback(ctx context.Context, generation, current int, d Deps) (Journal, error) {
	j := Journal{Outcome: NotTried}
	c := newChange(d, &j, nil)
	err := c.guarded(ctx, true, server.Request{Verb: server.VerbRollback, Rollback: &server.RollbackRequest{
		Run: c.run, Seconds: c.seconds(), Number: generation, Reviewed: server.Reviewed{Current: current},
	}})
	if err == nil {
		j.Outcome = Done
	}
	return j, err
}

// change is one change of the server. Whatever is asked of it is asked by the
// name of its run: what somebody else did there is not mistaken for it.
type change struct {
	d        Deps
	j        *Journal
	run      string
	declared []byte    // what has to answer, as its generation says
	heard    bool      // the server has said that it is active
	since    time.Time // when the step that goes on began
	armed    time.Time // when the server armed the way back, by its own clock
}

func newChange(d Deps, j *Journal, declared []byte) *change {
	return &change{d: d, j: j, run: strings.ToLower(rand.Text()), declared: declared}
}

func (c *change) seconds() int { return int(c.d.RevertAfter.Round(time.Second) / time.Second) }

// guarded runs the change from lifeline to confirmation.
func (c *change) guarded(ctx context.Context, risky bool, begin server.Request) error {
	start := time.Now()
	if risky && c.d.Lifeline != nil {
		if err := c.d.Lifeline(ctx); err != nil {
			err = fmt.Errorf("%w: this may cut the access to the server, and the other way in does not answer: %w; mend it, or have somebody on site and say --hands-on-site", ErrNotApplicable, err)
			c.j.add(verdict.New("apply.lifeline"), Failed, err, start)
			c.j.Outcome = Failed
			return err
		}
	}
	c.since = start
	err := c.activate(ctx, begin)
	if err == nil {
		err = c.prove(ctx)
	}
	if err != nil {
		c.j.add(c.step(), c.j.Outcome, err, c.since)
		return err
	}
	c.hears() // where it was confirmed before that was heard
	c.j.add(c.step(), Done, nil, c.since)
	return nil
}

// hears that the server is active, which ends the first step.
func (c *change) hears() {
	if c.heard {
		return
	}
	c.j.add(c.step(), Done, nil, c.since)
	c.heard, c.since = true, time.Now()
}

// step is the one that goes on: nothing is active before the server has said so.
func (c *change) step() verdict.Message {
	if c.heard {
		return verdict.New("apply.confirm")
	}
	return verdict.New("apply.activate")
}

// activate starts the change. When it returns nil the change has been
// started: it may be active, or the connection ended while it was made.
func (c *change) activate(ctx context.Context, begin server.Request) error {
	c.j.Outcome = Failed
	reply, err := c.d.Server.Call(ctx, begin)
	for _, e := range reply.Events {
		if e.Declared != nil {
			c.declared = e.Declared
		}
		if e.Event == server.Armed {
			c.armed = e.At
		}
	}
	c.saw(reply)
	if err != nil {
		armed := slices.ContainsFunc(reply.Events, func(e server.Event) bool { return e.Event != server.Staged && e.Event != server.Draining })
		if armed {
			return nil // a new connection will tell
		}
		return c.giveUp(ctx, fmt.Errorf("prepare generation: %w", err))
	}
	switch e := reply.Answer.Error; {
	case e == nil:
		c.hears()
		return nil
	case e.Code == server.ErrReverted:
		c.j.Outcome = Reverted
		return fmt.Errorf("the server reverted: %w", e)
	case e.Code == server.ErrReverts:
		return c.witness(ctx, fmt.Errorf("activate: %w", e))
	case e.Code == server.ErrMoved:
		return fmt.Errorf("%w: %w", ErrMoved, e)
	case e.Code == server.ErrBusy:
		return fmt.Errorf("%w: %w; nothing was changed", ErrBusy, e)
	case e.Code == server.ErrRefused, e.Code == server.ErrVersion, e.Code == server.ErrRequest:
		return fmt.Errorf("prepare generation: %w; nothing was changed", e)
	default:
		return c.giveUp(ctx, fmt.Errorf("prepare generation: %w", e))
	}
}

// saw notes the number of the generation, once it is known.
func (c *change) saw(r server.Reply) {
	if s := r.Answer.Status; s != nil && s.Number > 0 {
		c.j.Generation = strconv.Itoa(s.Number)
	}
}

// prove connects anew, gates and confirms. A connection that is older than the
// change proves nothing: it is made after the server has said that this run is
// active.
func (c *change) prove(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, c.d.RevertAfter)
	defer cancel()
	for {
		conn, err := c.reconnect(bounded)
		if conn == nil {
			return c.witness(ctx, fmt.Errorf("no new connection to the declared address: %w", err))
		}
		again, err := c.confirm(bounded, conn, err)
		_ = conn.Close() // what was to be said over it has been said
		if !again {
			return err
		}
		_ = await.For(bounded, time.Second) // the next connection says when the time is over
	}
}

// confirm gates and confirms over one connection. again is true when it came
// too early; late is why it did not come earlier, or nil.
func (c *change) confirm(ctx context.Context, conn Server, late error) (again bool, err error) {
	if !c.heard {
		again, err := c.hear(ctx, conn, late)
		if again || err != nil {
			return again, err
		}
	}
	began := time.Now()
	if err := c.d.Gate(ctx, conn, c.declared); err != nil {
		return false, c.takeBack(ctx, conn, err)
	}
	took := time.Since(began)
	reply, err := conn.Call(ctx, c.request(server.VerbConfirm, ""))
	c.saw(reply)
	if err != nil {
		return false, c.witness(context.WithoutCancel(ctx), fmt.Errorf("confirm: %w", err))
	}
	switch e := reply.Answer.Error; {
	case e == nil:
		return false, nil
	case e.Code == server.ErrEarly && ctx.Err() == nil:
		return true, nil
	case e.Code == server.ErrLate:
		reason := fmt.Errorf("the checks over the new connection took %s, and passed only when the server had reverted: an address or a name server answered late, or %s are too short",
			took.Round(time.Second), c.d.RevertAfter)
		if late != nil {
			reason = fmt.Errorf("no new connection to the declared address in time: %w", late)
		}
		return false, c.witness(context.WithoutCancel(ctx), reason)
	default:
		return false, c.takeBack(ctx, conn, e)
	}
}

// hear asks whether this run is active. A connection over which that is heard
// for the first time may be older than the change: the next one counts.
func (c *change) hear(ctx context.Context, conn Server, late error) (again bool, err error) {
	reply, err := conn.Call(ctx, c.request(server.VerbStatus, ""))
	if err != nil {
		return ctx.Err() == nil, c.lost(ctx, err)
	}
	c.saw(reply)
	s := reply.Answer.Status
	switch {
	case s == nil || reply.Answer.Error != nil:
		return false, c.witness(context.WithoutCancel(ctx), errors.New("the server does not say how the change stands"))
	case s.State == server.Active:
		c.hears()
		return true, nil
	case s.State == server.Armed, s.State == server.Activating, s.State == server.Staged, s.State == server.Draining:
		return true, nil
	}
	reason := errors.New("the connection was lost while the change was made")
	if late != nil {
		reason = fmt.Errorf("no new connection to the declared address in time: %w", late)
	}
	return false, c.witness(context.WithoutCancel(ctx), reason)
}

// lost is nil while there is time for another connection.
func (c *change) lost(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return nil
	}
	return c.witness(context.WithoutCancel(ctx), err)
}

func (c *change) request(v server.Verb, reason string) server.Request {
	return server.Request{Verb: v, Run: &server.RunRequest{Run: c.run, Reason: reason}}
}

// reconnect asks again until the deadline: the address may still be moving.
// Beside the connection it returns why it did not come sooner, if it did not.
func (c *change) reconnect(ctx context.Context) (Server, error) {
	var conn Server
	var late error
	err := await.Until(ctx, time.Second, func(ctx context.Context) (bool, error) {
		fresh, err := c.d.Reconnect(ctx, c.declared)
		switch {
		case err == nil:
			conn = fresh
			return true, nil
		case errors.Is(err, remote.ErrHostKey), errors.Is(err, remote.ErrAuth):
			late = err
			return false, err
		case late == nil || ctx.Err() == nil:
			late = err
		}
		return false, nil
	})
	if err != nil {
		return nil, late
	}
	return conn, late
}
