//go:build linux

package linux

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
)

// armTime bounds what systemd may need for a timer.
const armTime = 30 * time.Second

// timers are the two that start helper.RevertUnit. A timer that is loaded
// cannot be made anew, and to take it away first would leave an instant in
// which nothing is armed: whoever dies in it has no way back. So the other one
// is made before the first goes.
func timers() []string { return []string{"raiz-revert.timer", "raiz-revert-again.timer"} }

// Arm implements helper.Units.
func (machine) Arm(after time.Duration) error {
	was, err := armed()
	if err != nil {
		return err
	}
	names := timers()
	if slices.Contains(was, names[0]) {
		slices.Reverse(names)
	}
	// One that has failed, or has been left half there, would be in the way.
	if err := forget(names[0]); err != nil {
		return err
	}
	// systemd-run cannot be told which unit its timer starts.
	if err := os.WriteFile("/run/systemd/system/"+names[0], []byte(timerText(after)), 0o644); err != nil {
		return fmt.Errorf("arm %s: %w", helper.RevertUnit, err)
	}
	if err := (machine{}).Do(helper.OpReread, "", armTime); err != nil {
		return fmt.Errorf("arm %s: %w", helper.RevertUnit, err)
	}
	if err := (machine{}).Do(helper.OpStart, names[0], armTime); err != nil {
		return fmt.Errorf("arm %s: %w", helper.RevertUnit, err)
	}
	return forget(names[1])
}

// timerText is the file of a timer. Without its own accuracy it may fire a
// minute late; `systemctl isolate` ends whatever the target does not want, and
// with the default dependencies sysinit.target takes it along.
func timerText(after time.Duration) string {
	return fmt.Sprintf("[Unit]\nDescription=raiz: the way back from a generation that is not confirmed\nIgnoreOnIsolate=yes\nDefaultDependencies=no\n\n"+
		"[Timer]\nUnit=%s\nOnActiveSec=%dms\nAccuracySec=100ms\nRemainAfterElapse=no\n", helper.RevertUnit, max(after.Milliseconds(), 1))
}

// Disarm implements helper.Units.
func (machine) Disarm() error {
	for _, t := range timers() {
		if err := forget(t); err != nil {
			return err
		}
	}
	return nil
}

// forget ends a timer. One that is not there has ended.
func forget(timer string) error {
	out, err := machine{}.Run([]string{"systemctl", "--quiet", "--no-ask-password", "stop", "--", timer}, armTime)
	if err != nil && !strings.Contains(out, "not loaded") {
		return said("stop "+timer, out, err)
	}
	return machine{}.Do(helper.OpReset, timer, armTime)
}

// IsArmed implements helper.Units.
func (machine) IsArmed() (bool, error) {
	names, err := armed()
	return len(names) > 0, err
}

// armed are the timers that wait for their time.
func armed() ([]string, error) {
	facts, err := machine{}.Units(timers())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range timers() {
		if f := facts[t]; f.Active == "active" && f.Sub == "waiting" {
			names = append(names, t)
		}
	}
	return names, nil
}
