package provision

import (
	"errors"
	"testing"

	"github.com/raiz-dns/raiz/provision/state"
)

// What waits still once a system is up was not taken by the firmware; nothing else
// is called so.
func TestLeftWaiting(t *testing.T) {
	k := state.Key{Kind: state.Setting, Name: "power-restore"}
	want, err := state.NewSet("gru1", []state.Item{{Key: k, Value: state.Text("on")}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		fact     state.Fact
		refused  bool // with a system that is up
		before   bool // and without one
		complete bool
	}{
		"in effect":      {state.Fact{Key: k, Value: state.Text("on")}, false, false, true},
		"waits still":    {state.Fact{Key: k, Value: state.Text("off"), Pending: state.Text("on")}, true, false, false},
		"not taken":      {state.Fact{Key: k, Value: state.Text("off")}, true, true, false},
		"nobody can say": {state.Fact{Key: k, Err: errors.New("503")}, false, false, false},
	} {
		seen := inEffect([]state.Fact{c.fact}, want)
		if _, is := errors.AsType[*notTakenError](seen); is != c.before || (seen == nil) != c.complete {
			t.Errorf("%s: without a system: %v", name, seen)
		}
		if _, is := errors.AsType[*notTakenError](leftWaiting(seen)); is != c.refused {
			t.Errorf("%s: with one: %v", name, leftWaiting(seen))
		}
	}
}
