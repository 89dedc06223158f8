//go:build linux

package linux

import (
	"fmt"
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
	argv := []string{
		"systemd-run", "--quiet", "--no-ask-password",
		// Named so, and without a command, it starts the unit that there is.
		"--unit=" + strings.TrimSuffix(names[0], ".timer"),
		fmt.Sprintf("--on-active=%dms", max(after.Milliseconds(), 1)),
		// Without its own accuracy a timer may fire a minute late.
		"--timer-property=AccuracySec=100ms",
		"--timer-property=Unit=" + helper.RevertUnit,
		// `systemctl isolate` ends whatever the target does not want, and with
		// the default dependencies sysinit.target takes it along.
		"--timer-property=IgnoreOnIsolate=yes",
		"--timer-property=DefaultDependencies=no",
	}
	out, err := machine{}.Run(argv, armTime)
	if err != nil {
		return said("arm "+helper.RevertUnit, out, err)
	}
	return forget(names[1])
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
