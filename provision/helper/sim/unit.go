package sim

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

// unit is a unit as systemd has it in memory.
type unit struct {
	name   string
	text   *blob // the file and its drop-ins as systemd has read them; nil where there is none
	active string
	// runs are the files that its program has read: what it does.
	runs  []*blob
	since *blob // text that it was started by
	said  string
	// again is when systemd starts it again by itself.
	again  time.Duration
	starts []time.Duration
}

// Act is something that systemd did to a unit.
type Act struct {
	Op   helper.Op
	Unit string
	By   string // process; empty for systemd itself
	At   time.Duration
	Read []*blob // the configuration that it read
}

// job is something that systemd has been asked to do soon.
type job struct {
	op       helper.Op
	unit, by string
}

// unitDirs are where files of units are, the first wins (systemd.unit(5)).
var unitDirs = [...]string{"/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system"}

// unit returns a unit as it is in memory. One that has no file is looked for
// anew: systemd forgets it as soon as nobody refers to it.
func (m *Machine) unit(name string) *unit {
	u := m.units[name]
	if u == nil {
		u = &unit{name: name, active: "inactive", again: never}
		m.units[name] = u
	}
	if u.text == nil {
		u.text = m.unitFile(name)
	}
	return u
}

// unitFile reads the file of a unit and its drop-ins.
func (m *Machine) unitFile(name string) *blob {
	var text *blob
	for _, dir := range unitDirs {
		if text = m.disk.read(dir + "/" + name); text != nil {
			break
		}
	}
	if text == nil {
		return nil
	}
	drops := m.disk.list(unitDirs[0] + "/" + name + ".d")
	if len(drops) == 0 {
		return text
	}
	all := [][]byte{text.data}
	for _, e := range drops {
		if b := m.disk.read(unitDirs[0] + "/" + name + ".d/" + e.name); b != nil && strings.HasSuffix(e.name, ".conf") {
			all = append(all, b.data)
		}
	}
	return newBlob(bytes.Join(all, []byte("\n")))
}

// settings returns the values of a key in the text of a unit.
func settings(text *blob, key string) []string {
	if text == nil {
		return nil
	}
	if p := text.parsed.Load(); p != nil {
		return (*p)[key]
	}
	parsed := map[string][]string{}
	for line := range strings.Lines(string(text.data)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			parsed[k] = append(parsed[k], strings.Fields(v)...)
		}
	}
	text.parsed.Store(&parsed)
	return parsed[key]
}

func setting(text *blob, key string) string {
	all := settings(text, key)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

func yes(text *blob, key string) bool {
	v := setting(text, key)
	return v == "yes" || v == "true"
}

// reread is daemon-reload. Generators run: netplan's writes its files.
func (m *Machine) reread() {
	m.generate()
	for _, u := range m.units {
		u.text = m.unitFile(u.name)
	}
}

// installed says where the links of a unit are, in /etc or in /run.
func (m *Machine) installed(base, name string) string {
	for _, e := range m.disk.list(base) {
		if strings.HasSuffix(e.name, ".wants") || strings.HasSuffix(e.name, ".requires") {
			if _, found := m.disk.find(e.at, name); found {
				return base + "/" + e.name + "/" + name
			}
		}
	}
	return ""
}

// wanted reports whether a boot starts a unit.
func (m *Machine) wanted(name string) bool {
	return m.installed(unitDirs[0], name) != "" || m.installed(unitDirs[1], name) != ""
}

// wantedUnits are all that a boot starts, sorted by directory and name.
func (m *Machine) wantedUnits() []string {
	var out []string
	for _, base := range unitDirs[:2] {
		for _, e := range m.disk.list(base) {
			if strings.HasSuffix(e.name, ".wants") || strings.HasSuffix(e.name, ".requires") {
				for _, u := range m.disk.inodes[e.at].names {
					out = append(out, u.name)
				}
			}
		}
	}
	return out
}

// enable makes the link that a unit's [Install] asks for.
func (m *Machine) enable(name string) error {
	text := m.unitFile(name)
	if text == nil {
		return fmt.Errorf("unit file %s does not exist", name)
	}
	for _, target := range settings(text, "WantedBy") {
		dir := unitDirs[0] + "/" + target + ".wants"
		if err := m.disk.make(dir, inode{kind: directory, attr: rootOwned, kept: true}); err != nil && err != fs.ErrExist {
			return failed("enable", name, err)
		}
		if err := m.disk.symlink(m.fragment(name), dir+"/"+name); err != nil && err != fs.ErrExist {
			return failed("enable", name, err)
		}
	}
	m.reread()
	return nil
}

// fragment is where the file of a unit is.
func (m *Machine) fragment(name string) string {
	for _, dir := range unitDirs {
		if w, err := m.disk.walk(dir + "/" + name); err == nil && w.found {
			return dir + "/" + name
		}
	}
	return ""
}

// disable removes links also of a unit that has no file any more.
func (m *Machine) disable(name string) error {
	for link := m.installed(unitDirs[0], name); link != ""; link = m.installed(unitDirs[0], name) {
		if err := m.disk.remove(link); err != nil {
			return failed("disable", name, err)
		}
	}
	m.reread()
	return nil
}

// Units implements helper.Units.
func (p *Process) Units(names []string) (map[string]server.UnitFact, error) {
	if err := p.looksAt("look at", "units"); err != nil {
		return nil, err
	}
	out := make(map[string]server.UnitFact, len(names))
	for _, name := range names {
		out[name] = p.m.fact(name)
	}
	return out, nil
}

func (m *Machine) fact(name string) server.UnitFact {
	u := m.unit(name)
	sub := map[string]string{"active": "running", "failed": "failed", "activating": "start"}[u.active]
	if sub == "" {
		sub = "dead"
	}
	if u.again != never {
		return fact("loaded", "activating", "auto-restart", m.unitFileState(name))
	}
	if u.text == nil {
		return fact("not-found", u.active, sub, "")
	}
	return fact("loaded", u.active, sub, m.unitFileState(name))
}

func (m *Machine) unitFileState(name string) string {
	text := m.unitFile(name)
	switch {
	case text == nil:
		return ""
	case m.installed(unitDirs[0], name) != "":
		return "enabled"
	case m.installed(unitDirs[1], name) != "":
		return "enabled-runtime"
	case len(settings(text, "WantedBy")) == 0:
		return "static"
	}
	return "disabled"
}

// Said implements helper.Units.
func (p *Process) Said(unit string, since time.Time) string {
	p.alive()
	return p.m.unit(unit).said
}

// Arm implements helper.Units.
func (p *Process) Arm(after time.Duration) error {
	if err := p.changes("arm", after.String(), ""); err != nil {
		return err
	}
	p.m.armed = p.m.now + after
	return nil
}

// Disarm implements helper.Units.
func (p *Process) Disarm() error {
	if err := p.changes("disarm", "", ""); err != nil {
		return err
	}
	p.m.armed = never
	return nil
}

// IsArmed implements helper.Units.
func (p *Process) IsArmed() (bool, error) {
	err := p.looksAt("look at", "the timer")
	return p.m.armed != never, err
}
