package plan_test

import (
	"fmt"
	"testing"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/state"
)

// TestFixed plans no change that this machine cannot make: it is said, unless
// it happens to be as wanted.
func TestFixed(t *testing.T) {
	k := state.Key{Kind: state.Setting, Name: "power-restore"}
	for wanted, said := range map[string]int{"last-state": 0, "always-on": 1} {
		want, err := state.NewSet("gru1", []state.Item{{Key: k, Value: state.Text(wanted)}})
		if err != nil {
			t.Fatal(err)
		}
		have := state.NewFacts([]state.Fact{{Key: k, Value: state.Text("last-state"), Err: fmt.Errorf("it is in the BIOS: %w", state.ErrUnsupported)}})
		p := plan.Diff(want, have)
		if !p.Empty() || !p.Applicable() || len(p.Unsupported) != said {
			t.Errorf("%s: %+v", wanted, p)
		}
	}
}
