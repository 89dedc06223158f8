package contract

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"testing"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

func root(mode fs.FileMode) helper.Attributes {
	return helper.Attributes{Mode: mode, Owner: "root", Group: "root"}
}

func files(t *testing.T, os helper.OS, f Files) {
	for _, part := range []struct {
		name string
		try  func(*testing.T, helper.OS, Files)
	}{
		{"create", create}, {"exposed", exposed}, {"links", links}, {"names", names}, {"rename", rename},
		{"stamp", stamp}, {"directories", directories}, {"paths", paths},
	} {
		t.Run(part.name, func(t *testing.T) {
			dir := f.Dir + "/" + part.name
			fine(t, os.MakeDir(dir, 0o755))
			f := f
			f.Dir = dir
			part.try(t, os, f)
		})
	}
}

// holds says what a file holds, and ends the test where it is none.
func holds(t *testing.T, os helper.OS, file string) string {
	t.Helper()
	data, err := os.Read(file)
	fine(t, err)
	return string(data)
}

// is checks that an error is of a kind, and that nothing came with it.
func is(t *testing.T, what string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: got %v, want %v", what, err, kind)
	}
}

func create(t *testing.T, os helper.OS, f Files) {
	file := f.Dir + "/file"
	a := helper.Attributes{Mode: 0o640, Owner: f.Owner, Group: f.Group}
	fine(t, os.Create(file, []byte("some bytes"), a))
	info, err := os.Look(file)
	fine(t, err)
	if info.Kind != server.IsFile || info.Attributes != a || info.Special || info.Size != 10 || info.Stamp == "" || info.Link != "" {
		t.Errorf("it is %+v", info)
	}
	if got := holds(t, os, file); got != "some bytes" {
		t.Errorf("it holds %q", got)
	}
	is(t, "create it again", os.Create(file, []byte("other"), root(0o600)), fs.ErrExist)
	is(t, "create below a file", os.Create(file+"/below", nil, root(0o600)), fs.ErrNotExist)
	is(t, "create below nothing", os.Create(f.Dir+"/none/file", nil, root(0o600)), fs.ErrNotExist)
	if got := holds(t, os, file); got != "some bytes" {
		t.Errorf("a refused one wrote %q", got)
	}
	// No umask counts.
	for _, mode := range []fs.FileMode{0o777, 0o000, 0o666} {
		file := f.Dir + "/" + mode.String()
		fine(t, os.Create(file, nil, root(mode)))
		if info, err := os.Look(file); err != nil || info.Attributes != root(mode) {
			t.Errorf("mode %v became %+v, %v", mode, info, err)
		}
	}
	fine(t, os.Flush(file))
	fine(t, os.Flush(f.Dir))
	is(t, "flush nothing", os.Flush(f.Dir+"/none"), fs.ErrNotExist)
	_, err = os.Read(f.Dir + "/none")
	is(t, "read nothing", err, fs.ErrNotExist)
	_, err = os.Look(f.Dir + "/none")
	is(t, "look at nothing", err, fs.ErrNotExist)
	if _, err = os.Read(f.Dir); err == nil {
		t.Error("a directory was read")
	}
	nobody := helper.Attributes{Mode: 0o600, Owner: "no-such-user", Group: "root"}
	if err := os.Create(f.Dir+"/nobody", nil, nobody); err == nil {
		t.Error("a file of nobody was made")
	}
	_, err = os.Look(f.Dir + "/nobody")
	is(t, "look at what was refused", err, fs.ErrNotExist)
}

func exposed(t *testing.T, os helper.OS, f Files) {
	for _, dir := range []string{f.Exposed, f.Shared} {
		if dir == "" {
			continue
		}
		file := dir + "/" + "raiz-contract"
		is(t, "create in "+dir, os.Create(file, nil, root(0o600)), helper.ErrExposed)
		_, err := os.Look(file)
		is(t, "look at what was refused", err, fs.ErrNotExist)
		safe, err := os.Safe(file)
		if err != nil || safe != path.Dir(dir) {
			t.Errorf("safe for %s is %q, %v", file, safe, err)
			continue
		}
		// That is how a file gets there all the same.
		fresh := safe + "/fresh"
		fine(t, os.Create(fresh, []byte("x"), root(0o600)))
		fine(t, os.Rename(fresh, file))
		if got := holds(t, os, file); got != "x" {
			t.Errorf("%s holds %q", file, got)
		}
		fine(t, os.Remove(file))
	}
	if safe, err := os.Safe(f.Dir + "/file"); err != nil || safe != f.Dir {
		t.Errorf("safe here is %q, %v", safe, err)
	}
	fine(t, os.Symlink(f.Dir, f.Dir+"/link"))
	_, err := os.Safe(f.Dir + "/link/file")
	is(t, "safe beyond a link", err, helper.ErrLink)
}

