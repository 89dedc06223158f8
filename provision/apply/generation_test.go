package apply

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/state"
)

// Actions are the union of what the changes need, each unit once and as
// strongly as anything needs it, addresses before DNS before BGP.
func TestActions(t *testing.T) {
	change := func(kind state.Kind, name string, before state.Value, e state.Effect) plan.Change {
		return plan.Change{Key: state.Key{Kind: kind, Name: name}, Action: plan.Update, Before: before, After: state.Service{Enabled: true, Active: true}, Effect: e}
	}
	p := plan.Plan{Changes: []plan.Change{
		{Key: state.Key{Kind: state.Path, Name: "/etc/systemd/system/gone.service"}, Action: plan.Delete},
		change(state.Path, "/etc/bird/bird.conf", nil, state.Effect{Order: 5, Unit: "bird.service", How: state.Reload}),
		change(state.Path, "/etc/nsd/nsd.conf", nil, state.Effect{Order: 4, Unit: "nsd.service", How: state.Restart}),
		change(state.Path, "/etc/nsd/zones.conf", nil, state.Effect{Order: 4, How: state.Command, Command: []string{"nsd-control", "reconfig"}}),
		change(state.Path, "/etc/nsd/keys.conf", nil, state.Effect{Order: 4, How: state.Command, Command: []string{"nsd-control", "reconfig"}}),
		change(state.Unit, "nsd.service", state.Service{}, state.Effect{Order: 4}),
		change(state.Unit, "bird.service", state.Service{Enabled: true}, state.Effect{Order: 5}),
		change(state.Live, "address lo 192.0.2.1/32", nil, state.Effect{Order: 1, How: state.Command, Command: []string{"networkctl", "reconfigure", "lo"}}),
	}}
	var got []string
	for _, a := range actions(p) {
		got = append(got, strings.TrimSpace(a.Verb+" "+a.Unit+strings.Join(a.Run, " ")))
	}
	want := []string{
		"disable gone.service",
		"networkctl reconfigure lo",
		"enable nsd.service",
		"restart nsd.service",
		"nsd-control reconfig",
		"reload bird.service",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}
