package sim_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/helper/sim"
)

const (
	// worldsDir is the variable that names the folder with what is tried of each
	// mutant.
	worldsDir = "RAIZ_MUTANT_WORLDS"
	// worldsEach is how many worlds a mutant is tried in. They are those that
	// one start of each case leads to, taken at random from all with which it
	// matters.
	worldsEach = 6000
	// worldsSeen is how many are explored to find them.
	worldsSeen = 150_000
)

func worldsOf(dir string, mutant int) string {
	return filepath.Join(dir, "worlds."+strconv.Itoa(mutant))
}

// sample is one start of each case, each as likely as the others of its case.
type sample struct {
	starts []string
	x      string // the case that the last of these is of
	last   string
	of     int
}

func (s *sample) add(r *rand.Rand, x, start string) {
	switch {
	case start == s.last: // what a start leads to follows it
		return
	case x != s.x:
		s.x, s.of = x, 1
		s.starts = append(s.starts, start)
	default:
		s.of++
		if r.IntN(s.of) == 0 {
			s.starts[len(s.starts)-1] = start
		}
	}
	s.last = start
}

// TestWhereItMatters explores, and writes down for each mutant where it matters.
func TestWhereItMatters(t *testing.T) {
	dir := os.Getenv(worldsDir)
	if dir == "" {
		t.Log("this is for make mutants")
		return
	}
	random := rand.New(rand.NewPCG(1, 2))
	samples := map[int]*sample{}
	cases := sim.Cases(code(nil))
	for _, x := range cases {
		each := func(p sim.Path) {
			p.Crashes = nil
			start := x.Name + " " + p.String()
			for n := range mattered() {
				if samples[n] == nil {
					samples[n] = &sample{}
				}
				samples[n].add(random, x.Name, start)
			}
		}
		mattered() // in the case before
		r := explore(x, sim.Bounds{Keeps: three(), Worlds: share(cases, x, worldsSeen), Each: each})
		if r.err != nil || len(r.broken) > 0 {
			t.Fatalf("without any mutant: %v %v", r.err, r.broken)
		}
	}
	for n, s := range samples {
		if err := os.WriteFile(worldsOf(dir, n), []byte(strings.Join(s.starts, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMutantsWorlds walks the worlds of one mutant until a promise is broken.
func TestMutantsWorlds(t *testing.T) {
	dir, mutant := os.Getenv(worldsDir), os.Getenv("RAIZ_MUTANT")
	if dir == "" || mutant == "" {
		t.Log("this is for make mutants")
		return
	}
	n, err := strconv.Atoi(mutant)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(worldsOf(dir, n))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]*sim.Case{}
	for _, x := range sim.Cases(code(nil)) {
		cases[x.Name] = x
	}
	starts := strings.Split(string(text), "\n")
	for _, start := range starts {
		i := strings.LastIndex(start, " ")
		p, err := sim.ParsePath(start[i+1:])
		if err != nil {
			t.Fatal(err)
		}
		r := explore(cases[start[:i]], sim.Bounds{Keeps: three(), Worlds: max(worldsEach/len(starts), 8), Starts: []sim.Path{p}})
		if r.err != nil || len(r.broken) > 0 {
			t.Fatal(r.err, r.broken)
		}
	}
}