func links(t *testing.T, os helper.OS, f Files) {
	file, link, way := f.Dir+"/file", f.Dir+"/link", f.Dir+"/way"
	fine(t, os.Create(file, []byte("x"), root(0o600)))
	fine(t, os.Symlink("file", link))
	fine(t, os.Symlink(f.Dir, way))
	info, err := os.Look(link)
	if err != nil || info.Kind != server.IsLink || info.Link != "file" {
		t.Errorf("the link is %+v, %v", info, err)
	}
	is(t, "make it again", os.Symlink("other", link), fs.ErrExist)
	for _, p := range []string{link, way + "/file"} {
		_, err := os.Read(p)
		is(t, "read "+p, err, helper.ErrLink)
		is(t, "flush "+p, os.Flush(p), helper.ErrLink)
	}
	_, err = os.Look(way + "/file")
	is(t, "look beyond a link", err, helper.ErrLink)
	_, err = os.List(way)
	is(t, "list through a link", err, helper.ErrLink)
	is(t, "create beyond a link", os.Create(way+"/new", nil, root(0o600)), helper.ErrLink)
	is(t, "make a link beyond a link", os.Symlink("x", way+"/new"), helper.ErrLink)
	is(t, "make a directory beyond a link", os.MakeDir(way+"/new", 0o755), helper.ErrLink)
	is(t, "rename from beyond a link", os.Rename(way+"/file", f.Dir+"/new"), helper.ErrLink)
	is(t, "rename to beyond a link", os.Rename(file, way+"/new"), helper.ErrLink)
	is(t, "second name beyond a link", os.Link(file, way+"/new"), helper.ErrLink)
	is(t, "remove beyond a link", os.Remove(way+"/file"), helper.ErrLink)
	_, err = os.Look(f.Dir + "/new")
	is(t, "look at what was refused", err, fs.ErrNotExist)
	// Where a link is in the place of a new file it is not followed, though it
	// leads nowhere.
	fine(t, os.Symlink(f.Dir+"/planted", f.Dir+"/trap"))
	is(t, "create at a link", os.Create(f.Dir+"/trap", []byte("x"), root(0o600)), fs.ErrExist)
	_, err = os.Look(f.Dir + "/planted")
	is(t, "look where it leads", err, fs.ErrNotExist)
	// A link gets a second name, and goes, as itself.
	fine(t, os.Link(link, f.Dir+"/second"))
	if info, err := os.Look(f.Dir + "/second"); err != nil || info.Link != "file" {
		t.Errorf("the second name of the link is %+v, %v", info, err)
	}
	fine(t, os.Remove(way))
	if got := holds(t, os, file); got != "x" {
		t.Errorf("behind the link there is %q", got)
	}
}

func names(t *testing.T, os helper.OS, f Files) {
	file, second := f.Dir+"/file", f.Dir+"/second"
	fine(t, os.Create(file, []byte("x"), helper.Attributes{Mode: 0o640, Owner: f.Owner, Group: f.Group}))
	fine(t, os.Link(file, second))
	is(t, "second name that is there", os.Link(file, second), fs.ErrExist)
	is(t, "second name of nothing", os.Link(f.Dir+"/none", f.Dir+"/new"), fs.ErrNotExist)
	fine(t, os.Remove(file))
	is(t, "remove it again", os.Remove(file), fs.ErrNotExist)
	info, err := os.Look(second)
	if err != nil || info.Owner != f.Owner || info.Mode != 0o640 || holds(t, os, second) != "x" {
		t.Errorf("the second name is %+v, %v", info, err)
	}
}

