package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bom is what of CycloneDX is looked at here (cyclonedx.org/docs/1.6/json), as
// a scanner would read it.
type bom struct {
	Format     string `json:"bomFormat"`
	Spec       string `json:"specVersion"`
	Components []struct {
		Ref     string `json:"bom-ref"`
		Type    string
		Name    string
		Version string
		PURL    string
		Hashes  []struct{ Alg, Content string }
	}
	Dependencies []struct {
		Ref string
		On  []string `json:"dependsOn"`
	}
}

// said are the modules that the go command sees in a program: "path version".
func said(t *testing.T, file string) []string {
	t.Helper()
	text, err := exec.Command("go", "version", "-m", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for i, line := range strings.Split(string(text), "\n") {
		f := strings.Fields(line)
		switch {
		case i == 0:
			out = append(out, "std "+f[len(f)-1])
		case len(f) > 2 && f[0] == "dep":
			out = append(out, f[1]+" "+f[2])
		case len(f) > 2 && f[0] == "=>":
			out[len(out)-1] = f[1] + " " + f[2]
		}
	}
	slices.Sort(out)
	return out
}

// wrong says in what a BOM differs from the programs that it is of.
func wrong(t *testing.T, text []byte, files ...string) []string {
	t.Helper()
	var b bom
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	var bad []string
	if b.Format != "CycloneDX" || b.Spec != "1.6" {
		bad = append(bad, "it is "+b.Format+" "+b.Spec)
	}
	module, sums := map[string]string{}, map[string]string{}
	for _, c := range b.Components {
		if c.Type == "library" {
			module[c.Ref] = c.Name + " " + c.Version
			if !strings.HasPrefix(c.PURL, "pkg:golang/"+c.Name+"@") {
				bad = append(bad, c.Name+" is called "+c.PURL)
			}
			continue
		}
		for _, h := range c.Hashes {
			sums[h.Content] = c.Ref
		}
	}
	used := map[string]bool{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		ref, named := sums[fmt.Sprintf("%x", sha256.Sum256(data))]
		for _, d := range b.Dependencies {
			for _, on := range d.On {
				if d.Ref == ref && named {
					have = append(have, module[on])
					used[on] = true
				}
			}
		}
		slices.Sort(have)
		if diff := cmp.Diff(said(t, f), have); diff != "" {
			bad = append(bad, fmt.Sprintf("%s (-go version -m +SBOM):\n%s", filepath.Base(f), diff))
		}
	}
	for ref := range module {
		if !used[ref] {
			bad = append(bad, ref+" is in no program")
		}
	}
	return bad
}

func build(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if out, err := exec.Command("../../.ci/build", name, "linux", "amd64", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return file
}

// TestModules wants each module of a program named, and nothing else; twice in
// the same bytes.
func TestModules(t *testing.T) {
	helper, self := build(t, "raiz-helper"), build(t, "raiz-sbom")
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := run(out, "1.2.3", "2026-01-02T03:04:05Z", []string{helper, self}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("it is another one each time")
	}
	for _, bad := range wrong(t, first.Bytes(), helper, self) {
		t.Error(bad)
	}
	if !strings.Contains(first.String(), `"timestamp": "2026-01-02T03:04:05Z"`) {
		t.Error("it has another date")
	}
	// And says no: to a module too many, and one too few.
	if len(wrong(t, first.Bytes(), helper)) == 0 {
		t.Error("modules of another program pass")
	}
	less := bytes.Replace(first.Bytes(), []byte(`"github.com/jwhited/corebgp"`), []byte(`"github.com/jwhited/other"`), 1)
	if bytes.Equal(less, first.Bytes()) || len(wrong(t, less, helper, self)) == 0 {
		t.Error("a module that is called something else passes")
	}
	var alone bytes.Buffer
	if err := run(&alone, "1.2.3", "2026-01-02T03:04:05Z", []string{self}); err != nil {
		t.Fatal(err)
	}
	if len(wrong(t, alone.Bytes(), self, helper)) == 0 {
		t.Error("a program that is not named passes")
	}
}

func TestRefuses(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"2026-01-02T03:04:05Z", text}, {"2026-01-02T03:04:05Z", text + ".gone"}, {"today", text}} {
		if err := run(new(bytes.Buffer), "1.2.3", args[0], args[1:]); err == nil {
			t.Errorf("takes %q", args)
		}
	}
}

// TestReleased does the same with what make release-check has made: the
// programs out of the very archives (RAIZ_RELEASED is their folder).
func TestReleased(t *testing.T) {
	dir := os.Getenv("RAIZ_RELEASED")
	if dir == "" {
		t.Skip("RAIZ_RELEASED is not set: make release-check does")
	}
	programs, err := filepath.Glob(filepath.Join(dir, "programs", "*"))
	if err != nil || len(programs) < 3 {
		t.Fatalf("%d programs, %v", len(programs), err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.cdx.json"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%q, %v", found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range wrong(t, text, programs...) {
		t.Error(bad)
	}
}
