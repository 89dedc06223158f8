//go:build linux

package main_test

import (
	"bytes"
	"compress/gzip"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// maxSent is how large a helper may be as it is sent: a bad link is what it
// has to go over.
const maxSent = 3 << 20

// build makes a helper as make raiz and make release do.
func build(t *testing.T, module, arch string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "raiz-helper")
	cmd := exec.Command(filepath.Join(module, ".ci/build"), "raiz-helper", "linux", arch, out)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return out
}

// elsewhere is a copy of all that the helper is built of, in a folder of
// another name.
func elsewhere(t *testing.T) string {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	list := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if .Main}}{{$.Dir}}{{end}}{{end}}", ".")
	list.Env = append(os.Environ(), "CGO_ENABLED=0")
	dirs, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "somewhere else")
	files := []string{top + "/go.mod", top + "/go.sum", top + "/.ci/build"}
	for _, dir := range strings.Fields(string(dirs)) {
		names, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, names...)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		copied := to + strings.TrimPrefix(f, top)
		if err := os.MkdirAll(filepath.Dir(copied), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied, text, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func TestBuild(t *testing.T) {
	copied := elsewhere(t)
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			path := build(t, "../..", arch)
			here, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			there, err := os.ReadFile(build(t, copied, arch))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(here, there) {
				t.Errorf("built in two folders it is of %d and %d bytes, and not the same", len(here), len(there))
			}
			static(t, path)
			var sent bytes.Buffer
			z, err := gzip.NewWriterLevel(&sent, gzip.BestCompression)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := z.Write(here); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d bytes as it is sent, of at most %d", sent.Len(), maxSent)
			if sent.Len() > maxSent {
				t.Error("it is too large")
			}
		})
	}
}

// static checks that a program needs no other file to run.
func static(t *testing.T, path string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it has a %v", p.Type)
		}
	}
}
