package sim_test

import (
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/helper/sim"
)

// TestByHand: what somebody did by hand to rules and parameters that files
// declare is mended by an apply, and is there again where the apply is taken
// back. TestExplore takes more worlds of the same.
func TestByHand(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, x := range sim.Cases(code(nil)) {
		if !x.ByHand || !strings.HasSuffix(x.Name, "/networkd") {
			continue
		}
		r := explore(x, sim.Bounds{Keeps: three(), Worlds: 40})
		for _, br := range r.broken {
			t.Error(br)
		}
		if r.err != nil || r.Worlds < 10 {
			t.Errorf("%s: %d worlds, %v", x.Name, r.Worlds, r.err)
		}
		seen++
	}
	if seen < 20 {
		t.Errorf("%d cases", seen)
	}
}
