package helper

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

// recorded writes a generation down.
func (r *rig) recorded(n int, s server.State, m server.Manifest) {
	rec, _ := json.Marshal(record{Status: server.Status{Number: n, Run: "run", State: s}})
	text, _ := json.Marshal(m)
	r.files[recordOf(n)], r.files[manifestOf(n)] = string(rec), string(text)
}

func (r *rig) System() System { return System{} }

// past is a server with three generations: the first is current.
func past() *rig {
	r := asDeclared()
	r.recorded(1, server.Confirmed, server.Manifest{Files: []server.File{{Path: "/etc/a", Mode: 0o644, Owner: "root", Group: "root", Sum: sumOf([]byte("a"))}}})
	r.recorded(2, server.Refused, server.Manifest{})
	r.recorded(3, server.Reverted, server.Manifest{})
	r.files[currentFile], r.files["/etc/a"] = "1\n", "b"
	return r
}

// Where a server cannot be looked at the part of it is named, and what is known
// all the same is told: who reads it can tell unknown from absent.
func TestProbeSaysWhatItCouldNotSee(t *testing.T) {
	ask := server.ProbeRequest{Units: []string{"a.service"}, Links: []server.Match{{Name: "eno1"}}}
	for broken, part := range map[string]string{
		"": "", "list " + generationsDir: server.PartTransaction, "read " + pendingFile: server.PartTransaction, "read " + currentFile: server.PartTransaction,
		"read " + manifestOf(1): server.PartTransaction, "look at /var/lib/raiz": server.PartTransaction, "look at " + lockFile: server.PartTransaction, "look at " + fencesDir: server.PartTransaction,
		"units": "units", "network": "network",
	} {
		r := past()
		r.broken = broken
		f, err := r.helper().probe(ask)
		if err != nil || (f.Problems[part] == "") != (part == "") || len(f.Problems) > 1 {
			t.Errorf("%q is broken: %v, problems %v, want one of %q", broken, err, f.Problems, part)
		}
	}
	r := past()
	r.broken = "read " + networkdDir + "/2"
	if f, _ := r.helper().probe(ask); len(f.Owners) != 1 || f.Owners[0].Known || !strings.Contains(f.Owners[0].Why, "permission denied") {
		t.Errorf("owners are %+v", f.Owners)
	}
	// What stands where a directory is wanted is no directory.
	for _, text := range []string{"a file", "-> /tmp"} {
		r := past()
		r.files[fencesDir] = text
		if f, _ := r.helper().probe(ask); !strings.Contains(f.Problems[server.PartTransaction], fencesDir+" is a ") {
			t.Errorf("%s for the fences: %v", text, f.Problems)
		}
	}
}

// A generation whose record cannot be read is left out, but for the one that is
// pending: that one is owed a way back.
func TestProbeOfGenerations(t *testing.T) {
	see := func(r *rig) (current, pending, last int, problem string) {
		f, err := r.helper().probe(server.ProbeRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if f.Pending != nil {
			pending = f.Pending.Number
		}
		if f.Last != nil {
			last = f.Last.Number
		}
		return f.Current, pending, last, f.Problems[server.PartTransaction]
	}
	r := past()
	r.files[recordOf(3)] = "{"
	if c, p, l, problem := see(r); c != 1 || p != 0 || l != 2 || problem != "" {
		t.Errorf("told are %d, %d, %d, %q", c, p, l, problem)
	}
	r = past()
	r.recorded(4, server.Active, server.Manifest{})
	r.files[pendingFile] = "4\n"
	if c, p, l, problem := see(r); c != 1 || p != 4 || l != 3 || problem != "" {
		t.Errorf("told are %d, %d, %d, %q", c, p, l, problem)
	}
	// It was staged after that, and is not told of as pending.
	r.recorded(5, server.Staged, server.Manifest{})
	if c, p, l, problem := see(r); c != 1 || p != 4 || l != 3 || problem != "" {
		t.Errorf("told are %d, %d, %d, %q", c, p, l, problem)
	}
	r = past()
	if f, _ := r.helper().probe(server.ProbeRequest{}); f.Files["/etc/a"].Kind != server.IsFile || string(f.Files["/etc/a"].Data) != "b" || !f.Last.Changed.IsZero() || f.Last.Current {
		t.Errorf("told are %+v, %+v", f.Files, f.Last)
	}
}

// late is one whose pending generation appears after the others were listed.
type late struct{ *rig }

func (l late) List(dir string) ([]string, error) {
	names, err := l.rig.List(dir)
	if dir == generationsDir {
		l.recorded(4, server.Active, server.Manifest{})
		l.files[pendingFile] = "4\n"
	}
	return names, err
}

func TestPendingIsNeverLeftOut(t *testing.T) {
	if f, err := New(late{past()}, Options{}).probe(server.ProbeRequest{}); err != nil || f.Pending == nil && f.Problems[server.PartTransaction] == "" {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestWhyDenied(t *testing.T) {
	for want, err := range map[string]error{
		"a symbolic link is on the way to it, which raiz does not follow": &fs.PathError{Op: "open", Err: ErrLink},
		"permission denied": &fs.PathError{Op: "open", Err: fs.ErrPermission}, "invalid argument": fs.ErrInvalid,
	} {
		if got := why(err); got != want {
			t.Errorf("%v is %q, want %q", err, got, want)
		}
	}
	r := past()
	r.broken = "read /etc/a"
	if f := r.helper().probeFile(server.FileQuestion{Path: "/etc/a"}, nil); f.Kind != server.IsDenied || f.Why != "permission denied" || f.Mode != 0 {
		t.Errorf("%+v", f)
	}
}

// An earlier generation is made anew whole or not at all: with its record, its
// manifest, each of its files, and the secret that stands.
func TestAgain(t *testing.T) {
	was := server.Manifest{Files: []server.File{{Path: "/etc/gone"}, {Path: "/etc/a"}, {Path: "/etc/gone"}}}
	fresh := func() *rig {
		r := past()
		r.recorded(1, server.Confirmed, server.Manifest{Files: []server.File{
			{Path: "/etc/a", Mode: 0o644, Owner: "root", Group: "root", Sum: sumOf([]byte("a"))},
			{Path: "/etc/key", Mode: 0o600, Owner: "root", Group: "root", Secret: true},
		}, Deletes: []string{"/etc/older"}})
		r.files[bytesOf(1, 0)], r.files["/etc/key"] = "a", "of today"
		return r
	}
	m, err := fresh().helper().again(1, was)
	if err != nil || len(m.Deletes) != 1 || m.Deletes[0] != "/etc/gone" || string(m.Files[0].Data) != "a" || string(m.Files[1].Data) != "of today" || m.Files[1].Sum != sumOf([]byte("of today")) {
		t.Errorf("%+v, %v", m, err)
	}
	for name, spoil := range map[string]func(*rig){
		"was never confirmed": func(r *rig) { r.recorded(1, server.Reverted, server.Manifest{}) }, "there is no record": func(r *rig) { delete(r.files, recordOf(1)) },
		"there is no manifest": func(r *rig) { delete(r.files, manifestOf(1)) }, "read /etc/a": func(r *rig) { delete(r.files, bytesOf(1, 0)) },
		"is damaged": func(r *rig) { r.files[bytesOf(1, 0)] = "rot" }, "is not there now": func(r *rig) { delete(r.files, "/etc/key") },
		"cannot be read": func(r *rig) { r.broken = "read /etc/key" },
	} {
		r := fresh()
		spoil(r)
		if m, err := r.helper().again(1, was); err == nil || !strings.HasPrefix(name, "there") && name != "cannot be read" && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}
