package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// A manifest is whole, in the order of the components; what was reviewed is
// what the server said of every path of it, and of those that go.
func TestManifest(t *testing.T) {
	item := func(k state.Key, v state.Value, e state.Effect) state.Item {
		return state.Item{Key: k, Value: v, Effect: e}
	}
	path := func(p string) state.Key { return state.Key{Kind: state.Path, Name: p} }
	text := func(s string, is state.Secrecy) state.File {
		return state.NewFile(0o640, "root", "bird", []byte(s), is)
	}
	want, err := state.NewSet("gru1", []state.Item{
		item(path("/etc/a-last"), text("a", state.Confidential), state.Effect{Order: 6, Unit: "bird.service", How: state.Reload}),
		item(path("/etc/z-first"), text("z", state.Public), state.Effect{Order: 1, How: state.Command, Command: []string{"hostname", "x"}, Check: []string{"true", "{}"}}),
		item(state.Key{Kind: state.Unit, Name: "bird.service"}, state.Service{Enabled: true, Active: true}, state.Effect{Order: 6}),
		item(state.AddressKey("eno1", "192.0.2.20/28"), state.Text("present"), state.Effect{}),
		item(state.AddressKey("02:00:00:00:00:02", "198.51.100.1/31"), state.Text("present"), state.Effect{}),
		item(state.DefaultKey("eno1", "192.0.2.17"), state.Text("present"), state.Effect{}),
		item(state.ManagerKey("eno1"), state.Text("systemd-networkd"), state.Effect{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Diff(want, state.NewFacts([]state.Fact{{Key: path("/etc/gone"), Value: state.File{Token: "t"}}}))
	m := manifest(p, want, []byte("declared"))
	a, z := text("a", state.Confidential), text("z", state.Public)
	exact := server.Manifest{
		Plan: m.Plan, Declared: []byte("declared"),
		Files: []server.File{
			{Path: "/etc/z-first", Mode: 0o640, Owner: "root", Group: "bird", Data: z.Data, Sum: sum(z), Check: []string{"true", "{}"}, Effect: &server.Action{Order: 1, Run: []string{"hostname", "x"}}},
			{Path: "/etc/a-last", Mode: 0o640, Owner: "root", Group: "bird", Secret: true, Data: a.Data, Sum: sum(a), Effect: &server.Action{Order: 6, Verb: server.ActReload, Unit: "bird.service"}},
		},
		Units: []server.Unit{{Name: "bird.service", Enabled: true, Active: true, Order: 6}}, Deletes: []string{"/etc/gone"},
		Links: []server.Link{
			{Match: server.Match{MAC: "02:00:00:00:00:02"}, Addresses: []string{"198.51.100.1/31"}},
			{Match: server.Match{Name: "eno1"}, Addresses: []string{"192.0.2.20/28"}, Gateways: []string{"192.0.2.17"}},
		},
	}
	if diff := cmp.Diff(exact, m); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	files := map[string]server.FileFact{"/etc/a-last": {Standing: "1"}, "/etc/z-first": {Standing: "2"}, "/etc/gone": {Standing: "3"}, "/etc/else": {Standing: "4"}}
	r := reviewed(server.Facts{Current: 3, Files: files}, m)
	if diff := cmp.Diff(server.Reviewed{Current: 3, Standing: map[string]string{"/etc/a-last": "1", "/etc/z-first": "2", "/etc/gone": "3"}}, r); diff != "" {
		t.Errorf("reviewed (-want +got):\n%s", diff)
	}
}
