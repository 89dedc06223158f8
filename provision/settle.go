package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
)

// Notices says what an operator must know before any change: a revert that
// the server made by itself, a change that is not confirmed, a lifeline that
// nobody proved.
func (p Planned) Notices() []string {
	var out []string
	s := p.Seen.Server
	if s.Reverted != "" {
		out = append(out, "the server reverted a change after the last apply: generation "+s.Reverted)
	}
	if s.Pending != "" {
		out = append(out, "generation "+s.Pending+" is not confirmed: "+s.PendingIs+"; raiz apply waits until it is, or until the server has reverted it")
	}
	if p.handsOnSite {
		out = append(out, "somebody is on site (--hands-on-site): the BMC is not proven as a way in before a change that may cut access")
		if p.Seen.BMCErr != nil {
			out = append(out, "the BMC is left as it is: "+p.Seen.BMCErr.Error())
		}
	}
	return out
}

// Reverted reports whether the server has reverted a change since the last
// apply.
func (p Planned) Reverted() bool { return p.Seen.Server.Reverted != "" }

// pendingGrace is how long after its timer a generation may stay pending: a
// revert restarts services and is tried again when it fails.
const pendingGrace = time.Minute

// Settle waits while the server holds a generation that is neither confirmed
// nor reverted: somebody else is at work, or a run was interrupted and the
// timer will tell. tell is given a line when there is something to wait for.
// A generation that outlives its timer is reverted.
func Settle(ctx context.Context, s *site.Site, o Options, tell func(string)) error {
	r := New(s, o)
	bounded, cancel := context.WithTimeoutCause(ctx, r.o.RevertAfter+pendingGrace, errOutlived)
	defer cancel()
	var last server.Transaction
	for {
		t, err := r.transactionNow(bounded)
		if err == nil && t.Pending == "" {
			return nil
		}
		if err == nil && last.Pending != t.Pending {
			last = t
			tell(fmt.Sprintf("generation %s is not confirmed: %s; waiting until it is, or until the server has reverted it", t.Pending, t.PendingIs))
		}
		select {
		case <-bounded.Done():
			if errors.Is(context.Cause(bounded), errOutlived) && last.Pending != "" {
				return r.revertPending(ctx, last.Pending)
			}
			return errors.Join(context.Cause(bounded), err)
		case <-time.After(2 * time.Second):
		}
	}
}

var errOutlived = errors.New("it did not end within its time")

func (r *Run) transactionNow(ctx context.Context) (server.Transaction, error) {
	conn, err := r.dialAnew(ctx)
	if err != nil {
		return server.Transaction{}, err
	}
	defer conn.Close()
	result, err := conn.Run(ctx, server.Status(r.by()))
	if err != nil {
		return server.Transaction{}, err
	}
	return server.ParseStatus(result.Stdout)
}

func (r *Run) revertPending(ctx context.Context, generation string) error {
	conn, err := r.dialAnew(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	result, err := conn.Run(ctx, server.Revert(r.by(), generation, "it had been left behind"))
	if err == nil && result.Code != 0 {
		err = fmt.Errorf("revert generation %s: exit %d: %.200s", generation, result.Code, result.Stdout)
	}
	return err
}

// History returns the generations that the server keeps, oldest first.
func (r *Run) History(ctx context.Context) ([]server.Past, error) {
	conn, err := r.server(ctx)
	if err != nil {
		return nil, err
	}
	result, err := conn.Run(ctx, server.History(r.by()))
	if err != nil {
		return nil, err
	}
	return server.ParseHistory(result.Stdout)
}
