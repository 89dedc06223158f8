//go:build linux

package guard

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/watch"
)

// A history is written in words, one a look, a second apart: r all is right,
// w wrong, s TCP alone is silent, c a crowd keeps it from being known. "r*30"
// are thirty. Before a look may stand what a person wants: D drain, N drain now,
// U no longer. What the block is to be after each look: "." withdrawn, "d"
// draining, "A" announced.
func graded(letter rune) grade { return grade(strings.IndexRune("rcsw", letter)) }

func spread(s string) string {
	var out strings.Builder
	for w := range strings.FieldsSeq(s) {
		letter, times, many := strings.Cut(w, "*")
		n := 1
		if many {
			n, _ = strconv.Atoi(times)
		}
		out.WriteString(strings.Repeat(letter, n))
	}
	return out.String()
}

func play(k *keeper, c watch.Config, history string) string {
	var out strings.Builder
	var at time.Duration
	for _, l := range spread(history) {
		switch l {
		case 'D':
			k.told(watch.Drain{Wanted: true}, at)
		case 'N':
			k.told(watch.Drain{Wanted: true, Now: true}, at)
		case 'U':
			k.told(watch.Drain{}, at)
		default:
			k.heard(looks(c, graded(l)), at)
			out.WriteByte(".dA"[k.blocks[0].state])
			at += time.Second
		}
	}
	return out.String()
}

func TestKeeper(t *testing.T) {
	const noDamping, damping = 0, 30
	for _, tt := range []struct {
		name          string
		damping       int
		history, want string
	}{
		{"it rises by so many", noDamping, "r r r", ". A A"},
		{"in a row", noDamping, "r w r r", ". . . A"},
		{"it falls by so many", noDamping, "r r w w w w", ". A A A . ."},
		{"in a row", noDamping, "r r w w r w w r", ". A A A A A A A"},
		{"and has to rise anew", noDamping, "r r w w w r r", ". A A A . . A"},
		{"silent TCP counts half", noDamping, "r r s s s s s s", ". A A A A A A ."},
		{"with what counts whole", noDamping, "r r s w s w", ". A A A A ."},
		{"but it is not right", noDamping, "r s r r", ". . . A"},
		{"a crowd is neither up nor down", noDamping, "r r c c c c c c", ". A A A A A A A"},
		{"it does not end what is wrong", noDamping, "r r w w c c w", ". A A A A A ."},
		{"nobody comes up in a crowd", noDamping, "c c c c r c r r", ". . . . . . . A"},

		{"after the third withdrawal it has to last", damping, "r r w*3 r r w*3 r r w*3 r*30 r r w w r",
			". A A A . . A A A . . A A A . .*30 A A A A A"},
		{"after the fourth twice as long", damping, "r r w*3 r r w*3 r r w*3 r*31 w*3 r*60 r",
			". A A A . . A A A . . A A A . .*30 A A A . .*60 A"},
		{"a look that is not right begins it anew", damping, "r r w*3 r r w*3 r r w*3 r*20 w r*30 r",
			". A A A . . A A A . . A A A . .*20 . .*30 A"},
		{"and so does a crowd", damping, "r r w*3 r r w*3 r r w*3 r*20 c r*30 r",
			". A A A . . A A A . . A A A . .*20 . .*30 A"},
		{"it is forgotten", damping, "r r w*3 r r w*3 r*600 w*3 r r", ". A A A . . A A A . . A*599 A A . . A"},
		{"a drain is no fall", damping, "r r N r U r N r U r N r U r N r U r", ". A . A . A . A . A"},
		{"nor with one look that was not right", damping, "r r N w U r r N w U r r N w U r r N w U r r", ". A . . A . . A . . A . . A"},

		{"drained", noDamping, "r r D r*30 r r", ". A d*30 . ."},
		{"drained now", noDamping, "r r N r r", ". A . ."},
		{"drained now, after all", noDamping, "r r D r r N r r D r", ". A d d . . ."},
		{"nothing comes up for it", noDamping, "r D r r r", ". . . ."},
		{"nor while it is wrong", noDamping, "r r w w w D w r r r U r", ". A A A . . . . . A"},
		{"not drained any more", noDamping, "r r D r r U r", ". A d d A"},
		{"after its end", noDamping, "r r D r*31 U r", ". A d*30 . A"},
		{"it falls while it is drained", noDamping, "r r D r w w w r r r r U r", ". A d d d . . . . . A"},
		{"again, it has its time anew", noDamping, "r r D r*20 U r D r*30 r", ". A d*20 A d*30 ."},
		{"told twice, it has not", noDamping, "r r D r*20 D r*10 r", ". A d*20 d*10 ."},
		{"what is wrong comes up by no end of a drain", noDamping, "r r N r U w w r r", ". A . . . . A"},
		{"nor in a crowd", noDamping, "r r N r U c c r r", ". A . . . . A"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := twoBlocks()
			c.Damping = tt.damping
			k := newKeeper(c)
			if got, want := play(k, c, tt.history), spread(tt.want); got != want {
				t.Errorf("%s\n got %s\nwant %s", spread(tt.history), got, want)
			}
		})
	}
}

