package sim

import (
	"slices"
	"syscall"

	"github.com/raiz-dns/raiz/provision/helper"
)

// Event is something that happens at one call, besides a loss of power.
type Event string

// The events.
const (
	NoEvent      Event = ""
	KillActivate Event = "the activation is killed"
	KillLogin    Event = "the login is killed"
	SideDies     Event = "the near side dies"
	Cable        Event = "the line is cut" // and the login goes on
	Overtake     Event = "the line is cut, and who comes later is first"
	Unplug       Event = "a cable is pulled for 10 s"
	Isolate      Event = "a target is isolated"
	ReadOnly     Event = "/etc is read-only"
	Full         Event = "the disk is full"
	Edit         Event = "a file is edited by hand"
	Plant        Event = "a daemon's user plants a link"
	Fail         Event = "a call fails" // as a disk does, or systemd
	Preempt      Event = "the others come first"
	Blind        Event = "a look fails" // of all that changes nothing, which is counted by itself
)

// event is an event and its calls.
type event struct {
	Event
	at, and int // calls; 0 for none
	hits    int // of them, at which there was something that it could happen to
}

// hit reports whether it has happened as often as it was to.
func (e *event) hit() bool {
	want := 0
	for _, n := range []int{e.at, e.and} {
		if n > 0 {
			want++
		}
	}
	return e.hits == want
}

// look has the event happen when its call has come.
func (e *event) look(w *world, c *Call) {
	if e.Event == NoEvent || e.Event == Blind || c.Number != e.at && c.Number != e.and {
		return
	}
	m := w.m
	m.note("*** " + string(e.Event))
	hit := true
	switch e.Event {
	case KillActivate:
		if hit = w.kill(func(p *Process) bool { return p.unit == helper.ActivateUnit }); hit {
			w.killed = m.now
		}
	case KillLogin:
		hit = w.kill(func(p *Process) bool { return p.unit == "" })
	case SideDies:
		hit = false
		for _, s := range w.sides {
			hit = hit || s.phase != over
			s.dies()
		}
	case Cable, Overtake:
		hit = false
		m.overtakes = e.Event == Overtake
		for _, s := range w.sides {
			if s.flight != nil {
				hit = true
				s.flight = &Process{done: true, err: errKilled}
				s.wake = m.now + patience
			}
		}
	case Unplug:
		hit = m.unplug("eno1")
	case Isolate:
		m.events = append(m.events, m.Isolate)
	case ReadOnly:
		m.disk.readOnly = "/etc"
	case Full:
		m.disk.full = true
	case Fail:
		c.err = syscall.EIO
	case Edit, Plant:
		if hit = !w.linked; hit { // later it is a change of the new file
			w.edited = e.Event == Edit
			m.disk.meddle(e.Event)
		}
	case Preempt:
		hit = len(m.procs) > 1
		m.events = append(m.events, func() { m.yieldAll(c.By) })
	}
	if hit {
		e.hits++
	}
}

// blind has one look fail, by its number.
func (w *world) blind() {
	e := &w.event
	w.m.looked = func(n int) error {
		if n != e.at {
			return nil
		}
		w.m.note("*** " + string(e.Event))
		e.hits++
		return syscall.EIO
	}
}

// kill ends processes from outside, before the call is made.
func (w *world) kill(which func(*Process) bool) bool {
	if !slices.ContainsFunc(w.m.procs, which) {
		return false
	}
	w.m.events = append(w.m.events, func() {
		for _, p := range slices.Clone(w.m.procs) {
			if which(p) {
				w.m.Kill(p)
			}
		}
	})
	return true
}

// yieldAll lets every other process run before one.
func (m *Machine) yieldAll(p *Process) {
	for i, q := range m.procs {
		if q == p {
			m.procs = append(append(m.procs[:i:i], m.procs[i+1:]...), p)
			return
		}
	}
}

// byHand is what somebody has edited a file to.
const byHand = "# by hand\n"

// meddle is what others do to files that raiz manages. The user bird has a
// directory of its own, in which its file becomes a link to one that it wants
// to have overwritten.
func (d *disk) meddle(e Event) {
	switch e {
	case Edit:
		_ = d.put(dnsConf("nsd"), byHand)
		d.flushAll() // an editor flushes
	case Plant:
		_ = d.remove(birdConf)
		_ = d.symlink(planted, birdConf)
	}
}

// planted is a file that only its owner may change.
const planted = "/root/.ssh/authorized_keys"

const operatorsKey = "ssh-ed25519 the operator's\n"
