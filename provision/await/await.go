// Package await is how raiz waits: for a time, until something is so, and for
// the first of several that answers rightly. It knows nothing of what is
// waited for. Start reading at Until.
package await

import (
	"context"
	"time"
)

// For waits, or returns the error of a context that ends before.
func For(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Until looks again and again, with a pause in between, until look says that
// it is done or returns an error, which is Until's. It looks at least once, and
// cuts no look short: whoever has a limit of their own says so in look.
func Until(ctx context.Context, pause time.Duration, look func(context.Context) (done bool, err error)) error {
	for {
		if done, err := look(ctx); done || err != nil {
			return err
		}
		if err := For(ctx, pause); err != nil {
			return err
		}
	}
}
