package plan_test

import (
	"testing"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/state"
)

// TestDiffOfRunning: that something else runs is a change of its own where the
// file is as it is wanted. Where it is not, the file's change says all.
func TestDiffOfRunning(t *testing.T) {
	const path = "/etc/nftables.conf"
	conf, running := key(state.Path, path), state.RunningKey(path)
	want := set(t, state.Item{Key: conf, Value: file("a", state.Public)}, state.Item{Key: running, Value: state.AsDeclared()})
	amiss := state.Fact{Key: running, Value: state.Attr{Values: []string{"runs: evil"}}}
	unseen := state.Fact{Key: running, Err: errNoAnswer}
	for _, tt := range []struct {
		name             string
		file, running    state.Fact
		changes, unknown int
	}{
		{"as declared", state.Fact{Key: conf, Value: file("a", state.Public)}, state.Fact{Key: running, Value: state.AsDeclared()}, 0, 0},
		{"something else runs", state.Fact{Key: conf, Value: file("a", state.Public)}, amiss, 1, 0},
		{"it cannot be seen", state.Fact{Key: conf, Value: file("a", state.Public)}, unseen, 0, 1},
		{"another file too", state.Fact{Key: conf, Value: file("b", state.Public)}, amiss, 1, 0},
		{"no file", state.Fact{Key: conf}, state.Fact{Key: running}, 1, 0},
		{"a file that cannot be seen", state.Fact{Key: conf, Err: errNoAnswer}, unseen, 0, 1},
	} {
		p := plan.Diff(want, facts(tt.file, tt.running))
		if len(p.Changes) != tt.changes || len(p.Unknown) != tt.unknown {
			t.Errorf("%s: %d changes, %d unknown", tt.name, len(p.Changes), len(p.Unknown))
		}
	}
	stands := state.Fact{Key: conf, Value: file("a", state.Public)}
	more := state.Fact{Key: running, Value: state.Attr{Values: []string{"runs: evil", "runs: more"}}}
	if plan.Diff(want, facts(stands, amiss)).Digest() == plan.Diff(want, facts(stands, more)).Digest() {
		t.Error("the digest does not cover what runs")
	}
}
