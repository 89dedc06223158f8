//go:build linux

package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/watch"
)

// served is a guard that announces one block of two, drains for somebody and
// has something to say of everything.
func served(t *testing.T) (*Guard, time.Duration) {
	t.Helper()
	c := twoBlocks()
	g, _, _ := guardOn(t, c)
	both := looks(c, right)
	at := g.os.Uptime()
	g.keeper.heard(both, at)
	both[1].grade, both[1].why = wrong, "an answer with \"quotes\" and \x1b[2J"
	g.keeper.heard(both, at+time.Second)
	g.overseer.tell(g.keeper.wanted(), at)
	g.overseer.saw([]exported{session(4, four, nil), session(6, "", errors.New("no\x1banswer"))}, at)
	g.set(watch.TroubleStale, "a zone is old")
	g.keeper.told(watch.Drain{Wanted: true, By: "anna"}, at)
	g.counts = watch.Counts{Looks: 7, Wrong: 3, Withdrawals: 2, Stops: 1}
	g.feed.writer = nobody{}
	return g, at + time.Second
}

// nobody takes every UPDATE.
type nobody struct{}

func (nobody) WriteUpdate([]byte) error { return nil }

// Without a session nothing is announced, whatever is right.
func TestStatusWithoutSession(t *testing.T) {
	g, at := served(t)
	g.feed.writer = nil
	for _, b := range g.status(at).Blocks {
		if b.State != watch.Withdrawn {
			t.Errorf("%+v", b)
		}
	}
}

func TestStatus(t *testing.T) {
	g, at := served(t)
	g.write(at)
	text, err := os.ReadFile(filepath.Join(g.files.home, "status.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := watch.ReadStatus(text)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Blocks) != 2 || s.Blocks[0].State != watch.Announced || s.Blocks[0].Prefix != prefix(four) || s.Blocks[1].State != watch.Withdrawn || !strings.Contains(s.Blocks[1].Reason, "quotes") {
		t.Errorf("blocks %+v", s.Blocks)
	}
	if !s.Feed.Up || s.Drain == nil || s.Drain.By != "anna" || s.Counts != g.counts || s.Uptime != at.Seconds() || s.Leave != 30 {
		t.Errorf("%+v", s)
	}
	if len(s.Exports) != 2 || len(s.Exports[0].Prefixes) != 1 || s.Exports[1].Trouble != "no\uFFFDanswer" || len(s.Alarms) != 1 || s.Alarms[0].Since.IsZero() {
		t.Errorf("%+v", s)
	}
	if want := four + " announced, " + six + " withdrawn, 1 alarms"; g.summary() != want {
		t.Errorf("%s, want %s", g.summary(), want)
	}
	if d := time.Since(s.Blocks[0].Since); d < -2*time.Second || d > 2*time.Second {
		t.Errorf("announced %s ago", d)
	}
}

// sample is a line of the text format, and what stands before it: a name by
// its letters, labels in quotes with three escapes, and a number.
var (
	sampleLine = regexp.MustCompile(`^([a-z_][a-z0-9_]*)(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? (-?[0-9]+)$`)
	headLine   = regexp.MustCompile(`^# (HELP|TYPE) ([a-z_][a-z0-9_]*) (.+)$`)
)

// samples reads text format 0.0.4, or says what is wrong with it.
func samples(text string) (map[string]string, error) {
	if !strings.HasSuffix(text, "\n") {
		return nil, errors.New("the last line has no end")
	}
	out, kinds, helped, last := map[string]string{}, map[string]string{}, map[string]bool{}, ""
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if h := headLine.FindStringSubmatch(line); h != nil {
			if h[1] == "HELP" && helped[h[2]] || h[1] == "TYPE" && (kinds[h[2]] != "" || h[3] != "gauge" && h[3] != "counter") {
				return nil, fmt.Errorf("twice, or no kind: %s", line)
			}
			if helped[h[2]] = true; h[1] == "TYPE" {
				kinds[h[2]], last = h[3], h[2]
			}
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		switch {
		case m == nil:
			return nil, fmt.Errorf("no sample: %q", line)
		case m[1] != last:
			return nil, fmt.Errorf("not below its own head: %s", line)
		case kinds[m[1]] == "counter" && (!strings.HasSuffix(m[1], "_total") || strings.HasPrefix(m[3], "-")):
			return nil, fmt.Errorf("no counter: %s", line)
		case out[m[1]+m[2]] != "":
			return nil, fmt.Errorf("twice: %s", line)
		}
		out[m[1]+m[2]] = m[3]
	}
	return out, nil
}

func TestMetrics(t *testing.T) {
	g, at := served(t)
	got, err := samples(string(metrics(g.status(at))))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		`raiz_guard_block_state{block="192.0.2.0/24",state="announced"}`:  "1",
		`raiz_guard_block_state{block="192.0.2.0/24",state="withdrawn"}`:  "0",
		`raiz_guard_block_state{block="2001:db8::/48",state="withdrawn"}`: "1",
		`raiz_guard_block_state{block="2001:db8::/48",state="draining"}`:  "0",
		`raiz_guard_alarm{alarm="stale"}`:                                 "1",
		`raiz_guard_alarm{alarm="feed"}`:                                  "0",
		`raiz_guard_feed_up`:                                              "1",
		`raiz_guard_drained`:                                              "1",
		`raiz_guard_looks_total`:                                          "7",
		`raiz_guard_looks_wrong_total`:                                    "3",
		`raiz_guard_withdrawals_total`:                                    "2",
		`raiz_guard_stops_total`:                                          "1",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %s", name, got[name], want)
		}
	}
	if n := len(got); n != 2*3+2+2+6+4+1 {
		t.Errorf("%d samples: %v", n, got)
	}
	if _, err := samples(string(metrics(watch.Status{}))); err != nil {
		t.Errorf("of nothing: %v", err)
	}
}

