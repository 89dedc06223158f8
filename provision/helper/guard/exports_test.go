//go:build linux

package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/provision/watch"
)

const four, six = "192.0.2.0/24", "2001:db8::/48"

// session is what is exported over one: prefixes by a space, or why that cannot
// be seen.
func session(family int, text string, trouble error) exported {
	e := exported{Exports: watch.Exports{Session: fmt.Sprintf("edge1_%d", family), Family: family, Carries: true}, trouble: trouble, silent: errors.Is(trouble, helper.ErrTimeout)}
	for p := range strings.FieldsSeq(text) {
		e.prefixes = append(e.prefixes, prefix(p))
	}
	return e
}

func TestDifferences(t *testing.T) {
	blind := errors.New("no answer")
	for _, tt := range []struct {
		name string
		want []string // blocks
		seen []exported
		say  []string
	}{
		{"nothing, and nothing wanted", nil, []exported{session(4, "", nil), session(6, "", nil)}, nil},
		{"all as it should be", []string{four, six}, []exported{session(4, four, nil), session(6, six, nil)}, nil},
		{"drained ones are exported", []string{"drain " + four}, []exported{session(4, four, nil)}, nil},
		{"one too many", []string{six}, []exported{session(4, four, nil)}, []string{"192.0.2.0/24 is exported over edge1_4, and should not be"}},
		{"over a session of the other family", nil, []exported{session(6, four, nil)}, []string{"192.0.2.0/24 is exported over edge1_6, and should not be"}},
		{"one too few", []string{four, six}, []exported{session(4, "", nil), session(6, six, nil)}, []string{"192.0.2.0/24 is not exported over edge1_4"}},
		{"a foreign one", []string{four}, []exported{session(4, four+" 198.51.100.0/24", nil)}, []string{"198.51.100.0/24 is exported over edge1_4, and is no block of this site"}},
		{"more of a block", []string{four}, []exported{session(4, four+" 192.0.2.0/25", nil)}, []string{"192.0.2.0/25 is exported over edge1_4, and is no block of this site"}},
		{"nothing can be seen", []string{four}, []exported{session(4, "", blind)}, []string{"what is exported over edge1_4 cannot be seen: no answer"}},
	} {
		o := newOverseer(twoBlocks().Blocks)
		o.tell(routes(tt.want...), 0)
		o.saw(tt.seen, 0)
		if got := o.differences(); strings.Join(got, "\n") != strings.Join(tt.say, "\n") {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.say)
		}
	}
	// A session that carries nothing lacks nothing; what it has is too much.
	o := newOverseer(twoBlocks().Blocks)
	none := session(4, "", nil)
	none.Carries = false
	o.tell(routes(four), 0)
	o.saw([]exported{none}, 0)
	if got := o.differences(); len(got) > 0 {
		t.Errorf("a session that carries nothing: %q", got)
	}
}

// watching plays the seconds of an overseer: it sees the same all the time, and
// returns the seconds in which it had the daemon stopped.
func watching(o *overseer, f func(at time.Duration) feedState, seen []exported, from, to int) (stops []int) {
	for s := from; s < to; s++ {
		at := time.Duration(s) * time.Second
		if o.due(f(at).Mute, at) {
			o.saw(seen, at)
		}
		if o.stop(f(at), at) != "" {
			stops = append(stops, s)
		}
	}
	return stops
}

func steady(f feedState) func(time.Duration) feedState {
	return func(time.Duration) feedState { return f }
}

