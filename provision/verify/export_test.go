package verify

import (
	"net/netip"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
)

// ReadHeard is what reads the answers that a server has collected.
func ReadHeard(heard []server.DNSAnswer, qs []Question, sent []*dns.Msg) map[Question]Answer {
	return readHeard(heard, qs, sent)
}

// ReadPrinted is what reads what a program printed.
func ReadPrinted(program string, a server.Printed) Printed { return printed(program, a) }

// ReadExports is what a session exports, by what a program printed.
func ReadExports(looks Looks, most int, p Printed) Session {
	e := ServerEvidence{Sessions: []Session{{}}}
	looks.readExports(netip.Addr{}, most, p, &e)
	return e.Sessions[0]
}

// Hollow makes every check of a site without those it rests on, and returns
// the verdicts.
func Hollow(s *site.Site, e Evidence) []Result {
	checks := allChecks(s, e)
	for i := range checks {
		checks[i].needs, checks[i].explained = nil, nil
	}
	return evaluate(checks)
}

// AboutNothing is the verdict of a check that has nothing to be about, and
// finds that.
func AboutNothing(found Status) Status {
	return evaluate([]check{{id: "x", find: func() finding { return finding{status: found} }}})[0].Status
}

// ReadClock reads what a time daemon says.
func ReadClock(looks Looks, lines []string) ServerEvidence {
	var e ServerEvidence
	looks.readClock(Printed{Lines: lines}, &e)
	return e
}

// ReadSessions reads what a routing daemon says of its sessions.
func ReadSessions(looks Looks, lines []string) ([]Session, error) {
	records, err := looks.read("sessions", Printed{Lines: lines})
	return sessionsOf(records), err
}

// ReadRoutes reads what a routing daemon says of what it exports.
func ReadRoutes(looks Looks, lines []string) ([]Route, error) {
	return looks.readRoutes(Printed{Lines: lines})
}

// CompareVersions compares what a controller writes with the least.
func CompareVersions(have, want string) (order int, ok bool) { return compareVersions(have, want) }

// Message is the message of a question.
func Message(s *site.Site, q Question) *dns.Msg { return message(s, q) }

// ContentQuestions are those about what is served, over one transport.
func ContentQuestions(s *site.Site, network string) []Question { return contentQuestions(s, network) }

// PrimaryQuestions are those to the primaries.
func PrimaryQuestions(s *site.Site) []Question { return primaryQuestions(s) }

// Covers reports whether an NSEC record denies a name.
func Covers(n *dns.NSEC, qname, zone string) bool { return covers(n, qname, zone) }

// Order compares two names.
func Order(a, b string) int { return order(a, b) }

// ContentOf judges the content of one address over one transport, and what it
// offers.
func ContentOf(s *site.Site, a netip.Addr, network string, answers map[Question]Answer) []Result {
	return evaluate([]check{
		{id: "content", about: zoneNames(s), find: func() finding { return contentOf(s, a, network, answers) }},
		{id: "offers", about: zoneNames(s), find: func() finding { return offersOf(s, a, answers) }},
	})
}

// ForServer are questions as the server itself asks them.
func ForServer(s *site.Site, qs []Question) ([]server.DNSQuestion, []*dns.Msg, error) {
	return forServer(s, qs)
}
