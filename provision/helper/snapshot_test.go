package helper

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/server"
)

// toTakeDown is a server before a change of a file, a link, a secret, one that goes,
// one that is not there in a directory that is not either, and a note of one boot.
func toTakeDown() (*wires, difference) {
	w := newWires()
	w.files["/etc/a"], w.files["/etc/l"], w.files["/etc/s"], w.files["/etc/g"], w.files[ifstateFile] = "a", "-> b", "secret", "g", "v"
	w.units["dns.service"] = on()
	w.units["gone.service"] = server.UnitFact{Load: "not-found", Active: "inactive"}
	w.net = server.Network{Rules: []server.Rule{{Family: 4, From: "192.0.2.30", Table: 100}}}
	return w, difference{
		Owners: map[string]owner{"eno2": {Manager: server.Ifupdown}},
		Changes: []change{{Kind: write, Path: "/etc/a"}, {Kind: write, Path: "/etc/l"}, {Kind: write, Path: "/etc/s", Secret: true}, {Kind: remove, Path: "/etc/g"},
			{Kind: write, Path: "/etc/new/er/n"}, {Kind: write, Path: "/etc/new/er/o"}, {Kind: remove, Path: "/etc/old/x"}},
		units: []string{"dns.service", "gone.service", "unheard.service"},
	}
}