func TestOverseerStops(t *testing.T) {
	since := func(ago time.Duration) feedState { return feedState{Up: true, Since: time.Now().Add(-ago)} }
	unseen := session(4, "", errors.New("no tables"))
	for _, tt := range []struct {
		name string
		want []string
		seen exported
		feed feedState
		to   int // seconds
		stop string
	}{
		{"all is well", []string{four}, session(4, four, nil), since(time.Hour), 600, "[]"},
		{"a block that was withdrawn", nil, session(4, four, nil), since(time.Second), 300, "[3 8 18 38 78 158]"},
		{"it does not answer, and a block is withdrawn", []string{four}, session(4, "", helper.ErrTimeout), since(time.Second), 20, "[3 8 18]"},
		{"it does not answer, and all are announced", []string{four, six}, session(4, "", helper.ErrTimeout), since(time.Second), 600, "[]"},
		{"nothing can be seen, and a block is withdrawn", []string{four}, session(4, "", errors.New("No valid tables")), since(time.Second), 600, "[]"},
		{"a foreign prefix is said", []string{four}, session(4, four+" 198.51.100.0/24", nil), since(time.Second), 600, "[]"},
		{"a block that is missing is said", []string{four}, session(4, "", nil), since(time.Second), 600, "[]"},
		{"over a session of the other family", nil, session(6, four, nil), since(time.Second), 7, "[3]"},
		{"the pause has an end", nil, session(4, four, nil), since(time.Second), 1300, "[3 8 18 38 78 158 318 618 918 1218]"},
		{"it obeys no stop, and its session lasts", nil, session(4, four, nil), since(time.Hour), 60, "[3 8 18 38]"},
		{"mute from the start", nil, unseen, feedState{Mute: starts + 1}, 30, "[0 5 15]"},
		{"not mute long enough", nil, unseen, feedState{Mute: starts}, 30, "[]"},
		{"mute after a session", nil, unseen, feedState{Mute: speaks + 1, Lost: true}, 30, "[0 5 15]"},
		{"mute as long without one", nil, unseen, feedState{Mute: speaks + 1}, 30, "[]"},
		{"mute, and it exports what it had", []string{four}, session(4, four, nil), feedState{Mute: speaks + 1, Lost: true}, 30, "[0 5 15]"},
		{"mute by a person's will", []string{four}, session(4, "", nil), feedState{Mute: time.Hour, Lost: true}, 600, "[]"},
		{"mute, and nobody looked", []string{four}, exported{}, feedState{Mute: time.Hour, Lost: true}, 1, "[0]"},
	} {
		o := newOverseer(twoBlocks().Blocks)
		o.tell(routes(tt.want...), -obeys)
		var seen []exported
		if tt.seen.Session != "" {
			seen = append(seen, tt.seen)
		}
		if got := fmt.Sprint(watching(o, steady(tt.feed), seen, 0, tt.to)); got != tt.stop {
			t.Errorf("%s: stopped at %s, want %s", tt.name, got, tt.stop)
		}
	}
}

// What was seen before a daemon fell silent says nothing of it since: it is looked
// at anew, at once, and is left alone as one that was told so.
func TestOverseerLooksAtTheMute(t *testing.T) {
	o := newOverseer(twoBlocks().Blocks)
	o.tell(routes(four), 0)
	o.saw([]exported{session(4, four, nil)}, 99*time.Second)
	for half := 201; half < 240; half++ {
		at := time.Duration(half) * time.Second / 2
		f := feedState{Mute: at - 100*time.Second, Lost: true}
		if o.due(f.Mute, at) {
			o.saw([]exported{session(4, "", nil)}, at)
		}
		if why := o.stop(f, at); why != "" {
			t.Fatalf("stopped at %s: %s", at, why)
		}
	}
	// One that hangs answers no look, and nobody waits for it.
	o.saw([]exported{session(4, four, nil)}, 299*time.Second)
	if f := (feedState{Mute: speaks + 1, Lost: true}); o.stop(f, 300*time.Second+f.Mute) == "" {
		t.Error("one that hangs is left alone")
	}
}

// The daemon has its time to do what it was told.
func TestOverseerWaits(t *testing.T) {
	up := feedState{Up: true, Since: time.Now()}
	o := newOverseer(twoBlocks().Blocks)
	o.tell(routes(four), 0)
	if got := watching(o, steady(up), []exported{session(4, four, nil)}, 0, 100); got != nil {
		t.Fatalf("stopped at %v", got)
	}
	o.tell(nil, 100*time.Second)
	if got := watching(o, steady(up), []exported{session(4, four, nil)}, 100, 105); fmt.Sprint(got) != "[103]" {
		t.Errorf("stopped at %v", got)
	}
	// It comes back without a block: that is the end of it.
	if got := watching(o, steady(up), []exported{session(4, "", nil)}, 105, 400); got != nil {
		t.Errorf("stopped at %v", got)
	}
}

