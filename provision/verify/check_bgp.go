package verify

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
)

func exportID(a netip.Addr) string {
	if a.Is4() {
		return "bgp.announced.ipv4"
	}
	return "bgp.announced.ipv6"
}

// bgpChecks look at the server's own BGP: each declared session, then what it
// exports, which must be exactly the declared blocks with an empty AS path.
func bgpChecks(s *site.Site, e Evidence) []check {
	unit, announce := append(unitNeeds(e.Units, "bgp"), "os.look"), unitNeeds(e.Units, "guard")
	checks := []check{{
		id: "bgp.neighbors", title: "no session but the declared ones", vantage: FromServer, want: "only declared neighbors",
		needs: unit, find: func() finding { return strangers(s, e.Server) },
	}}
	perFamily := map[string][]string{}
	for _, n := range s.BGP.Neighbors {
		for _, a := range n.Addresses {
			up, out := "bgp.session."+a.String(), "bgp.export."+a.String()
			if n.Announce == site.AnnounceBlocks {
				perFamily[exportID(a)] = append(perFamily[exportID(a)], out)
			}
			needs := append([]string{up}, announce...)
			for _, service := range s.ServiceAddresses() {
				if service.Is4() == a.Is4() {
					// What does not answer is withdrawn: then the export is
					// rightly empty.
					needs = append(needs, dnsID(service, "udp"))
				}
			}
			checks = append(checks, check{
				id: up, title: "BGP session with " + n.Name + " at " + a.String(), vantage: FromServer, want: "Established",
				needs: unit, find: func() finding { return established(n, a, e.Server) },
			}, check{
				id: "bgp.silent." + a.String(), title: "nothing goes to " + a.String() + " that does not answer", vantage: FromServer,
				want: "no block of an address that is dead", needs: []string{up},
				find: func() finding { return unheardBlocks(s, a, e.Server) },
			}, check{
				id: out, title: "exports to " + a.String() + " are exactly the blocks", vantage: FromServer,
				want: joined(prefixWords(sentTo(s, n, a))), needs: needs,
				find: func() finding { return exported(sentTo(s, n, a), a, e.Server) },
			})
		}
	}
	for _, family := range blockFamilies(s) {
		id := exportID(family)
		checks = append(checks, check{
			id: id, title: "blocks leave the server, " + id[len(id)-4:], vantage: FromServer, want: "announced by every session",
			needs: perFamily[id], find: func() finding { return announced(s, family, e.Server) },
		})
	}
	return checks
}

// blockFamilies is an address of each family that has a block to announce:
// for one that has none there is nothing to be looked at.
func blockFamilies(s *site.Site) []netip.Addr {
	var out []netip.Addr
	for _, family := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		if len(wantedRoutes(s, family)) > 0 {
			out = append(out, family)
		}
	}
	return out
}

// announcedNeeds is the check that the blocks of the family of an address
// leave the server.
func announcedNeeds(s *site.Site, a netip.Addr) []string {
	for _, family := range blockFamilies(s) {
		if family.Is4() == a.Is4() {
			return []string{exportID(family)}
		}
	}
	return nil
}

// announced sums up the sessions of a family.
func announced(s *site.Site, family netip.Addr, e ServerEvidence) finding {
	all, good := 0, 0
	for _, n := range s.BGP.Neighbors {
		for _, a := range n.Addresses {
			if a.Is4() != family.Is4() || n.Announce == site.AnnounceNothing {
				continue
			}
			all++
			if exported(sentTo(s, n, a), a, e).status == Pass {
				good++
			}
		}
	}
	switch {
	case all == 0:
		return fail("no session", "no neighbor is announced the blocks of this family: declare one, or take the blocks away")
	case good < all:
		return fail(fmt.Sprintf("%d of %d sessions", good, all), "see what is wrong with each of them")
	}
	return pass(fmt.Sprintf("sessions: %d", all))
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
		return unknown(e.SessionsErr)
	}
	if len(e.Sessions) == 0 {
		return unknown(errors.New("BIRD has no session at all"))
	}
	var extra []string
	for _, have := range e.Sessions {
		declared := slices.ContainsFunc(s.BGP.Neighbors, func(n site.Neighbor) bool { return slices.Contains(n.Addresses, have.Neighbor) })
		if !declared {
			extra = append(extra, have.Name+" with "+have.Neighbor.String())
		}
	}
	if len(extra) > 0 {
		return fail(joined(extra), "a session that nobody declared may leak routes; raiz apply removes it")
	}
	return pass(fmt.Sprintf("sessions: %d, all declared", len(e.Sessions)))
}

