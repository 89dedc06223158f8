//go:build linux

package main

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// build makes raiz as make raiz and make release do.
func build(t *testing.T, version string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "raiz")
	cmd := exec.Command("../../.ci/build", "raiz", "linux", "amd64", out)
	cmd.Env = append(os.Environ(), "RAIZ_VERSION="+version)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return out
}

// TestBuild wants a raiz that needs no other file, tells nothing of the machine
// that it was built on, and knows its version. That it has the same bytes in
// any folder is seen of the helper, which is built by the same script, and by
// make release-check.
func TestBuild(t *testing.T) {
	if testing.Short() {
		t.Skip("links raiz")
	}
	file := build(t, "1.2.3-rc.1")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{top, strings.TrimSpace(string(cache))} {
		if bytes.Contains(text, []byte(path+"/")) {
			t.Errorf("it has %s in it", path)
		}
	}
	f, err := elf.NewFile(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it has a %v", p.Type)
		}
	}
	if f.Machine != elf.EM_X86_64 {
		t.Errorf("it is for %v", f.Machine)
	}
	if said, err := exec.Command(file, "version").Output(); err != nil || !strings.HasPrefix(string(said), "raiz 1.2.3-rc.1 go1.") {
		t.Errorf("it says %q, %v", said, err)
	}
}

// TestVersion asks .ci/version in trees of each kind.
func TestVersion(t *testing.T) {
	script, err := os.ReadFile("../../.ci/version")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.net", "-c", "tag.gpgSign=false", "-c", "commit.gpgSign=false"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	ask := func(env ...string) string {
		cmd := exec.Command(filepath.Join(dir, ".ci/version"))
		cmd.Env = append(os.Environ(), append([]string{"RAIZ_VERSION=", "GIT_CEILING_DIRECTORIES=" + filepath.Dir(dir)}, env...)...)
		out, err := cmd.Output()
		if err != nil {
			return "refused"
		}
		return strings.TrimSpace(string(out))
	}
	wants := func(what, want string, env ...string) {
		t.Helper()
		if have := ask(env...); have != want {
			t.Errorf("%s: got %q, want %q", what, have, want)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".ci"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".ci/version"), script, 0o755); err != nil {
		t.Fatal(err)
	}
	wants("no git", "0.0.0-dev+unknown")
	git("init", "-q")
	git("add", "-A")
	git("commit", "-q", "-m", "one")
	commit := git("rev-parse", "--short=12", "HEAD")
	wants("no tag", "0.0.0-dev+"+commit)
	git("tag", "latest")
	wants("a tag that is no version", "0.0.0-dev+"+commit)
	git("tag", "v1.2.3")
	wants("a tag", "1.2.3")
	wants("told", "1.2.4", "RAIZ_VERSION=1.2.4")
	for _, bad := range []string{"v1.2.4", "1 2", "1/2", "../1", "1;2", "dev"} {
		wants("told "+bad, "refused", "RAIZ_VERSION="+bad)
	}
	if err := os.WriteFile(filepath.Join(dir, ".ci/version"), append(script, '\n'), 0o755); err != nil {
		t.Fatal(err)
	}
	wants("changed", "0.0.0-dev+"+commit+".dirty")
	git("commit", "-q", "-a", "-m", "two")
	wants("after the tag", "0.0.0-dev+"+git("rev-parse", "--short=12", "HEAD"))
}
