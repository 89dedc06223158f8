package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/state"
)

// settings changes the BMC. It has ended, proven or not, before anything on
// the server starts: of the two ways in, only one is ever in doubt.
func settings(ctx context.Context, p plan.Plan, d Deps, j *Journal) error {
	var changes []bmc.Change
	for _, c := range p.Of(state.Setting) {
		change := bmc.Change{Key: c.Key, Value: c.After}
		if c.Key.Name == "account" {
			change.Secret = d.Account
		}
		changes = append(changes, change)
	}
	start := time.Now()
	outcomes, err := d.BMC.Set(ctx, changes)
	bad := 0
	for _, o := range outcomes {
		outcome := bmcOutcome(o)
		if outcome != Done && outcome != Waits && outcome != Queued && outcome != Unsupported {
			bad++
		}
		j.add(Setting(o.Key), outcome, o.Err, start)
	}
	// What this controller cannot have was said, and keeps nothing back.
	if len(outcomes) == len(changes) && bad == 0 {
		return nil
	}
	j.Outcome = Failed
	if err == nil {
		err = fmt.Errorf("%d of %d settings are not as planned", bad, len(changes))
	}
	return fmt.Errorf("change bmc: %w", err)
}

func bmcOutcome(o bmc.Outcome) Outcome {
	switch o.Status {
	case bmc.Done:
		return Done
	case bmc.Pending:
		return Waits
	case bmc.Queued:
		return Queued
	case bmc.Unsupported:
		return Unsupported
	case bmc.Unknown:
		return Unknown
	}
	return Failed
}
