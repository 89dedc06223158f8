package verify

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// wantedRoutes are the blocks of the family of an address.
func wantedRoutes(s *site.Site, family netip.Addr) []Route {
	var out []Route
	for _, any := range s.Anycast {
		for _, p := range any.Prefixes {
			if p.Addr().Is4() != family.Is4() {
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

func allWanted(s *site.Site) []Route {
	return append(wantedRoutes(s, netip.IPv4Unspecified()), wantedRoutes(s, netip.IPv6Unspecified())...)
}

// sentTo are the routes that a neighbor is to be sent in the family of a.
func sentTo(s *site.Site, n site.Neighbor, a netip.Addr) []Route {
	if n.Announce == site.AnnounceNothing {
		return nil
	}
	return wantedRoutes(s, a)
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

func prefixesOf(routes []Route) []netip.Prefix {
	out := make([]netip.Prefix, len(routes))
	for i, r := range routes {
		out[i] = r.Prefix
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int { return cmp.Or(a.Addr().Compare(b.Addr()), a.Bits()-b.Bits()) })
	return out
}

func blocks(routes []Route) verdict.Message {
	return verdict.New("routes.blocks", verdict.Prefixes("blocks", prefixesOf(routes)))
}

// routeAdvice is what to do about a difference, by where it was seen.
type routeAdvice struct{ missing, other verdict.Message }

// compareRoutes wants exactly these prefixes, each with its AS path behind
// front and with the declared communities, nothing more and nothing less.
func compareRoutes(want, have []Route, front []site.ASN, advice routeAdvice) finding {
	var wrong, todo []verdict.Message
	note := func(what, do verdict.Message) {
		wrong = append(wrong, what)
		if !slices.ContainsFunc(todo, do.Equal) {
			todo = append(todo, do)
		}
	}
	for _, h := range have {
		i := slices.IndexFunc(want, func(w Route) bool { return w.Prefix == h.Prefix })
		if i < 0 {
			note(verdict.New("routes.undeclared", verdict.Prefix("block", h.Prefix)), verdict.New("routes.undeclared.advice"))
			continue
		}
		if path := slices.Concat(front, want[i].ASPath); !slices.Equal(h.ASPath, path) {
			note(verdict.New("routes.path", verdict.Prefix("block", h.Prefix), verdict.Path("path", h.ASPath), verdict.Path("want", path)), advice.other)
		}
		if !slices.Equal(h.Communities, want[i].Communities) {
			note(verdict.New("routes.communities", verdict.Prefix("block", h.Prefix),
				verdict.AllSeen("communities", h.Communities), verdict.Words("want", want[i].Communities)), advice.other)
		}
		if h.MED != "" && h.MED != "0" {
			note(verdict.New("routes.med", verdict.Prefix("block", h.Prefix), verdict.Seen("med", h.MED)), advice.other)
		}
		if h.Origin != "" && !strings.EqualFold(h.Origin, "igp") && h.Origin != "i" {
			note(verdict.New("routes.origin", verdict.Prefix("block", h.Prefix), verdict.Seen("origin", h.Origin)), advice.other)
		}
	}
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h Route) bool { return h.Prefix == w.Prefix }) {
			note(verdict.New("routes.missing", verdict.Prefix("block", w.Prefix)), advice.missing)
		}
	}
	if len(wrong) > 0 {
		return finding{status: Fail, got: few(wrong), advice: todo}
	}
	return pass(blocks(have))
}

func routeCodes() []verdict.Definition {
	block := verdict.TypePrefix.Named("block")
	return []verdict.Definition{
		verdict.Define("routes.blocks", "these blocks, exactly", verdict.TypePrefixes.Named("blocks")),
		verdict.Define("routes.undeclared", "a route that the site does not declare", block),
		verdict.Define("routes.undeclared.advice", "what comes before anything else"),
		verdict.Define("routes.path", "a block has another AS path than declared", block, verdict.TypePath.Named("path"), verdict.TypePath.Named("want")),
		verdict.Define("routes.communities", "a block has other communities than declared", block, verdict.TypeAllSeen.Named("communities"), verdict.TypeWords.Named("want")),
		verdict.Define("routes.med", "a block has a MULTI_EXIT_DISC, which nobody has declared", block, verdict.TypeSeen.Named("med")),
		verdict.Define("routes.origin", "a block has another ORIGIN than IGP", block, verdict.TypeSeen.Named("origin")),
		verdict.Define("routes.missing", "a block is not there", block),
	}
}
