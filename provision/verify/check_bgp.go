package verify

import (
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/watch"
)

func exportID(a netip.Addr) string { return "bgp.announced." + family(a) }

func family(a netip.Addr) string {
	if a.Is4() {
		return "ipv4"
	}
	return "ipv6"
}

// established is the state of a session that is up (RFC 4271 section 8.2.2).
const established = "Established"

// trying are the states of a session that is not up, and which the routing daemon
// wants up (RFC 4271 section 8.2.2). One that was switched off there has another.
func trying() []string {
	return []string{"", "Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Close"}
}

// peering is a declared session: a neighbor at one of its addresses.
type peering struct {
	site.Neighbor
	at netip.Addr
}

func peerings(s *site.Site) []peering {
	var out []peering
	for _, n := range s.BGP.Neighbors {
		for _, a := range n.Addresses {
			out = append(out, peering{n, a})
		}
	}
	return out
}

// bgpChecks look at the server's own BGP: each declared session, then what it
// exports, which must be exactly the declared blocks with an empty AS path.
func bgpChecks(s *site.Site, e Evidence) []check {
	var declared []string
	for _, p := range peerings(s) {
		declared = append(declared, p.at.String())
	}
	checks := []check{{
		id: "bgp.neighbors", vantage: FromServer, title: verdict.New("bgp.neighbors.title"), want: verdict.New("bgp.neighbors.want"),
		about: declared, kinds: []string{kindBGP}, needs: []string{"os.look"}, find: func() finding { return strangers(s, e.Server) },
	}}
	for _, p := range peerings(s) {
		checks = append(checks, sessionChecks(s, p, e)...)
	}
	for _, f := range blockFamilies(s) {
		checks = append(checks, announcedCheck(s, f, e))
	}
	return checks
}

func sessionChecks(s *site.Site, p peering, e Evidence) []check {
	up := "bgp.session." + p.at.String()
	at := []string{p.at.String()}
	checks := []check{{
		id: up, vantage: FromServer, title: verdict.New("bgp.session.title", verdict.Word("neighbor", p.Name), verdict.Address("address", p.at)),
		want: verdict.New("bgp.session.want"), about: at, kinds: []string{kindBGP}, needs: []string{"os.look"},
		find: func() finding { return isUp(p, e.Server) },
	}}
	services := sameFamily(s.ServiceAddresses(), p.at)
	if len(services) > 0 {
		checks = append(checks, check{
			id: "bgp.silent." + p.at.String(), vantage: FromServer, title: verdict.New("bgp.silent.title", verdict.Address("address", p.at)),
			want: verdict.New("bgp.silent.want"), about: names(services), needs: []string{up},
			find: func() finding { return unheardBlocks(s, p.at, e) },
		})
	}
	needs := []string{up, drainID}
	for _, service := range services {
		// What does not answer is withdrawn: then the export is rightly empty.
		needs = append(needs, dnsID(service, "udp"))
	}
	want := sentTo(s, p.Neighbor, p.at)
	return append(checks, importCheck(p, e), check{
		id: exportOf(p), vantage: FromServer, title: verdict.New("bgp.export.title", verdict.Address("address", p.at)), want: blocks(want),
		about: at, kinds: []string{kindGuard}, needs: needs, find: func() finding { return exported(want, p.at, e) },
	})
}

func exportOf(p peering) string { return "bgp.export." + p.at.String() }

func sameFamily(all []netip.Addr, a netip.Addr) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(all), func(b netip.Addr) bool { return a.Is4() != b.Is4() })
}

// announcedCheck sums up the sessions that announce the blocks of a family.
func announcedCheck(s *site.Site, f netip.Addr, e Evidence) check {
	var exports []string
	good := 0
	for _, p := range peerings(s) {
		if p.at.Is4() != f.Is4() || p.Announce == site.AnnounceNothing {
			continue
		}
		exports = append(exports, exportOf(p))
		if exported(sentTo(s, p.Neighbor, p.at), p.at, e).status == Pass {
			good++
		}
	}
	return check{
		id: exportID(f), vantage: FromServer, title: verdict.New("bgp.announced.title", verdict.Word("family", family(f))), want: verdict.New("bgp.announced.want"),
		about: exports, needs: exports, find: func() finding {
			switch all := len(exports); {
			case all == 0:
				return fail(verdict.New("bgp.announced.nowhere"), verdict.New("bgp.announced.nowhere.advice"))
			case good < all:
				return fail(verdict.New("bgp.announced.some", verdict.Count("good", good), verdict.Count("all", all)), verdict.New("bgp.announced.some.advice"))
			default:
				return pass(verdict.New("bgp.announced.good", verdict.Count("sessions", all)))
			}
		},
	}
}

// announcedNeeds is the check that the blocks of the family of an address
// leave the server.
func announcedNeeds(s *site.Site, a netip.Addr) []string {
	for _, f := range sameFamily(blockFamilies(s), a) {
		return []string{exportID(f)}
	}
	return nil
}

func sessionWith(a netip.Addr, sessions []Session) (Session, bool) {
	i := slices.IndexFunc(sessions, func(s Session) bool { return s.Neighbor == a })
	if i < 0 {
		return Session{}, false
	}
	return sessions[i], true
}

