package verify

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
)

// Looks say how the programs of a copy are looked at, by the name of what is
// seen: "sessions", "exports", "clock". Its packs say so.
type Looks map[string]observation.Observation

// argv is the command of one look, nil where no pack declares it.
func (l Looks) argv(name string, fields map[string]string) []string {
	o, ok := l[name]
	if !ok {
		return nil
	}
	return o.Argv(fields)
}

// sessionProbes look at the sessions, and at what each declared one exports.
func sessionProbes(s *site.Site, v Vantages) []probe {
	out := []probe{{name: "sessions", argv: v.Looks.argv("sessions", nil), read: v.Looks.readSessions}}
	for _, p := range peerings(s) {
		most := len(sentTo(s, p.Neighbor, p.at))
		out = append(out, probe{name: exportSection(p.at), argv: v.Looks.argv("exports", sessionFields(p.Neighbor, p.at)),
			read: func(printed Printed, e *ServerEvidence) { v.Looks.readExports(p.at, most, printed, e) }})
		if argv := v.Looks.argv("imports", sessionFields(p.Neighbor, p.at)); argv != nil {
			out = append(out, probe{name: "import " + p.at.String(), argv: argv,
				read: func(printed Printed, e *ServerEvidence) { v.Looks.readImports(p.at, printed, e) }})
		}
	}
	return out
}

func exportSection(a netip.Addr) string { return "export " + a.String() }

// sessionFields are what the command that shows exports may be told of a
// session.
func sessionFields(n site.Neighbor, a netip.Addr) map[string]string {
	family := "4"
	if a.Is6() {
		family = "6"
	}
	return map[string]string{
		"session": site.SessionID(n.Name, a), "neighbor": a.String(), "family": family, "as": fmt.Sprint(n.ASN),
	}
}

// read returns the records of one look. Half an answer is none.
func (l Looks) read(name string, p Printed) ([]observation.Record, error) {
	o, ok := l[name]
	if !ok {
		return nil, fmt.Errorf("the component pack says nothing of how to see its %s", name)
	}
	if p.Err != nil {
		return nil, p.Err
	}
	return o.Read(p.Lines)
}

// readSessions leaves what they export unknown: each declared one has a look
// of its own.
func (l Looks) readSessions(p Printed, e *ServerEvidence) {
	records, err := l.read("sessions", p)
	e.Sessions, e.SessionsErr = sessionsOf(records), err
	for i := range e.Sessions {
		e.Sessions[i].ExportsErr, e.Sessions[i].ImportsErr = errNotLooked, errNotLooked
	}
}

// Sessions reads what the command of the sessions has printed.
func (l Looks) Sessions(p server.Printed) ([]Session, error) {
	program, _, _ := strings.Cut(strings.Join(l.argv("sessions", nil), " "), " ")
	records, err := l.read("sessions", printed(program, p))
	return sessionsOf(records), err
}

// Established reports whether a session is up (RFC 4271 section 8.2.2).
func (s Session) Established() bool { return s.State == established }

// readExports reads what a session exports, which is most so many routes. Of
// an answer that was cut nobody knows what is missing; what is too much is seen
// all the same.
func (l Looks) readExports(neighbor netip.Addr, most int, p Printed, e *ServerEvidence) {
	var cut error
	if errors.Is(p.Err, errTooMuch) {
		cut, p.Err = p.Err, nil
	}
	routes, err := l.readRoutes(p)
	if err == nil && len(routes) <= most {
		err = cut
	}
	for i := range e.Sessions {
		if e.Sessions[i].Neighbor == neighbor {
			e.Sessions[i].Exports, e.Sessions[i].ExportsErr = routes, err
		}
	}
}

// readImports reads what is taken from a neighbor.
func (l Looks) readImports(neighbor netip.Addr, p Printed, e *ServerEvidence) {
	records, err := l.read("imports", p)
	var out []netip.Prefix
	for _, r := range records {
		taken, wrong := netip.ParsePrefix(r.Last("prefix"))
		if wrong != nil {
			err = fmt.Errorf("the routing daemon takes a route to what is no block: %.200q", r.Last("prefix"))
			break
		}
		out = append(out, taken)
	}
	for i := range e.Sessions {
		if e.Sessions[i].Neighbor == neighbor {
			e.Sessions[i].Imports, e.Sessions[i].ImportsErr = out, err
		}
	}
}

// sessionsOf: what is not understood stays zero and is seen as a session to
// nobody.
func sessionsOf(records []observation.Record) []Session {
	var out []Session
	for _, r := range records {
		s := Session{Name: r.Last("name"), State: r.Last("state"), Error: r.Last("error")}
		s.Neighbor, _ = netip.ParseAddr(r.Last("neighbor"))
		if n, err := strconv.ParseUint(r.Last("as"), 10, 32); err == nil {
			s.PeerAS = site.ASN(n)
		}
		if strings.EqualFold(s.State, "established") {
			s.State = established
		}
		out = append(out, s)
	}
	return out
}

// readRoutes reads what is exported. A route that is not understood is not an
// absent one: then nobody knows.
func (l Looks) readRoutes(p Printed) ([]Route, error) {
	records, err := l.read("exports", p)
	if err != nil {
		return nil, err
	}
	var out []Route
	for _, r := range records {
		p, err := netip.ParsePrefix(r.Last("prefix"))
		if err != nil {
			return nil, fmt.Errorf("the routing daemon exports a route to what is no block: %.200q", r.Last("prefix"))
		}
		route := Route{Prefix: p, Communities: observation.Communities(r["communities"]), MED: r.Last("med"), Origin: r.Last("origin")}
		for _, n := range observation.ASPath(r["as_path"]) {
			route.ASPath = append(route.ASPath, site.ASN(n))
		}
		out = append(out, route)
	}
	return out, nil
}

// maxSeconds is what a time.Duration bears, about 292 years.
const maxSeconds = 9e9

func (l Looks) readClock(p Printed, e *ServerEvidence) {
	records, err := l.read("clock", p)
	if err == nil && len(records) == 0 && l["clock"].Alive != nil {
		return // it has answered, and says nothing of being in sync
	}
	if err == nil && len(records) == 0 {
		err = fmt.Errorf("the time daemon says %.200q", strings.Join(p.Lines, " "))
	}
	if e.ClockErr = err; err != nil {
		return
	}
	r := records[len(records)-1]
	if e.Offset, e.ClockErr = offset(r.Last("offset")); e.ClockErr != nil {
		return
	}
	sane := true
	if text := r.Last("stratum"); text != "" {
		e.Stratum, err = strconv.Atoi(text)
		sane = err == nil && e.Stratum > 0 && e.Stratum < 16 // RFC 5905 section 7.3
	}
	e.Synced = sane && holds(r.Last("synced"))
}

// holds reports whether a field of a record says yes: with any word but those
// that say no.
func holds(word string) bool {
	switch strings.ToLower(word) {
	case "", "no", "false", "0":
		return false
	}
	return true
}

// offset reads seconds, or a number with a unit such as "+1.2ms". A daemon
// that does not tell its offset has none.
func offset(text string) (time.Duration, error) {
	text = strings.TrimPrefix(strings.ReplaceAll(text, " ", ""), "+")
	if text == "" {
		return 0, nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		return d, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(seconds) || math.Abs(seconds) > maxSeconds {
		return 0, errors.New("the time daemon's offset is no number: " + strconv.Quote(text))
	}
	return time.Duration(seconds * float64(time.Second)), nil
}
