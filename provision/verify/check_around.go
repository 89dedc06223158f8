package verify

import (
	"errors"
	"slices"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// AroundQuestion is what is asked of a server beside what raiz puts there.
func AroundQuestion(s *site.Site) *server.AroundQuestion {
	users := []string{s.Server.SSH.User}
	if s.Server.SSH.User != "root" {
		users = append(users, "root")
	}
	return &server.AroundQuestion{Users: users, Disks: []string{"/", "/etc", "/var", "/var/lib", "/run"}}
}

// Around is what was seen of it.
type Around struct {
	server.Around
	Routes []server.Route
	Rules  []server.Rule
	Errs   map[string]error // by part, where it could not be looked at
}

// AroundOf reads what a server has told; nil where nobody asked.
func AroundOf(f server.Facts) *Around {
	if f.Around == nil {
		return nil
	}
	a := &Around{Around: *f.Around, Routes: f.Network.Routes, Rules: f.Network.Rules, Errs: map[string]error{}}
	for part, text := range f.Problems {
		a.Errs[part] = errors.New(text)
	}
	return a
}

// aroundCheck is one of the checks of what nobody has declared.
type aroundCheck struct {
	id, part    string // of the check, and of the facts
	title, want verdict.Message
	// advice is the zero Message where what is found is worth a look, and nothing
	// is wrong.
	advice verdict.Message
	find   func(*site.Site, Evidence, *Around) []verdict.Message
}

func aroundParts() []aroundCheck {
	return []aroundCheck{
		{"os.routes", "network", verdict.New("os.routes.title"), verdict.New("os.routes.want"), verdict.New("os.routes.advice"), foreignRoutes},
		{"os.sockets", server.PartSockets, verdict.New("os.sockets.title"), verdict.New("os.sockets.want"), verdict.New("os.sockets.advice"), foreignSockets},
		{"os.accounts", server.PartAccounts, verdict.New("os.accounts.title"), verdict.New("os.accounts.want"), verdict.New("os.accounts.advice"), foreignAccounts},
		{"os.keys", server.PartKeys, verdict.New("os.keys.title"), verdict.New("os.keys.want"), verdict.New("os.keys.advice"), foreignKeys},
		{"os.failed", server.PartFailed, verdict.New("os.failed.title"), verdict.New("os.failed.want"), verdict.New("os.failed.advice"), failedUnits},
		{"os.disks", server.PartDisks, verdict.New("os.disks.title"), verdict.New("os.disks.want"), verdict.New("os.disks.advice"), fullDisks},
		{"os.reboot", server.PartReboot, verdict.New("os.reboot.title"), verdict.New("os.reboot.want"), verdict.Message{}, waitsForBoot},
	}
}

// aroundChecks see what is on a server that nobody has declared.
func aroundChecks(s *site.Site, e Evidence) []check {
	checks := []check{{
		id: "os.declared", vantage: FromServer, title: verdict.New("os.declared.title"), want: verdict.New("os.declared.want"),
		about: []string{"server"}, needs: []string{"os.look"}, find: func() finding { return asDeclared(e.Declared) },
	}}
	for _, c := range aroundParts() {
		checks = append(checks, check{
			id: c.id, vantage: FromServer, title: c.title, want: c.want,
			about: []string{"server"}, needs: []string{"os.look"}, find: func() finding { return c.look(s, e) },
		})
	}
	return checks
}

func (c aroundCheck) look(s *site.Site, e Evidence) finding {
	a := e.Server.Around
	switch {
	case a == nil:
		return unknown(why(errNotLooked))
	case a.Errs[c.part] != nil:
		return unknown(why(a.Errs[c.part]))
	case c.part == server.PartSockets && e.UnitsErr != nil:
		return unknown(why(e.UnitsErr)) // the ports are in the packs
	}
	found := few(c.find(s, e, a))
	switch {
	case len(found) == 0:
		return pass(c.want)
	case c.advice.IsZero():
		return finding{status: Warn, got: found}
	}
	return finding{status: Fail, got: found, advice: []verdict.Message{c.advice}}
}

// AroundResults judge what nobody has declared, as a plan tells it: what is not as it
// has to be, and what nobody could look at.
func AroundResults(s *site.Site, f server.Facts, from Vantages, keys []string) []Result {
	e := Evidence{Table: from.Table, Ports: from.Ports, LoginKeys: keys, Server: readFacts(f)}
	checks := slices.DeleteFunc(aroundChecks(s, e), func(c check) bool { return c.id == "os.declared" })
	for i := range checks {
		checks[i].needs = nil
	}
	return slices.DeleteFunc(evaluate(checks), func(r Result) bool { return r.Status == Pass })
}

// Declared is what a plan says of a server: nothing, where all is as declared.
type Declared struct {
	Asked     bool
	Err       error
	Otherwise []verdict.Message // what an apply would change
	Unknown   []verdict.Message // what could not be looked at
}

func asDeclared(d Declared) finding {
	switch {
	case !d.Asked:
		return unknown(why(errNotLooked))
	case d.Err != nil:
		return unknown(why(d.Err))
	case len(d.Otherwise) > 0:
		return finding{status: Fail, got: few(d.Otherwise), evidence: few(d.Unknown), advice: []verdict.Message{verdict.New("os.declared.advice")}}
	case len(d.Unknown) > 0:
		return unknown(few(d.Unknown)...)
	}
	return pass(verdict.New("os.declared.want"))
}

func aroundCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("os.declared.title", "the whole server, as a plan compares it"),
		verdict.Define("os.declared.want", "an apply would change nothing"),
		verdict.Define("os.declared.change", "an apply would change this", verdict.TypeSeen.Named("key")),
		verdict.Define("os.declared.amiss", "an apply would put a file in effect, of which this runs otherwise", verdict.TypeSeen.Named("key"), verdict.TypeAllSeen.Named("lines")),
		verdict.Define("os.declared.unknown", "a plan could not look at this", verdict.TypeSeen.Named("key"), verdict.TypeError.Named("error")),
		verdict.Define("os.declared.advice", "raiz plan shows it, and raiz apply mends it"),
		verdict.Define("os.route.foreign", "a route that nobody has declared", verdict.TypeSeen.Named("route")),
		verdict.Define("os.route.missing", "a declared route that is not there", verdict.TypeSeen.Named("route")),
		verdict.Define("os.rule.foreign", "a rule of policy routing that nobody has declared", verdict.TypeSeen.Named("rule")),
		verdict.Define("os.rule.missing", "a declared rule of policy routing that is not there", verdict.TypeSeen.Named("rule")),
		verdict.Define("os.socket.foreign", "a program takes what nobody has declared", verdict.TypeSeen.Named("network"), verdict.TypeSeen.Named("at"), verdict.TypeSeen.Named("program")),
		verdict.Define("os.account.foreign", "an account beside root has all of root's rights", verdict.TypeSeen.Named("name")),
		verdict.Define("os.key.foreign", "a key may log in that nobody has declared", verdict.TypeSeen.Named("user"), verdict.TypeSeen.Named("key"), verdict.TypeSeen.Named("comment")),
		verdict.Define("os.unit.failed", "a unit has failed", verdict.TypeUnit.Named("unit")),
		verdict.Define("os.disk.read-only", "a file system cannot be written", verdict.TypeSeen.Named("path")),
		verdict.Define("os.disk.full", "a file system has little room", verdict.TypeSeen.Named("path")),
		verdict.Define("os.disk.files", "a file system has room for few files", verdict.TypeSeen.Named("path")),
		verdict.Define("os.reboot.waits", "packages wait for a boot", verdict.TypeAllSeen.Named("packages")),
		verdict.Define("os.routes.title", "routes and rules of policy routing"),
		verdict.Define("os.routes.want", "nothing is to be said of the routes and rules of policy routing"),
		verdict.Define("os.routes.advice", "what to do about the routes and rules of policy routing"),
		verdict.Define("os.sockets.title", "sockets that take what comes"),
		verdict.Define("os.sockets.want", "nothing is to be said of the sockets that take what comes"),
		verdict.Define("os.sockets.advice", "what to do about the sockets that take what comes"),
		verdict.Define("os.accounts.title", "accounts with the rights of root"),
		verdict.Define("os.accounts.want", "nothing is to be said of the accounts with the rights of root"),
		verdict.Define("os.accounts.advice", "what to do about the accounts with the rights of root"),
		verdict.Define("os.keys.title", "keys that may log in"),
		verdict.Define("os.keys.want", "nothing is to be said of the keys that may log in"),
		verdict.Define("os.keys.advice", "what to do about the keys that may log in"),
		verdict.Define("os.failed.title", "units that have failed"),
		verdict.Define("os.failed.want", "nothing is to be said of the units that have failed"),
		verdict.Define("os.failed.advice", "what to do about the units that have failed"),
		verdict.Define("os.disks.title", "file systems"),
		verdict.Define("os.disks.want", "nothing is to be said of the file systems"),
		verdict.Define("os.disks.advice", "what to do about the file systems"),
		verdict.Define("os.reboot.title", "packages that wait for a boot"),
		verdict.Define("os.reboot.want", "nothing is to be said of the packages that wait for a boot"),
	}
}
