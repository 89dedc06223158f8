package plan_test

import (
	"testing"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/state"
)

// TestWaits plans nothing where what waits for a reboot is wanted, takes back what
// is not, and tells either by its digest.
func TestWaits(t *testing.T) {
	k := state.Key{Kind: state.Setting, Name: "power-restore"}
	digests := map[string]string{}
	for name, c := range map[string]struct {
		want, have, pending, queued string
		changes, waiting, later     int
	}{
		"as it is":                    {"on", "on", "", "", 0, 0, 0},
		"waits":                       {"on", "off", "on", "", 0, 1, 0},
		"another waits":               {"on", "off", "last", "", 1, 0, 0},
		"what nobody wants any more":  {"off", "off", "on", "", 1, 0, 0},
		"nothing waits":               {"on", "off", "", "", 1, 0, 0},
		"it has become so since then": {"off", "off", "", "", 0, 0, 0},
		"it comes after the reboot":   {"on", "off", "", "a job waits", 0, 0, 1},
		"it need not come":            {"on", "on", "", "a job waits", 0, 0, 0},
	} {
		want, err := state.NewSet("gru1", []state.Item{{Key: k, Value: state.Text(c.want)}})
		if err != nil {
			t.Fatal(err)
		}
		fact := state.Fact{Key: k, Value: state.Text(c.have), AtReboot: true, Queued: c.queued}
		if c.pending != "" {
			fact.Pending = state.Text(c.pending)
		}
		p := plan.Diff(want, state.NewFacts([]state.Fact{fact}))
		if len(p.Changes) != c.changes || len(p.Waiting) != c.waiting || len(p.Queued) != c.later || p.Empty() != (c.changes == 0) {
			t.Errorf("%s: %+v", name, p)
		}
		for _, ch := range p.Changes {
			if !ch.AtReboot || (ch.Pending == nil) != (c.pending == "") || !ch.After.Equal(state.Text(c.want)) {
				t.Errorf("%s: %+v", name, ch)
			}
		}
		if other, said := digests[p.Digest()]; said {
			t.Errorf("%s has the digest of %s", name, other)
		}
		digests[p.Digest()] = name
	}
}
