package sim

import (
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

// world is a server, those who change it, and what is known of it from outside.
type world struct {
	x        *Case
	m        *Machine
	sides    []*side
	confirms int
	runs     int
	base     *base
	stuck    bool // something went on for ever
	points   []point
	record   int // each so manieth call; 0 for none
	shift    int // which of them
	event    event
	touched  bool          // something managed has changed
	linked   bool          // what stood has a second name
	edited   bool          // by hand, before that
	killed   time.Duration // when the activation was, and nobody has come for it since
	idle     time.Duration // the longest that nobody came
	hasty    []string      // runs that somebody else took back before their time
}

// Code runs the helper.
type Code struct {
	Programs
	Handle func(helper.OS, server.Request, func(server.Event)) server.Answer
}

// point is a moment at which a machine may lose its power.
type point struct {
	call     int
	line     string
	disk     *disk
	now      time.Duration
	boots    int
	sides    []side
	confirms int
	runs     int
	acts     []Act
	touched  bool
	linked   bool
	edited   bool
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// horizon is until when a world has to come to rest.
const horizon = 12 * time.Hour

// rest lets a world go on until nothing happens any more.
func (w *world) rest() {
	end := w.m.now + horizon
	w.m.outside = func() time.Duration {
		next := time.Duration(never)
		for _, s := range w.sides {
			next = min(next, s.next())
		}
		return next
	}
	for {
		if w.stepSides() {
			continue
		}
		if w.quiet() {
			return
		}
		if w.m.now >= end {
			w.stuck = true
			return
		}
		next := min(w.m.outside(), end)
		if !w.m.step(next) {
			w.m.now = max(w.m.now, next)
		}
	}
}

func (w *world) stepSides() bool {
	for _, s := range w.sides {
		if s.ready(w) {
			w.sideStep(s)
			return true
		}
	}
	return false
}

// quiet reports whether only leases are left to be renewed.
func (w *world) quiet() bool {
	m := w.m
	if len(m.procs) > 0 || len(m.jobs) > 0 || len(m.events) > 0 || m.booting || m.armed != never {
		return false
	}
	for _, name := range ownUnits {
		if u := m.units[name]; u != nil && u.again != never {
			return false
		}
	}
	for _, s := range w.sides {
		if s.phase != over {
			return false
		}
	}
	return true
}

// watch has a world remember each moment before a call.
func (w *world) watch() {
	w.m.hook = func(c *Call) {
		if w.record > 0 && (c.Number+w.shift)%w.record == 0 {
			w.points = append(w.points, w.point(c))
		}
		w.touched = w.touched || c.Op == "rename" && managed(c.B) || c.Op == "remove" && managed(c.A) || c.Op == "disable" && c.By.unit == helper.ActivateUnit
		// A word is written ahead of what it is about.
		w.touched = w.touched || w.linked && c.Op == "rename" && c.By.unit == helper.ActivateUnit
		w.linked = w.linked || c.Op == "link" && managed(c.A)
		w.event.look(w, c)
		w.owners(c)
	}
}

func (w *world) point(c *Call) point {
	p := point{call: c.Number, line: c.line, disk: w.m.disk.clone(), now: w.m.now, boots: w.m.boots, confirms: w.confirms, runs: w.runs, touched: w.touched, linked: w.linked, edited: w.edited, acts: w.m.Acts[:len(w.m.Acts):len(w.m.Acts)]}
	for _, s := range w.sides {
		p.sides = append(p.sides, *s)
	}
	return p
}

// revive is the world after the power was lost at a point and has come back.
func (w *world) revive(p point, k Keep) *world {
	n := &world{x: w.x, base: w.base, confirms: p.confirms, runs: p.runs, touched: p.touched, linked: p.linked, edited: p.edited}
	n.m = newMachine(p.disk.after(k), w.x.Code.Programs, w.m.threads)
	n.m.now, n.m.boots, n.m.Acts = p.now, p.boots, p.acts
	for _, s := range p.sides {
		c := s
		if c.flight != nil {
			c.flight = &Process{done: true, err: errKilled}
			c.wake = p.now + patience
		}
		n.sides = append(n.sides, &c)
	}
	n.watch()
	return n
}

// managed reports whether a generation may manage a path.
func managed(path string) bool { return slices.Contains(paths(), path) }
