package helper_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

// The unit of the way back may be started by anybody at any time. What is
// active, and has its time, stays, and the timer is set.
func TestRevertBeforeItsTime(t *testing.T) {
	b := newBench()
	run, a := b.apply(t, 600)
	if a.Error != nil {
		t.Fatal(a.Error)
	}
	os := b.m.Console()
	if err := os.Disarm(); err != nil {
		t.Fatal(err)
	}
	if err := b.on(os).RevertPending(); err != nil || b.state(run) != server.Active || b.text() != run {
		t.Errorf("%v; it is %s, %q stands", err, b.state(run), b.text())
	}
	if armed, err := os.IsArmed(); err != nil || !armed {
		t.Errorf("no timer is set: %v", err)
	}
	os.Sleep(11 * time.Minute)
	if got := b.state(run); got != server.Reverted || b.text() != "" {
		t.Errorf("after its time it is %s, %q stands", got, b.text())
	}
}

// An activation that has died, and can do nothing more, is put back at once and
// not when the time of its change is over.
func TestActivationThatDies(t *testing.T) {
	b := newBench()
	died := false
	dies := func(op helper.Op, unit string) (bool, error) {
		if op == helper.OpRestart && unit == idle && !died {
			died = true
			panic("it dies")
		}
		return false, nil
	}
	b.spoil = func(os helper.OS) helper.OS { return spoilt{OS: os, do: dies} }
	began := b.m.Console().Uptime()
	run, a := b.apply(t, 600)
	took := b.m.Console().Uptime() - began
	if a.Error == nil || a.Error.Code != server.ErrReverted || b.text() != "" || took > 10*time.Second {
		t.Errorf("after %s: %v; it is %s, %q stands", took, a.Error, b.state(run), b.text())
	}
}

// Whoever gives up a run that is not the one under way ends nobody's activation.
func TestRevertOfAnotherRun(t *testing.T) {
	b := newBench()
	first, _ := b.apply(t, 600)
	if a := b.of(first, server.VerbConfirm); a.Error != nil {
		t.Fatal(a.Error)
	}
	run, _ := b.apply(t, 600)
	stopped := ""
	watch := func(op helper.Op, unit string) (bool, error) {
		if op == helper.OpStop && unit == helper.ActivateUnit {
			stopped = unit
		}
		return false, nil
	}
	b.spoil = func(os helper.OS) helper.OS { return spoilt{OS: os, do: watch} }
	for _, other := range []string{first, "run000000777"} {
		if a := b.of(other, server.VerbRevert); a.Error != nil || stopped != "" || b.state(run) != server.Active {
			t.Errorf("revert of %s: %v, it has stopped %q; the other one is %s", other, a.Error, stopped, b.state(run))
		}
	}
	if b.of(run, server.VerbRevert); stopped == "" || b.state(run) != server.Reverted {
		t.Errorf("its own revert has stopped %q; it is %s", stopped, b.state(run))
	}
}

// What cannot be taken away of an old generation takes the way back from no
// other one.
func TestWhatIsLeftOfAnOldGeneration(t *testing.T) {
	b := newBench()
	stays := func(file string) error {
		if strings.Contains(file, "/.raiz-1-") {
			return syscall.EIO
		}
		return nil
	}
	first, a := b.apply(t, 600)
	if a.Error != nil {
		t.Fatal(a.Error)
	}
	b.spoil = func(os helper.OS) helper.OS { return spoilt{OS: os, drop: stays} }
	if a := b.of(first, server.VerbConfirm); a.Error != nil {
		t.Fatal(a.Error)
	}
	run, _ := b.apply(t, 600)
	if a := b.of(run, server.VerbRevert); a.Error != nil || b.state(run) != server.Reverted || b.text() != first {
		t.Errorf("%v; it is %s, %q stands", a.Error, b.state(run), b.text())
	}
}
