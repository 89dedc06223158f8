package provision

import (
	"context"
	"time"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verify"
)

// VerifySettled verifies again and again until every check has passed or the
// time is over, and returns the last results: what has just been started may
// need a moment. With no time it verifies once.
func VerifySettled(ctx context.Context, s *site.Site, o Options, v Vantages, patience time.Duration) []verify.Result {
	end := time.Now().Add(patience)
	for {
		run := New(s, o)
		results := run.Verify(ctx, v)
		_ = run.Close(ctx) // what it left behind is said by the next login
		settled := len(verify.Failed(results))+len(verify.Undecided(results)) == 0
		if settled || time.Now().After(end) {
			return results
		}
		select {
		case <-ctx.Done():
			return results
		case <-time.After(2 * time.Second):
		}
	}
}
