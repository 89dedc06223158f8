package verify

import (
	"time"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// maxOffset is how far the clock may be off; DNSSEC bears more, but a clock
// that is disciplined is never this far off.
const maxOffset = time.Second

func clockChecks(_ *site.Site, e Evidence) []check {
	return []check{{
		id: "os.clock", vantage: FromServer, title: verdict.New("os.clock.title"), want: verdict.New("os.clock.want", verdict.Duration("limit", maxOffset)),
		about: []string{"clock"}, kinds: []string{kindTime}, needs: []string{"os.look"}, find: func() finding { return clock(e.Server) },
	}}
}

func clockProbes(_ *site.Site, v Vantages) []probe {
	return []probe{{name: "clock", argv: v.Looks.argv("clock", nil), read: v.Looks.readClock}}
}

func clock(e ServerEvidence) finding {
	switch {
	case e.ClockErr != nil:
		return unknown(why(e.ClockErr))
	case !e.Synced:
		return fail(verdict.New("os.clock.free"), verdict.New("os.clock.free.advice"))
	case e.Offset.Abs() > maxOffset:
		return fail(verdict.New("os.clock.off", verdict.Duration("offset", e.Offset)), verdict.New("os.clock.off.advice"))
	}
	return pass(verdict.New("os.clock.good", verdict.Count("stratum", e.Stratum), verdict.Duration("offset", e.Offset)))
}

func clockCodes() []verdict.Definition {
	offset := verdict.TypeDuration.Named("offset")
	return []verdict.Definition{
		verdict.Define("os.clock.title", "the clock of the server"),
		verdict.Define("os.clock.want", "the clock has to be in sync", verdict.TypeDuration.Named("limit")),
		verdict.Define("os.clock.free", "the clock is not in sync with anybody"),
		verdict.Define("os.clock.free.advice", "why a clock may be free"),
		verdict.Define("os.clock.off", "the clock is in sync, and too far off", offset),
		verdict.Define("os.clock.off.advice", "what a clock does that is off"),
		verdict.Define("os.clock.good", "the clock is in sync", verdict.TypeCount.Named("stratum"), offset),
	}
}
