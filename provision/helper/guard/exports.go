//go:build linux

package guard

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/provision/watch"
)

// Times of the look at what the routing daemon exports.
const (
	exportsEvery = 10 * time.Second       // while nothing changes
	exportsTense = 500 * time.Millisecond // after a change, until it is seen
	exportsLimit = 2 * time.Second        // of one command
	// obeys is how long it has to do what it was told.
	obeys = 3 * time.Second
	// speaks is how long it may take connections without a word: after a session
	// that it has let die, and after its start, in which it reads its
	// configuration.
	speaks, starts = 3 * time.Second, 20 * time.Second
	// stopPause is how long a daemon has after a stop, before it is stopped
	// again; it doubles up to stopLast, until a session has lasted.
	stopPause, stopLast, lasts = 5 * time.Second, 5 * time.Minute, time.Minute
)

// exported is what one session was seen to export.
type exported struct {
	watch.Exports
	prefixes []netip.Prefix
	trouble  error
	silent   bool // nobody has answered
}

// runner runs commands, as helper.Machine does.
type runner interface {
	Run(argv []string, limit time.Duration) (output string, err error)
}

// lookAt asks the routing daemon what it exports over one session.
func lookAt(os runner, e watch.Exports, how observation.Observation) exported {
	out := exported{Exports: e}
	text, err := os.Run(e.Argv, exportsLimit)
	records, unread := how.Read(strings.Split(strings.TrimRight(text, "\n"), "\n"))
	// A daemon that answers is asked about a session that is down, and fails:
	// what it shows is what there is.
	if err != nil && (how.Alive == nil || unread != nil) {
		out.trouble, out.silent = told(e.Argv[0], text, err), errors.Is(err, helper.ErrTimeout)
		return out
	}
	if err = unread; err != nil {
		out.trouble = err
		return out
	}
	for _, r := range records {
		p, err := netip.ParsePrefix(r.Last("prefix"))
		if err != nil {
			out.trouble = fmt.Errorf("%s: %.80q is no prefix", e.Argv[0], r.Last("prefix"))
			continue
		}
		out.prefixes = append(out.prefixes, p)
	}
	return out
}

// told is an error of a program with what it has said, without what a terminal
// obeys.
func told(program, text string, err error) error {
	if words := strings.Join(strings.Fields(text), " "); words != "" {
		return fmt.Errorf("%s: %w: %.200q", program, err, words)
	}
	return fmt.Errorf("%s: %w", program, err)
}

// overseer holds the routing daemon to what the guard wants. It knows time
// since some beginning alone.
type overseer struct {
	blocks []watch.Block
	want   map[netip.Prefix]route
	told   time.Duration // when want changed last
	seen   []exported
	at     time.Duration // of seen
	stops  int           // since a session has lasted
	last   time.Duration // of the stops
	// bad is since when a block that is not wanted has been exported, or may have
	// been; one that is not has no entry. Each has its own time: others come and
	// go meanwhile.
	bad map[netip.Prefix]time.Duration
}

func newOverseer(blocks []watch.Block) *overseer {
	return &overseer{blocks: blocks, bad: map[netip.Prefix]time.Duration{}, at: -starts, told: -starts, last: -stopLast}
}

// tell says what is wanted.
func (o *overseer) tell(want map[netip.Prefix]route, at time.Duration) {
	if len(want) == len(o.want) && !slices.ContainsFunc(o.blocks, func(b watch.Block) bool { return want[b.Prefix] != o.want[b.Prefix] }) {
		return
	}
	o.want, o.told = want, at
	maps.DeleteFunc(o.bad, func(p netip.Prefix, _ time.Duration) bool { return want[p] != withdrawn })
}

// due reports whether it is time to look, at a daemon that has been mute for so
// long.
func (o *overseer) due(mute, at time.Duration) bool {
	every, differs := exportsEvery, len(o.differences()) > 0
	if differs {
		every = obeys
	}
	if len(o.bad) > 0 || mute > 0 && !o.since(mute, at) || at-o.told < 2*obeys && o.told > o.at || differs && at-o.told < exportsEvery {
		every = exportsTense
	}
	return at-o.at >= every
}