// Without time to leave there is none.
func TestKeeperDrainsInNoTime(t *testing.T) {
	c := twoBlocks()
	c.Drain = 0
	if got := play(newKeeper(c), c, "r r D r"); got != ".A." {
		t.Errorf("got %s", got)
	}
}

// Each block goes by its own addresses, and one of which nothing is known is
// not right.
func TestKeeperKeepsBlocksApart(t *testing.T) {
	c := twoBlocks()
	k := newKeeper(c)
	both := looks(c, right)
	for at := range 3 * time.Second / time.Second {
		k.heard(both, at*time.Second)
	}
	if len(k.wanted()) != 2 {
		t.Fatalf("wanted: %v", k.wanted())
	}
	for at := 3 * time.Second; at < 6*time.Second; at += time.Second {
		k.heard(both[:1], at)
	}
	if want := k.wanted(); len(want) != 1 || want[c.Blocks[0].Prefix] != announced {
		t.Errorf("wanted: %v", want)
	}
}

// A process of several that hangs is heard of in some looks and not in others.
func TestKeeperOfAProcessThatHangs(t *testing.T) {
	c := twoBlocks()
	c.Damping = 0
	part := func(why string) []finding { // of the first block
		all := append(looks(c, right), looks(c, right)[0])
		all[0].grade, all[0].why = wrong, why
		return all
	}
	// A letter is a look: p is silent in part, e an error in part.
	run := func(k *keeper, history string) string {
		var out strings.Builder
		var at time.Duration
		for _, l := range spread(history) {
			all := looks(c, graded(l))
			switch l {
			case 'p':
				all = part(silent)
			case 'e':
				all = part("SERVFAIL")
			}
			k.heard(all, at)
			out.WriteByte(".dA"[k.blocks[0].state])
			if k.blocks[1].state == withdrawn && strings.Contains(history, "p") && l != 'w' && at > 2*time.Second {
				t.Errorf("%s: the other block as well", history)
			}
			at += time.Second
		}
		return out.String()
	}
	for _, tt := range []struct{ name, history, want string }{
		{"in a row", "r r p p p", ". A A A ."},
		{"now and then", "r r" + strings.Repeat(" p r r", 6), ". A" + strings.Repeat(" A A A", 5) + " . . ."},
		{"an error now and then", "r r" + strings.Repeat(" e r r", 20), ". A A*60"},
		{"too seldom", "r r" + strings.Repeat(" p r*15", 6), ". A A*96"},
		{"it has to be right for as long as that is remembered", "r r p*3 r*60 r r", ". A A A . .*60 A A"},
		{"and not for what it was before", "r r" + strings.Repeat(" p r r", 6) + " w r r r", ". A" + strings.Repeat(" A A A", 5) + " . . . . . A A"},
		{"nor for what was heard while it was withdrawn", "r r p*9 w r r r", ". A A A .*7 . . A A"},
		{"one that was started anew has not", "r r p*3 w r r", ". A A A . . . A"},
	} {
		if got, want := run(newKeeper(c), tt.history), spread(tt.want); got != want {
			t.Errorf("%s: %s\n got %s\nwant %s", tt.name, spread(tt.history), got, want)
		}
	}
	k := newKeeper(c)
	run(k, "r r p*3 r*9")
	if got := k.reason(k.blocks[0], 13*time.Second); !strings.Contains(got, "as if a process of the name server hangs: it has to be right for another 52s") {
		t.Errorf("reason: %s", got)
	}
}

