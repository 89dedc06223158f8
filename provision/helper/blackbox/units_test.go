//go:build linux

package blackbox_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

// The units of raiz's own are made anew where somebody has changed them, and
// systemd reads them.
func TestUnitsOfItsOwn(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.stand(t)
		names := []string{"raiz-activate.service", "raiz-revert.service", "raiz-boot.service"}
		texts := map[string]string{}
		for _, name := range names {
			path := b.root("/etc/systemd/system/" + name)
			texts[name] = read(t, path)
			if err := os.WriteFile(path, []byte("[Service]\nExecStart=/bin/false\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		remove(t, b.stub("enabled/raiz-boot.service"))
		b.keepGeneration(t, 2, server.Manifest{Files: []server.File{
			file("/etc/gone.conf", 0o604, "to be deleted\n"), file("/etc/systemd/system/old.service", 0o644, "[Service]\n"),
		}})
		dir := t.TempDir()
		var files []string
		for _, name := range names {
			path := b.root("/etc/systemd/system/" + name)
			if got := read(t, path); got != texts[name] {
				t.Errorf("%s is\n%s, want\n%s", name, got, texts[name])
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o644 {
				t.Errorf("%s: %v %v", name, info, err)
			}
			// systemd-analyze sees the program of this machine.
			text := strings.ReplaceAll(texts[name], "/prog/raiz-helper", os.Getenv(program)+"/raiz-helper")
			files = append(files, dir+"/"+name)
			if err := os.WriteFile(dir+"/"+name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if !there(b.stub("enabled/raiz-boot.service")) {
			t.Error("raiz-boot.service is not enabled")
		}
		out, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no", "--recursive-errors=no"}, files...)...).CombinedOutput()
		if errors.Is(err, exec.ErrNotFound) && (os.Getenv("CI") != "true" || testing.Short()) {
			t.Skip(err)
		}
		if err != nil {
			t.Errorf("%v:\n%s", err, out)
		}
	})
}
