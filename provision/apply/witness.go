package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// witnessTimeout is how long the server may take to revert once its timer has
// fired.
const witnessTimeout = 30 * time.Second

// witness waits until the server says, wherever it answers, how this run ended
// without us. reason is why nobody could confirm it, or could see that somebody
// had.
func (c *change) witness(ctx context.Context, reason error) error {
	return c.await(ctx, c.request(server.VerbStatus, ""), reason)
}

// giveUp ends a run that was lost before the server had said that it was armed.
// It is reverted by its name: only when the server says that it never began, and
// will not, is it true that nothing was changed.
func (c *change) giveUp(ctx context.Context, reason error) error {
	return c.await(context.WithoutCancel(ctx), c.request(server.VerbRevert, line(reason)), reason)
}

// await asks until the run has ended.
func (c *change) await(ctx context.Context, q server.Request, reason error) error {
	if ctx.Err() != nil {
		return c.left(ctx)
	}
	c.j.Outcome = Unknown
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, c.d.RevertAfter+witnessTimeout)
	defer cancel()
	var last server.Status
	var silent error // why the last question had no answer
	err := await.Until(ctx, time.Second, func(ctx context.Context) (bool, error) {
		s, err := c.ask(ctx, q)
		if err != nil {
			if silent == nil || ctx.Err() == nil {
				silent = err
			}
			return false, nil
		}
		last = s
		return s.State.Ended() || s.State == server.NoState, nil
	})
	if err != nil && whole.Err() != nil {
		return c.left(whole)
	}
	if err != nil {
		if silent != nil {
			reason = fmt.Errorf("%w; asked since then: %w", reason, silent)
		}
		return fmt.Errorf("%w; whether the server has reverted could not be seen: the next plan tells", reason)
	}
	return c.end(last, reason)
}

// end is how a run has ended.
func (c *change) end(s server.Status, reason error) error {
	switch s.State {
	case server.Confirmed:
		return nil // the confirmation had arrived after all
	case server.Reverted:
		c.j.Outcome = Reverted
		return fmt.Errorf("%w; the server is back: it reverted generation %d: %s", reason, s.Number, s.Reason)
	}
	c.j.Outcome = Failed
	return fmt.Errorf("%w; nothing was changed", reason)
}

// leftTimeout is how long whoever has interrupted a run waits to hear how it
// stands.
const leftTimeout = 5 * time.Second

// errInterrupted is the reason of a run that nobody waits for any more.
var errInterrupted = errors.New("interrupted")

// left says how a run stands that was interrupted when the way back was armed
// already: it goes on without raiz, and nobody is going to confirm it.
func (c *change) left(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leftTimeout)
	defer cancel()
	s, err := c.ask(ctx, c.request(server.VerbStatus, ""))
	if err == nil && (s.State.Ended() || s.State == server.NoState) {
		return c.end(s, errInterrupted)
	}
	c.j.Outcome = Unknown
	next := errors.New("raiz history shows how it ends, raiz release ends it at once")
	switch {
	case err == nil && s.State == server.Reverting:
		return fmt.Errorf("%w: the server is putting back what stood before generation %d; %w", errInterrupted, s.Number, next)
	case err == nil:
		return fmt.Errorf("%w: generation %d is %s and not confirmed; the server reverts it by itself at %s; %w", errInterrupted, s.Number, s.State, clock(s.Until), next)
	case c.armed.IsZero():
		return fmt.Errorf("%w: the change is not confirmed; the server reverts it by itself within %s; %w", errInterrupted, c.d.RevertAfter, next)
	}
	return fmt.Errorf("%w: the change is not confirmed; the server reverts it by itself at %s; %w", errInterrupted, clock(c.armed.Add(c.d.RevertAfter)), next)
}

// clock is a time of the server's as its own log has it.
func clock(t time.Time) string { return t.UTC().Format(time.TimeOnly + " MST") }

func (c *change) ask(ctx context.Context, q server.Request) (server.Status, error) {
	conn, err := c.d.Old(ctx)
	if err != nil {
		return server.Status{}, err
	}
	defer conn.Close()
	reply, err := conn.Call(ctx, q)
	if err != nil {
		return server.Status{}, err
	}
	switch {
	case reply.Answer.Status == nil && reply.Answer.Error != nil:
		return server.Status{}, reply.Answer.Error
	case reply.Answer.Status == nil:
		return server.Status{}, errors.New("the server says nothing of this run")
	}
	c.saw(reply)
	return *reply.Answer.Status, nil
}

// takeBackTimeout bounds the asking; the timer on the server needs no asking.
const takeBackTimeout = time.Minute

// takeBack reverts at once instead of waiting for the timer, and sees it end:
// the revert may cut the very connection that asks for it.
func (c *change) takeBack(ctx context.Context, conn Server, reason error) error {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTimeout)
	defer cancel()
	reply, err := conn.Call(bounded, c.request(server.VerbRevert, line(reason)))
	if s := reply.Answer.Status; err == nil && reply.Answer.Error == nil && s != nil && s.State == server.Reverted {
		c.j.Outcome = Reverted
		return fmt.Errorf("%w; the server is back", reason)
	}
	return c.witness(context.WithoutCancel(ctx), reason)
}

// line is an error as the server keeps it with a revert.
func line(err error) string {
	text := verdict.Error("reason", err).String()
	return strings.Join(strings.Fields(text), " ")
}