// A guard that ends and begins has withdrawn what it announced: too often is too
// often.
func TestKeeperBegins(t *testing.T) {
	c := twoBlocks()
	c.Damping = 30
	first := c.Blocks[0].Prefix
	for _, tt := range []struct {
		name string
		was  watch.BlockStatus
		want string // of looks that are right from a minute after the boot on
	}{
		{"nothing is known", watch.BlockStatus{}, ". A"},
		{"it was announced", watch.BlockStatus{Prefix: first, State: watch.Announced}, ". A"},
		{"for the third time", watch.BlockStatus{Prefix: first, State: watch.Announced, Fell: []float64{20, 40}}, ".*30 A"},
		{"for the fourth time", watch.BlockStatus{Prefix: first, State: watch.Announced, Fell: []float64{10, 20, 40}}, ".*60 A"},
		{"it was withdrawn by then", watch.BlockStatus{Prefix: first, State: watch.Withdrawn, Fell: []float64{20, 40}}, ". A"},
		{"it was drained", watch.BlockStatus{Prefix: first, State: watch.Draining, Fell: []float64{20, 40}}, ". A"},
		{"what was to come is nothing that was", watch.BlockStatus{Prefix: first, State: watch.Announced, Fell: []float64{-1, 1e9, 1e300}}, ". A"},
	} {
		k := newKeeper(c)
		at := time.Minute
		k.begin([]watch.BlockStatus{{Prefix: prefix("203.0.113.0/24"), State: watch.Announced, Fell: []float64{1, 2, 3}}, tt.was}, at)
		if k.blocks[0].since != at {
			t.Errorf("%s: since %s", tt.name, k.blocks[0].since)
		}
		var out strings.Builder
		for range len(spread(tt.want)) {
			k.heard(looks(c, right), at)
			out.WriteByte(".dA"[k.blocks[0].state])
			at += time.Second
		}
		if out.String() != spread(tt.want) {
			t.Errorf("%s: %s, want %s", tt.name, out.String(), spread(tt.want))
		}
	}
}

func TestKeeperLooksSooner(t *testing.T) {
	c := twoBlocks()
	k := newKeeper(c)
	for i, tt := range []struct {
		look string
		want time.Duration
	}{{"w", calm}, {"r", calm}, {"r", calm}, {"w", tense}, {"w", tense}, {"r", calm}, {"s", tense}, {"w", tense}, {"w", tense}, {"w", calm}} {
		k.heard(looks(c, graded(rune(tt.look[0]))), time.Duration(i)*time.Second)
		if got := k.next(); got != tt.want {
			t.Errorf("after look %d: %s, want %s", i, got, tt.want)
		}
	}
}

// What is told to people says why.
func TestKeeperReasons(t *testing.T) {
	for _, tt := range []struct{ history, want string }{
		{"", "nothing was asked yet"},
		{"r", "right in 1 looks of 2"},
		{"r r", "every zone is served at every address"},
		{"r r w w w", "192.0.2.1 by udp, zone example.net: it is not right"},
		{"r r D r*10", "drained by somebody: withdrawn in 20s"},
		{"r r N r", "drained by somebody"},
		{"r r w*3 r r w*3 r r w*3 r*10", "withdrawn 3 times in 10m0s: it has to be right for another 20s"},
	} {
		c := twoBlocks()
		k := newKeeper(c)
		n := len(play(k, c, tt.history))
		if got := k.reason(k.blocks[0], time.Duration(n)*time.Second); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.history, got, tt.want)
		}
	}
	who := watch.Drain{Wanted: true, By: "anna\x1b[2J", At: time.Unix(0, 0)}
	if got, want := who.Who(), "by anna\uFFFD[2J at 1970-01-01T00:00:00Z"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := fmt.Sprint(watch.Drain{At: time.Unix(0, 0)}.Who()); got != "at 1970-01-01T00:00:00Z" {
		t.Errorf("%s", got)
	}
}
