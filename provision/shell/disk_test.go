//go:build linux

package shell_test

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

// insideDisk tells the test that it runs where it may mount a disk.
const insideDisk = "RAIZ_TEST_INSIDE"

// inMountNamespace runs a test once more in a mount namespace of its own, in
// which it can have a small disk that nobody else sees.
func inMountNamespace(t *testing.T) (inside bool) {
	t.Helper()
	if os.Getenv(insideDisk) == t.Name() {
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// In a chroot "/" is no mount point, so its propagation cannot be changed.
	need(t, "unshare")
	c := exec.Command("unshare", "--mount", "--propagation", "unchanged", "--", self, "-test.run", "^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), insideDisk+"="+t.Name())
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
	return false
}

// diskBox is a server whose files and whose home of raiz are on one disk of
// 1 MiB.
func diskBox(t *testing.T, s interpreter) *box {
	t.Helper()
	need(t, s.argv[0])
	dir := t.TempDir()
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil && !errors.Is(err, syscall.EINVAL) {
		t.Fatal(err)
	}
	if err := syscall.Mount("raiz-test", dir, "tmpfs", 0, "size=1m,mode=700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	b := boxIn(t, dir, s)
	b.stand(t)
	return b
}

// fill leaves that many blocks free.
func (b *box) fill(t *testing.T, free int) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(b.dir, &st); err != nil {
		t.Fatal(err)
	}
	blocks := int(st.Bfree) - free
	if blocks < 0 {
		t.Fatalf("only %d blocks are free", st.Bfree)
	}
	if err := os.WriteFile(filepath.Join(b.dir, "filler"), make([]byte, blocks*int(st.Bsize)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (b *box) free(t *testing.T) { b.remove(t, filepath.Join(b.dir, "filler")) }

// However little room there is when an apply begins, it either becomes active
// or leaves everything as it was, and so does the revert.
func TestDiskThatFillsUp(t *testing.T) {
	if !inMountNamespace(t) {
		return
	}
	for _, s := range shells() {
		t.Run(s.name, func(t *testing.T) {
			ends := map[string]int{}
			for free := 0; free <= 44; free += 4 {
				b := diskBox(t, s)
				old := b.effect(t)
				bundle, path := b.upload(t, change(t))
				b.fill(t, free)
				a := b.send(t, shell.Apply(by(), bundle, path, 1e9).Text)
				switch {
				case strings.Contains(a.out, "active 1"):
					ends["active"]++
					b.fire(t).has(t, "reverted 1")
				case strings.Contains(a.out, "reverted 1"):
					ends["reverted"]++
				case strings.Contains(a.out, "armed 1"):
					ends["left to the timer"]++
					b.fire(t)
				default:
					ends["refused"]++
					a.has(t, "error ")
				}
				b.same(t, old)
				b.clean(t)
				b.free(t)
				b.apply(t, change(t)).has(t, "active ")
				if t.Failed() {
					t.Fatalf("with %d blocks free:\n%s%s", free, a.out, a.err)
				}
			}
			t.Logf("%v", ends)
			if ends["active"] == 0 || ends["refused"] == 0 {
				t.Errorf("the disk was never full, or always: %v", ends)
			}
		})
	}
}

// The way back needs no space: the second name of each file is taken.
func TestRevertWithAFullDisk(t *testing.T) {
	if !inMountNamespace(t) {
		return
	}
	for _, s := range shells() {
		for name, back := range map[string]func(*testing.T, *box) answer{
			"timer": func(t *testing.T, b *box) answer { return b.fire(t) },
			"boot":  func(t *testing.T, b *box) answer { return b.boot(t) },
			"asked": func(t *testing.T, b *box) answer { return b.revert(t, "1", "why") },
		} {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				b := diskBox(t, s)
				old := b.effect(t)
				stood, err := os.Stat(b.root("/etc/dns.conf"))
				if err != nil {
					t.Fatal(err)
				}
				b.apply(t, change(t)).has(t, "active 1")
				b.fill(t, 0)
				a := back(t, b)
				a.has(t, "reverted 1")
				if a.code != 0 {
					t.Errorf("exit %d: %s", a.code, a.err)
				}
				got := b.effect(t)
				// What a unit runs with is kept by its stand-in, which needs
				// space for that.
				for _, all := range []map[string]string{old, got} {
					maps.DeleteFunc(all, func(path, _ string) bool { return strings.HasPrefix(path, "stub/") })
				}
				if diff := cmp.Diff(old, got); diff != "" {
					t.Errorf("files (-want +got):\n%s", diff)
				}
				if stands, err := os.Stat(b.root("/etc/dns.conf")); err != nil || !os.SameFile(stood, stands) {
					t.Errorf("a copy was written where the second name needs no space: %v", err)
				}
				b.clean(t)
				b.free(t)
				b.apply(t, change(t)).has(t, "active 2")
			})
		}
	}
}

// With no room to write the confirmation, the change stays unconfirmed and
// goes back.
func TestConfirmWithAFullDisk(t *testing.T) {
	if !inMountNamespace(t) {
		return
	}
	for _, s := range shells() {
		t.Run(s.name, func(t *testing.T) {
			b := diskBox(t, s)
			old := b.effect(t)
			b.apply(t, shell.Generation{Puts: []shell.Put{{Path: "/etc/dns.conf", File: file(t, 0o644, "dns newer\n", state.Public)}}}).has(t, "active 1")
			b.fill(t, 0)
			b.confirm(t, "1").has(t, "error cannot confirm generation 1: is the disk full?")
			b.fire(t).has(t, "reverted 1")
			b.same(t, old)
			b.clean(t)
		})
	}
}
