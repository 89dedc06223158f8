package apply

import (
	"context"
	"errors"
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
		if outcome != Done && outcome != Unsupported {
			bad++
		}
		j.add(o.Key.String(), outcome, o.Err, start)
	}
	if err == nil && bad > 0 {
		err = fmt.Errorf("%d of %d settings are not as planned", bad, len(changes))
	}
	if err != nil {
		j.Outcome = Failed
		return fmt.Errorf("change bmc: %w", err)
	}
	return nil
}

func bmcOutcome(o bmc.Outcome) Outcome {
	switch {
	case o.Err == nil:
		return Done
	case errors.Is(o.Err, state.ErrUnsupported):
		return Unsupported
	case o.Status == bmc.Unknown:
		return Unknown
	}
	return Failed
}