// A block that comes and goes takes no time from another one, and gives none.
func TestOverseerKeepsBlocksApart(t *testing.T) {
	up := feedState{Up: true, Since: time.Now()}
	seen := []exported{session(4, four, nil)}
	o := newOverseer(twoBlocks().Blocks)
	stops := ""
	for s := range 6 {
		o.tell(routes([]string{six, "drain " + six}[s%2]), time.Duration(s)*time.Second)
		stops += fmt.Sprint(watching(o, steady(up), seen, s, s+1))
	}
	if stops != "[][][][3][][]" {
		t.Errorf("stopped in seconds %s", stops)
	}

	// The one obeys after two seconds, and then it is the other's turn.
	o = newOverseer(twoBlocks().Blocks)
	o.tell(routes(six), 0)
	got := watching(o, steady(up), []exported{session(4, four, nil), session(6, six, nil)}, 0, 2)
	o.tell(nil, 2*time.Second)
	if got = append(got, watching(o, steady(up), []exported{session(4, "", nil), session(6, six, nil)}, 2, 7)...); fmt.Sprint(got) != "[5]" {
		t.Errorf("stopped in seconds %v", got)
	}
	// While a look takes its time, nothing is known.
	o = newOverseer(twoBlocks().Blocks)
	o.saw(seen, 0)
	if why := o.stop(up, 9*time.Second); why != "" {
		t.Errorf("stopped for %s, by one look", why)
	}
	o.saw(seen, 9*time.Second)
	if why := o.stop(up, 9*time.Second); why == "" {
		t.Error("not stopped, by two looks")
	}
	// What was bad is wanted now: there is nothing that it has not obeyed.
	o = newOverseer(twoBlocks().Blocks)
	watching(o, steady(up), seen, 0, 3)
	o.tell(routes(four), 3*time.Second)
	if why := o.stop(up, 3*time.Second); why != "" {
		t.Errorf("stopped for %s", why)
	}
}

// Once a session has lasted, the next fault is the first one again.
func TestOverseerForgives(t *testing.T) {
	o := newOverseer(twoBlocks().Blocks)
	bad, good := []exported{session(4, four, nil)}, []exported{session(4, "", nil)}
	at := func(up time.Duration) func(time.Duration) feedState {
		return steady(feedState{Up: true, Since: time.Now().Add(-up)})
	}
	watching(o, at(time.Second), bad, 0, 30) // 3 8 18
	watching(o, at(lasts-time.Second), good, 30, 90)
	if o.stops != 3 {
		t.Errorf("%d stops are remembered before a session has lasted", o.stops)
	}
	watching(o, at(lasts+time.Second), good, 90, 120)
	if got := watching(o, at(time.Second), bad, 120, 140); fmt.Sprint(got) != "[123 128 138]" {
		t.Errorf("stopped at %v", got)
	}
}

// It looks often after a change and while something is wrong, and else seldom.
func TestOverseerLooks(t *testing.T) {
	count := func(o *overseer, seen []exported, from, to int) (n int) {
		for half := from * 2; half < to*2; half++ {
			if at := time.Duration(half) * time.Second / 2; o.due(0, at) {
				o.saw(seen, at)
				n++
			}
		}
		return n
	}
	o := newOverseer(twoBlocks().Blocks)
	for _, tt := range []struct {
		want       string
		seen       string
		from, to   int
		atLeast    int
		not        int
		what       string
		unexpected bool
	}{
		{"", "", 0, 100, 10, 12, "in peace", false},
		{four, "", 100, 105, 10, 11, "until it is seen", false},
		{four, "", 110, 200, 29, 32, "of what is missing longer", false},
		{four, four, 200, 300, 9, 12, "in peace", false},
		{"", four, 300, 320, 38, 41, "of what is too much", true},
	} {
		o.tell(routes(strings.Fields(tt.want)...), time.Duration(tt.from)*time.Second)
		if n := count(o, []exported{session(4, tt.seen, nil)}, tt.from, tt.to); n < tt.atLeast || n >= tt.not {
			t.Errorf("%s: %d looks in %d seconds", tt.what, n, tt.to-tt.from)
		}
		if len(o.bad) > 0 != tt.unexpected {
			t.Errorf("%s: bad since %v", tt.what, o.bad)
		}
	}
}

type printer struct {
	output string
	err    error
	argv   []string
}

func (p *printer) Run(argv []string, _ time.Duration) (string, error) {
	p.argv = argv
	return p.output, p.err
}

