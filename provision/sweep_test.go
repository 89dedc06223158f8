//go:build linux

package provision_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// place is a point of an apply at which it can be broken.
type place struct {
	phase string // apply, revert or boot
	step  string // of the helper on the server; "" for a place on the wire
	write int    // before this message of the client
	read  int    // after this message of the server
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
)

// troublesOf are those that fit a place. A boot can only be cut short.
func troublesOf(p place) []trouble {
	switch {
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
	place   place
	trouble trouble
}

// verdict is how a job ended. Empty problems mean that every promise held.
type verdict struct {
	job
	ended    string // what stood after it: before or new
	missed   bool   // the run did not come by the place
	problems []problem
}

// problem is a promise that did not hold.
type problem struct {
	kind string // lockout, mixture, lost update, not converged, or not run
	what string
}

// TestSweep breaks an apply that changes the address it is logged in through,
// at points spread over all there are; RAIZ_SWEEP=full takes every point with
// every trouble that fits it (make sweep).
func TestSweep(t *testing.T) {
	needMachines(t)
	t.Parallel()
	full := os.Getenv("RAIZ_SWEEP") == "full"
	// A run is mostly waiting: for timers, boots and the address. Each
	// rehearsal takes some twenty of the kernel's inotify instances, of which
	// Debian allows 128 (fs.inotify.max_user_instances).
	workers := 3
	if n, err := strconv.Atoi(os.Getenv("RAIZ_SWEEP_WORKERS")); err == nil && n > 0 {
		workers = n
	}
	first, err := newWorker(t)
	if err != nil {
		t.Fatal(err)
	}
	places := first.places()
	if n, err := strconv.Atoi(os.Getenv("RAIZ_SWEEP_PLACES")); err == nil && n > 0 {
		places = spread(places, n)
	}
	jobs := everyJob(places)
	if !full {
		jobs = spread(jobs, 44)
	}
	t.Logf("%d places, %d jobs", len(places), len(jobs))
	verdicts := runJobs(t, first, workers, jobs)
	summarise(t, places, verdicts)
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

func everyJob(places []place) []job {
	var jobs []job
	for _, p := range places {
		for _, x := range troublesOf(p) {
			jobs = append(jobs, job{p, x})
		}
	}
	return jobs
}

// spread takes n of them at even distances, each a little further into its
// stretch than the last, so that every trouble has its turn.
func spread[T any](all []T, n int) []T {
	if len(all) <= n {
		return all
	}
	var out []T
	for i := range n {
		out = append(out, all[i*len(all)/n+i%(len(all)/n)])
	}
	return out
}

func runJobs(t *testing.T, first *worker, n int, jobs []job) []verdict {
	t.Helper()
	queue := make(chan job)
	var mu sync.Mutex
	var verdicts []verdict
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			w := first
			if i > 0 {
				var err error
				if w, err = newWorker(t); err == nil {
					err = w.learn()
				}
				if err != nil {
					t.Errorf("worker %d: %v", i, err)
					return
				}
			}
			for j := range queue {
				// Some places are met only on the way to one of the variants,
				// and each run goes to the other one.
				v := w.run(j)
				for again := 0; again < 3 && v.missed && len(v.problems) == 0; again++ {
					v = w.run(j)
				}
				mu.Lock()
				verdicts = append(verdicts, v)
				for _, p := range v.problems {
					t.Errorf("%s, %s: %s: %s", j.place, j.trouble, p.kind, p.what)
				}
				if len(verdicts)%50 == 0 {
					t.Logf("%d of %d", len(verdicts), len(jobs))
				}
				mu.Unlock()
			}
		})
	}
	// A worker that could not be built must not leave the others waiting, and
	// without any nobody takes the jobs.
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
feed:
	for _, j := range jobs {
		select {
		case queue <- j:
		case <-done:
			break feed
		}
	}
	close(queue)
	all.Wait()
	return verdicts
}

