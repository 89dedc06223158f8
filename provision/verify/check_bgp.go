package verify

import (
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
	unit, announce := unitNeeds(s, "bgp"), unitNeeds(s, "announce")
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
				find: func() finding { return silent(s, a, e.Server) },
			}, check{
				id: out, title: "exports to " + a.String() + " are exactly the blocks", vantage: FromServer,
				want: joined(prefixWords(sentTo(s, n, a))), needs: needs,
				find: func() finding { return exported(sentTo(s, n, a), a, e.Server) },
			})
		}
	}
	for _, id := range []string{"bgp.announced.ipv4", "bgp.announced.ipv6"} {
		checks = append(checks, check{
			id: id, title: "blocks leave the server, " + id[len(id)-4:], vantage: FromServer, want: "announced by every session",
			needs: perFamily[id], find: func() finding { return pass(fmt.Sprintf("%d sessions", len(perFamily[id]))) },
		})
	}
	return checks
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
	detail := "look at the host's side: address, AS number, password and TTL security must change together"
	if have.Error != "" {
		detail = "last error: " + have.Error + "; " + detail
	}
	return fail(have.State, detail)
}

// silent finds the worst: a block that draws queries to a copy which does not
// answer them. The exact export is not looked at while DNS is dead; this is.
func silent(s *site.Site, a netip.Addr, e ServerEvidence) finding {
	var dead []string
	for _, service := range s.ServiceAddresses() {
		f := dnsAnswers(s, service, "udp", e.UDP)
		if service.Is4() == a.Is4() && f.status != Pass && f.status != Unknown {
			dead = append(dead, service.String())
		}
	}
	have, _ := sessionWith(a, e.Sessions)
	switch {
	case len(dead) == 0:
		return pass("every address answers")
	case len(have.Exports) == 0:
		return pass(joined(dead) + " is dead, and nothing is announced")
	}
	return fail(joined(prefixWords(have.Exports))+" is announced, and "+joined(dead)+" does not answer",
		"stop it now: systemctl stop bird there, or take the session down at the router; then see why raiz-announce did not")
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
	have, _ := sessionWith(a, e.Sessions) // it is established
	if have.ExportsErr != nil {
		return unknown(have.ExportsErr)
	}
	return compareRoutes(want, have.Exports, nil)
}

// compareRoutes wants exactly these prefixes, each with its AS path behind
// front and with the declared communities, nothing more and nothing less.
func compareRoutes(want, have []Route, front []site.ASN) finding {
	var wrong []string
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h Route) bool { return h.Prefix == w.Prefix }) {
			wrong = append(wrong, w.Prefix.String()+" is missing")
		}
	}
	for _, h := range have {
		i := slices.IndexFunc(want, func(w Route) bool { return w.Prefix == h.Prefix })
		if i < 0 {
			wrong = append(wrong, h.Prefix.String()+" is not declared")
			continue
		}
		if path := slices.Concat(front, want[i].ASPath); !slices.Equal(h.ASPath, path) {
			wrong = append(wrong, fmt.Sprintf("%s has AS path %v, want %v", h.Prefix, h.ASPath, path))
		}
		if !slices.Equal(h.Communities, want[i].Communities) {
			wrong = append(wrong, fmt.Sprintf("%s has communities %s, want %s", h.Prefix, joined(h.Communities), joined(want[i].Communities)))
		}
	}
	if len(wrong) > 0 {
		return fail(strings.Join(wrong, "; "), "see raiz plan; an undeclared route must be found and removed before anything else")
	}
	return pass(joined(prefixWords(have)))
}

// routerChecks compare what the host's router has learnt.
func routerChecks(s *site.Site, e Evidence) []check {
	return []check{{
		id: "router.routes", title: "the router has learnt exactly the blocks", vantage: FromRouter,
		want: joined(prefixWords(allWanted(s))), needs: []string{"bgp.announced.ipv4", "bgp.announced.ipv6"},
		find: func() finding {
			switch {
			case !e.Router.Asked:
				return finding{status: Skipped, got: "not looked", detail: "nobody can look at the host's router from here"}
			case e.Router.Err != nil:
				return unknown(e.Router.Err)
			}
			return compareRoutes(allWanted(s), e.Router.Routes, []site.ASN{s.BGP.ASN})
		},
	}}
}

func allWanted(s *site.Site) []Route {
	return append(wantedRoutes(s, netip.IPv4Unspecified()), wantedRoutes(s, netip.IPv6Unspecified())...)
}
