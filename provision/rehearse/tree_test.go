//go:build linux

package rehearse

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/templates"
)

// withPack puts a time pack into the folder of packs.
func withPack(body string) fstest.MapFS {
	return fstest.MapFS{
		"time/other/component.hcl": {Data: []byte(`component "other" {
  kind = "time"
  packages = ["otherd"]
  release "trixie" {
    packages = ["otherd-new"]
  }
  service "otherd.service" {}
  observe "clock" {
    command = ["other"]
    begin   = ["^(?P<synced>.*)"]
  }
  file "/etc/systemd/system/raiz-clock.service" {
    template = "a.tmpl"
  }
` + body + "}\n")},
		"time/other/a.tmpl": {Data: []byte("text\n")},
	}
}

func treeFor(t *testing.T, fsys fstest.MapFS, release, clock string) (recipe, error) {
	t.Helper()
	s := plain()
	s.Server.Release, s.Components = release, map[string]string{"time": clock}
	server, around, err := treesOf(s, defaultLab(t), Options{Packs: templates.Over(templates.FS(), fsys), Packages: []string{"faketime"}})
	if err == nil && !slices.Contains(around.packages, "bird2") {
		t.Errorf("the machines around the server have no router: %v", around.packages)
	}
	return server, err
}

func TestTreeOf(t *testing.T) {
	extra := "rehearsal_file \"/lib/a\" {\n template = \"a.tmpl\"\n}\n"
	usual, err := treeFor(t, withPack(extra), "bookworm", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"bird2", "chrony", "faketime", "ldnsutils", "nftables", "openssh-server", "sudo"} {
		if !slices.Contains(usual.packages, p) {
			t.Errorf("no package %s: %v", p, usual.packages)
		}
	}
	if slices.Contains(usual.packages, "otherd") || usual.files["lib/a"] != "" {
		t.Errorf("a pack that nobody chose is in: %v", usual)
	}
	if !slices.Equal(usual.enabled, []string{"ssh.service"}) || !slices.Contains(usual.disabled, "bird.service") {
		t.Errorf("enabled %v, disabled %v", usual.enabled, usual.disabled)
	}
	other, err := treeFor(t, withPack(extra), "trixie", "other")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(other.packages, "otherd") || !slices.Contains(other.packages, "otherd-new") || !slices.Contains(other.disabled, "otherd.service") ||
		other.files["lib/a"] != "text\n" || other.suite != "trixie" {
		t.Errorf("the pack of the site is not in: %v", other)
	}
	if other.hash() == usual.hash() {
		t.Error("both trees have one name")
	}
	if slices.Contains(other.packages, "chrony") {
		t.Errorf("a default pack that the site did not choose is in: %v", other.packages)
	}
	clash := "rehearsal_file \"/etc/ssh/sshd_config.d/10-installer.conf\" {\n template = \"a.tmpl\"\n}\n"
	if _, err := treeFor(t, withPack(clash), "bookworm", "other"); err == nil || !strings.Contains(err.Error(), "another pack has one with other text") {
		t.Errorf("error = %v", err)
	}
}

func TestTrim(t *testing.T) {
	tree := t.TempDir()
	units := filepath.Join(tree, "etc/systemd/system")
	for link, leads := range map[string]string{
		"multi-user.target.wants/d.service":     "/lib/systemd/system/d.service", // of a pack
		"alias.service":                         "/lib/systemd/system/d.service",
		"sysinit.target.wants/early.service":    "/lib/systemd/system/early.service", // of a pack
		"x.service.requires/alias.service":      "/lib/systemd/system/d.service",
		"multi-user.target.wants/extra.service": "/lib/systemd/system/extra.service", // of a package
		"extra-alias.service":                   "/lib/systemd/system/extra.service",
		"multi-user.target.wants/ssh.service":   "/lib/systemd/system/ssh.service",
		"sshd.service":                          "/lib/systemd/system/ssh.service",
		"multi-user.target.wants/fs.target":     "/lib/systemd/system/fs.target",
		"sysinit.target.wants/pstore.service":   "/lib/systemd/system/pstore.service",
		"timers.target.wants/a.timer":           "/lib/systemd/system/a.timer",
	} {
		path := filepath.Join(units, link)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(leads, path); err != nil {
			t.Fatal(err)
		}
	}
	r := recipe{absent: []string{"etc/systemd/system/timers.target.wants/*"}, disabled: []string{"d.service", "early.service"}, enabled: []string{"ssh.service"}}
	if err := r.trim(tree); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, pattern := range []string{"*.wants/*", "*.requires/*", "*.service"} {
		found, _ := filepath.Glob(filepath.Join(units, pattern))
		for _, path := range found {
			left = append(left, strings.TrimPrefix(path, units+"/"))
		}
	}
	want := []string{"multi-user.target.wants/fs.target", "multi-user.target.wants/ssh.service", "sysinit.target.wants/pstore.service", "sshd.service"}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a pack puts into a tree stays in it, whatever links the tree has.
func TestWriteBelow(t *testing.T) {
	tree, outside := t.TempDir(), t.TempDir()
	for link, leads := range map[string]string{"run": outside, "lib": "usr/lib"} {
		if err := os.Symlink(leads, filepath.Join(tree, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(tree, "usr/lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeBelow(tree, "/run/a", 0o644, "x"); err == nil {
		t.Error("a link led out of the tree")
	}
	if err := writeBelow(tree, "/../a", 0o644, "x"); err == nil {
		t.Error("a path led out of the tree")
	}
	if left, _ := os.ReadDir(outside); len(left) != 0 {
		t.Errorf("outside there is %v", left)
	}
	if err := writeBelow(tree, "/lib/systemd/a", 0o755, "x"); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(filepath.Join(tree, "usr/lib/systemd/a")); err != nil || st.Mode() != 0o755 {
		t.Errorf("%v, %v", st, err)
	}
}
