package sim

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
)

// Do implements helper.Units.
func (p *Process) Do(op helper.Op, unit string, limit time.Duration) error {
	if err := p.changes(string(op), unit, ""); err != nil {
		return err
	}
	m := p.m
	switch op {
	case helper.OpReread:
		m.reread()
		p.pass(m.load)
		return nil
	case helper.OpEnable:
		return p.after(m.enable(unit))
	case helper.OpDisable:
		return p.after(m.disable(unit))
	case helper.OpReset:
		if u := m.unit(unit); u.active == "failed" {
			u.active, u.starts = "inactive", nil
		}
		return nil
	case helper.OpStartSoon:
		if m.unit(unit).text == nil {
			return fmt.Errorf("unit %s not found", unit)
		}
		m.jobs = append(m.jobs, job{helper.OpStart, unit, "job"})
		return nil
	case helper.OpStopSoon:
		// It takes the place of a start that waits (--job-mode=replace).
		m.started = slices.DeleteFunc(m.started, func(name string) bool { return name == unit })
		m.jobs = append(m.jobs, job{helper.OpStop, unit, "job"})
		return nil
	}
	if !slices.Contains([]helper.Op{helper.OpStart, helper.OpStop, helper.OpRestart, helper.OpReload}, op) {
		return fmt.Errorf("systemctl: unknown command %s", op)
	}
	return p.finish(op, unit, limit)
}

// after lets the time go by that systemd takes.
func (p *Process) after(err error) error {
	p.pass(p.m.load)
	return err
}

// finish has systemd do something, and waits.
func (p *Process) finish(op helper.Op, name string, limit time.Duration) error {
	m := p.m
	own := m.program(name) != nil
	if m.booting && !own && op != helper.OpStop {
		// The unit is ordered after this very one: the job waits for its end.
		m.jobs = append(m.jobs, job{op, name, "job"})
		p.pass(limit)
		return helper.ErrTimeout
	}
	if err := m.act(op, name, p.name); err != nil {
		return p.after(err)
	}
	if slow := span(setting(m.unit(name).text, "X-Slow")); slow > 0 && op != helper.OpStop {
		p.pass(min(slow, limit))
		if slow > limit {
			return helper.ErrTimeout
		}
	}
	if !own || op == helper.OpStop {
		return p.after(nil)
	}
	q := m.processOf(name)
	if q == nil || q == p {
		return p.after(nil)
	}
	p.wait(func() bool { return q.done }, m.now+limit)
	if !q.done {
		return helper.ErrTimeout
	}
	return q.err
}

// errNotFound is what systemd says of a unit that has no file.
var errNotFound = errors.New("unit not found")

// act does something to a unit.
func (m *Machine) act(op helper.Op, name, by string) error {
	u := m.unit(name)
	if u.text == nil && u.active != "active" {
		return fmt.Errorf("%s: %w", name, errNotFound)
	}
	m.note("systemd: " + string(op) + " " + name)
	switch {
	case op == helper.OpStop:
		return m.stopUnit(u, by)
	case m.program(name) != nil:
		return m.startProgram(u)
	case op == helper.OpStart && u.active == "active":
		return nil
	case op == helper.OpReload && u.active == "active" && setting(u.text, "X-Reload") != "no":
		return m.reloadUnit(u, by)
	case u.active == "active":
		if err := m.stopUnit(u, by); err != nil {
			return err
		}
	}
	return m.startUnit(u, op, by)
}

// configuration reads what the program of a unit reads when it starts. A path
// that ends in a slash is a directory, one after a dash may be missing.
func (m *Machine) configuration(u *unit) (runs []*blob, err error) {
	for _, file := range settings(u.text, "X-Config") {
		file, optional := strings.CutPrefix(file, "-")
		if dir, isDir := strings.CutSuffix(file, "/"); isDir {
			for _, e := range m.disk.list(dir) {
				if b := m.disk.read(file + e.name); b != nil {
					runs = append(runs, b)
				}
			}
			continue
		}
		b := m.disk.read(file)
		if b == nil && !optional {
			return runs, fmt.Errorf("cannot open %s", file)
		}
		if b != nil {
			runs = append(runs, b)
		}
	}
	for _, b := range runs {
		if len(b.data) == 0 || bytes.Contains(b.data, []byte("startfail")) {
			return runs, errors.New("syntax error")
		}
	}
	return runs, nil
}

func (m *Machine) startUnit(u *unit, op helper.Op, by string) error {
	runs, err := m.configuration(u)
	m.Acts = append(m.Acts, Act{op, u.name, by, m.now, runs})
	if err == nil {
		err = m.startManager(u.name)
	}
	if err != nil {
		u.active, u.said, u.runs, u.since = "failed", err.Error(), nil, nil
		m.note(u.name + " fails: " + err.Error())
		return fmt.Errorf("%s: %w", u.name, err)
	}
	u.active, u.runs, u.since, u.said = "active", runs, u.text, ""
	m.takes(u)
	return nil
}

// reloadUnit: a program that cannot read its new files goes on with the old
// ones (BIRD: 8002), and FRR 8.4 ends while systemctl says that all is well.
func (m *Machine) reloadUnit(u *unit, by string) error {
	runs, err := m.configuration(u)
	m.Acts = append(m.Acts, Act{helper.OpReload, u.name, by, m.now, runs})
	switch {
	case err != nil && setting(u.text, "X-Quirk") == "frr-8.4":
		u.active, u.runs = "inactive", nil
		return nil
	case err != nil:
		u.said = err.Error()
		return fmt.Errorf("%s: %w", u.name, err)
	}
	u.runs = runs
	m.takes(u)
	m.reloadManager(u.name)
	return nil
}