// saw takes what was seen by a look that began at a time. What was wanted since
// then counts from when it was told.
func (o *overseer) saw(all []exported, began time.Duration) {
	o.seen, o.at = all, began
	for _, b := range o.blocks {
		bad := o.want[b.Prefix] == withdrawn && slices.ContainsFunc(all, func(e exported) bool {
			return e.silent || slices.Contains(e.prefixes, b.Prefix)
		})
		if _, was := o.bad[b.Prefix]; bad && !was {
			o.bad[b.Prefix] = max(began, o.told)
		} else if !bad {
			delete(o.bad, b.Prefix)
		}
	}
}

// differences say what the daemon exports against what is wanted.
func (o *overseer) differences() []string {
	var out []string
	for _, e := range o.seen {
		if e.trouble != nil {
			out = append(out, fmt.Sprintf("what is exported over %s cannot be seen: %v", e.Session, e.trouble))
			continue
		}
		for _, b := range o.blocks {
			switch is := slices.Contains(e.prefixes, b.Prefix); {
			case is && o.want[b.Prefix] == withdrawn:
				out = append(out, fmt.Sprintf("%s is exported over %s, and should not be", b.Prefix, e.Session))
			case !is && e.Carries && family(b.Prefix) == e.Family && o.want[b.Prefix] != withdrawn:
				out = append(out, fmt.Sprintf("%s is not exported over %s", b.Prefix, e.Session))
			}
		}
		for _, p := range e.prefixes {
			if !slices.ContainsFunc(o.blocks, func(b watch.Block) bool { return b.Prefix == p }) {
				out = append(out, fmt.Sprintf("%s is exported over %s, and is no block of this site", p, e.Session))
			}
		}
	}
	return out
}

// lingers says why a block that is not wanted may still be exported, and "" once
// no session was seen to. Of a daemon that has let the session go and does not
// answer there is nothing left.
func (o *overseer) lingers(f feedState) string {
	gone := func(b watch.Block) bool { return o.want[b.Prefix] == withdrawn }
	if !slices.ContainsFunc(o.blocks, gone) {
		return ""
	}
	if o.at <= o.told {
		return "what is exported was not looked at since"
	}
	for _, e := range o.seen {
		if e.trouble != nil && (f.Up || e.silent) {
			return fmt.Sprintf("what is exported over %s cannot be seen: %v", e.Session, e.trouble)
		}
		for _, b := range o.blocks {
			if gone(b) && slices.Contains(e.prefixes, b.Prefix) {
				return fmt.Sprintf("%s is exported over %s", b.Prefix, e.Session)
			}
		}
	}
	return ""
}

// stop says why the daemon has to be stopped, and "" while it has not. None of
// its blocks is wanted any less for it: it begins anew with none.
func (o *overseer) stop(f feedState, at time.Duration) string {
	// One that is still there in spite of the last stop has not lasted.
	if up := time.Since(f.Since); f.Up && up > lasts && up < at-o.last {
		o.stops = 0
	}
	if at-o.last < o.pause() {
		return ""
	}
	limit := starts
	if f.Lost {
		limit = speaks
	}
	why := ""
	switch {
	case f.Mute > limit && !o.idle(f.Mute, at):
		why = "it takes connections, and does not speak"
	case o.disobeyed():
		why = strings.Join(o.differences(), "; ")
	}
	if why != "" {
		o.stops, o.last = o.stops+1, at
	}
	return why
}

// since reports whether a look has begun since the daemon is mute.
func (o *overseer) since(mute, at time.Duration) bool { return at-o.at < mute }

// idle reports whether the daemon was seen since then to answer, and to export
// nothing of what is the guard's: it has been told not to speak, by a person who
// would withdraw. To end it would announce.
func (o *overseer) idle(mute, at time.Duration) bool {
	return len(o.seen) > 0 && o.since(mute, at) && at-o.at < exportsEvery+2*exportsLimit && !slices.ContainsFunc(o.seen, func(e exported) bool {
		return e.trouble != nil || slices.ContainsFunc(o.blocks, func(b watch.Block) bool { return slices.Contains(e.prefixes, b.Prefix) })
	})
}

// disobeyed goes by looks alone: while one takes its time, nothing is known.
func (o *overseer) disobeyed() bool {
	for _, since := range o.bad {
		if o.at-since >= obeys {
			return true
		}
	}
	return false
}

func (o *overseer) pause() time.Duration {
	if o.stops == 0 {
		return 0
	}
	return min(stopPause<<min(o.stops-1, 10), stopLast)
}

func family(p netip.Prefix) int {
	if p.Addr().Is4() {
		return 4
	}
	return 6
}