func established(n site.Neighbor, a netip.Addr, e ServerEvidence) finding {
	have, ok := sessionWith(a, e.Sessions)
	switch {
	case e.SessionsErr != nil:
		return unknown(e.SessionsErr)
	case !ok:
		return fail("no such session", "raiz apply configures it")
	case have.State == "Established" && have.PeerAS == n.ASN:
		return pass("Established with AS" + fmt.Sprint(have.PeerAS))
	}
	if have.State == "Established" {
		return fail("Established with AS"+fmt.Sprint(have.PeerAS), "the session is not the declared one; raiz apply configures AS"+fmt.Sprint(n.ASN)+", which the host has to agree with")
	}
	detail := "look at the host's side: address, AS number, password and TTL security must change together"
	if have.Error != "" {
		detail = "last error: " + have.Error + "; " + detail
	}
	return fail(have.State, detail)
}

// unheardBlocks finds the worst: a block that draws queries to a copy which
// does not answer them. The exact export is not looked at while DNS is dead;
// this is. Who answers, and only does not say its name, harms nobody.
func unheardBlocks(s *site.Site, session netip.Addr, e ServerEvidence) finding {
	have, ok := sessionWith(session, e.Sessions)
	var dead []fault
	var where []string
	for _, service := range s.ServiceAddresses() {
		if service.Is4() != session.Is4() {
			continue
		}
		faults := dnsFaults(s, service, "udp", e.UDP)
		if len(faults) > 0 && faults[0].kind == notAsked {
			return unknown(errors.New(service.String() + ": " + faults[0].got))
		}
		if len(faults) > 0 && faults[0].kind < unverified {
			dead, where = append(dead, faults[0]), append(where, service.String())
		}
	}
	switch {
	case !ok:
		return unknown(errors.New("BIRD has no such session"))
	case have.ExportsErr != nil:
		return unknown(have.ExportsErr)
	case len(dead) == 0:
		return pass("every address answers")
	case len(have.Exports) == 0:
		return pass(joined(where) + ": dead, and nothing is announced")
	}
	return drawn(have.Exports, dead, where)
}

// drawn says what fits the worst of what was found.
func drawn(exports []Route, dead []fault, where []string) finding {
	worst := slices.MinFunc(dead, func(a, b fault) int { return int(a.kind) - int(b.kind) })
	blocks := joined(prefixWords(exports)) + " is announced, and " + joined(where)
	switch worst.kind {
	case silent:
		return fail(blocks+" does not answer",
			"stop it now: systemctl stop bird there, or take the session down at the router; then see why raiz-announce did not")
	case otherCopy:
		return fail(blocks+" is answered by another copy",
			"the address is not on this server: systemctl stop raiz-announce there withdraws the block; then raiz apply")
	}
	return fail(blocks+" does not serve: "+worst.String(),
		"raiz-announce withdraws it within seconds: look again; where it does not, systemctl stop raiz-announce there does. "+worst.detail)
}

// wantedRoutes are the blocks of the family of a session.
func wantedRoutes(s *site.Site, session netip.Addr) []Route {
	var out []Route
	for _, any := range s.Anycast {
		for _, p := range any.Prefixes {
			if p.Addr().Is4() != session.Is4() {
				continue
			}
			r := Route{Prefix: p, ASPath: any.ASPath}
			if any.Tagged(p) {
				r.Communities = []string{"65535:65281"} // NO_EXPORT, RFC 1997
			}
			out = append(out, r)
		}
	}
	return out
}