func (m *Machine) stopUnit(u *unit, by string) error {
	u.again = never
	if q := m.processOf(u.name); q != nil {
		u.active = "inactive" // systemd asked for it: not a failure
		m.Kill(q)
		return nil
	}
	if u.active == "active" {
		m.Acts = append(m.Acts, Act{helper.OpStop, u.name, by, m.now, nil})
		m.stopManager(u.name)
		if u.name == rulesUnit {
			m.run.load(clears) // ExecStop= of Debian's
		}
	}
	u.active, u.runs, u.since = "inactive", nil, nil
	return nil
}

// ownUnits are those of the helper itself.
var ownUnits = [...]string{helper.ActivateUnit, helper.RevertUnit, helper.BootUnit}

// program is what a unit of the helper runs.
func (m *Machine) program(name string) func(helper.OS) error {
	switch name {
	case helper.ActivateUnit:
		return m.programs.Activate
	case helper.RevertUnit:
		return m.programs.Revert
	case helper.BootUnit:
		return m.programs.Boot
	}
	return nil
}

func (m *Machine) processOf(unit string) *Process {
	for _, p := range m.procs {
		if p.unit == unit && !p.done {
			return p
		}
	}
	return nil
}

// startProgram starts a unit of the helper, unless it runs.
func (m *Machine) startProgram(u *unit) error {
	u.again = never
	if m.processOf(u.name) != nil {
		return nil
	}
	if path := setting(u.text, "ConditionPathExists"); path != "" {
		w, err := m.disk.walk(strings.TrimPrefix(path, "!"))
		if (err == nil && w.found) == strings.HasPrefix(path, "!") {
			return nil
		}
	}
	if setting(u.text, "ExecStart") == "" {
		u.active, u.said = "failed", "Service has no ExecStart=. Refusing." // as one whose bytes a loss of power took
		m.note(u.name + " has nothing to start")
		return errors.New(u.said)
	}
	if !m.mayStart(u) {
		u.active, u.said = "failed", "start request repeated too quickly"
		m.note(u.name + " is started too often")
		return errors.New(u.said)
	}
	u.active = "activating"
	m.spawn(strings.TrimSuffix(strings.TrimPrefix(u.name, "raiz-"), ".service"), u.name, m.program(u.name))
	return nil
}

// mayStart holds a unit to StartLimitBurst in StartLimitIntervalSec, which are
// 5 in 10 s where a unit does not say (systemd-system.conf(5)).
func (m *Machine) mayStart(u *unit) bool {
	interval, burst := 10*time.Second, 5
	if s := setting(u.text, "StartLimitIntervalSec"); s != "" {
		interval = span(s)
	}
	if s := setting(u.text, "StartLimitBurst"); s != "" {
		burst, _ = strconv.Atoi(s)
	}
	if interval == 0 {
		return true
	}
	u.starts = slices.DeleteFunc(u.starts, func(t time.Duration) bool { return t <= m.now-interval })
	u.starts = append(u.starts, m.now)
	return len(u.starts) <= burst
}

// span reads a time as systemd writes it; a number is seconds.
func span(s string) time.Duration {
	if n, err := strconv.Atoi(s); err == nil {
		return time.Duration(n) * time.Second
	}
	d, _ := time.ParseDuration(strings.TrimSuffix(strings.Replace(s, "min", "m", 1), "in"))
	return d
}

// exited is what systemd does when a program of the helper has ended.
func (m *Machine) exited(p *Process) {
	u := m.unit(p.unit)
	switch {
	case p.err == nil || u.active == "inactive":
		u.active = "inactive"
	default:
		u.active, u.said = "failed", p.err.Error()
		m.note(u.name + " failed: " + u.said)
		r := setting(u.text, "Restart")
		if r == "on-failure" || r == "always" || r == "on-abnormal" && errors.Is(p.err, errKilled) {
			u.again = m.now + max(span(setting(u.text, "RestartSec")), 100*time.Millisecond)
			break
		}
		for _, other := range settings(u.text, "OnFailure") {
			m.jobs = append(m.jobs, job{helper.OpStart, other, "job"})
		}
	}
	if p.unit == helper.BootUnit && m.booting {
		m.goOn()
	}
}

// nextTimer is when something happens by itself.
func (m *Machine) nextTimer() time.Duration {
	next := min(m.armed, m.net.nextExpiry())
	for _, name := range ownUnits {
		if u := m.units[name]; u != nil {
			next = min(next, u.again)
		}
	}
	return next
}

// fire does what is due.
func (m *Machine) fire() {
	if m.armed <= m.now {
		m.armed = never
		m.note("the timer runs out")
		m.jobs = append(m.jobs, job{helper.OpStart, helper.RevertUnit, "job"})
	}
	for _, name := range ownUnits {
		if u := m.units[name]; u != nil && u.again <= m.now {
			u.again = never
			m.jobs = append(m.jobs, job{helper.OpStart, name, "job"})
		}
	}
	m.expire()
}

// startJob does what systemd was asked to do soon. What was asked during a boot
// waits until the boot unit is through.
func (m *Machine) startJob() bool {
	if len(m.jobs) == 0 || m.booting {
		return false
	}
	j := m.jobs[0]
	m.jobs = m.jobs[1:]
	_ = m.act(j.op, j.unit, j.by) // nobody hears of it
	return true
}
