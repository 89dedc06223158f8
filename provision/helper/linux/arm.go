//go:build linux

package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
)

// The timer that starts helper.RevertUnit is a file below /run, which the next
// boot does not find. One of systemd-run's can be told neither which unit to
// start, other than the one of its own name, nor anything new while it runs: it
// would have to be taken away first, and whoever dies in between has no way
// back. This one is written anew, read anew and restarted, and waits all the
// while (seen on systemd 252 and 257).
const (
	timer     = "raiz-revert.timer"
	timerFile = "/run/systemd/system/" + timer
	// armTime bounds what systemd may need for it.
	armTime = 30 * time.Second
)

// timerText is the timer. Without an accuracy of its own it may fire a minute
// late. `systemctl isolate` ends whatever the target does not want, and in
// emergency mode also what has the default dependencies.
func timerText(after time.Duration) string {
	return strings.Join([]string{
		"[Unit]", "Description=raiz: time for a generation to be confirmed", "DefaultDependencies=no", "IgnoreOnIsolate=yes", "",
		"[Timer]", "Unit=" + helper.RevertUnit, fmt.Sprintf("OnActiveSec=%dms", max(after.Milliseconds(), 1)),
		"AccuracySec=100ms", "RemainAfterElapse=no", "",
	}, "\n")
}

// Arm implements helper.Units.
func (m machine) Arm(after time.Duration) error {
	if err := m.putTimer(timerText(after)); err != nil {
		return fmt.Errorf("arm %s: %w", helper.RevertUnit, err)
	}
	for _, step := range []struct {
		op   helper.Op
		unit string
	}{{helper.OpReread, ""}, {helper.OpReset, timer}, {helper.OpRestart, timer}} {
		if err := m.Do(step.op, step.unit, armTime); err != nil {
			return fmt.Errorf("arm %s: %w", helper.RevertUnit, err)
		}
	}
	return nil
}

// putTimer writes the file of the timer. Nothing is flushed: it is in memory.
func (m machine) putTimer(text string) error {
	fresh := timerFile + ".new"
	if err := m.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := m.Create(fresh, []byte(text), helper.Attributes{Mode: 0o644, Owner: "root", Group: "root"}); err != nil {
		return err
	}
	return m.Rename(fresh, timerFile)
}

// Disarm implements helper.Units.
func (m machine) Disarm() error {
	out, err := m.Run([]string{"systemctl", "--quiet", "--no-ask-password", "stop", "--", timer}, armTime)
	if err != nil && !strings.Contains(out, "not loaded") {
		return said("disarm "+helper.RevertUnit, out, err)
	}
	if err := m.Remove(timerFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("disarm %s: %w", helper.RevertUnit, err)
	}
	return nil
}

// IsArmed implements helper.Units. A timer whose time has come is active still
// while what it has started runs.
func (m machine) IsArmed() (bool, error) {
	facts, err := m.Units([]string{timer})
	return facts[timer].Active == "active" && facts[timer].Sub == "waiting", err
}
