package contract

import (
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

// jobTime is what a job of systemd may take.
const jobTime = 30 * time.Second

func units(t *testing.T, os helper.OS, u Units) {
	t.Run("states", func(t *testing.T) { states(t, os, u) })
	t.Run("failure", func(t *testing.T) { failure(t, os, u) })
	t.Run("armed", func(t *testing.T) { armed(t, os, u) })
	t.Run("armed anew", func(t *testing.T) { armedAnew(t, os, u) })
	t.Run("disarmed", func(t *testing.T) { disarmed(t, os, u) })
	if u.Isolate != nil {
		t.Run("isolated", func(t *testing.T) { isolated(t, os, u) })
	}
}

func unit(t *testing.T, os helper.OS, name string) server.UnitFact {
	t.Helper()
	facts, err := os.Units([]string{name})
	fine(t, err)
	return facts[name]
}

func states(t *testing.T, os helper.OS, u Units) {
	facts, err := os.Units([]string{u.Absent, u.Idle})
	fine(t, err)
	if f := facts[u.Absent]; f.Load != "not-found" || f.Active != "inactive" {
		t.Errorf("%s is %+v", u.Absent, f)
	}
	if f := facts[u.Idle]; f.Load != "loaded" || f.Active != "inactive" || f.File != "disabled" {
		t.Errorf("%s is %+v", u.Idle, f)
	}
	if facts, err := os.Units(nil); err != nil || len(facts) != 0 {
		t.Errorf("of none: %v, %v", facts, err)
	}
	for _, step := range []struct {
		op           helper.Op
		active, file string
	}{
		{helper.OpEnable, "inactive", "enabled"}, {helper.OpEnable, "inactive", "enabled"}, {helper.OpStart, "active", "enabled"},
		{helper.OpStart, "active", "enabled"}, {helper.OpDisable, "active", "disabled"}, {helper.OpReload, "active", "disabled"},
		{helper.OpRestart, "active", "disabled"}, {helper.OpStop, "inactive", "disabled"}, {helper.OpStop, "inactive", "disabled"},
		{helper.OpReset, "inactive", "disabled"}, {helper.OpReload, "active", "disabled"}, {helper.OpReread, "active", "disabled"},
		{helper.OpStop, "inactive", "disabled"}, {helper.OpRestart, "active", "disabled"}, {helper.OpStop, "inactive", "disabled"},
	} {
		name := u.Idle
		if step.op == helper.OpReread {
			name = ""
		}
		fine(t, os.Do(step.op, name, jobTime))
		if f := unit(t, os, u.Idle); f.Active != step.active || f.File != step.file {
			t.Fatalf("after %s it is %+v", step.op, f)
		}
	}
	for op, active := range map[helper.Op]string{helper.OpStartSoon: "active", helper.OpStopSoon: "inactive"} {
		fine(t, os.Do(op, u.Idle, jobTime))
		eventually(t, os, jobTime, active, func() bool { return unit(t, os, u.Idle).Active == active })
		fine(t, os.Do(helper.OpStop, u.Idle, jobTime))
	}
	if err := os.Do("no such thing", u.Idle, jobTime); err == nil {
		t.Error("an operation that there is not was done")
	}
}

func failure(t *testing.T, os helper.OS, u Units) {
	for _, op := range []helper.Op{helper.OpStart, helper.OpRestart, helper.OpReload, helper.OpEnable} {
		if err := os.Do(op, u.Absent, jobTime); err == nil {
			t.Errorf("%s of %s went well", op, u.Absent)
		}
	}
	fine(t, os.Do(helper.OpReset, u.Absent, jobTime))
	began := os.Now()
	if err := os.Do(helper.OpStart, u.Broken, jobTime); err == nil {
		t.Error("what is broken started")
	}
	if f := unit(t, os, u.Broken); f.Active != "failed" {
		t.Errorf("what is broken is %+v", f)
	}
	said := os.Said(u.Broken, began)
	if !strings.Contains(said, u.Words) || strings.ContainsAny(said, "\n\r\x1b") {
		t.Errorf("it said %q", said)
	}
	fine(t, os.Do(helper.OpReset, u.Broken, jobTime))
	if f := unit(t, os, u.Broken); f.Active != "inactive" {
		t.Errorf("reset, it is %+v", f)
	}
	up := os.Uptime()
	is(t, "start what is slow", os.Do(helper.OpStart, u.Slow, time.Second), helper.ErrTimeout)
	if took := os.Uptime() - up; took < time.Second || took > 3*time.Second {
		t.Errorf("a limit of one second took %s", took)
	}
	up = os.Uptime()
	fine(t, os.Do(helper.OpStopSoon, u.Slow, jobTime))
	fine(t, os.Do(helper.OpStartSoon, u.Slow, jobTime))
	if took := os.Uptime() - up; took > 2*time.Second {
		t.Errorf("to ask for it took %s", took)
	}
	fine(t, os.Do(helper.OpStop, u.Slow, jobTime))
}

// waits checks whether something is armed.
func waits(t *testing.T, os helper.OS, want bool) {
	t.Helper()
	got, err := os.IsArmed()
	if err != nil || got != want {
		t.Errorf("armed: %t, %v; want %t", got, err, want)
	}
}

// late is how much later than asked a timer may fire on a busy machine.
const late = 5 * time.Second

// fires waits for the timer, and says when it fired.
func fires(t *testing.T, os helper.OS, u Units, before int, limit time.Duration) {
	t.Helper()
	eventually(t, os, limit+late, "fired", func() bool { return u.Fired(t) > before })
	eventually(t, os, late, "disarmed", func() bool { is, err := os.IsArmed(); return err == nil && !is })
}

func armed(t *testing.T, os helper.OS, u Units) {
	waits(t, os, false)
	before, up := u.Fired(t), os.Uptime()
	fine(t, os.Arm(2*time.Second))
	waits(t, os, true)
	fires(t, os, u, before, 2*time.Second)
	if took := os.Uptime() - up; took < 2*time.Second {
		t.Errorf("two seconds took %s", took)
	}
	// It fires once.
	os.Sleep(3 * time.Second)
	if n := u.Fired(t); n != before+1 {
		t.Errorf("it fired %d times", n-before)
	}
}

func armedAnew(t *testing.T, os helper.OS, u Units) {
	before := u.Fired(t)
	fine(t, os.Arm(3*time.Second))
	fine(t, os.Arm(time.Hour))
	waits(t, os, true)
	os.Sleep(5 * time.Second)
	if n := u.Fired(t); n != before {
		t.Errorf("what was armed before fired %d times", n-before)
	}
	fine(t, os.Arm(2*time.Second))
	fires(t, os, u, before, 2*time.Second)
}

func disarmed(t *testing.T, os helper.OS, u Units) {
	before := u.Fired(t)
	fine(t, os.Disarm())
	fine(t, os.Arm(2*time.Second))
	fine(t, os.Disarm())
	waits(t, os, false)
	os.Sleep(4 * time.Second)
	if n := u.Fired(t); n != before {
		t.Errorf("it fired %d times", n-before)
	}
	fine(t, os.Disarm())
}

func isolated(t *testing.T, os helper.OS, u Units) {
	before := u.Fired(t)
	fine(t, os.Arm(time.Hour))
	u.Isolate(t)
	waits(t, os, true)
	fine(t, os.Arm(time.Second))
	fires(t, os, u, before, time.Second)
}
