package helper

import (
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

// stood is what was at a path, in generation 7.
func stood(path, text string) then {
	t := then{Path: path, Kind: server.IsFile, Mode: 0o644, Owner: "root", Group: "root", Sum: sumOf([]byte(text)), New: path + ".n", Old: path + ".o"}
	if link, is := strings.CutPrefix(text, "-> "); is {
		t.Kind, t.Link = server.IsLink, link
	} else if text == "" {
		t.Kind = server.IsAbsent
	}
	return t
}

// atRevert is a server with new files, their second names, and copies.
func atRevert() (*rig, []then) {
	all := []then{stood("/etc/a", "a old"), stood("/etc/b", "b old"), stood("/etc/d/c", "-> there"), stood("/etc/new", ""), stood("/etc/e/same", "same")}
	return &rig{files: map[string]string{
		"/etc/a": "a new", "/etc/a.o": "a old", "/etc/a.n": "half", "/etc/b": "b new", "/etc/b.o": "of others", bytesThen(7, 1): "b old",
		"/etc/new": "new", "/etc/e/same": "same", bytesThen(7, 2): "",
	}}, all
}

// Files come back by their second names, else from their copies, with the
// directories that are missing; what was not there goes. All of it is flushed.
func TestPathsBack(t *testing.T) {
	r, all := atRevert()
	if err := r.helper().pathsBack(7, 0, all); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/etc/a": "a old", "/etc/b": "b old", "/etc/d/c": "-> there", "/etc/new": "", "/etc/e/same": "same", "/etc/a.n": ""} {
		if r.files[path] != want {
			t.Errorf("%s holds %q, want %q", path, r.files[path], want)
		}
	}
	want := []string{"remove /etc/a.n", "rename /etc/a.o", "remove /etc/b.o", "create /etc/b.n", "flush /etc/b.n", "rename /etc/b.n",
		"mkdir /etc/d", "link /etc/d/c.n", "rename /etc/d/c.n", "remove /etc/new", "flush /etc", "flush /etc/d", "flush /etc/e"}
	if !slices.Equal(r.did, want) {
		t.Errorf("it did %q, want %q", r.did, want)
	}
}

// What does not come back is said of its path, and holds up no other one.
func TestPathsNotBack(t *testing.T) {
	for broken, says := range map[string]string{
		"look at /etc/a": "/etc/a: look at /etc/a: permission denied", "rename /etc/a.o": "/etc/a: invalid argument", "remove /etc/b.o": "/etc/b: invalid argument",
		"look at /etc/d": "/etc/d/c: permission denied", "mkdir": "/etc/d/c: invalid argument", "read " + bytesThen(7, 1): "/etc/b: permission denied",
		"create": "/etc/b: invalid argument", "flush /etc/b.n": "/etc/b: invalid argument", "flush /etc/e": "invalid argument", "remove /etc/new": "/etc/new: invalid argument",
	} {
		r, all := atRevert()
		r.broken = broken
		err := r.helper().pathsBack(7, 0, all)
		if err == nil || err.Error() != says || onlyTampered(err) {
			t.Errorf("%s is broken: %v, want %q", broken, err, says)
		}
		if broken != "remove /etc/new" && r.files["/etc/new"] != "" {
			t.Errorf("%s is broken: nothing else came back", broken)
		}
	}
	// Where a daemon's user does not let it come back the rest has, and who asks
	// is told which units may not start.
	r, all := atRevert()
	r.broken, all[1].Exposed = "rename /etc/b.n", true
	err := r.helper().pathsBack(7, 0, all)
	b := before{difference: difference{Changes: []change{{Path: "/etc/a", Unit: "a.service"}, {Path: "/etc/b", Unit: "b.service"}, {Path: "/etc/b"}}}}
	if !onlyTampered(err) || !slices.Equal(held(b, err), []string{"b.service"}) || strings.Count(err.Error(), "/etc/b: ") != 1 {
		t.Errorf("%v; held are %q", err, held(b, err))
	}
	r, all = atRevert()
	r.broken, all[1].Exposed = "rename", true
	if err := r.helper().pathsBack(7, 0, all); err == nil || onlyTampered(err) {
		t.Errorf("where a file of root's is not back either: %v", err)
	}
	// It may be replaced as soon as it is back.
	r, all = atRevert()
	all[1].Exposed = true
	if err := (replaces{r}).helper().pathsBack(7, 0, all); !onlyTampered(err) || !strings.Contains(err.Error(), "/etc/b: it is not as it was") {
		t.Errorf("of what is replaced at once: %v", err)
	}
}

// replaces is a user who puts his own file in the place of what comes back.
type replaces struct{ *rig }

func (r replaces) Rename(from, to string) error {
	err := r.rig.Rename(from, to)
	if to == "/etc/b" {
		r.files[to] = "his own"
	}
	return err
}

func (r replaces) helper() *Helper { return New(r, Options{}) }

// Directories that came with the change go; one into which somebody has put
// something stays, and that is no error.
func TestDirsBack(t *testing.T) {
	b := before{Dirs: []string{"/etc/x", "/etc/x/y"}, Boot: "boot", Passing: []then{stood("/run/z", "")}}
	r := &rig{files: map[string]string{"/etc/x": "", "/etc/x/y": "", "/run/z": "z"}}
	if err := r.helper().filesBack(7, b); err != nil || !slices.Equal(r.did, []string{"remove /run/z", "flush /run", "remove /etc/x/y", "remove /etc/x"}) {
		t.Errorf("it did %q, %v", r.did, err)
	}
	b.Boot = "another"
	r = &rig{files: map[string]string{"/etc/x": "", "/etc/x/y": "", "/run/z": "z"}, broken: "remove /etc/x/y"}
	if err := r.helper().filesBack(7, b); err == nil || slices.Contains(r.did, "remove /run/z") {
		t.Errorf("it did %q, %v", r.did, err)
	}
	r.files["/etc/x/y/his"] = "his own"
	if err := r.helper().filesBack(7, b); err != nil {
		t.Errorf("of one that is not empty: %v", err)
	}
}
