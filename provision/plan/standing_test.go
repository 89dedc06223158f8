package plan_test

import (
	"net/netip"
	"testing"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/state"
)

// What is somebody else's is shown, so it moves the plan; where nothing is,
// the plan is the one that it was.
func TestOver(t *testing.T) {
	a, b := state.Item{Key: key(state.Path, "/etc/a"), Value: file("a", state.Public)}, state.Item{Key: key(state.Path, "/etc/b"), Value: file("b", state.Public)}
	p := plan.Diff(set(t, a, b), facts(state.Fact{Key: a.Key, Value: seen("other", "1", state.Public)}, state.Fact{Key: b.Key}))
	session := plan.Session{Name: "x", Neighbor: netip.MustParseAddr("192.0.2.1"), AS: 64500}
	digests := map[string]string{p.Digest(): "as it is"}
	for name, s := range map[string]plan.Standing{
		"a file": {Foreign: []string{"/etc/a"}}, "a session": {Sessions: []plan.Session{session}}, "unseen": {Unseen: "x"},
	} {
		d := p.Over(s).Digest()
		if other := digests[d]; other != "" {
			t.Errorf("%s gives the plan of %s", name, other)
		}
		digests[d] = name
	}
	for _, s := range []plan.Standing{{}, {Foreign: []string{"/etc/b", "/etc/c"}}} {
		if p.Over(s).Digest() != p.Digest() {
			t.Errorf("%+v moves the plan", s)
		}
	}
	over := p.Over(plan.Standing{Foreign: []string{"/etc/a"}})
	if !over.Changes[0].Foreign || over.Changes[1].Foreign || p.Changes[0].Foreign {
		t.Errorf("foreign: %+v, before %+v", over.Changes, p.Changes)
	}
}
