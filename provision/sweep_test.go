//go:build linux

package provision_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/rehearse"
)

// place is a point of an apply at which it can be broken.
type place struct {
	phase string // apply, revert or boot
	step  string // of the helper on the server; "" for a place on the wire
	write int    // before this message of the client
	read  int    // after this message of the server
	to    string // variant on the way to which alone it was seen; "" for any
	kind  string // of the step; "" for a place on the wire
}

func (p place) String() string {
	switch {
	case p.step != "":
		return p.phase + " " + p.step
	case p.write > 0:
		return fmt.Sprintf("%s before client message %d", p.phase, p.write)
	}
	return fmt.Sprintf("%s after server message %d", p.phase, p.read)
}

// trouble is what happens at a place.
type trouble string

const (
	killed      trouble = "raiz killed"
	pulledShort trouble = "cable pulled for 10 s"
	pulled      trouble = "cable pulled for ever"
	powerCut    trouble = "power cut"
	rebooted    trouble = "rebooted in order"
	diskFull    trouble = "disk full"
	another     trouble = "another operator"
	readOnly    trouble = "/etc read-only"
)

func troubles() []trouble {
	return []trouble{killed, pulledShort, pulled, powerCut, rebooted, diskFull, another, readOnly}
}

// troublesOf are those that fit a place. A boot can only be cut short.
func (st start) troublesOf(p place) []trouble {
	switch {
	case st.trouble != "" && p.phase == "boot":
		return nil
	case st.trouble != "":
		return []trouble{st.trouble}
	case p.phase == "boot":
		return []trouble{powerCut}
	case p.phase == "revert":
		return []trouble{powerCut, rebooted, diskFull, pulled}
	case p.step == "":
		return []trouble{killed, pulledShort, pulled, powerCut}
	}
	return []trouble{killed, pulledShort, pulled, powerCut, rebooted, diskFull}
}

type job struct {
	start   string
	place   place
	trouble trouble
}

// ending is how a job ended. Empty problems mean that every promise held.
type ending struct {
	job
	ended    string // what stood after it: before, new, or another's
	took     time.Duration
	missed   bool // the run did not come by the place
	problems []problem
}

// problem is a promise that did not hold.
type problem struct {
	kind string // lockout, mixture, lost update, not converged, or not run
	what string
}

// TestSweep breaks an apply that changes the address it is logged in through,
// from every starting state, at points spread over all there are. RAIZ_SWEEP says
// how much of it, and RAIZ_SWEEP_START=NAME from which starting state alone.
func TestSweep(t *testing.T) {
	needMachines(t)
	t.Parallel()
	done, err := openLedger(os.Getenv("RAIZ_SWEEP_LEDGER"))
	if err != nil {
		t.Fatal(err)
	}
	s := &sweep{t: t, how: extent(os.Getenv("RAIZ_SWEEP")), ledger: done}
	// A run is mostly waiting: for timers, boots and the address. Each
	// rehearsal takes some twenty of the kernel's inotify instances, of which
	// Debian allows 128 (fs.inotify.max_user_instances).
	s.slots = make(chan struct{}, number("RAIZ_SWEEP_WORKERS", 3))
	each := 1
	if s.how != spots {
		each = cap(s.slots)
	}
	var all sync.WaitGroup
	for _, b := range beds(t, os.Getenv("RAIZ_SWEEP_START")) {
		s.slots <- struct{}{}
		all.Go(func() { s.sweep(b, each) })
		if s.how != spots {
			all.Wait()
		}
	}
	all.Wait()
	s.summarise()
}

// extent is how much of all that there is a sweep takes.
type extent string

const (
	spots extent = ""      // some runs, spread over everything: make test
	kinds extent = "kinds" // every kind of step once from each starting state, troubles that fit it by turns: make sweep
	turns extent = "turns" // every step once: starting states, and troubles that fit it, by turns
	whole extent = "full"  // every place with every trouble
)

