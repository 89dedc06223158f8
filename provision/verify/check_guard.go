package verify

import (
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/watch"
)

// The checks of the guard that others rest on.
const (
	guardID = "guard.watches"
	drainID = "guard.drain"
)

// guardChecks hear what the guard tells of itself: that it is there, whether
// somebody wants the blocks withdrawn, and what it raises.
func guardChecks(s *site.Site, e Evidence) []check {
	blocks := names(s.Blocks())
	g := e.Server.Guard
	return []check{{
		id: guardID, vantage: FromServer, title: verdict.New("guard.watches.title"), want: verdict.New("guard.watches.good"),
		about: blocks, kinds: []string{kindGuard}, needs: []string{"os.look"}, explained: unitNeeds(e.Units, []string{kindGuard, kindBGP}),
		find: func() finding { return watches(g) },
	}, {
		id: drainID, vantage: FromServer, title: verdict.New("guard.drain.title"), want: verdict.New("guard.drain.good"),
		about: blocks, needs: []string{"os.look"}, find: func() finding { return undrained(g, e.Server.Sessions) },
	}, {
		id: "guard.alarms", vantage: FromServer, title: verdict.New("guard.alarms.title"), want: verdict.New("guard.alarms.good"),
		about: blocks, needs: []string{guardID}, find: func() finding { return noAlarm(g) },
	}}
}

func watches(g *server.Guard) finding {
	switch {
	case g == nil:
		return fail(verdict.New("guard.watches.none"), verdict.New("unit.absent.advice"))
	case g.Silent != "":
		return fail(verdict.New("guard.watches.silent", verdict.Seen("why", g.Silent)), verdict.New("guard.watches.advice"))
	case !g.Feed.Up:
		return fail(verdict.New("guard.watches.no-session"), verdict.New("guard.watches.advice"))
	}
	return pass(verdict.New("guard.watches.good"))
}

// undrained is skipped, and all that rests on an announcement with it, where
// somebody wants none. What goes out all the same is a fault.
func undrained(g *server.Guard, sessions []Session) finding {
	switch {
	case g == nil:
		return unknown(verdict.New("guard.watches.none"))
	case g.Wanted == nil:
		return pass(verdict.New("guard.drain.good"))
	}
	said := verdict.New("guard.drain.wanted", verdict.Seen("by", g.Wanted.By), verdict.Word("at", g.Wanted.At.UTC().Format(time.RFC3339)))
	gone := !slices.ContainsFunc(g.Blocks, func(b watch.BlockStatus) bool { return b.State != watch.Withdrawn })
	if gone && slices.ContainsFunc(sessions, func(x Session) bool { return len(x.Exports) > 0 }) {
		return fail(verdict.New("guard.drain.exported"), verdict.New("guard.watches.advice")).with(said)
	}
	return notLooked(said)
}

func noAlarm(g *server.Guard) finding {
	switch {
	case g == nil:
		return unknown(verdict.New("guard.watches.none"))
	case len(g.Alarms) == 0:
		return pass(verdict.New("guard.alarms.good"))
	}
	f := finding{status: Warn, advice: []verdict.Message{verdict.New("guard.alarms.advice")}}
	for _, a := range g.Alarms {
		f.got = append(f.got, verdict.New("guard.alarm", verdict.Seen("code", string(a.Code)), verdict.Seen("text", a.Text)))
	}
	f.got = few(f.got)
	return f
}

// guardReasons say of blocks that are not announced why the guard does not.
func guardReasons(g *server.Guard) []verdict.Message {
	if g == nil || g.Silent != "" {
		return nil
	}
	var out []verdict.Message
	for _, b := range g.Blocks {
		if b.State != watch.Announced {
			out = append(out, verdict.New("guard.reason", verdict.Seen("block", b.Prefix.String()), verdict.Seen("state", string(b.State)), verdict.Seen("reason", b.Reason)))
		}
	}
	return few(out)
}

func guardCodes() []verdict.Definition {
	seen := verdict.TypeSeen
	return []verdict.Definition{
		verdict.Define("guard.watches.title", "whether the guard watches"),
		verdict.Define("guard.watches.good", "the guard watches, and has a session with the routing daemon"),
		verdict.Define("guard.watches.none", "there is no guard on the server"),
		verdict.Define("guard.watches.silent", "the guard tells nothing", seen.Named("why")),
		verdict.Define("guard.watches.no-session", "the guard has no session with the routing daemon"),
		verdict.Define("guard.watches.advice", "where to see what the guard does"),
		verdict.Define("guard.drain.title", "whether somebody wants the blocks withdrawn"),
		verdict.Define("guard.drain.good", "nobody does"),
		verdict.Define("guard.drain.wanted", "somebody does", seen.Named("by"), verdict.TypeWord.Named("at")),
		verdict.Define("guard.drain.exported", "the blocks are drained, and still go out"),
		verdict.Define("guard.alarms.title", "whether the guard raises anything"),
		verdict.Define("guard.alarms.good", "it raises nothing"),
		verdict.Define("guard.alarms.advice", "what alarms are"),
		verdict.Define("guard.alarm", "an alarm of the guard", seen.Named("code"), seen.Named("text")),
		verdict.Define("guard.reason", "why the guard does not announce a block", seen.Named("block"), seen.Named("state"), seen.Named("reason")),
	}
}
