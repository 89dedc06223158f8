package render_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/templates"
)

// withPack is an example site that takes another pack of one kind.
func withPack(t *testing.T, example, kind, pack string) *site.Site {
	t.Helper()
	s := *load(t, examples()[example])
	components := map[string]string{}
	for k, v := range s.Components {
		components[k] = v
	}
	components[kind] = pack
	s.Components = components
	return &s
}

// copied is a tree with the files of a set, in which every managed path leads
// into the tree: as a server lays them out to check them.
func copied(t *testing.T, set *state.Set) string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for _, k := range set.Keys(state.Path) {
		paths = append(paths, k.Name)
	}
	slices.SortFunc(paths, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, p := range paths {
		pairs = append(pairs, p, dir+p)
	}
	into := strings.NewReplacer(pairs...)
	for it := range set.Of(state.Path) {
		f := it.Value.(state.File)
		write(t, filepath.Join(dir, it.Key.Name), into.Replace(string(f.Data)), f.Mode)
	}
	return dir
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// check runs what a pack declares for one file.
func check(t *testing.T, argv []string, file, dir string) (string, bool) {
	t.Helper()
	need(t, argv[0])
	full := alone()
	for _, w := range argv {
		full = append(full, strings.ReplaceAll(w, "{}", file))
	}
	if argv[0] == "sshd" {
		full = append(full, "-h", hostKey(t, dir))
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Skip("not root")
		}
	}
	out, err := exec.Command(full[0], full[1:]...).CombinedOutput()
	return string(out), err == nil
}

// Every check of every pack takes what is rendered and refuses the example of
// the pack that is bad. A folder that is added is tried without a word here.
func TestEveryPackIsChecked(t *testing.T) {
	catalog, err := templates.Catalog(templates.FS())
	if err != nil {
		t.Fatal(err)
	}
	for kind, packs := range catalog {
		for _, c := range packs {
			for _, example := range []string{"root-example", "as112-gru1"} {
				t.Run(kind+"/"+c.Name+"/"+example, func(t *testing.T) { checkPack(t, c, withPack(t, example, kind, c.Name)) })
			}
		}
	}
}

func checkPack(t *testing.T, c templates.Component, s *site.Site) {
	set := desired(t, s, render.Revealed)
	dir := copied(t, set)
	for it := range set.Of(state.Path) {
		if it.Effect.Component != c.Name || len(it.Effect.Check) == 0 {
			continue
		}
		path := filepath.Join(dir, it.Key.Name)
		if out, ok := check(t, it.Effect.Check, path, dir); !ok {
			t.Errorf("%s is refused: %s", it.Key.Name, out)
		}
		example := badOf(c, it)
		if example == "" {
			t.Errorf("%s: no bad example", it.Key.Name)
			continue
		}
		write(t, path, example, 0o600)
		if out, ok := check(t, it.Effect.Check, path, dir); ok {
			t.Errorf("%s: the bad example is taken: %s", it.Key.Name, out)
		}
		write(t, path, string(it.Value.(state.File).Data), 0o600)
	}
}

// badOf is the bad example of the file of a pack that an item was made of.
func badOf(c templates.Component, it state.Item) string {
	for _, f := range c.Files {
		fixed, _, _ := strings.Cut(f.Path, "{{")
		if f.Path == it.Key.Name || fixed != f.Path && strings.HasPrefix(it.Key.Name, fixed) {
			return f.Bad
		}
	}
	return ""
}
