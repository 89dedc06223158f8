//go:build linux

package provision_test

import (
	"encoding/json"
	"os"
)

// figures are what docs quote of a sweep from one starting state.
type figures struct {
	Start        string          `json:"start"`
	Known        int             `json:"known"`  // places that there are
	Places       int             `json:"places"` // that were broken
	Runs         int             `json:"runs"`
	Lockouts     int             `json:"lockouts"`
	Mixtures     int             `json:"mixtures"`
	LostUpdates  int             `json:"lostUpdates"`
	NotConverged int             `json:"notConverged"`
	NotRun       int             `json:"notRun"`
	Missed       int             `json:"missed"` // did not come by their place, and were judged as they were
	InEveryWay   int             `json:"placesBrokenInEveryWay"`
	Ended        map[string]int  `json:"ended"`
	Troubles     map[trouble]int `json:"troubles"`
}

// of counts the runs from one starting state.
func (s *sweep) of(w swept) figures {
	f := figures{Start: w.start.name, Known: w.known, Ended: map[string]int{}, Troubles: map[trouble]int{}}
	broken, partly := map[place]bool{}, map[place]bool{}
	kinds := map[string]int{}
	for _, v := range s.endings {
		if v.start != w.start.name {
			continue
		}
		f.Runs++
		broken[v.place] = true
		if v.missed {
			f.Missed++
			partly[v.place] = true
			s.t.Logf("%s: not met: %s, %s", v.start, v.place, v.trouble)
		}
		f.Troubles[v.trouble]++
		if v.ended != "" {
			f.Ended[v.ended]++
		}
		for _, p := range v.problems {
			kinds[p.kind]++
		}
	}
	f.Places = len(broken)
	f.Lockouts, f.Mixtures, f.LostUpdates = kinds["lockout"], kinds["mixture"], kinds["lost update"]
	f.NotConverged, f.NotRun = kinds["not converged"], kinds["not run"]
	if f.Runs == w.every {
		for _, p := range w.places {
			if len(w.start.troublesOf(p)) > 0 && !partly[p] {
				f.InEveryWay++
			}
		}
	}
	return f
}

// summarise prints the figures of docs/safety.md, and writes them where
// RAIZ_SWEEP_OUT names a file.
func (s *sweep) summarise() {
	var all []figures
	for _, w := range s.swept {
		f := s.of(w)
		all = append(all, f)
		s.t.Logf("%s: %d of %d places in %d runs: lockouts %d, mixtures %d, lost updates %d, not converged %d, not run %d",
			f.Start, f.Places, f.Known, f.Runs, f.Lockouts, f.Mixtures, f.LostUpdates, f.NotConverged, f.NotRun)
		for _, x := range troubles() {
			if f.Troubles[x] > 0 {
				s.t.Logf("  %-22s %4d runs", x, f.Troubles[x])
			}
		}
		s.t.Logf("  %d runs did not come by their place and were judged as they were; %d places were broken in every way that fits", f.Missed, f.InEveryWay)
		s.t.Logf("  stood after them: %v", f.Ended)
	}
	file := os.Getenv("RAIZ_SWEEP_OUT")
	if file == "" {
		return
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		s.t.Error(err)
	}
}