// summarise prints the figures of docs/safety.md.
func summarise(t *testing.T, places []place, verdicts []verdict) {
	t.Helper()
	kinds := map[string]int{}
	troubles := map[trouble]int{}
	ended := map[string]int{}
	missed := 0
	partly := map[place]bool{}
	for _, v := range verdicts {
		if v.missed {
			missed++
			partly[v.place] = true
			t.Logf("not met: %s, %s", v.place, v.trouble)
		}
		troubles[v.trouble]++
		ended[v.ended]++
		for _, p := range v.problems {
			kinds[p.kind]++
		}
	}
	t.Logf("swept %d places in %d runs: lockouts %d, mixtures %d, lost updates %d, not converged %d, not run %d",
		len(places), len(verdicts), kinds["lockout"], kinds["mixture"], kinds["lost update"], kinds["not converged"], kinds["not run"])
	for _, x := range []trouble{killed, pulledShort, pulled, powerCut, rebooted, diskFull} {
		t.Logf("  %-22s %4d runs", x, troubles[x])
	}
	t.Logf("  %d runs did not come by their place and were judged as they were", missed)
	if len(verdicts) == len(everyJob(places)) {
		t.Logf("  %d places were broken in every way that fits", len(places)-len(partly))
	}
	t.Logf("  ended with what stood before: %d, with the new generation: %d", ended["before"], ended["new"])
}

// worker is one rehearsal that jobs are run on, one after the other.
type worker struct {
	t      *testing.T
	g      *rehearse.Testbed
	at     string            // variant that stands
	refs   map[string]string // variant to the hashes of its managed files
	dir    string
	helper string // folder with the stepping helper
}

const (
	sweepRevert = 6 * time.Second
	// sweepGrace is how long the server may take after its timer: some ten
	// seconds, more on a machine that has other work, and again where it has to
	// be tried a second time.
	sweepGrace = time.Minute
)

func newWorker(t *testing.T) (*worker, error) {
	t.Helper()
	dir := "../sites"
	s, err := exampleSite(dir)
	if err != nil {
		return nil, err
	}
	g, err := rehearse.Up(t.Context(), s, rehearse.Options{Disk: rehearse.DiskJournaled})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		if err := g.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w := &worker{t: t, g: g, refs: map[string]string{}, dir: dir}
	if err := w.converge("A"); err != nil {
		return nil, fmt.Errorf("first apply: %w", err)
	}
	return w, nil
}

func exampleSite(dir string) (*site.Site, error) {
	packs, err := render.Packs(templates.FS())
	if err != nil {
		return nil, err
	}
	sites, diags := site.Load(os.DirFS(dir), "as112-gru1.hcl", site.Options{
		Operators: os.DirFS(filepath.Join(dir, "../templates/operators")), Packs: packs,
	})
	if diags.HasErrors() {
		return nil, fmt.Errorf("load the example site: %v", diags)
	}
	return sites[0], nil
}

// learn takes the hashes of both variants. They differ between rehearsals,
// because the secrets do.
func (w *worker) learn() error {
	w.refs["A"] = w.hashes()
	if err := w.converge("B"); err != nil {
		return err
	}
	w.refs["B"] = w.hashes()
	return nil
}

// places enumerates: it runs each phase once, undisturbed, and collects every
// step and every message it sees. It leaves the hashes of both variants.
func (w *worker) places() []place {
	w.t.Helper()
	w.refs["A"] = w.hashes()
	w.trace(true)
	first := w.child(order{To: "B", Revert: time.Minute}).wait(w.t)
	if first.Outcome != "done" {
		w.t.Fatalf("undisturbed apply: %+v", first)
	}
	places := placesOf("apply", w.steps())
	for i := 1; i <= first.Writes; i++ {
		places = append(places, place{phase: "apply", write: i})
	}
	for i := 1; i <= first.Reads; i++ {
		places = append(places, place{phase: "apply", read: i})
	}
	w.at = "B"
	w.refs["B"] = w.hashes()

	w.trace(true)
	w.must(w.stopBeforeConfirm(order{To: "A", Revert: sweepRevert}))
	w.must(w.settled())
	var reverting []string
	for _, s := range w.steps() {
		if strings.HasPrefix(s, "pending-") {
			reverting = append(reverting, s)
		}
	}
	places = append(places, placesOf("revert", reverting)...)

	w.trace(true)
	w.must(w.stopBeforeConfirm(order{To: "A", Revert: 2 * time.Minute}))
	w.awaitActive()
	w.cutPower()
	w.must(w.g.Server.Boot(w.t.Context()))
	w.must(w.settled())
	var booting []string
	for _, s := range w.steps() {
		if strings.HasPrefix(s, "boot-") {
			booting = append(booting, s)
		}
	}
	places = append(places, placesOf("boot", booting)...)
	w.trace(false)
	return places
}

// placesOf takes each step once, where it is first met.
func placesOf(phase string, steps []string) []place {
	seen := map[string]bool{}
	var out []place
	for _, s := range steps {
		if !seen[s] {
			seen[s] = true
			out = append(out, place{phase: phase, step: s})
		}
	}
	return out
}
