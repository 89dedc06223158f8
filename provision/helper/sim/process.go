package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
)

// Process is a program that runs on a machine, and is the operating system as
// that program sees it. It runs until it waits for something.
type Process struct {
	m    *Machine
	name string
	unit string // that it is the program of

	program func(helper.OS) error
	on      *thread
	// It goes on when until says so, or when the time has come.
	until func() bool
	wake  time.Duration

	running, done, dead bool
	console             bool // it is no process: whoever waits here runs the machine
	err                 error
}

var _ helper.OS = (*Process)(nil)

// errKilled unwinds a process that was killed.
var errKilled = errors.New("killed")

// never is a time that does not come.
const never = 1 << 62 * time.Nanosecond

// spawn makes a process that runs a program. It runs when the machine does.
func (m *Machine) spawn(name, unit string, program func(helper.OS) error) *Process {
	p := &Process{m: m, name: name, unit: unit, program: program}
	m.procs = append(m.procs, p)
	return p
}

// Console is the operating system for somebody who stands before the machine.
func (m *Machine) Console() *Process {
	return &Process{m: m, name: "console", console: true}
}

// Other is another process that holds a lock until it is killed.
func (m *Machine) Other(path, who string) (end func(), err error) {
	p := m.spawn("other", "", func(os helper.OS) error {
		if _, err = os.Lock(path, who, 0); err == nil {
			os.(*Process).wait(func() bool { return false }, never)
		}
		return err
	})
	for m.locks[path].by != p && !p.done && m.step(m.now) {
	}
	return func() { m.Kill(p) }, err
}

// ended is the last that a process does. One that panics has died like one
// that was killed, and is remembered.
func (p *Process) ended() {
	switch r := recover(); r {
	case nil:
	case errKilled:
		p.err = errKilled
	default:
		p.m.panics = append(p.m.panics, fmt.Sprintf("%s: %v", p.name, r))
		p.err = fmt.Errorf("panic: %v", r)
	}
	p.done = true
	p.m.release(p)
}

// resume lets a process go on until it waits or ends.
func (m *Machine) resume(p *Process) {
	p.until, p.wake = nil, never
	before := m.current
	m.current = p
	p.goOn()
	m.current = before
	if p.done {
		m.reap(p)
	}
}

// goOn has a process run until it waits or ends.
func (p *Process) goOn() {
	if p.on == nil {
		p.on = p.m.threads.take(p)
	}
	p.running = true
	p.on.next()
	p.running = false
	if p.done {
		p.m.threads.give(p.on)
		p.on = nil
	}
}

// reap takes an ended process out, and has systemd hear of it.
func (m *Machine) reap(p *Process) {
	p.done = true
	for i, q := range m.procs {
		if q == p {
			m.procs = append(m.procs[:i:i], m.procs[i+1:]...)
			break
		}
	}
	m.release(p)
	if p.unit != "" {
		m.exited(p)
	}
}

// Kill ends a process at once (SIGKILL). A process that kills itself does not
// return.
func (m *Machine) Kill(p *Process) {
	if p.done || p.dead {
		return
	}
	p.dead = true
	if p.running {
		panic(errKilled)
	}
	p.unwind()
	m.reap(p)
}

// unwind ends a process that is dead: its own calls fail on the way.
func (p *Process) unwind() {
	if p.on != nil {
		p.goOn()
	}
	if p.err == nil {
		p.err = errKilled // it had not begun, or had just ended
	}
}

// alive is asked by every call.
func (p *Process) alive() {
	if p.dead || p.m.off {
		panic(errKilled)
	}
}

// wait gives the machine to the others until something is so, or a time has
// come.
func (p *Process) wait(until func() bool, wake time.Duration) {
	if p.console {
		for (until == nil || !until()) && p.m.now < wake {
			if !p.m.step(wake) {
				p.m.now = wake
			}
		}
		return
	}
	p.until, p.wake = until, wake
	if !p.on.yield(struct{}{}) || p.dead {
		panic(errKilled)
	}
}

// pass lets time go by. Others run only when there is something to run.
func (p *Process) pass(d time.Duration) {
	end := p.m.now + d
	if !p.m.due(end, p) {
		p.m.now = end
		return
	}
	p.wait(nil, end)
}

// Sleep implements helper.Machine.
func (p *Process) Sleep(d time.Duration) {
	p.alive()
	p.pass(d)
}

// interrupt lets something happen before a process goes on.
func (p *Process) interrupt() {
	if len(p.m.events) > 0 {
		p.wait(func() bool { return true }, p.m.now)
	}
}

// due reports whether anything but one process wants to run up to a time.
func (m *Machine) due(end time.Duration, but *Process) bool {
	if len(m.jobs) > 0 || len(m.events) > 0 || m.outside != nil && m.outside() <= end {
		return true
	}
	for _, p := range m.procs {
		if p != but && !p.running && (p.wake <= end || p.until != nil && p.until()) {
			return true
		}
	}
	return m.nextTimer() <= end
}

// Run lets the machine run until nothing is left to do before a time, which it
// then is. It stops early when a process has to be looked at.
func (m *Machine) Run(end time.Duration) {
	for m.step(end) {
	}
	m.now = max(m.now, min(end, m.now))
}

// step runs the next thing that has to run, and reports whether there was one.
func (m *Machine) step(end time.Duration) bool {
	if m.off {
		return false
	}
	if len(m.events) > 0 {
		event := m.events[0]
		m.events = m.events[1:]
		event()
		return true
	}
	if m.startJob() {
		return true
	}
	for i := range m.procs {
		p := m.procs[i]
		if m.overtakes {
			p = m.procs[len(m.procs)-1-i]
		}
		if p.wake <= m.now || p.until != nil && p.until() {
			m.resume(p)
			return true
		}
	}
	next := m.nextTimer()
	for _, p := range m.procs {
		next = min(next, p.wake)
	}
	if next > end {
		return false
	}
	m.now = max(m.now, next)
	m.fire()
	return true
}

// Lock implements helper.Machine: flock(2).
func (p *Process) Lock(path, who string, wait time.Duration) (func(), error) {
	p.alive()
	if err := p.m.lockFile(path); err != nil {
		return nil, err
	}
	free := func() bool { return p.m.locks[path].by == nil }
	if !free() {
		p.wait(free, p.m.now+wait)
	}
	if held := p.m.locks[path]; held.by != nil {
		return nil, fmt.Errorf("%w by %s", helper.ErrLocked, held.who)
	}
	p.m.locks[path] = lock{p, who}
	return func() {
		p.alive()
		if p.m.locks[path].by == p {
			delete(p.m.locks, path)
		}
	}, nil
}

type lock struct {
	by  *Process
	who string
}

// release lets go of what an ended process held.
func (m *Machine) release(p *Process) {
	for path, l := range m.locks {
		if l.by == p {
			delete(m.locks, path)
		}
	}
}