// number is one that the environment sets, or another.
func number(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

func needMachines(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots machines")
	}
	if err := rehearse.Ready(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// sweep is all of them, from every starting state.
type sweep struct {
	t      *testing.T
	how    extent
	slots  chan struct{} // one for each rehearsal that stands
	ledger ledger

	mu      sync.Mutex
	swept   []swept
	endings []ending
}

// swept is a starting state with the places that were taken of it.
type swept struct {
	start  start
	known  int // places that there are of it
	places []place
	every  int // runs that there would have been of these
}

// sweep runs the jobs of starting states that have the same rehearsals. It has
// taken a slot for the first of these.
func (s *sweep) sweep(b rehearsals, each int) {
	first, err := newWorker(s.t, b.lead)
	if err != nil {
		<-s.slots
		s.t.Errorf("%s: %v", b.lead.name, err)
		return
	}
	places := first.applyPlaces()
	if s.how != spots || number("RAIZ_SWEEP_RUNS", b.runs()) > 1 {
		places = append(first.revertPlaces(places), first.bootPlaces()...)
	}
	if err := first.begin(); err != nil {
		<-s.slots
		s.t.Errorf("%s: %v", b.lead.name, err)
		return
	}
	var jobs []job
	for _, st := range b.starts {
		these := spread(places, number("RAIZ_SWEEP_PLACES", len(places)))
		all := st.everyJob(these)
		s.mu.Lock()
		s.swept = append(s.swept, swept{st, len(places), these, len(all)})
		s.mu.Unlock()
		switch s.how {
		case spots:
			all = few(all, number("RAIZ_SWEEP_RUNS", st.runs))
		case kinds:
			all = st.byTurns(st.everyJob(st.oneOfAKind(these)))
		case turns:
			all = st.share(st.byTurns(all))
		}
		if n := number("RAIZ_SWEEP_RUNS", len(all)); n < len(all) {
			all = few(all, n)
		}
		left, done, err := s.ledger.left(all)
		if err != nil {
			s.t.Error(err)
		}
		s.t.Logf("%s: %d of %d places, %d jobs, %d of them in the ledger", st.name, len(these), len(places), len(all), len(done))
		s.mu.Lock()
		s.endings = append(s.endings, done...)
		s.mu.Unlock()
		jobs = append(jobs, left...)
	}
	s.run(first, each, jobs)
}

func (st start) everyJob(places []place) []job {
	var jobs []job
	for _, p := range places {
		for _, x := range st.troublesOf(p) {
			jobs = append(jobs, job{st.name, p, x})
		}
	}
	return jobs
}

// byTurns takes one job of each place: with each one the next of the troubles
// that fit, from another starting state another one.
func (st start) byTurns(all []job) []job {
	var out []job
	for i := st.index(); len(all) > 0; i++ {
		n := 1
		for n < len(all) && all[n].place == all[0].place {
			n++
		}
		out = append(out, all[i%n])
		all = all[n:]
	}
	return out
}

// oneOfAKind takes a step of each kind, and every place on the wire: from
// another starting state another one of them.
func (st start) oneOfAKind(places []place) []place {
	var order []string
	of := map[string][]place{}
	for i, p := range places {
		kind := p.phase + " " + p.kind
		if p.kind == "" {
			kind = strconv.Itoa(i)
		}
		if of[kind] == nil {
			order = append(order, kind)
		}
		of[kind] = append(of[kind], p)
	}
	var out []place
	for i, kind := range order {
		out = append(out, of[kind][(i+st.index())%len(of[kind])])
	}
	return out
}

// index is the number of a starting state among all of them.
func (st start) index() int {
	return slices.IndexFunc(starts(), func(o start) bool { return o.name == st.name })
}

// share is what one starting state takes of places that it has in common with
// others: those of a first apply, which differ only in who loses the links, or
// those of any later one with the same name server. One that is broken in a
// single way takes every fifth.
func (st start) share(all []job) []job {
	i, n := 0, 0
	if st.trouble != "" {
		n = 5
	}
	for _, o := range starts() {
		if o.first != st.first || o.dns != st.dns || st.trouble != "" || o.trouble != "" {
			continue
		}
		if o.name == st.name {
			i = n
		}
		n++
	}
	var out []job
	for ; i < len(all); i += n {
		out = append(out, all[i])
	}
	return out
}

// spread takes n of them at even distances: from the middle of each stretch,
// and each a little further into it than the last, so that every trouble has
// its turn.
func spread[T any](all []T, n int) []T {
	if len(all) <= n {
		return all
	}
	var out []T
	for i := range n {
		long := len(all) / n
		out = append(out, all[i*len(all)/n+(long/2+i)%long])
	}
	return out
}

// few takes n jobs, as many of each phase and of the wire, which has most of the
// places: first of all of the steps of an apply.
func few(all []job, n int) []job {
	kinds := []func(place) bool{
		func(p place) bool { return p.phase == "apply" && p.step != "" },
		func(p place) bool { return p.phase == "revert" },
		func(p place) bool { return p.phase == "boot" },
		func(p place) bool { return p.step == "" },
	}
	var out []job
	for i, is := range kinds {
		these := slices.DeleteFunc(slices.Clone(all), func(j job) bool { return !is(j.place) })
		out = append(out, spread(these, (n+len(kinds)-1-i)/len(kinds))...)
	}
	return out
}

// run has workers do all jobs: the first one, and others as far as there are
// slots for them.
func (s *sweep) run(first *worker, n int, jobs []job) {
	var all sync.WaitGroup
	for i := range min(n, len(jobs)) {
		if i > 0 {
			s.slots <- struct{}{}
		}
		all.Go(func() {
			defer func() { <-s.slots }()
			w := first
			if i > 0 {
				var err error
				if w, err = newWorker(s.t, first.start); err == nil {
					err = w.learn()
				}
				if err != nil {
					s.t.Errorf("worker %d: %v", i, err)
					return
				}
			}
			defer w.down()
			for j, ok := s.next(&jobs, w.next()); ok; j, ok = s.next(&jobs, w.next()) {
				s.judged(w.runTwice(j))
			}
		})
	}
	all.Wait()
	for _, j := range jobs {
		s.judged(ending{job: j, problems: []problem{{"not run", "there was no worker for it"}}})
	}
}

// next takes a job off the list: one that is met on the way to what comes next,
// if there is any.
func (s *sweep) next(jobs *[]job, to string) (job, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(*jobs) == 0 {
		return job{}, false
	}
	fits := func(what ...string) int {
		return slices.IndexFunc(*jobs, func(j job) bool { return slices.Contains(what, j.place.to) })
	}
	i := max(fits(to), 0)
	if fits(to) < 0 {
		i = max(fits(""), 0)
	}
	j := (*jobs)[i]
	*jobs = slices.Delete(*jobs, i, i+1)
	return j, true
}

// runTwice runs a job, and once more where it did not come by its place: each
// run goes the other way.
func (w *worker) runTwice(j job) ending {
	began := time.Now()
	v := w.run(j)
	if v.missed && len(v.problems) == 0 {
		v = w.run(j)
	}
	v.took = time.Since(began)
	return v
}

func (s *sweep) judged(v ending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endings = append(s.endings, v)
	if err := s.ledger.add(v); err != nil {
		s.t.Error(err)
	}
	for _, p := range v.problems {
		s.t.Errorf("%s: %s, %s: %s: %s", v.start, v.place, v.trouble, p.kind, p.what)
	}
	s.t.Logf("%d: %s: %s, %s: %s stands, %s", len(s.endings), v.start, v.place, v.trouble, cmp.Or(v.ended, "nothing whole"), v.took.Round(time.Second))
}