func rename(t *testing.T, os helper.OS, f Files) {
	from, to := f.Dir+"/from", f.Dir+"/to"
	fine(t, os.Create(from, []byte("new"), root(0o600)))
	fine(t, os.Create(to, []byte("old"), root(0o644)))
	fine(t, os.Rename(from, to))
	if got := holds(t, os, to); got != "new" {
		t.Errorf("it holds %q", got)
	}
	_, err := os.Look(from)
	is(t, "the name that it had", err, fs.ErrNotExist)
	is(t, "rename nothing", os.Rename(from, to), fs.ErrNotExist)
	is(t, "rename into nothing", os.Rename(to, f.Dir+"/none/to"), fs.ErrNotExist)
	fine(t, os.MakeDir(f.Dir+"/dir", 0o755))
	if err := os.Rename(to, f.Dir+"/dir"); err == nil {
		t.Error("a file was renamed over a directory")
	}
	// Over a link: the link goes, and not what it leads to.
	fine(t, os.Create(f.Dir+"/target", []byte("target"), root(0o600)))
	fine(t, os.Symlink("target", f.Dir+"/link"))
	fine(t, os.Rename(to, f.Dir+"/link"))
	if a, b := holds(t, os, f.Dir+"/link"), holds(t, os, f.Dir+"/target"); a != "new" || b != "target" {
		t.Errorf("over the link: %q and %q", a, b)
	}
	if f.Elsewhere != "" {
		if err := os.Rename(f.Dir+"/link", f.Elsewhere+"/raiz-contract"); err == nil {
			t.Error("a file was renamed to another file system")
		}
	}
}

func stamp(t *testing.T, os helper.OS, f Files) {
	file := f.Dir + "/file"
	of := func() string {
		t.Helper()
		info, err := os.Look(file)
		fine(t, err)
		return info.Stamp
	}
	fine(t, os.Create(file, []byte("a"), root(0o600)))
	first := of()
	holds(t, os, file)
	fine(t, os.Flush(file))
	if of() != first {
		t.Error("looking changed the stamp")
	}
	fine(t, os.Create(f.Dir+"/fresh", []byte("b"), root(0o600)))
	fine(t, os.Rename(f.Dir+"/fresh", file))
	if of() == first {
		t.Error("another file of the same size has the same stamp")
	}
}

func directories(t *testing.T, os helper.OS, f Files) {
	dir := f.Dir + "/dir"
	fine(t, os.MakeDir(dir, 0o750))
	info, err := os.Look(dir)
	if err != nil || info.Kind != server.IsOther || info.Attributes != root(0o750) || info.Special {
		t.Errorf("it is %+v, %v", info, err)
	}
	is(t, "make it again", os.MakeDir(dir, 0o700), fs.ErrExist)
	is(t, "make one below nothing", os.MakeDir(f.Dir+"/none/dir", 0o700), fs.ErrNotExist)
	for _, n := range []string{"b", "c", "a"} {
		fine(t, os.Create(dir+"/"+n, nil, root(0o600)))
	}
	list, err := os.List(dir)
	if err != nil || !slices.Equal(list, []string{"a", "b", "c"}) {
		t.Errorf("it lists %q, %v", list, err)
	}
	if _, err := os.List(dir + "/a"); err == nil {
		t.Error("a file was listed")
	}
	_, err = os.List(f.Dir + "/none")
	is(t, "list nothing", err, fs.ErrNotExist)
	if err := os.Remove(dir); err == nil {
		t.Error("a directory was removed with all that is in it")
	}
	for _, n := range list {
		fine(t, os.Remove(dir+"/"+n))
	}
	fine(t, os.Remove(dir))
	_, err = os.Look(dir)
	is(t, "look at it", err, fs.ErrNotExist)
}

func paths(t *testing.T, os helper.OS, f Files) {
	fine(t, os.Create(f.Dir+"/file", []byte("x"), root(0o600)))
	for _, p := range []string{"", "file", f.Dir + "/../paths/file", f.Dir + "//file", f.Dir + "/file/"} {
		if _, err := os.Read(p); err == nil {
			t.Errorf("path %q was read", p)
		}
	}
}
