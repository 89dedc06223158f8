package verify

import (
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
	return compareRoutes(want, e.Routes, []site.ASN{s.BGP.ASN}, routeAdvice{
		missing: verdict.New("router.missing.advice"),
		other:   verdict.New("router.other.advice"),
	})
}

func routerCodes() []verdict.Definition {
	return append(routeCodes(), []verdict.Definition{
		verdict.Define("router.title", "what the host's router has learnt"),
		verdict.Define("router.nobody", "nobody can look at the host's router from here"),
		verdict.Define("router.missing.advice", "why a router may not have what leaves the server"),
		verdict.Define("router.other.advice", "why a router may have it in another form"),
	}...)
}
