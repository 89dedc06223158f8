package verify

import (
	"slices"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// The kinds of component that a copy lives by.
const (
	kindDNS      = "dns"
	kindBGP      = "bgp"
	kindGuard    = "guard" // announces while DNS answers
	kindFirewall = "firewall"
	kindTime     = "time"
)

// all are the units of every kind, once each.
func (u Units) all() []string {
	var out []string
	for _, units := range u {
		out = append(out, units...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// unitNeeds are the checks of the units of some kinds.
func unitNeeds(units Units, kinds []string) []string {
	var out []string
	for _, kind := range kinds {
		for _, u := range units[kind] {
			out = append(out, "unit."+u)
		}
	}
	return out
}

// unitChecks look at every unit that a pack names. A kind that a copy lives
// by, and of which nobody knows a unit, is not passed over.
func unitChecks(s *site.Site, e Evidence) []check {
	var checks []check
	for _, u := range e.Units.all() {
		c := check{
			id: "unit." + u, vantage: FromServer, title: verdict.New("unit.title", verdict.Unit("unit", u)), want: verdict.New("unit.good"),
			about: []string{u}, needs: []string{"os.look"}, find: func() finding { return unitRuns(u, e.Server) },
		}
		// What announces stops with the name server: its state says nothing
		// more while that one is down.
		if slices.Contains(e.Units[kindGuard], u) {
			c.explained = unitNeeds(e.Units, []string{kindDNS})
		}
		checks = append(checks, c)
	}
	for _, kind := range []string{kindBGP, kindDNS, kindFirewall, kindGuard, kindTime} {
		if len(e.Units[kind]) == 0 {
			checks = append(checks, check{
				id: "unit." + kind, vantage: FromServer, title: verdict.New("unit.kind.title", verdict.Word("kind", kind)), want: verdict.New("unit.good"),
				find: func() finding { return noUnit(s, e, kind) },
			})
		}
	}
	slices.SortStableFunc(checks, func(a, b check) int { return len(a.explained) - len(b.explained) })
	return checks
}

func noUnit(s *site.Site, e Evidence, kind string) finding {
	if e.UnitsErr != nil {
		return unknown(why(e.UnitsErr))
	}
	return unknown(verdict.New("unit.kind.none", verdict.Word("pack", s.Components[kind])))
}

func unitRuns(name string, e ServerEvidence) finding {
	if e.UnitsErr != nil {
		return unknown(why(e.UnitsErr))
	}
	u, ok := e.Units[name]
	unit := verdict.Unit("unit", name)
	switch {
	case !ok:
		return unknown(verdict.New("unit.not-told"))
	case u.Load == "not-found":
		return fail(loadState(u), verdict.New("unit.absent.advice"))
	case u.Load == "masked":
		return fail(loadState(u), verdict.New("unit.masked.advice", unit))
	case u.Load != "loaded":
		return fail(loadState(u), verdict.New("unit.load.advice", unit))
	case u.Active != "active" && u.Active != "reloading": // which it goes on while it is
		return fail(verdict.New("unit.down", verdict.Seen("active", u.Active), verdict.Seen("sub", u.Sub)), verdict.New("unit.down.advice", unit))
	case u.File != "enabled":
		return fail(verdict.New("unit.disabled", verdict.Seen("file", u.File)), verdict.New("unit.disabled.advice"))
	}
	return pass(verdict.New("unit.good"))
}

func loadState(u server.UnitFact) verdict.Message {
	return verdict.New("unit.load", verdict.Seen("load", u.Load))
}

func unitCodes() []verdict.Definition {
	unit := verdict.TypeUnit.Named("unit")
	return []verdict.Definition{
		verdict.Define("unit.title", "a unit that a pack names", unit),
		verdict.Define("unit.good", "a unit is active and enabled, or has to be"),
		verdict.Define("unit.kind.title", "the unit of a kind of component", verdict.TypeWord.Named("kind")),
		verdict.Define("unit.kind.none", "the pack of a kind that a copy lives by names no unit", verdict.TypeWord.Named("pack")),
		verdict.Define("unit.not-told", "systemd said nothing of the unit"),
		verdict.Define("unit.load", "the unit is not loaded, but this", verdict.TypeSeen.Named("load")),
		verdict.Define("unit.load.advice", "where to see why a unit is not loaded", unit),
		verdict.Define("unit.absent.advice", "raiz apply installs the unit"),
		verdict.Define("unit.masked.advice", "how to allow a unit again that somebody masked", unit),
		verdict.Define("unit.down", "the unit is not active, but this", verdict.TypeSeen.Named("active"), verdict.TypeSeen.Named("sub")),
		verdict.Define("unit.down.advice", "where to see why a unit is not active", unit),
		verdict.Define("unit.disabled", "the unit is active, and does not start at boot", verdict.TypeSeen.Named("file")),
		verdict.Define("unit.disabled.advice", "raiz apply enables the unit"),
	}
}
