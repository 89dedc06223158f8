package sim

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

// Programs are what the units of the helper run.
type Programs struct {
	Activate, Revert, Boot func(helper.OS) error
}

// Machine is a server. Time goes by only while something waits.
type Machine struct {
	programs Programs
	disk     *disk
	now      time.Duration // since the machine was made
	booted   time.Duration
	boots    int
	off      bool
	load     time.Duration // what a job of systemd takes

	threads *threads
	procs   []*Process
	current *Process
	locks   map[string]lock
	units   map[string]*unit
	jobs    []job
	armed   time.Duration // when RevertUnit is started; never
	booting bool
	// overtakes has whoever came last go on first: flock(2) knows no queue.
	overtakes bool
	started   []string // what the boot has still to start
	net       network
	run       running

	calls   int                  // that change something
	looks   int                  // that do not
	looked  func(int) error      // hears of each, and may have it fail
	hook    func(*Call)          // hears of each before it is made
	trace   func(string)         // of a history for people
	events  []func()             // happen before any process goes on
	outside func() time.Duration // when somebody outside wants to act
	panics  []string
	// Acts are what systemd did to units since the machine was made.
	Acts []Act
}

// Call is a call that changes something, before it is made.
type Call struct {
	Number int
	By     *Process
	Op     string
	A, B   string
	line   string // of the history, where there is one
	err    error  // that it shall fail with
}

// epoch is the wall clock when a machine is made.
var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// newMachine returns a machine that is off.
func newMachine(d *disk, p Programs, t *threads) *Machine {
	m := &Machine{programs: p, threads: t, disk: d, off: true, armed: never, load: 100 * time.Millisecond}
	m.forget()
	return m
}

// forget is what the loss of power does to all but the disk.
func (m *Machine) forget() {
	m.locks = map[string]lock{}
	m.units = map[string]*unit{}
	m.jobs, m.started = nil, nil
	m.armed = never
	m.booting = false
	m.net, m.run = newNetwork(), newRunning()
}

// Crash is the loss of power.
func (m *Machine) Crash(k Keep) {
	m.off = true
	for _, p := range append([]*Process(nil), m.procs...) {
		p.dead = true
		p.unwind()
	}
	m.procs = nil
	m.disk = m.disk.after(k)
	m.forget()
}

// Boot powers a machine on. It is up once Run has run the boot unit.
func (m *Machine) Boot() {
	m.off = false
	m.boots++
	m.now += 30 * time.Second
	m.booted = m.now
	for _, dir := range []string{"/run", "/run/systemd", "/run/systemd/system", "/run/systemd/network", "/run/systemd/netif", "/run/systemd/netif/links", "/run/network"} {
		m.disk.passingDir(dir)
	}
	m.boot()
}

// passingDir makes a directory that the next boot does not find.
func (d *disk) passingDir(dir string) {
	w, err := d.walk(dir)
	if err != nil || w.found {
		return
	}
	d.set(w.dir, w.name, d.add(inode{kind: directory, passing: true, attr: rootOwned, kept: true}))
}

// changes is called before each call that changes something. Its error is that
// of the call, which then changes nothing.
func (p *Process) changes(op, a, b string) error {
	p.alive()
	m := p.m
	m.calls++
	line := ""
	if m.trace != nil {
		line = strings.TrimSpace(strconv.Itoa(m.calls) + " " + p.name + ": " + op + " " + a + " " + b)
		m.trace(line)
	}
	if m.hook == nil {
		return nil
	}
	c := &Call{Number: m.calls, By: p, Op: op, A: a, B: b, line: line}
	m.hook(c)
	p.interrupt()
	return failed(op, a, c.err)
}

// looksAt is called before each call that only looks.
func (p *Process) looksAt(op, what string) error {
	p.alive()
	m := p.m
	m.looks++
	if m.looked == nil {
		return nil
	}
	err := m.looked(m.looks)
	if err != nil {
		m.note(p.name + " cannot " + op + " " + what)
	}
	return failed(op, what, err)
}

// note adds what happens by itself to the history.
func (m *Machine) note(what string) {
	if m.trace != nil {
		m.trace("  at " + m.now.String() + " " + what)
	}
}

// Now implements helper.Machine.
func (p *Process) Now() time.Time { p.alive(); return epoch.Add(p.m.now) }

// Uptime implements helper.Machine.
func (p *Process) Uptime() time.Duration { p.alive(); return p.m.now - p.m.booted }

// BootID implements helper.Machine.
func (p *Process) BootID() string { p.alive(); return "boot-" + strconv.Itoa(p.m.boots) }

// System implements helper.Machine.
func (p *Process) System() helper.System {
	return helper.System{Hostname: "gru1", OS: "debian 12", Arch: "amd64"}
}

// Packages implements helper.Machine.
func (p *Process) Packages(names []string) (map[string]string, error) {
	p.alive()
	out := map[string]string{}
	for _, n := range names {
		if !strings.HasPrefix(n, "no-such-") {
			out[n] = "1"
		}
	}
	return out, nil
}

// Log implements helper.Machine.
func (p *Process) Log(line string) {
	p.alive()
	if p.m.trace != nil {
		p.m.trace("  " + p.name + " says: " + line)
	}
}

// read returns the bytes of a file as a daemon sees it: through links.
func (d *disk) read(file string) *blob {
	for range 8 {
		w, err := d.walk(file)
		if err != nil || !w.found {
			return nil
		}
		n := &d.inodes[w.at]
		switch n.kind {
		case regular:
			return n.data
		case symlink:
			file = string(n.data.data)
			if !path.IsAbs(file) {
				return nil
			}
		default:
			return nil
		}
	}
	return nil
}

// list returns the names in a directory, or nothing.
func (d *disk) list(dir string) []entry {
	w, err := d.walk(dir)
	if err != nil || !w.found || d.inodes[w.at].kind != directory {
		return nil
	}
	return d.inodes[w.at].names
}

// put writes a file as a daemon does, with the directories above it. A daemon
// flushes nothing.
func (d *disk) put(file, text string) error {
	for i := 1; i < len(file); i++ {
		if file[i] == '/' {
			if err := d.make(file[:i], inode{kind: directory, attr: rootOwned, kept: true}); err != nil && err != fs.ErrExist {
				return err
			}
		}
	}
	if err := d.remove(file); err != nil && err != fs.ErrNotExist {
		return err
	}
	return d.make(file, inode{kind: regular, attr: readable, data: newBlob([]byte(text))})
}

var readable = &attributes{Attributes: helper.Attributes{Mode: 0o644, Owner: "root", Group: "root"}}

// flushAll is sync(2).
func (d *disk) flushAll() {
	for i := range d.inodes {
		d.inodes[i].kept = true
		d.inodes[i].flushed = d.inodes[i].names
	}
}

// fact is how a unit is shown.
func fact(load, active, sub, file string) server.UnitFact {
	return server.UnitFact{Load: load, Active: active, Sub: sub, File: file}
}