// sentTo are the routes that a neighbor is to be sent in the family of a.
func sentTo(s *site.Site, n site.Neighbor, a netip.Addr) []Route {
	if n.Announce == site.AnnounceNothing {
		return nil
	}
	return wantedRoutes(s, a)
}

func prefixWords(routes []Route) []string {
	out := make([]string, len(routes))
	for i, r := range routes {
		out[i] = r.Prefix.String()
	}
	slices.Sort(out)
	return out
}

func exported(want []Route, a netip.Addr, e ServerEvidence) finding {
	have, ok := sessionWith(a, e.Sessions)
	switch {
	case !ok:
		return unknown(errors.New("BIRD has no such session"))
	case have.ExportsErr != nil:
		return unknown(have.ExportsErr)
	}
	return compareRoutes(want, have.Exports, nil, routeAdvice{
		missing: "raiz-announce has not let it out: see journalctl -u raiz-announce there",
		other:   "see raiz plan: the filter of the routing daemon is not as declared",
	})
}

// routeAdvice is what to do about a difference, by where it was seen.
type routeAdvice struct{ missing, other string }

// compareRoutes wants exactly these prefixes, each with its AS path behind
// front and with the declared communities, nothing more and nothing less.
func compareRoutes(want, have []Route, front []site.ASN, advice routeAdvice) finding {
	var wrong, todo []string
	note := func(what, do string) {
		wrong = append(wrong, what)
		if !slices.Contains(todo, do) {
			todo = append(todo, do)
		}
	}
	for _, h := range have {
		i := slices.IndexFunc(want, func(w Route) bool { return w.Prefix == h.Prefix })
		if i < 0 {
			note(h.Prefix.String()+" is not declared", "an undeclared route must be found and removed before anything else")
			continue
		}
		if path := slices.Concat(front, want[i].ASPath); !slices.Equal(h.ASPath, path) {
			note(fmt.Sprintf("%s has AS path %v, want %v", h.Prefix, h.ASPath, path), advice.other)
		}
		if !slices.Equal(h.Communities, want[i].Communities) {
			note(fmt.Sprintf("%s has communities %s, want %s", h.Prefix, joined(h.Communities), joined(want[i].Communities)), advice.other)
		}
	}
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h Route) bool { return h.Prefix == w.Prefix }) {
			note(w.Prefix.String()+" is missing", advice.missing)
		}
	}
	if len(wrong) > 0 {
		return fail(strings.Join(wrong, "; "), strings.Join(todo, "; "))
	}
	return pass(joined(prefixWords(have)))
}

// routerChecks compare what the host's router has learnt.
func routerChecks(s *site.Site, e Evidence) []check {
	var needs []string
	for _, family := range blockFamilies(s) {
		needs = append(needs, exportID(family))
	}
	return []check{{
		id: "router.routes", title: "the router has learnt exactly the blocks", vantage: FromRouter,
		want: joined(prefixWords(allWanted(s))), needs: needs,
		find: func() finding {
			switch {
			case !e.Router.Asked:
				return finding{status: Skipped, got: "not looked", detail: "nobody can look at the host's router from here"}
			case e.Router.Err != nil:
				return unknown(e.Router.Err)
			}
			return compareRoutes(allWanted(s), e.Router.Routes, []site.ASN{s.BGP.ASN}, routeAdvice{
				missing: "it leaves the server, and the router does not take it: look at its import filter",
				other:   "the router changes it, or has it by another way too",
			})
		},
	}}
}

func allWanted(s *site.Site) []Route {
	return append(wantedRoutes(s, netip.IPv4Unspecified()), wantedRoutes(s, netip.IPv6Unspecified())...)
}
