package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/shell"
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
	var last shell.Transaction
	var failed error
	err := await.Until(bounded, poll, func(ctx context.Context) (bool, error) {
		t, err := r.transactionNow(ctx)
		if failed = err; err != nil {
			return false, nil
		}
		if t.Pending != "" && last.Pending != t.Pending {
			last = t
			tell(verdict.New("notice.waiting", verdict.Seen("generation", t.Pending), verdict.Seen("state", t.PendingIs)))
		}
		return t.Pending == "", nil
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(bounded), errOutlived) && last.Pending != "":
		return r.revertPending(ctx, last.Pending)
	}
	return errors.Join(context.Cause(bounded), failed)
}

var errOutlived = errors.New("it did not end within its time")

func (r *Run) transactionNow(ctx context.Context) (shell.Transaction, error) {
	conn, err := r.dialAnew(ctx)
	if err != nil {
		return shell.Transaction{}, err
	}
	defer conn.Close()
	result, err := conn.Run(ctx, shell.Status(r.by()))
	if err != nil {
		return shell.Transaction{}, err
	}
	return shell.ParseStatus(result.Stdout)
}

func (r *Run) revertPending(ctx context.Context, generation string) error {
	conn, err := r.dialAnew(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	result, err := conn.Run(ctx, shell.Revert(r.by(), generation, messages.English().Say(verdict.New("notice.left-behind"))))
	if err == nil && result.Code != 0 {
		err = fmt.Errorf("revert generation %s: exit %d: %.200s", generation, result.Code, result.Stdout)
	}
	return err
}