func TestSamplesRefuse(t *testing.T) {
	const head = "# HELP a_total A.\n# TYPE a_total counter\n"
	if got, err := samples(head + `a_total{b="\"\\\n"} 1` + "\n"); err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	for _, bad := range []string{
		"", head + "a_total 1", head + "a_total 1\n\n", head + "a_total  1\n", head + "a_total one\n", head + "a_total -1\n", head + "a_total{b=c} 1\n",
		head + `a_total{b="\x1b"} 1` + "\n", head + "a_total 1\na_total 1\n", head + head, "a 1\n", head + "b 1\n",
		"# HELP a A.\n# TYPE a counter\na 1\n", "# HELP a A.\n# TYPE a thing\na 1\n",
	} {
		if got, err := samples(bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// Who reads sees one whole text or another.
func TestReplaceIsWhole(t *testing.T) {
	g, _, _ := guardOn(t, twoBlocks())
	path := filepath.Join(g.files.home, "status.json")
	text := func(n int) []byte { return []byte(strings.Repeat(fmt.Sprint(n%10), 3000*(1+n%40))) }
	g.replace("/elsewhere/status.json", text(0))
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() {
		defer cancel()
		for n := range 400 {
			g.replace(watch.StatusFile, text(n))
		}
	})
	for reads := 0; ctx.Err() == nil || reads == 0; reads++ {
		got, err := os.ReadFile(path)
		if err != nil || len(got) == 0 || len(got)%3000 != 0 || strings.Trim(string(got), string(got[:1])) != "" {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	all.Wait()
	// What is in the way goes. One that cannot be written leaves the last, and is
	// said once.
	if err := os.MkdirAll(path+".new/x", 0o700); err != nil {
		t.Fatal(err)
	}
	last := text(7)
	g.replace(watch.StatusFile, last)
	home := g.files.home
	g.files.home += "/none"
	for range 2 {
		g.replace(watch.StatusFile, []byte("x"))
	}
	if g.files.home = home; !g.unwritten[watch.StatusFile] {
		t.Error("nobody was told")
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != string(last) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o444 != 0o444 {
		t.Errorf("others may not read it: %v, %v", info, err)
	}
}

// A status is JSON whatever was heard.
func TestStatusIsJSON(t *testing.T) {
	g, at := served(t)
	for _, b := range []string{"\xff\xfe", "\u2028", `"`, "\x00"} {
		g.keeper.blocks[0].why, g.keeper.drain.By = b, b
		g.set(watch.TroubleCrowd, b)
		text, err := json.Marshal(g.status(at))
		if err == nil {
			_, err = watch.ReadStatus(text)
		}
		if err != nil {
			t.Errorf("%q: %v", b, err)
		}
	}
}
