//go:build unix

package shell_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

// Every character that a path may have goes the whole way.
func TestEveryAllowedCharacter(t *testing.T) {
	name := "/etc/"
	for r := rune(1); r < 128; r++ {
		g := shell.Generation{Puts: []shell.Put{{Path: "/etc/a" + string(r) + "b", File: file(t, 0o644, "", state.Public)}}}
		if _, err := shell.Pack(g); err == nil && r != '/' {
			name += string(r)
		}
	}
	if len(name) != len("/etc/")+26+26+10+len("._@:+-") {
		t.Fatalf("allowed are %q", name)
	}
	eachShell(t, func(t *testing.T, b *box) {
		b.write(t, name, "old\n", 0o644)
		old := b.effect(t)
		// The file that is checked speaks of the copy of it that is checked.
		g := shell.Generation{Puts: []shell.Put{
			{Path: name, File: file(t, 0o600, "new "+name+"\n", state.Public), Check: []string{"grep", "-q", "/check" + name, "{}"}},
		}}
		b.apply(t, g).has(t, "active 1")
		b.revert(t, "1", "why").has(t, "reverted 1")
		b.same(t, old)
		b.keepGeneration(t, "2", g)
		b.apply(t, shell.Generation{Deletes: []string{name}}).has(t, "active 3")
		b.confirm(t, "3").has(t, "confirmed 3")
		b.rollback(t, "2").has(t, "active 4")
		if got := b.read(t, b.root(name)); got != "new "+name+"\n" {
			t.Errorf("after the rollback it holds %q", got)
		}
	})
}

func TestOwnersAndModes(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a file away")
	}
	eachShell(t, func(t *testing.T, b *box) {
		b.write(t, "/etc/a.conf", "old\n", 0o640)
		if err := os.Chown(b.root("/etc/a.conf"), 2, 3); err != nil {
			t.Fatal(err)
		}
		old := b.effect(t)
		f := state.NewFile(0o4, "daemon", "adm", []byte("new\n"), state.Public)
		b.apply(t, shell.Generation{Puts: []shell.Put{{Path: "/etc/a.conf", File: f}}}).has(t, "active 1")
		b.fire(t).has(t, "reverted 1")
		b.same(t, old)
		b.keepGeneration(t, "2", shell.Generation{Puts: []shell.Put{{Path: "/etc/a.conf", File: f}, {Path: "/new/way/to/b.conf", File: f}}})
		b.same(t, map[string]string{"root/etc/a.conf": b.put(t, f), "root/new/way/to/b.conf": b.put(t, f)})
		for _, dir := range []string{"/new", "/new/way", "/new/way/to"} {
			info, err := os.Stat(b.root(dir))
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != 0o755 {
				t.Errorf("%s has mode %v, want 0755", dir, info.Mode().Perm())
			}
		}
	})
}

// The lock is taken once before a change is armed, and nothing that a change
// runs keeps it.
func TestLockIsHeldAndNotInherited(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		g := change(t)
		// Beside the shell nobody holds it, and the shell does.
		look := fmt.Sprintf("ls -l /proc/self/fd | grep -q ' 9 ->' && echo inherited; flock -n %s true && echo free; exit 0", b.home("lock"))
		report := filepath.Join(b.dir, "report")
		g.Puts[0].Check = []string{"sh", "-c", "{ echo check; " + look + "; } >>" + report}
		g.Actions = append(g.Actions, shell.Action{Run: []string{"sh", "-c", "{ echo run; " + look + "; } >>" + report}})
		b.apply(t, g).has(t, "active 1")
		b.revert(t, "1", "why").has(t, "reverted 1")
		if got := b.read(t, report); got != "check\nrun\nrun\n" {
			t.Errorf("commands saw %q, want the lock neither free nor inherited", got)
		}
	})
}

func TestLockIsTakenOnceBeforeArming(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		b.touch(t, "hold")
		flock, err := exec.LookPath("flock")
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(b.dir, "counting")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		text := "#!/bin/sh\necho locked >>" + b.stub("log") + "\nexec " + flock + " \"$@\"\n"
		if err := os.WriteFile(filepath.Join(dir, "flock"), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		for i, e := range b.env {
			if rest, ok := strings.CutPrefix(e, "RAIZ_TOOLS="); ok {
				b.env[i] = "RAIZ_TOOLS=" + dir + ":" + rest
			}
		}
		b.apply(t, change(t)).has(t, "armed 1 2")
		if n := strings.Count(b.read(t, b.stub("log")), "locked"); n != 1 {
			t.Errorf("the lock was taken %d times, want once", n)
		}
	})
}

func TestBootUnitIsValid(t *testing.T) {
	need(t, "systemd-analyze")
	b := newBox(t, shells()[0])
	b.stand(t)
	b.apply(t, small(t)).has(t, "active 1")
	unit := b.read(t, b.root("/etc/systemd/system/raiz-boot.service"))
	for _, line := range []string{"ConditionPathExists=" + b.home("pending"), "ExecStart=/bin/sh " + b.home("raiz.sh") + " boot", "RequiresMountsFor=" + b.home("")} {
		if !strings.Contains(unit, "\n"+line+"\n") {
			t.Errorf("the boot unit lacks %q:\n%s", line, unit)
		}
	}
	path := filepath.Join(b.dir, "raiz-boot.service")
	if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path).CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}
