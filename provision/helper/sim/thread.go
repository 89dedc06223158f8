package sim

import "iter"

// thread runs one process after the other, each until it waits: a stack that has
// grown once need not grow again.
type thread struct {
	p     *Process
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

// threads are those that nobody uses. They are not for two machines at once.
type threads struct{ idle []*thread }

// take returns a thread that runs a process.
func (all *threads) take(p *Process) *thread {
	if n := len(all.idle); n > 0 {
		t := all.idle[n-1]
		all.idle = all.idle[:n-1]
		t.p = p
		return t
	}
	t := &thread{p: p}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		for {
			t.p.run()
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return t
}

// give takes back a thread whose process has ended.
func (all *threads) give(t *thread) {
	t.p = nil
	all.idle = append(all.idle, t)
}

// end ends the threads that nobody uses.
func (all *threads) end() {
	for _, t := range all.idle {
		t.stop()
	}
	all.idle = nil
}

// run runs the program of a process.
func (p *Process) run() {
	defer p.ended()
	p.err = p.program(p)
}
