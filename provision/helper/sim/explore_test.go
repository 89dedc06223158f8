package sim_test

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/sim"
	"github.com/raiz-dns/raiz/provision/server"
)

// code is the helper, on an operating system that may be spoilt on the way.
func code(spoil func(helper.OS) helper.OS) sim.Code {
	o := helper.Options{Program: "/usr/local/lib/raiz/helper", Decode: new(decoder).decode}
	make := func(os helper.OS) *helper.Helper {
		if spoil != nil {
			os = spoil(os)
		}
		return helper.New(os, o)
	}
	return sim.Code{
		Programs: sim.Programs{
			Activate: func(os helper.OS) error { return make(os).Activate() },
			Revert:   func(os helper.OS) error { return make(os).RevertPending() },
			Boot:     func(os helper.OS) error { return make(os).Boot() },
		},
		Handle: func(os helper.OS, r server.Request, tell func(server.Event)) server.Answer {
			return make(os).Handle(r, tell)
		},
	}
}

// three are what may stay of what was not flushed.
func three() []sim.Keep { return []sim.Keep{sim.KeepNothing, sim.KeepAll, sim.KeepNames} }

// TestExplore runs the transaction through every call and every loss of power,
// one in another. RAIZ_EXPLORE=N takes N worlds in all instead of what is quick,
// RAIZ_WORLD='CASE PATH' replays one and prints its history.
func TestExplore(t *testing.T) {
	if one := os.Getenv("RAIZ_WORLD"); one != "" {
		replay(t, one)
		return
	}
	cases := sim.Cases(code(nil))
	worlds := least
	if n, err := strconv.Atoi(os.Getenv("RAIZ_EXPLORE")); err == nil {
		worlds = n
	}
	b := sim.Bounds{Keeps: three()}
	if worlds > many {
		b.Keeps = append(b.Keeps, 3, 4, 5, 6) // of each directory by itself
	}
	// Little lives long here; of a long run what does adds up all the same.
	defer debug.SetGCPercent(debug.SetGCPercent(1600))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(memory))
	began := time.Now()
	all := make([]result, len(cases))
	next := make(chan int)
	var workers sync.WaitGroup
	var found atomic.Bool
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range next {
				b := b
				b.Worlds = share(cases, cases[i], worlds)
				if all[i] = explore(cases[i], b); all[i].Broken > 0 {
					found.Store(true)
				}
			}
		})
	}
	for i, x := range cases {
		if only := os.Getenv("RAIZ_CASE"); strings.Contains(x.Name, only) {
			next <- i
		}
		if os.Getenv("RAIZ_FIRST") != "" && found.Load() {
			break // one broken promise is enough
		}
	}
	close(next)
	workers.Wait()
	var total sim.Count
	for i, r := range all {
		for _, br := range r.broken {
			t.Error(br)
		}
		if r.err != nil {
			t.Error(r.err)
		}
		total.Add(r.Count)
		if r.Worlds > 0 {
			t.Logf("%-50s %6d worlds %6d equal %6d outcomes %6d plain %5d broken %v", cases[i].Name, r.Worlds, r.Equal, r.Outcomes, r.Plain, r.Broken, r.took.Round(time.Millisecond))
		}
	}
	if total.Worlds < worlds && os.Getenv("RAIZ_CASE")+os.Getenv("RAIZ_FIRST") == "" {
		t.Errorf("%d worlds are fewer than %d", total.Worlds, worlds)
	}
	keepFigures(t, os.Getenv("RAIZ_EXPLORE_OUT"), total)
	t.Logf("%d cases, %d worlds that began differently, %d more that began like one of them, %d outcomes, %d calls, %d broken, %s",
		len(cases), total.Worlds, total.Equal, total.Outcomes, total.Calls, total.Broken, time.Since(began).Round(time.Millisecond))
}

// memory is what an exploration may hold before its garbage is looked for more
// often, in bytes.
const memory = 3 << 30

// least is how many worlds are explored each time. Some cases have fewer than
// their share, so a little more is asked for.
const (
	least   = 100_000
	surplus = 1.1
	// many more make more cases run out of worlds.
	many        = 200_000
	manySurplus = 1.3
)

// weight is how much there is to see in a case for what a world of it costs:
// without an event one has only to go on from a disk, and where nothing can be
// written twenty reverts are tried in each.
func weight(x *sim.Case) int {
	switch x.Event {
	case sim.NoEvent:
		return 8
	case sim.ReadOnly, sim.Full:
		return 1
	}
	return 3
}

// share is how many worlds of all belong to a case.
func share(cases []*sim.Case, x *sim.Case, worlds int) int {
	sum := 0
	for _, o := range cases {
		sum += weight(o)
	}
	more := surplus
	if worlds > many {
		more = manySurplus
	}
	return max(1, int(more*float64(worlds))*weight(x)/sum)
}

// result is the exploration of one case, with the first of what was broken.
type result struct {
	sim.Count
	broken []sim.Broken
	err    error
	took   time.Duration
}

func explore(x *sim.Case, b sim.Bounds) (r result) {
	began := time.Now()
	shown := map[string]int{}
	r.Count, r.err = sim.Explore(x, b, func(br sim.Broken) {
		if shown[br.Promise]++; shown[br.Promise] <= 2 {
			r.broken = append(r.broken, br)
		}
	})
	r.took = time.Since(began)
	return r
}

// replay runs one world and prints its history.
func replay(t *testing.T, one string) {
	i := strings.LastIndex(one, " ")
	if i < 0 {
		t.Fatalf("RAIZ_WORLD=%q is no case and path", one)
	}
	p, err := sim.ParsePath(one[i+1:])
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range sim.Cases(code(nil)) {
		if x.Name != one[:i] {
			continue
		}
		history, broken, err := sim.Replay(x, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range history {
			t.Log(line)
		}
		for _, b := range broken {
			t.Error(b)
		}
		return
	}
	t.Fatalf("there is no case %q", one[:i])
}