func TestLookAt(t *testing.T) {
	how := observation.Observation{Alive: regexp.MustCompile(`^Table`), Lines: observation.Lines{Begin: []*regexp.Regexp{regexp.MustCompile(`^(?P<prefix>\S+) unicast`)}}}
	e := watch.Exports{Session: "edge1_4", Argv: []string{"birdc", "show"}}
	for _, tt := range []struct {
		output  string
		err     error
		want    []netip.Prefix
		trouble string
	}{
		{"Table:\n192.0.2.0/24 unicast\nx\n", nil, []netip.Prefix{prefix(four)}, ""},
		{"Table:\n", nil, nil, ""},
		{"", nil, nil, "it says nothing"},
		{"bird: no such\x1b[2Jthing\n", nil, nil, `it says "bird: no such\x1b[2Jthing"`},
		{"Table:\nNo valid tables\n", errors.New("exit status 1"), nil, ""}, // of a session that is down
		{"Table:\n192.0.2.0/24 unicast\n", errors.New("exit status 1"), []netip.Prefix{prefix(four)}, ""},
		{"\x1b[2J" + strings.Repeat("x", 999), errors.New("exit status 1"), nil, `birdc: exit status 1: "\x1b[2J` + strings.Repeat("x", 196) + `"`},
		{"", errors.New("exit status 1"), nil, "birdc: exit status 1"},
		{"Table:\n\x1b[2J unicast\n192.0.2.0/24 unicast\n", nil, []netip.Prefix{prefix(four)}, `"\x1b[2J" is no prefix`},
	} {
		p := &printer{output: tt.output, err: tt.err}
		got := lookAt(p, e, how)
		if fmt.Sprint(got.prefixes) != fmt.Sprint(tt.want) || (got.trouble == nil) != (tt.trouble == "") || got.trouble != nil && !strings.Contains(got.trouble.Error(), tt.trouble) {
			t.Errorf("%q: %v, %v", tt.output, got.prefixes, got.trouble)
		}
		if strings.Join(p.argv, " ") != "birdc show" || got.Session != "edge1_4" {
			t.Errorf("%v ran for %s", p.argv, got.Session)
		}
	}
}

// What is withdrawn lingers until the daemon was seen to have done it.
func TestLingers(t *testing.T) {
	blind := errors.New("no answer")
	up, down := feedState{Up: true}, feedState{}
	for _, tt := range []struct {
		name string
		feed feedState
		want []string // blocks
		seen []exported
		at   time.Duration // of the look; what is wanted was told at 10 s
		say  string
	}{
		{"all are wanted", up, []string{four, six}, []exported{session(4, "", blind)}, 0, ""},
		{"never looked at", up, nil, nil, 20 * time.Second, "what is exported was not looked at since"},
		{"a look that was under way", up, nil, []exported{session(4, "", nil), session(6, "", nil)}, 10 * time.Second, "what is exported was not looked at since"},
		{"there are no sessions", up, nil, []exported{}, 11 * time.Second, ""},
		{"gone", up, nil, []exported{session(4, "", nil), session(6, "", nil)}, 11 * time.Second, ""},
		{"one is exported", up, nil, []exported{session(4, "", nil), session(6, six, nil)}, 11 * time.Second, "2001:db8::/48 is exported over edge1_6"},
		{"the one that is wanted is", up, []string{six}, []exported{session(4, "", nil), session(6, six, nil)}, 11 * time.Second, ""},
		{"it cannot be seen", up, nil, []exported{session(4, "", blind)}, 11 * time.Second, "what is exported over edge1_4 cannot be seen: no answer"},
		{"the daemon is gone", down, nil, []exported{session(4, "", blind)}, 11 * time.Second, ""},
		{"the daemon hangs", down, nil, []exported{session(4, "", helper.ErrTimeout)}, 11 * time.Second, "what is exported over edge1_4 cannot be seen: " + helper.ErrTimeout.Error()},
	} {
		o := newOverseer(twoBlocks().Blocks)
		o.tell(routes(four, six), 0)
		o.tell(routes(tt.want...), 10*time.Second)
		if tt.seen != nil {
			o.saw(tt.seen, tt.at)
		}
		if got := o.lingers(tt.feed); got != tt.say {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.say)
		}
	}
}
