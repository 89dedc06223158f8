//go:build linux

package linux_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/linux"
)

// badDisks tries what is left to do on a disk that is full, or cannot be
// written to: to see how things stand, and to keep others out.
func badDisks(t *testing.T) {
	const dir = "/srv"
	m := linux.New()
	mine := helper.Attributes{Mode: 0o600, Owner: "root", Group: "root"}
	mount := func(t *testing.T, options string) {
		do(t, "mount", "-t", "tmpfs", "-o", options, "tmpfs", dir)
		t.Cleanup(func() { do(t, "umount", dir) })
	}
	t.Run("full", func(t *testing.T) {
		mount(t, "size=16k,mode=755")
		if err := m.Create(dir+"/large", make([]byte, 1<<20), mine); !errors.Is(err, unix.ENOSPC) {
			t.Errorf("got %v", err)
		}
		if _, err := m.Look(dir + "/large"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("half of it stayed: %v", err)
		}
		// A second name needs no room for bytes.
		if err := errors.Join(m.Create(dir+"/small", []byte("x"), mine), m.Link(dir+"/small", dir+"/second"), m.Rename(dir+"/second", dir+"/third")); err != nil {
			t.Error(err)
		}
		fill, err := os.Create(dir + "/fill")
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = fill.Write(make([]byte, 4096))
		}
		_ = fill.Close()
		holds(t, m, dir+"/lock")
	})
	t.Run("read-only", func(t *testing.T) {
		mount(t, "mode=755")
		holds(t, m, dir+"/lock")
		do(t, "mount", "-o", "remount,ro", dir)
		for what, err := range map[string]error{
			"create": m.Create(dir+"/file", nil, mine), "make directory": m.MakeDir(dir+"/dir", 0o755),
			"remove": m.Remove(dir + "/lock"), "rename": m.Rename(dir+"/lock", dir+"/other"), "link": m.Link(dir+"/lock", dir+"/other"),
		} {
			if !errors.Is(err, unix.EROFS) {
				t.Errorf("%s: got %v", what, err)
			}
		}
		holds(t, m, dir+"/lock")
		if _, err := m.Lock(dir+"/none", "me", 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a lock that cannot be made: %v", err)
		}
	})
}

// holds checks that a lock keeps others out.
func holds(t *testing.T, m helper.OS, path string) {
	t.Helper()
	unlock, err := m.Lock(path, "me", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if _, err := m.Lock(path, "another", 0); !errors.Is(err, helper.ErrLocked) {
		t.Errorf("the lock is given twice: %v", err)
	}
}
