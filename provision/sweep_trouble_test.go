//go:build linux

package provision_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/server"
)

// deal has the trouble happen. Another operator is returned at work.
func (w *worker) deal(x trouble, c *child) (*child, error) {
	switch x {
	case killed:
		c.kill()
		return nil, nil
	case pulled, pulledShort:
		return nil, w.g.Unplug(w.t.Context(), rehearse.LinkManagement)
	case powerCut:
		w.cutPower()
		w.disarm()
		return nil, w.g.Server.Boot(w.t.Context())
	case rebooted:
		return nil, w.reboot()
	case diskFull:
		return nil, w.fill()
	case another:
		return w.another(), nil
	case readOnly:
		_, err := w.g.Server.Run(w.t.Context(), "sh", "-ec", "mount --bind /etc /etc; mount -o remount,bind,ro /etc")
		return nil, err
	}
	return nil, fmt.Errorf("no such trouble: %s", x)
}

// over waits until a trouble that has an end is over. ended says whether raiz
// has gone on from its place to its end.
func (w *worker) over(x trouble, theirs *child, ended func() bool) (tally, error) {
	switch x {
	case pulledShort:
		time.Sleep(10 * time.Second) // the trouble itself
		return tally{}, w.plug()
	case pulled:
		// Also where nothing reverts it is out for as long: networkd 252 does not
		// get over a carrier that comes back at once ("Nexthop has invalid
		// gateway"), whoever has configured it.
		began := time.Now()
		w.await("revert of its own", sweepRevert+sweepGrace, func() bool { return w.pending() == "" && time.Since(began) > sweepRevert })
		return tally{}, w.plug()
	case another:
		return theirs.wait(w.t), nil
	case readOnly:
		// What had not begun to change anything has nothing to try.
		w.await("try to put it back", sweepRevert+sweepGrace, func() bool { return w.tries() > 0 || ended() && w.pending() == "" })
		return tally{}, w.writable()
	}
	return tally{}, nil
}

// another is a second operator with a change of his own, who begins while the
// first one's stands at its place. He is given a while to come as far as he can
// against that.
func (w *worker) another() *child {
	c := w.child(order{To: "C", Revert: sweepMeeting, Waits: true})
	// A plan takes a second, and to be refused as much again.
	for end := time.Now().Add(4 * time.Second); len(c.lines) == 0 && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond) // between two looks
	}
	return c
}

// tries is how often the server has tried to put back what is pending.
func (w *worker) tries() int {
	var s server.Status
	text, err := os.ReadFile(w.home("generations", w.pending(), "record.json"))
	if err != nil || json.Unmarshal(text, &s) != nil {
		return 0
	}
	return s.Tries
}

// writable mends what readOnly did; a boot has done so already.
func (w *worker) writable() error {
	_, err := w.g.Server.Run(w.t.Context(), "sh", "-ec", "! mountpoint -q /etc || { mount -o remount,bind,rw /etc; umount --lazy /etc; }")
	return err
}

func (w *worker) plug() error { return w.g.Plug(w.t.Context(), rehearse.LinkManagement) }

func (w *worker) cutPower() {
	if err := w.g.CutPower(w.t.Context()); err != nil {
		w.t.Errorf("cut power: %v", err)
	}
}

func (w *worker) reboot() error {
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
	defer cancel()
	was := w.g.Server.Init()
	_, _ = w.g.Server.Run(ctx, "systemctl", "reboot") // its answer goes down with it
	w.disarm()                                        // a step that stands would hold the shutdown up
	w.await("another boot", 2*time.Minute, func() bool { now := w.g.Server.Init(); return now != "" && now != was })
	w.await("its end", 2*time.Minute, func() bool {
		out, _ := w.g.Server.Run(w.t.Context(), "systemctl", "is-system-running", "--wait")
		state := strings.TrimSpace(out)
		return state == "running" || state == "degraded"
	})
	return nil
}

const filler = "/var/lib/raiz-filler"

// fill leaves no block free.
func (w *worker) fill() error {
	_, err := w.g.Server.Run(w.t.Context(), "sh", "-c",
		`free=$(df --output=avail -B1 /var/lib | tail -n 1); fallocate -l "$((free - 65536))" `+filler+`; cat /dev/zero >`+filler+`.rest 2>/dev/null; sync; exit 0`)
	return err
}

// undo takes away what a trouble left, so that the next job starts clean.
func (w *worker) undo() {
	_, _ = w.g.Server.Run(w.t.Context(), "rm", "-rf", filler, filler+".rest", sweepDir)
}

// breakRevert lets the timer revert, and deals the trouble in the middle.
func (w *worker) breakRevert(j job, o order) (tally, error) {
	if err := w.stopBeforeConfirm(order{To: o.To, Revert: sweepRevert}); err != nil {
		return tally{}, err
	}
	w.await("revert at its place", sweepRevert+sweepGrace, func() bool { return w.standing() || w.pending() == "" })
	if !w.standing() {
		w.disarm()
		return tally{}, errNotMet
	}
	theirs, err := w.deal(j.trouble, nil)
	w.disarm()
	if err != nil {
		return tally{}, err
	}
	return w.over(j.trouble, theirs, func() bool { return true })
}

// breakBoot cuts the power twice: once to make the boot revert, and once in
// the middle of that.
func (w *worker) breakBoot(_ job, o order) error {
	step, err := os.ReadFile(w.onDisk("at"))
	if err != nil {
		return err
	}
	w.disarm()
	if err := w.stopBeforeConfirm(order{To: o.To, Revert: 2 * time.Minute}); err != nil {
		return err
	}
	w.awaitActive()
	w.cutPower()
	if err := w.arm(strings.TrimSpace(string(step))); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	booted := make(chan error, 1)
	go func() { booted <- w.g.Server.Boot(ctx) }()
	w.await("boot at its place", time.Minute, func() bool { return w.standing() || len(booted) > 0 })
	met := w.standing()
	cancel()
	<-booted
	w.disarm()
	if !met {
		return errNotMet
	}
	w.cutPower()
	w.disarm()
	return w.g.Server.Boot(w.t.Context())
}

// rescue brings a worker back for its next job after a promise was broken.
func (w *worker) rescue() error {
	_ = w.plug()
	w.disarm()
	if w.start.first {
		return w.again()
	}
	if !w.g.Server.Running() {
		_ = w.g.Server.Kill(w.t.Context())
		if err := w.g.Server.Boot(w.t.Context()); err != nil {
			return err
		}
	}
	_ = w.writable()
	w.undo()
	_, _ = w.g.Server.Run(w.t.Context(), "sh", "-c", "systemctl start raiz-revert.service")
	return w.converge(other(w.at))
}
