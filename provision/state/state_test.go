package state_test

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/state"
)

func key(kind state.Kind, name string) state.Key { return state.Key{Kind: kind, Name: name} }

func TestKeyString(t *testing.T) {
	tests := []struct {
		name string
		key  state.Key
		want string
	}{
		{"setting", key(state.Setting, "ipv4.address"), "bmc ipv4.address"},
		{"package", key(state.Package, "bird2"), "package bird2"},
		{"path", key(state.Path, "/etc/hosts"), "file /etc/hosts"},
		{"unit", key(state.Unit, "bird.service"), "service bird.service"},
		{"live", key(state.Live, "address lo 192.0.2.1/32"), "live address lo 192.0.2.1/32"},
		{"zero", state.Key{}, "kind(0) "},
		{"unknown", key(200, "x"), "kind(200) x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if have := tt.key.String(); have != tt.want {
				t.Errorf("got %q, want %q", have, tt.want)
			}
		})
	}
}

// The order is the one in which a plan is handled: the BMC before packages,
// packages before files, files before units.
func TestKeyOrder(t *testing.T) {
	sorted := []state.Key{
		key(state.Setting, "a"), key(state.Setting, "z"), key(state.Package, "a"),
		key(state.Path, "/a"), key(state.Path, "/a/b"), key(state.Unit, "a"), key(state.Live, "a"),
	}
	for i, a := range sorted {
		for j, b := range sorted {
			if have, want := a.Compare(b), cmp.Compare(i, j); have != want {
				t.Errorf("%s against %s: got %d, want %d", a, b, have, want)
			}
		}
	}
}

func newFile() state.File {
	return state.NewFile(0o644, "root", "bird", []byte("text\n"), state.Public)
}

func TestValueEqual(t *testing.T) {
	file := func(change func(*state.File)) state.File {
		f := newFile()
		change(&f)
		return f
	}
	tests := []struct {
		name string
		a, b state.Value
		want bool
	}{
		{"same list", state.Attr{Values: []string{"a", "b"}}, state.Attr{Values: []string{"a", "b"}}, true},
		{"other order", state.Attr{Values: []string{"a", "b"}}, state.Attr{Values: []string{"b", "a"}}, false},
		{"shorter", state.Attr{Values: []string{"a", "b"}}, state.Text("a"), false},
		{"none and nil are both none", state.Attr{Values: []string{}}, state.Attr{}, true},
		{"same service", state.Service{Enabled: true}, state.Service{Enabled: true}, true},
		{"not enabled", state.Service{Enabled: true, Active: true}, state.Service{Active: true}, false},
		{"not active", state.Service{Enabled: true, Active: true}, state.Service{Enabled: true}, false},
		{"same file", newFile(), newFile(), true},
		{"the bytes need not be there", newFile(), file(func(f *state.File) { f.Data = nil }), true},
		{"secrecy is no property of the file", newFile(), file(func(f *state.File) { f.Secret = true }), true},
		{"a token is no property of the file", newFile(), file(func(f *state.File) { f.Token = "1-2-3" }), true},
		{"other mode", newFile(), file(func(f *state.File) { f.Mode = 0o640 }), false},
		{"set-user-ID", newFile(), file(func(f *state.File) { f.Mode |= 0o4000 }), false},
		{"other owner", newFile(), file(func(f *state.File) { f.Owner = "bird" }), false},
		{"other group", newFile(), file(func(f *state.File) { f.Group = "root" }), false},
		{"other bytes", newFile(), state.NewFile(0o644, "root", "bird", []byte("text"), state.Public), false},
		{"a link where a file is wanted", newFile(), state.Text("link to /dev/null"), false},
		{"list and service", state.Text("a"), state.Service{}, false},
		{"service and file", state.Service{}, newFile(), false},
		{"nothing", newFile(), nil, false},
		{"no list", state.Text("a"), nil, false},
		{"no service", state.Service{}, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if have := tt.a.Equal(tt.b); have != tt.want {
				t.Errorf("got %t, want %t", have, tt.want)
			}
			if tt.b == nil {
				return
			}
			if have := tt.b.Equal(tt.a); have != tt.want {
				t.Errorf("the other way round: got %t, want %t", have, tt.want)
			}
		})
	}
}

func TestNewFileKeepsPermissionsOnly(t *testing.T) {
	f := state.NewFile(fs.ModeDir|fs.ModeSetuid|0o750, "root", "root", []byte("abc"), state.Confidential)
	if f.Mode != 0o750 || !f.Secret {
		t.Errorf("got mode %v, secret %t", f.Mode, f.Secret)
	}
	// FIPS 180-2, appendix B.1.
	if have := fmt.Sprintf("%x", f.Sum); have != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("sum is %s", have)
	}
}

func item(k state.Key, component string) state.Item {
	return state.Item{Key: k, Value: state.Text("x"), Effect: state.Effect{Component: component}}
}

