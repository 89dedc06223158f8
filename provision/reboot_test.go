//go:build linux

package provision_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/verify"
)

// TestReboot has a controller whose power policy waits for a reboot: it is
// written, waits, and is in effect after the server was restarted with its blocks
// withdrawn.
func TestReboot(t *testing.T) {
	needMachines(t)
	t.Parallel()
	b := newBedWith(t, "../sites/as112-gru1.hcl", rehearse.Options{Personality: "idrac"})
	b.mustApply(b.Site)
	b.verifyUntil(b.Site, map[string]verify.Status{"bmc.power-restore": verify.Warn})
	routes := func(want int) func() error { // there is one router
		return func() error {
			have, err := b.Router.Routes(t.Context())
			if err == nil && len(have) != want {
				err = fmt.Errorf("%d of %d routes", len(have), want)
			}
			return err
		}
	}
	blocks := len(b.Site.Blocks())
	b.until(settle, "the announcement", routes(blocks))

	run := provision.New(b.Site, b.o)
	defer run.Close(context.Background())
	planned, err := run.Plan(t.Context())
	b.must(err)
	j, err := run.Apply(t.Context(), planned, planned.Plan.Digest())
	b.must(err)
	names := planned.Waiting(j)
	if !planned.Plan.Empty() || !slices.Equal(names, []string{"power-restore"}) {
		t.Fatalf("%d changes left, %v waits", len(planned.Plan.Changes), names)
	}
	up := b.on(b.Server, "systemctl", "show", "-P", "UserspaceTimestampMonotonic")

	var withdrawn atomic.Bool // with GRACEFUL_SHUTDOWN (RFC 8326) before: whoever shuts down withdraws as well
	ctx, cancel := context.WithCancel(t.Context())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for ctx.Err() == nil {
			if have, err := b.Router.Routes(ctx); err == nil && len(have) > 0 && slices.Contains(have[0].Communities, "65535:0") {
				withdrawn.Store(true)
			}
			time.Sleep(50 * time.Millisecond) // between two looks
		}
	}()
	err = run.Reboot(t.Context(), planned, names, 3*time.Minute)
	cancel()
	<-watched
	b.must(err)
	if now := b.on(b.Server, "systemctl", "show", "-P", "UserspaceTimestampMonotonic"); now == up {
		t.Error("the server was not restarted")
	}
	if !withdrawn.Load() {
		t.Error("the blocks were not drained")
	}
	b.until(settle, "the announcement", routes(blocks))
	b.verifyUntil(b.Site, allInOrder())
	if again, _ := b.plan(b.Site); !again.Plan.Empty() || len(again.Plan.Waiting) > 0 {
		t.Errorf("left: %+v, waiting: %+v", again.Plan.Changes, again.Plan.Waiting)
	}

	// A drain that somebody else has made stays, over a restart by hand too.
	_, err = run.Drain(t.Context(), server.DrainRequest{Wanted: true})
	b.must(err)
	b.must(run.Restart(t.Context(), bmc.PowerRestart, time.Minute, 3*time.Minute))
	b.must(routes(0)())
	guard, err := run.Drain(t.Context(), server.DrainRequest{})
	b.must(err)
	b.must(provision.Announced(guard))
	b.must(run.Restart(t.Context(), bmc.PowerRestart, time.Minute, 3*time.Minute))
	b.until(settle, "the announcement", routes(blocks))
}
