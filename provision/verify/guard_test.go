package verify_test

import (
	"time"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/verify"
	"github.com/raiz-dns/raiz/provision/watch"
)

// guardCases are what a guard may tell.
func guardCases() []judged {
	guard := func(change func(*server.Guard)) func(*verify.Evidence) {
		return func(e *verify.Evidence) { change(e.Server.Guard) }
	}
	nothing := func(e *verify.Evidence) {
		for i := range e.Server.Sessions {
			e.Server.Sessions[i].Exports = nil
		}
		e.Router.Routes = nil
	}
	drained := func(g *server.Guard) {
		g.Wanted = &watch.Drain{Wanted: true, By: "ana", At: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
		for i := range g.Blocks {
			g.Blocks[i].State, g.Blocks[i].Reason = watch.Withdrawn, "drained by ana"
		}
	}
	return []judged{
		{"there is no guard", func(e *verify.Evidence) { e.Server.Guard = nil }},
		{"the guard is silent", guard(func(g *server.Guard) { g.Silent = "it does not run" })},
		{"the guard has no session", guard(func(g *server.Guard) { g.Feed.Up = false })},
		{"the guard raises something", guard(func(g *server.Guard) {
			g.Alarms = []watch.Trouble{{Code: watch.TroubleStale, Text: "zone .: no primary has answered"}, {Code: watch.TroubleClock, Text: "it is not in sync\x1b[2J"}}
		})},
		{"the guard withdraws", func(e *verify.Evidence) {
			nothing(e)
			e.Server.Guard.Blocks[0].State, e.Server.Guard.Blocks[0].Reason = watch.Withdrawn, "192.175.48.1 by tcp, zone 10.in-addr.arpa: no answer"
		}},
		{"the blocks are drained", func(e *verify.Evidence) { nothing(e); drained(e.Server.Guard) }},
		{"the blocks are drained, and go out", guard(drained)},
	}
}
