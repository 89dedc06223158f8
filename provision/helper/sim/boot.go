package sim

import (
	"slices"

	"github.com/raiz-dns/raiz/provision/helper"
)

// boot begins a boot: systemd reads the links, and from them takes everything
// that it is going to start. What a program of this boot changes about the
// links comes too late for that.
func (m *Machine) boot() {
	m.generate()
	m.started = nil
	for _, name := range m.wantedUnits() {
		if u := m.unit(name); u.text != nil && !slices.Contains(m.started, name) {
			m.started = append(m.started, name)
		}
	}
	slices.SortStableFunc(m.started, func(a, b string) int { return rank(a) - rank(b) })
	m.booting = true
	if i := slices.Index(m.started, helper.BootUnit); i >= 0 {
		m.started = slices.Delete(m.started, i, i+1)
		if m.startProgram(m.unit(helper.BootUnit)); m.processOf(helper.BootUnit) != nil {
			return
		}
	}
	m.goOn()
}

// rank is the order in which a boot starts units: networks first.
func rank(unit string) int {
	switch {
	case managerOf(unit) != "":
		return 0
	case unit == rulesUnit, unit == sysctlUnit:
		return 1
	case unit == "nsd.service":
		return 2
	}
	return 3
}

// goOn starts the rest, once the boot unit has ended, however it did.
func (m *Machine) goOn() {
	m.booting = false
	for _, name := range m.started {
		_ = m.act(helper.OpStart, name, "boot")
	}
	m.started = nil
}

// Isolate is `systemctl isolate multi-user.target`, or rescue mode and back:
// what no link wants is stopped, and what a link wants and does not run is
// started, the boot unit too (systemd.unit(5), IgnoreOnIsolate=). The timer has
// that setting.
func (m *Machine) Isolate() {
	m.note("systemctl isolate")
	for _, name := range ownUnits {
		u := m.unit(name)
		if !yes(u.text, "IgnoreOnIsolate") {
			_ = m.stopUnit(u, "isolate")
		}
	}
	for _, name := range m.unitNames() {
		u := m.units[name]
		if u.active == "active" && m.program(name) == nil && !m.wanted(name) && !yes(u.text, "IgnoreOnIsolate") {
			_ = m.stopUnit(u, "isolate")
		}
	}
	for _, name := range m.wantedUnits() {
		if u := m.unit(name); u.text != nil && u.active != "active" {
			m.jobs = append(m.jobs, job{helper.OpStart, name, "isolate"})
		}
	}
}

func (m *Machine) unitNames() []string {
	names := make([]string, 0, len(m.units))
	for name := range m.units {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