// A snapshot has the bytes, links and absences of all that changes, units and
// network, and is flushed before it is said to be one.
func TestSnapshot(t *testing.T) {
	w, d := toTakeDown()
	b, err := w.helper().snapshot(4, d)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range slices.Concat(b.Files, b.Passing) {
		all = append(all, strings.Join([]string{string(f.Kind), f.Path, f.Link, f.Sum[:min(len(f.Sum), 4)], f.New, f.Old}, " "))
	}
	sum := func(s string) string { return sumOf([]byte(s))[:4] }
	want := []string{
		"file /etc/a  " + sum("a") + " /etc/.raiz-4-0.new /etc/.raiz-4-0.old", "link /etc/l b  /etc/.raiz-4-1.new /etc/.raiz-4-1.old",
		"file /etc/s  " + sum("secret") + " /etc/.raiz-4-2.new /etc/.raiz-4-2.old", "file /etc/g  " + sum("g") + " /etc/.raiz-4-3.new /etc/.raiz-4-3.old",
		"absent /etc/new/er/n   /etc/new/er/.raiz-4-4.new /etc/new/er/.raiz-4-4.old", "absent /etc/new/er/o   /etc/new/er/.raiz-4-5.new /etc/new/er/.raiz-4-5.old",
		"absent /etc/old/x   /etc/old/.raiz-4-6.new /etc/old/.raiz-4-6.old", "file " + ifstateFile + "  " + sum("v") + " /run/network/.raiz-4-7.new /run/network/.raiz-4-7.old",
		"absent " + ifstateFile + ".eno2   /run/network/.raiz-4-8.new /run/network/.raiz-4-8.old",
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if want := []string{"/etc/new", "/etc/new/er"}; !slices.Equal(b.Dirs, want) || !b.Files[2].Secret || b.Files[0].Secret {
		t.Errorf("directories %q, want %q; %+v", b.Dirs, want, b.Files[2])
	}
	if diff := cmp.Diff([]unitThen{{"dns.service", true, true, true}, {"gone.service", false, false, false}, {"unheard.service", false, false, false}}, b.Units); diff != "" {
		t.Errorf("units (-want +got):\n%s", diff)
	}
	for i, text := range map[int]string{0: "a", 2: "secret", 3: "g", 7: "v"} {
		if got := w.files[bytesThen(4, i)]; got != text {
			t.Errorf("kept as %d is %q, want %q", i, got, text)
		}
	}
	var kept before
	if err := json.Unmarshal([]byte(w.files[beforeOf(4)]), &kept); err != nil || kept.Boot != "this boot" || len(kept.Network.Rules) != 1 || len(kept.Files) != 7 {
		t.Errorf("written down is %s, %v", w.files[beforeOf(4)], err)
	}
	if strings.Contains(w.files[beforeOf(4)], sumOf([]byte("secret"))) || !strings.Contains(w.files[beforeOf(4)], sumOf([]byte("a"))) {
		t.Errorf("a secret could be guessed by %s", w.files[beforeOf(4)])
	}
	last := slices.Index(w.did, "flush "+bytesThen(4, 7))
	if names, said := slices.Index(w.did, "flush "+dirOf(4)+"/then"), slices.Index(w.did, "create "+beforeOf(4)+".new"); last < 0 || last > names || names > said {
		t.Errorf("flushed in another order: %q", w.did)
	}
}

// What cannot be taken down cannot be put back: nothing of it begins.
func TestSnapshotThatCannotBe(t *testing.T) {
	for _, broken := range []string{"mkdir " + dirOf(4) + "/then", "look at /etc/a", "read /etc/a", "create " + bytesThen(4, 0), "flush " + bytesThen(4, 2), "look at /etc/new/er",
		"look at /etc/old", "look at " + ifstateFile, "flush " + sumThen(4, 2), "flush " + dirOf(4) + "/then\n", "safe /etc/s", "units", "look", "create " + beforeOf(4)} {
		w, d := toTakeDown()
		w.broken = broken
		if b, err := w.helper().snapshot(4, d); err == nil {
			t.Errorf("%s: %+v, and no error", broken, b)
		}
	}
	for says, spoil := range map[string]func(*wires){
		"/etc/a is neither a file nor a link; move it away by hand":                  func(w *wires) { delete(w.files, "/etc/a"); w.files["/etc/a/b"] = "" },
		"/etc/a has a set-user-ID, set-group-ID or sticky bit; take it away by hand": func(w *wires) { w.special = "/etc/a" },
		"/etc/new is no directory": func(w *wires) { w.files["/etc/new"] = "" },
	} {
		w, d := toTakeDown()
		spoil(w)
		if _, err := w.helper().snapshot(4, d); err == nil || err.Error() != says {
			t.Errorf("said %v, want %q", err, says)
		}
	}
}

// What was reviewed changes with each bit, owner and byte, and tells nothing of
// the bytes of a secret.
func TestWordOfWhatStands(t *testing.T) {
	file := standing{Kind: server.IsFile, Sum: "5um", Info: Info{Stamp: "7", Attributes: Attributes{Mode: 0o640, Owner: "root", Group: "bird"}}}
	special := file
	special.Special = true
	for _, tt := range []struct {
		s    standing
		is   secrecy
		want string
	}{
		{file, false, "file 0640 root bird 5um"}, {file, true, "file 0640 root bird at 7"}, {special, false, "file 7640 root bird 5um"},
		{standing{Kind: server.IsLink, Info: Info{Link: "x"}}, false, "link " + sumOf([]byte("x"))}, {standing{Kind: server.IsAbsent}, true, string(server.IsAbsent)},
	} {
		if got := tt.s.word(tt.is); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	if want := (server.File{Sum: "5um", Mode: 0o640, Owner: "root", Group: "bird"}); !file.is(want) || special.is(want) {
		t.Error("a file with a bit more is what a manifest wants")
	}
}

// A secret is what it was by a sum that goes with its copy. Once that is gone it
// stands, whatever it is; one that cannot be read is not gone.
func TestSecretThen(t *testing.T) {
	w, d := toTakeDown()
	h := w.helper()
	if _, err := h.snapshot(4, d); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		spoil func()
		was   bool
		fails bool
	}{
		{name: "as it was", spoil: func() {}, was: true},
		{name: "another", spoil: func() { w.files["/etc/s"] = "another" }},
		{name: "a sum that cannot be read", spoil: func() { w.broken = "read " + sumThen(4, 2) }, fails: true},
		{name: "forgotten", spoil: func() { w.broken = ""; delete(w.files, sumThen(4, 2)) }, was: true},
		{name: "forgotten, and gone", spoil: func() { delete(w.files, "/etc/s") }},
	} {
		tt.spoil()
		b, err := h.before(4)
		if (err != nil) != tt.fails {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err != nil {
			continue
		}
		s, err := h.stands("/etc/s")
		if got := b.Files[2].was(s); err != nil || got != tt.was {
			t.Errorf("%s: was %t, want %t; %v", tt.name, got, tt.was, err)
		}
	}
	// One that is no secret has its sum in any case.
	if d := (then{Kind: server.IsFile}); d.was(standing{Kind: server.IsFile, Sum: "5um"}) || (then{Kind: server.IsLink, Link: "a", Secret: true}).was(standing{Kind: server.IsLink, Info: Info{Link: "b"}}) {
		t.Errorf("%+v was", d)
	}
}