func TestNewSet(t *testing.T) {
	given := []state.Item{
		item(key(state.Unit, "b"), "one"), item(key(state.Path, "/b"), "two"),
		item(key(state.Path, "/a"), "one"), item(key(state.Setting, "z"), "bmc"),
	}
	first := given[0].Key
	set, err := state.NewSet("gru1", given)
	if err != nil {
		t.Fatal(err)
	}
	if given[0].Key != first {
		t.Error("the caller's list was sorted")
	}
	if set.Site() != "gru1" || set.Len() != 4 {
		t.Errorf("got site %q with %d items", set.Site(), set.Len())
	}
	var all []string
	for it := range set.All() {
		all = append(all, it.Key.String())
	}
	if diff := gocmp.Diff([]string{"bmc z", "file /a", "file /b", "service b"}, all); diff != "" {
		t.Errorf("All (-want +got):\n%s", diff)
	}
	if diff := gocmp.Diff([]state.Key{{Kind: state.Path, Name: "/a"}, {Kind: state.Path, Name: "/b"}}, set.Keys(state.Path)); diff != "" {
		t.Errorf("Keys (-want +got):\n%s", diff)
	}
	if keys := set.Keys(state.Live); keys != nil {
		t.Errorf("keys of a kind that is not there: %v", keys)
	}
	if it, ok := set.Get(key(state.Path, "/b")); !ok || it.Effect.Component != "two" {
		t.Errorf("Get gives %v, %t", it, ok)
	}
	if it, ok := set.Get(key(state.Path, "/c")); ok || it.Value != nil {
		t.Errorf("Get of what is not wanted gives %v, %t", it, ok)
	}
	for it := range set.Of(state.Path) { // a reader may stop early
		if it.Key.Name != "/a" {
			t.Errorf("first file is %s", it.Key)
		}
		break
	}
}

func TestNewSetRefuses(t *testing.T) {
	tests := []struct {
		name  string
		items []state.Item
		want  string
	}{
		{"twice", []state.Item{item(key(state.Path, "/a"), "one"), item(key(state.Path, "/a"), "two")}, `file /a is wanted twice, by "one" and by "two"`},
		{"no value", []state.Item{{Key: key(state.Unit, "u")}}, "service u has no value"},
		{"no value, last of several", []state.Item{item(key(state.Path, "/a"), "one"), {Key: key(state.Unit, "u")}}, "service u has no value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, err := state.NewSet("gru1", tt.items)
			if err == nil || err.Error() != tt.want || set != nil {
				t.Errorf("got %v, %v; want %s", set, err, tt.want)
			}
		})
	}
}

func TestZeroSetIsEmpty(t *testing.T) {
	var s state.Set
	if s.Len() != 0 || s.Site() != "" || len(slices.Collect(s.All())) != 0 {
		t.Errorf("got %+v", s)
	}
	if _, ok := s.Get(key(state.Path, "/a")); ok {
		t.Error("an empty set has /a")
	}
}

// Absent, unknown and unsupported are three different answers.
func TestFactStates(t *testing.T) {
	broken := errors.New("connection refused")
	tests := []struct {
		name                 string
		fact                 state.Fact
		unknown, unsupported bool
	}{
		{"there", state.Fact{Value: state.Text("x")}, false, false},
		{"absent", state.Fact{}, false, false},
		{"unknown", state.Fact{Err: broken}, true, false},
		{"unsupported", state.Fact{Err: state.ErrUnsupported}, false, true},
		{"unsupported, with a reason", state.Fact{Err: fmt.Errorf("no IPv6 on this model: %w", state.ErrUnsupported)}, false, true},
		{"a value that came with an error is unknown", state.Fact{Value: state.Text("x"), Err: broken}, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if u, n := tt.fact.Unknown(), tt.fact.Unsupported(); u != tt.unknown || n != tt.unsupported {
				t.Errorf("unknown %t, unsupported %t; want %t, %t", u, n, tt.unknown, tt.unsupported)
			}
		})
	}
}

func TestFacts(t *testing.T) {
	given := []state.Fact{{Key: key(state.Unit, "u")}, {Key: key(state.Path, "/b"), Value: state.Text("x")}, {Key: key(state.Path, "/a")}}
	facts := state.NewFacts(given)
	if given[0].Key.Name != "u" {
		t.Error("the caller's list was sorted")
	}
	var all []string
	for f := range facts.All() {
		all = append(all, f.Key.String())
	}
	if diff := gocmp.Diff([]string{"file /a", "file /b", "service u"}, all); diff != "" {
		t.Errorf("All (-want +got):\n%s", diff)
	}
	if f := facts.Get(key(state.Path, "/b")); f.Value == nil || f.Err != nil {
		t.Errorf("Get gives %+v", f)
	}
	f := facts.Get(key(state.Path, "/c"))
	if !f.Unknown() || f.Key.Name != "/c" || f.Err.Error() != "nobody looked" {
		t.Errorf("what nobody asked for reads as %+v", f)
	}
	if f := state.NewFacts(nil).Get(key(state.Path, "/c")); !f.Unknown() {
		t.Errorf("of no facts, /c reads as %+v", f)
	}
}

func TestTwoFactsForOneKeyAreABug(t *testing.T) {
	defer func() {
		if have := recover(); have != "state: two facts for file /a" {
			t.Errorf("got %v", have)
		}
	}()
	state.NewFacts([]state.Fact{{Key: key(state.Path, "/a")}, {Key: key(state.Path, "/a")}})
}
