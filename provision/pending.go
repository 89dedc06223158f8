package provision

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// pendingGrace is how long after its timer a generation may stay pending: a
// revert restarts services and is tried again when it fails.
const pendingGrace = time.Minute

// WaitPending waits while the server holds a generation that is neither confirmed
// nor reverted: somebody else is at work, or a run was interrupted and the
// timer will tell. tell is called when there is something to wait for.
// A generation that outlives its timer is reverted.
func WaitPending(ctx context.Context, s *site.Site, o Options, tell func(verdict.Message)) error {
	r := New(s, o)
	bounded, cancel := context.WithTimeoutCause(ctx, r.o.RevertAfter+pendingGrace, errOutlived)
	defer cancel()
	var last server.Status
	var failed error
	err := await.Until(bounded, poll, func(ctx context.Context) (bool, error) {
		pending, err := r.pendingNow(ctx)
		if failed = err; err != nil {
			return false, nil
		}
		if pending == nil {
			return true, nil
		}
		if last.Number != pending.Number {
			last = *pending
			tell(verdict.New("notice.waiting", verdict.Seen("generation", numberOf(last)), verdict.Seen("state", standsOf(last))))
		}
		return false, nil
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(bounded), errOutlived) && last.Number != 0:
		return r.revertOverdue(ctx)
	}
	return errors.Join(context.Cause(bounded), failed)
}

var errOutlived = errors.New("it did not end within its time")

func numberOf(s server.Status) string { return strconv.Itoa(s.Number) }

// standsOf is how a generation stands, and whose it is.
func standsOf(s server.Status) string { return string(s.State) + " by " + s.Who }

// Pending is the generation that is neither confirmed nor reverted, nil for
// none.
func (r *Run) Pending(ctx context.Context) (*server.Status, error) { return r.pendingNow(ctx) }

// Release has the server end what is pending, whoever it belongs to, and returns
// how that has ended. The revert may cut the connection that asks for it: then
// the server is asked anew, wherever it answers.
func (r *Run) Release(ctx context.Context, pending server.Status) (server.Status, error) {
	conn, err := r.dialAnew(ctx)
	if err != nil {
		return server.Status{}, err
	}
	defer conn.Close()
	reply, err := conn.Call(ctx, server.Request{Verb: server.VerbRelease})
	switch {
	case err != nil:
		return r.released(ctx, pending, err)
	case reply.Answer.Status == nil && reply.Answer.Error == nil:
		return r.released(ctx, pending, errors.New("it had ended by itself"))
	case reply.Answer.Status == nil:
		return server.Status{}, reply.Answer.Error
	case reply.Answer.Error != nil:
		return *reply.Answer.Status, reply.Answer.Error
	}
	return *reply.Answer.Status, nil
}

// released asks until a generation has ended.
func (r *Run) released(ctx context.Context, pending server.Status, reason error) (server.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, pendingGrace)
	defer cancel()
	last := pending
	err := await.Until(ctx, poll, func(ctx context.Context) (bool, error) {
		conn, err := r.dialAnew(ctx)
		if err != nil {
			return false, nil
		}
		defer conn.Close()
		reply, err := conn.Call(ctx, server.Request{Verb: server.VerbStatus, Run: &server.RunRequest{Run: pending.Run}})
		if err == nil && reply.Answer.Error == nil && reply.Answer.Status != nil {
			last = *reply.Answer.Status
		}
		return last.State.Ended(), nil
	})
	if err != nil {
		return last, fmt.Errorf("%w; how it ended could not be seen: raiz history tells", reason)
	}
	return last, nil
}

// pendingNow is the generation that is pending, nil for none.
func (r *Run) pendingNow(ctx context.Context) (*server.Status, error) {
	facts, err := r.probeAnew(ctx)
	if err != nil {
		return nil, err
	}
	return facts.Pending, nil
}

// probeAnew looks over a new connection at what concerns the server as a whole.
func (r *Run) probeAnew(ctx context.Context) (*server.Facts, error) {
	conn, err := r.dialAnew(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	reply, err := conn.Call(ctx, server.Request{Verb: server.VerbProbe, Probe: &server.ProbeRequest{}})
	switch {
	case err != nil:
		return nil, err
	case reply.Answer.Error != nil:
		return nil, reply.Answer.Error
	case reply.Answer.Facts == nil:
		return nil, server.ErrAnswer
	}
	return reply.Answer.Facts, nil
}

// revertOverdue has the server put back what its owner's time is over for. The
// deadline is the owner's: before it nothing is reverted.
func (r *Run) revertOverdue(ctx context.Context) error {
	conn, err := r.dialAnew(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	reason := messages.English().Say(verdict.New("notice.left-behind"))
	reply, err := conn.Call(ctx, server.Request{Verb: server.VerbRevert, Run: &server.RunRequest{Overdue: true, Reason: reason}})
	if err == nil && reply.Answer.Error != nil {
		err = reply.Answer.Error
	}
	return err
}
