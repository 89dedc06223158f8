package bmc_test

import (
	"slices"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// waiter is a setting that waits for a reboot, on a controller of its own.
type waiter struct {
	t    *testing.T
	l    *lab
	c    *bmc.Controller
	name string
}

func (w *waiter) set(want []string, status bmc.Status) {
	w.t.Helper()
	out, err := w.c.Set(w.t.Context(), changes(map[string][]string{w.name: want}))
	if out[0].Status != status || (err == nil) != (status == bmc.Done || status == bmc.Pending) {
		w.t.Fatalf("set %v: %s %v, want %s", want, out[0].Status, err, status)
	}
}

// reads wants a value in effect and one that waits; nil is none.
func (w *waiter) reads(wanted, have, pending []string) {
	w.t.Helper()
	f := w.c.Read(w.t.Context(), items(map[string][]string{w.name: wanted}))[0]
	if f.Err != nil || !f.AtReboot {
		w.t.Fatalf("reads %+v", f)
	}
	value, _ := f.Value.(state.Attr)
	waits, _ := f.Pending.(state.Attr)
	if !slices.Equal(value.Values, have) || !slices.Equal(waits.Values, pending) || (f.Pending == nil) != (pending == nil) {
		w.t.Fatalf("%v in effect and %v waiting, want %v and %v", f.Value, f.Pending, have, pending)
	}
}

func (w *waiter) reboot() {
	w.t.Helper()
	if err := w.c.SetPower(w.t.Context(), bmc.PowerRestart, bmc.Forced, time.Second); err != nil {
		w.t.Fatal(err)
	}
}

// TestPending writes what takes effect at a reboot: it waits, is not written
// again, is taken back, is replaced, is in effect after the reboot, and is not
// where the server's firmware refuses it.
func TestPending(t *testing.T) {
	for _, personality := range simbmc.Personalities() {
		for name, before := range waiting(personality) {
			t.Run(personality+"/"+name, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, simbmc.Config{Personality: personality})
				w := &waiter{t, l, l.open(l.target(declared(), factory())), name}
				defer func() { l.close(w.c) }()
				want := map[string][]string{bmc.PowerPolicy: {"always-on"}, bmc.BootOrder: {"Boot0002", "Boot0001"}}[name]
				w.reads(want, before, nil)

				w.set(want, bmc.Pending)
				w.reads(want, before, want)
				writes := w.c.Stats().Writes
				w.set(want, bmc.Pending)
				if again := w.c.Stats().Writes; again != writes {
					t.Errorf("what waits was written again: %d writes", again-writes)
				}

				w.set(before, bmc.Done)
				w.reads(before, before, nil)

				w.set(want, bmc.Pending)
				if name == bmc.PowerPolicy {
					other := []string{"always-off"}
					w.set(other, bmc.Pending)
					w.reads(want, before, other)
					w.set(want, bmc.Pending)
				}
				w.reboot()
				w.reads(want, want, nil)
				w.set(want, bmc.Done)

				w.set(before, bmc.Pending)
				l.bmc.SetFaults(simbmc.Faults{SettingsFail: true})
				w.reboot()
				w.reads(before, want, nil)
			})
		}
	}
}
