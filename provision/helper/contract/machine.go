package contract

import (
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

func machine(t *testing.T, os helper.OS, m Machine) {
	t.Run("run", func(t *testing.T) { run(t, os, m) })
	t.Run("lock", func(t *testing.T) { lock(t, os, m) })
	t.Run("packages", func(t *testing.T) {
		got, err := os.Packages([]string{m.Package, m.Absent})
		fine(t, err)
		if _, has := got[m.Absent]; got[m.Package] == "" || has {
			t.Errorf("got %v", got)
		}
		if got, err := os.Packages(nil); err != nil || len(got) != 0 {
			t.Errorf("of none: %v, %v", got, err)
		}
	})
}

func run(t *testing.T, os helper.OS, m Machine) {
	if out, err := os.Run(m.Says, time.Minute); err != nil || !strings.Contains(out, m.Words) {
		t.Errorf("it said %q, %v", out, err)
	}
	if out, err := os.Run(m.Fails, time.Minute); err == nil || !strings.Contains(out, m.Words) {
		t.Errorf("the one that fails said %q, %v", out, err)
	}
	for _, argv := range [][]string{m.Missing, nil} {
		if _, err := os.Run(argv, time.Minute); err == nil {
			t.Errorf("%q was run", argv)
		}
	}
	_, err := os.Run(m.Missing, time.Minute)
	is(t, "a program that is not there", err, fs.ErrNotExist)
	began := os.Uptime()
	_, err = os.Run(m.Hangs, time.Second)
	is(t, "the one that hangs", err, helper.ErrTimeout)
	if took := os.Uptime() - began; took < time.Second || took > 10*time.Second {
		t.Errorf("a limit of one second took %s", took)
	}
	if m.Floods != nil {
		if out, _ := os.Run(m.Floods, time.Minute); len(out) != server.MaxPrinted {
			t.Errorf("of a flood %d bytes were kept", len(out))
		}
	}
}

func lock(t *testing.T, os helper.OS, m Machine) {
	end := m.Other(t, m.Lock, "the other one")
	began := os.Uptime()
	_, err := os.Lock(m.Lock, "me", 500*time.Millisecond)
	is(t, "a lock that somebody has", err, helper.ErrLocked)
	if err != nil && !strings.Contains(err.Error(), "the other one") {
		t.Errorf("it does not say who: %v", err)
	}
	if took := os.Uptime() - began; took < 500*time.Millisecond {
		t.Errorf("it waited %s", took)
	}
	// Its death gives the lock back.
	end()
	unlock, err := os.Lock(m.Lock, "me", 10*time.Second)
	fine(t, err)
	_, err = os.Lock(m.Lock, "me again", 0)
	is(t, "a lock that I have", err, helper.ErrLocked)
	unlock()
	unlock()
	again, err := os.Lock(m.Lock, "me", 0)
	fine(t, err)
	again()
	if _, err := os.Lock(m.Lock+"/none/lock", "me", 0); err == nil {
		t.Error("a lock below a file was taken")
	}
}
