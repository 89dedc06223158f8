package bmc_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// moments counts what a sweep has found.
type moments struct {
	mu       sync.Mutex
	Runs     int `json:"runs"`
	Done     int `json:"done"`
	Pending  int `json:"pending"`
	Failed   int `json:"failed"`
	Unknown  int `json:"unknown"`
	Lies     int `json:"lies"`
	Locked   int `json:"lockouts"`
	Sessions int `json:"sessions"`
}

// course is what a run is to do: set wants, of a controller of which waits is
// written already, and waits for a reboot.
type course struct {
	name  string
	waits map[string][]string
	wants map[string][]string
}

// courses of a controller: all that there is, and what waits for a reboot taken
// back, or replaced by another value that will wait.
func courses(personality string) []course {
	all := []course{{"everything", nil, wanted()}}
	other := map[string][]string{bmc.PowerPolicy: {"always-off"}}
	for _, name := range slices.Sorted(maps.Keys(waiting(personality))) {
		waits := map[string][]string{name: wanted()[name]}
		all = append(all, course{"withdraws " + name, waits, map[string][]string{name: waiting(personality)[name]}})
		if other[name] != nil {
			all = append(all, course{"replaces " + name, waits, map[string][]string{name: other[name]}})
		}
	}
	return all
}

// TestMoments sets everything, and what waits for a reboot to something else, and
// something happens once, at each request: what is said of a setting then is true,
// some way in stays, and no session is left.
// RAIZ_MOMENTS is the stride between two moments; 1 takes every one of them.
func TestMoments(t *testing.T) {
	stride := 17
	if s := os.Getenv("RAIZ_MOMENTS"); s != "" {
		if _, err := fmt.Sscan(s, &stride); err != nil || stride < 1 {
			t.Fatalf("RAIZ_MOMENTS=%s: %v", s, err)
		}
	}
	count := &moments{}
	t.Run("all", func(t *testing.T) {
		for i, personality := range simbmc.Personalities() {
			for j, strike := range simbmc.Strikes() {
				for k, course := range courses(personality) {
					t.Run(personality+"/"+string(strike)+"/"+course.name, func(t *testing.T) {
						t.Parallel()
						undisturbed := moment(t, personality, course, strike, 0, count)
						for at := 1 + (i+j+k)%stride; at <= undisturbed; at += stride {
							moment(t, personality, course, strike, at, count)
						}
					})
				}
			}
		}
	})
	if count.Runs < 100 || count.Done == 0 || count.Unknown == 0 {
		t.Errorf("this looks at little: %+v", count)
	}
	t.Logf("%d runs: %d done, %d pending, %d failed, %d unknown; %d lies, %d lockouts, %d sessions", count.Runs, count.Done, count.Pending, count.Failed, count.Unknown, count.Lies, count.Locked, count.Sessions)
	if out := os.Getenv("RAIZ_MOMENTS_OUT"); out != "" {
		text, err := json.Marshal(count)
		if err != nil || os.WriteFile(out, text, 0o644) != nil {
			t.Fatal(err)
		}
	}
}

// moment is one run; it returns how many requests it took.
func moment(t *testing.T, personality string, way course, strike simbmc.Strike, at int, count *moments) int {
	l := newLab(t, simbmc.Config{Personality: personality})
	target := l.target(declared(), factory())
	target.Patience.Move = 2 * time.Second
	if way.waits != nil {
		c := l.open(target)
		if out, err := c.Set(t.Context(), changes(way.waits)); err != nil || out[0].Status != bmc.Pending {
			t.Fatalf("%v: %v", out, err)
		}
		l.close(c)
	}
	before := len(l.bmc.Log())
	l.bmc.SetFaults(simbmc.Faults{Strike: strike, StrikeAt: at})
	var outcomes []bmc.Outcome
	var said error
	if c, err := bmc.Open(t.Context(), target); err == nil {
		outcomes, said = c.Set(t.Context(), changes(way.wants))
		_ = c.Close(t.Context())
	}
	requests := l.bmc.Log()[before:]
	l.bmc.SetFaults(simbmc.Faults{})
	if strike == simbmc.StrikePassword {
		l.bmc.SetPassword("root", factoryPassword)
		l.bmc.SetPassword("raiz", declaredPassword)
	}
	where := fmt.Sprintf("request %d of %d", at, len(requests))
	if at > 0 && at <= len(requests) {
		where += fmt.Sprintf(", %s %s", requests[at-1].Method, requests[at-1].Path)
	}
	count.judge(t, target, way.wants, where, outcomes, said)
	// Of a login whose answer was lost nobody knows the session.
	left := l.bmc.Counters().Open
	lost := strike == simbmc.StrikeLost && at > 0 && at <= len(requests) && requests[at-1].Method == http.MethodPost && strings.HasSuffix(requests[at-1].Path, "/Sessions")
	if left > 0 && !(lost && left == 1) {
		count.mu.Lock()
		count.Sessions += left
		count.mu.Unlock()
		t.Errorf("%s: %d sessions are left", where, left)
	}
	return len(requests)
}

// judge looks anew, and holds what was said against what is there.
func (m *moments) judge(t *testing.T, target bmc.Target, wants map[string][]string, where string, outcomes []bmc.Outcome, said error) {
	t.Helper()
	m.mu.Lock()
	m.Runs++
	m.mu.Unlock()
	c, err := bmc.Open(t.Context(), target)
	for end := time.Now().Add(2 * time.Second); err != nil && time.Now().Before(end); c, err = bmc.Open(t.Context(), target) {
		time.Sleep(20 * time.Millisecond) // it is resetting itself
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.Locked++
		t.Errorf("%s: nobody gets in any more: %v", where, err)
		return
	}
	defer func() { _ = c.Close(t.Context()) }()
	have := map[string]state.Fact{}
	for _, f := range c.Read(t.Context(), items(wants)) {
		have[f.Key.Name] = f
	}
	bad := false
	for _, o := range outcomes {
		bad = bad || o.Status != bmc.Done && o.Status != bmc.Pending
		if lie := m.lie(o, wants[o.Key.Name], have[o.Key.Name]); lie != "" {
			m.Lies++
			t.Errorf("%s: %s is said to be %s (%v), and %s", where, o.Key.Name, o.Status, o.Err, lie)
		}
	}
	if outcomes != nil && (said != nil) != bad {
		m.Lies++
		t.Errorf("%s: the whole ended with %v", where, said)
	}
}

// lie is what is otherwise than an outcome says, or "".
func (m *moments) lie(o bmc.Outcome, wants []string, f state.Fact) string {
	want := state.Attr{Values: wants}
	value, _ := f.Value.(state.Attr)
	waits, _ := f.Pending.(state.Attr)
	so := f.Value != nil && value.Equal(want) && f.Pending == nil
	seen := fmt.Sprintf("it reads %v, %v, %v", f.Value, f.Pending, f.Err)
	switch o.Status {
	case bmc.Done:
		m.Done++
		if so || o.Key.Name == bmc.Account && f.Err == nil && f.Value != nil {
			return ""
		}
		return seen
	case bmc.Pending:
		m.Pending++
		if f.Pending != nil && waits.Equal(want) {
			return ""
		}
		return seen
	case bmc.Failed:
		m.Failed++
		if so && !slices.Contains([]string{bmc.Account}, o.Key.Name) {
			return seen
		}
	case bmc.Unknown:
		m.Unknown++
	}
	return ""
}
