package sim_test

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/sim"
	"github.com/raiz-dns/raiz/provision/server"
)

// code is the helper, on an operating system that may be spoilt on the way.
func code(spoil func(helper.OS) helper.OS) sim.Code {
	make := func(os helper.OS) *helper.Helper {
		if spoil != nil {
			os = spoil(os)
		}
		return helper.New(os, helper.Options{Program: "/usr/local/lib/raiz/helper"})
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
	worlds := 100_000
	if n, err := strconv.Atoi(os.Getenv("RAIZ_EXPLORE")); err == nil {
		worlds = n
	}
	b := sim.Bounds{Keeps: three(), Worlds: worlds / len(cases)}
	if worlds > 200_000 {
		b.Keeps = append(b.Keeps, 3, 4, 5, 6) // of each directory by itself
	}
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // little lives long here
	var total sim.Count
	began := time.Now()
	for _, x := range cases {
		if only := os.Getenv("RAIZ_CASE"); only != "" && !strings.Contains(x.Name, only) {
			continue
		}
		if os.Getenv("RAIZ_FIRST") != "" && t.Failed() {
			return // one broken promise is enough
		}
		shown := map[string]int{}
		start := time.Now()
		c, err := sim.Explore(x, b, func(br sim.Broken) {
			shown[br.Promise]++
			if shown[br.Promise] <= 2 {
				t.Error(br)
			}
		})
		if err != nil {
			t.Error(err)
		}
		t.Logf("%-50s %6d worlds %6d equal %6d outcomes %6d plain %5d broken %v %v", x.Name, c.Worlds, c.Equal, c.Outcomes, c.Plain, c.Broken, shown, time.Since(start).Round(time.Millisecond))
		total.Add(c)
	}
	t.Logf("%d cases, %d worlds, %d outcomes, %d calls, %d broken, %s", len(cases), total.Worlds, total.Outcomes, total.Calls, total.Broken, time.Since(began))
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