func strangers(s *site.Site, e ServerEvidence) finding {
	if e.SessionsErr != nil {
		return unknown(why(e.SessionsErr))
	}
	if len(e.Sessions) == 0 {
		return unknown(verdict.New("bgp.no-session"))
	}
	var extra []verdict.Message
	for _, have := range e.Sessions {
		declared := slices.ContainsFunc(peerings(s), func(p peering) bool { return p.at == have.Neighbor })
		if !declared && have.Neighbor != watch.Source() {
			extra = append(extra, verdict.New("bgp.neighbors.stranger", verdict.Seen("name", have.Name), verdict.Address("address", have.Neighbor)))
		}
	}
	if len(extra) > 0 {
		return finding{status: Fail, got: few(extra), advice: []verdict.Message{verdict.New("bgp.neighbors.stranger.advice")}}
	}
	return pass(verdict.New("bgp.neighbors.good", verdict.Count("sessions", len(e.Sessions))))
}

func isUp(p peering, e ServerEvidence) finding {
	have, ok := sessionWith(p.at, e.Sessions)
	up := verdict.New("bgp.session.up", verdict.ASN("asn", have.PeerAS))
	switch {
	case e.SessionsErr != nil:
		return unknown(why(e.SessionsErr))
	case !ok:
		return fail(verdict.New("bgp.session.absent"), verdict.New("verify.apply.configures"))
	case have.State == established && have.PeerAS == p.ASN:
		return pass(up)
	case have.State == established:
		return fail(up, verdict.New("bgp.session.other-as.advice", verdict.ASN("asn", p.ASN)))
	}
	advice := verdict.New("bgp.session.down.advice")
	if !slices.Contains(trying(), have.State) {
		advice = verdict.New("bgp.session.off.advice")
	}
	down := fail(verdict.New("bgp.session.down", verdict.Seen("state", have.State)), advice)
	if have.Error != "" {
		return down.with(verdict.New("bgp.session.error", verdict.Seen("error", have.Error)))
	}
	return down
}

func exported(want []Route, a netip.Addr, e Evidence) finding {
	have, ok := sessionWith(a, e.Server.Sessions)
	switch {
	case !ok:
		return unknown(verdict.New("bgp.no-such-session"))
	case have.ExportsErr != nil:
		return unknown(why(have.ExportsErr))
	}
	f := compareRoutes(want, have.Exports, nil, routeAdvice{
		missing: verdict.New("bgp.export.missing.advice", verdict.Units("guard", e.Units[kindGuard])),
		other:   verdict.New("bgp.export.other.advice"),
	})
	if f.status == Pass {
		return f
	}
	return f.with(guardReasons(e.Server.Guard)...)
}

func bgpCodes() []verdict.Definition {
	address := verdict.TypeAddress.Named("address")
	return append(append(silentCodes(), importCodes()...), []verdict.Definition{
		verdict.Define("bgp.no-session", "the routing daemon has no session at all"),
		verdict.Define("bgp.no-such-session", "the routing daemon does not have this session"),
		verdict.Define("bgp.neighbors.title", "sessions that the site does not declare"),
		verdict.Define("bgp.neighbors.want", "only declared neighbors are wanted"),
		verdict.Define("bgp.neighbors.stranger", "a session that the site does not declare", verdict.TypeSeen.Named("name"), address),
		verdict.Define("bgp.neighbors.stranger.advice", "what a session may do that nobody declared"),
		verdict.Define("bgp.neighbors.good", "all sessions are declared", verdict.TypeCount.Named("sessions")),
		verdict.Define("bgp.session.title", "a declared session", verdict.TypeWord.Named("neighbor"), address),
		verdict.Define("bgp.session.want", "the session has to be up"),
		verdict.Define("bgp.session.up", "the session is up, with this AS", verdict.TypeASN.Named("asn")),
		verdict.Define("bgp.session.absent", "the routing daemon does not have the session"),
		verdict.Define("bgp.session.other-as.advice", "the AS that the site declares", verdict.TypeASN.Named("asn")),
		verdict.Define("bgp.session.down", "the session is not up, but this", verdict.TypeSeen.Named("state")),
		verdict.Define("bgp.session.down.advice", "why a session may not come up"),
		verdict.Define("bgp.session.off.advice", "the routing daemon does not want the session up"),
		verdict.Define("bgp.session.error", "the last error of a session", verdict.TypeSeen.Named("error")),
		verdict.Define("bgp.export.title", "what a session exports", address),
		verdict.Define("bgp.export.missing.advice", "where to see why a block is not let out", verdict.TypeUnits.Named("guard")),
		verdict.Define("bgp.export.other.advice", "why a block may leave in another form"),
		verdict.Define("bgp.announced.title", "whether the blocks of a family leave the server", verdict.TypeWord.Named("family")),
		verdict.Define("bgp.announced.want", "every session has to announce the blocks"),
		verdict.Define("bgp.announced.nowhere", "no session announces the blocks of the family"),
		verdict.Define("bgp.announced.nowhere.advice", "what to declare"),
		verdict.Define("bgp.announced.some", "only some sessions announce the blocks", verdict.TypeCount.Named("good"), verdict.TypeCount.Named("all")),
		verdict.Define("bgp.announced.some.advice", "where to see why"),
		verdict.Define("bgp.announced.good", "every session announces the blocks", verdict.TypeCount.Named("sessions")),
	}...)
}
