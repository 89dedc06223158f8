//go:build linux

package provision_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/verify"
)

// soakRuns is how often a healthy copy is verified: a check that is wrong once
// in a hundred times is found with two chances of three.
const soakRuns = 100

// TestSoak verifies healthy copies over and over: not one of all verdicts may
// be anything but good. RAIZ_SOAK names the site files, from the top of the
// repository, and RAIZ_SOAK_RUNS another number of runs.
func TestSoak(t *testing.T) {
	sites := strings.Fields(os.Getenv("RAIZ_SOAK"))
	if len(sites) == 0 {
		t.Skip("RAIZ_SOAK names no site files: nothing is verified here; see make soak")
	}
	runs := soakRuns
	if text := os.Getenv("RAIZ_SOAK_RUNS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("RAIZ_SOAK_RUNS is %q", text)
		}
		runs = n
	}
	for _, path := range sites {
		t.Run(path, func(t *testing.T) {
			b := newBed(t, "../"+path)
			b.mustApply(b.Site)
			b.verifyUntil(b.Site, allInOrder())
			verdicts, red := 0, 0
			for i := range runs {
				run := provision.New(b.Site, b.o)
				results := run.Verify(t.Context(), provision.TestbedVantages(b.Testbed))
				_ = run.Close(context.Background())
				verdicts += len(results)
				for _, r := range results {
					if r.Status != verify.Pass {
						red++
						t.Errorf("run %d: %s is %s: %s (%s) %s", i, r.ID, r.Status, messages.English().All(r.Got), messages.English().All(r.Evidence), r.Because)
					}
				}
			}
			if verdicts < runs*20 {
				t.Errorf("%d verdicts in %d runs: hardly anything was looked at", verdicts, runs)
			}
			t.Logf("%d runs, %d verdicts, %d not good", runs, verdicts, red)
		})
	}
}
