package verify

import (
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

const routerID = "router.routes"

// routerChecks compare what the host's router has learnt.
func routerChecks(s *site.Site, e Evidence) []check {
	var needs []string
	for _, family := range blockFamilies(s) {
		needs = append(needs, exportID(family))
	}
	want := allWanted(s)
	return []check{{
		id: routerID, vantage: FromRouter, title: verdict.New("router.title"), want: blocks(want),
		about: names(prefixesOf(want)), needs: needs, find: func() finding { return learnt(s, want, e.Router) },
	}}
}

func learnt(s *site.Site, want []Route, e RouterEvidence) finding {
	switch {
	case !e.Asked:
		return notLooked(verdict.New("router.nobody"))
	case e.Err != nil:
		return unknown(why(e.Err))
	}
	all := finding{status: Pass, got: []verdict.Message{blocks(e.Routes)}}
	declared := func(r Route) bool {
		return r.Neighbor == "" || slices.ContainsFunc(s.BGP.Neighbors, func(n site.Neighbor) bool { return n.Name == r.Neighbor })
	}
	for _, r := range e.Routes {
		if !declared(r) {
			all = all.and(fail(verdict.New("router.stranger", verdict.Prefix("block", r.Prefix), verdict.Seen("neighbor", r.Neighbor)), verdict.New("routes.undeclared.advice")))
		}
	}
	for _, n := range s.BGP.Neighbors {
		if f := learntBy(s, n, want, e.Routes); f.status != Pass {
			all = all.and(f)
		}
	}
	all.got = few(all.got)
	return all
}

// learntBy compares what one neighbor has with what it is sent. Where nobody tells
// which neighbor has a route, each has it.
func learntBy(s *site.Site, n site.Neighbor, want, have []Route) finding {
	var sent, taken []Route
	for _, w := range want {
		if len(sameFamily(n.Addresses, w.Prefix.Addr())) > 0 && n.Announce != site.AnnounceNothing {
			sent = append(sent, w)
		}
	}
	refused := finding{status: Pass}
	for _, r := range have {
		switch {
		case r.Neighbor != "" && r.Neighbor != n.Name:
		case r.Refused && slices.ContainsFunc(sent, func(w Route) bool { return w.Prefix == r.Prefix }):
			refused = refused.and(fail(verdict.New("router.refused", verdict.Prefix("block", r.Prefix), verdict.Word("neighbor", n.Name)), verdict.New("router.missing.advice")))
		default:
			taken = append(taken, r)
			if r.NextHop.IsValid() && !ours(s, r.NextHop) {
				refused = refused.and(fail(verdict.New("router.next-hop", verdict.Prefix("block", r.Prefix), verdict.Word("neighbor", n.Name), verdict.Address("address", r.NextHop)), verdict.New("router.other.advice")))
			}
		}
	}
	f := compareRoutes(sent, taken, []site.ASN{s.BGP.ASN}, routeAdvice{
		missing: verdict.New("router.missing.advice"),
		other:   verdict.New("router.other.advice"),
	})
	if f.status == Pass {
		return refused
	}
	if len(s.BGP.Neighbors) > 1 {
		f.got = append([]verdict.Message{verdict.New("router.of", verdict.Word("neighbor", n.Name))}, f.got...)
	}
	return f.and(refused)
}

// ours reports whether traffic to an address goes to the service link.
func ours(s *site.Site, a netip.Addr) bool {
	return slices.ContainsFunc(s.Server.Service.Addresses, func(p netip.Prefix) bool { return p.Addr() == a.WithZone("") })
}

func routerCodes() []verdict.Definition {
	return append(routeCodes(), []verdict.Definition{
		verdict.Define("router.title", "what the host's router has learnt"),
		verdict.Define("router.nobody", "nobody can look at the host's router from here"),
		verdict.Define("router.of", "which of the host's routers differs", verdict.TypeWord.Named("neighbor")),
		verdict.Define("router.stranger", "somebody has got a block over a session that the site does not declare", verdict.TypePrefix.Named("block"), verdict.TypeSeen.Named("neighbor")),
		verdict.Define("router.refused", "the router has got a block, and did not take it", verdict.TypePrefix.Named("block"), verdict.TypeWord.Named("neighbor")),
		verdict.Define("router.next-hop", "the router sends the traffic of a block elsewhere", verdict.TypePrefix.Named("block"), verdict.TypeWord.Named("neighbor"), verdict.TypeAddress.Named("address")),
		verdict.Define("router.missing.advice", "why a router may not have what leaves the server"),
		verdict.Define("router.other.advice", "why a router may have it in another form"),
	}...)
}
