//go:build linux

package blackbox_test

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/server"
)

// inside tells a test that it runs where it may mount a disk.
const inside = "RAIZ_TEST_INSIDE"

// inMountNamespace runs a test once more in a mount namespace of its own, in
// which it can have a small disk that nobody else sees.
func inMountNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		// In a chroot "/" is no mount point, so its propagation cannot be changed.
		if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil && !errors.Is(err, syscall.EINVAL) {
			t.Fatal(err)
		}
		return true
	}
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("unshare", "--mount", "--propagation", "unchanged", "--", self, "-test.run", "^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), inside+"="+t.Name())
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	} else {
		t.Logf("%s", out)
	}
	return false
}

// onDisks runs a case with disks of its own.
func onDisks(t *testing.T, test func(t *testing.T, disk func(*testing.T) *box)) {
	if inMountNamespace(t) {
		test(t, diskBox)
	}
}

// diskBox is a server whose files and whose home of raiz are on one disk of
// 1 MiB.
func diskBox(t *testing.T) *box {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("raiz-test", dir, "tmpfs", 0, "size=1m,mode=700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	b := boxIn(t, dir)
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
	if err := os.WriteFile(b.dir+"/filler", make([]byte, blocks*int(st.Bsize)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// However little room there is when an apply begins, it either becomes active
// or leaves everything as it was, and so does the revert.
func TestDiskThatFillsUp(t *testing.T) {
	onDisks(t, func(t *testing.T, disk func(*testing.T) *box) {
		ends := map[string]int{}
		for free := 0; free <= 64 && ends["active"] < 2; free += 4 {
			b := disk(t)
			old := b.effect(t)
			b.fill(t, free)
			r := b.apply(t, change())
			switch {
			case r.code == "" && r.state == server.Active:
				ends["active"]++
				b.fire(t)
			case there(b.home("pending")):
				ends["left to the timer"]++
				b.fire(t)
			default:
				ends[string(r.code)]++
			}
			b.same(t, old)
			b.clean(t)
			remove(t, b.dir+"/filler")
			if next := b.apply(t, change()); next.state != server.Active {
				t.Errorf("the next one: %+v", next)
			}
			if t.Failed() {
				t.Fatalf("with %d blocks free: %+v", free, r)
			}
		}
		t.Logf("%v", ends)
		if ends["active"] == 0 || len(ends) < 2 {
			t.Errorf("the disk was never full, or always: %v", ends)
		}
	})
}

// The way back needs no space: the second name of each file is taken.
func TestRevertWithAFullDisk(t *testing.T) {
	onDisks(t, func(t *testing.T, disk func(*testing.T) *box) {
		for name, back := range map[string]func(*testing.T, *box){
			"timer": fireIt, "boot": bootIt, "asked": func(t *testing.T, b *box) { b.revert(t, 2, "why") },
		} {
			t.Run(name, func(t *testing.T) {
				b := disk(t)
				old := b.effect(t)
				stood, err := os.Stat(b.root("/etc/dns.conf"))
				if err != nil {
					t.Fatal(err)
				}
				b.apply(t, change()).is(t, 2, server.Active)
				b.fill(t, 0)
				back(t, b)
				got := b.effect(t)
				if diff := cmp.Diff(old, got); diff != "" {
					t.Errorf("effect (-want +got):\n%s", diff)
				}
				if stands, err := os.Stat(b.root("/etc/dns.conf")); err != nil || !os.SameFile(stood, stands) {
					t.Errorf("a copy was written where the second name needs no space: %v", err)
				}
				b.clean(t)
				remove(t, b.dir+"/filler")
				b.apply(t, change()).is(t, 3, server.Active)
			})
		}
	})
}

// With no room to write the confirmation, the change stays unconfirmed and
// goes back.
func TestConfirmWithAFullDisk(t *testing.T) {
	onDisks(t, func(t *testing.T, disk func(*testing.T) *box) {
		b := disk(t)
		old := maps.Clone(b.effect(t))
		b.apply(t, change()).is(t, 2, server.Active)
		b.fill(t, 0)
		b.confirm(t, 2).not(t, server.ErrSystem, "is the disk full?")
		if strings.Contains(b.last(t).Reason, "confirmed") {
			t.Errorf("history says %+v", b.last(t))
		}
		b.fire(t)
		b.same(t, old)
		b.clean(t)
	})
}
