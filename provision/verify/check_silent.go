package verify

import (
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// unheardBlocks finds the worst: a block that draws queries to a copy which
// does not answer them. The exact export is not looked at while DNS is dead;
// this is. Who answers, and only does not say its name, harms nobody.
func unheardBlocks(s *site.Site, session netip.Addr, e Evidence) finding {
	have, ok := sessionWith(session, e.Server.Sessions)
	var dead []fault
	var where []netip.Addr
	for _, service := range sameFamily(s.ServiceAddresses(), session) {
		faults := dnsFaults(s, service, "udp", e.Server.UDP)
		if len(faults) > 0 && faults[0].kind == notAsked {
			return unknown(verdict.New("bgp.silent.not-asked", verdict.Address("address", service), verdict.Inner("why", faults[0].got)))
		}
		if len(faults) > 0 && faults[0].kind < unverified {
			dead, where = append(dead, faults[0]), append(where, service)
		}
	}
	switch {
	case !ok:
		return unknown(verdict.New("bgp.no-such-session"))
	case have.ExportsErr != nil:
		return unknown(why(have.ExportsErr))
	case len(dead) == 0:
		return pass(verdict.New("bgp.silent.good"))
	}
	exports, dead, at := draws(have.Exports, dead, where)
	if len(dead) == 0 {
		return pass(verdict.New("bgp.silent.withdrawn", verdict.Addresses("dead", where)))
	}
	return drawn(exports, dead, at, e.Units)
}

// draws are the exported blocks that draw queries to addresses which are dead,
// with these: each block is withdrawn by itself.
func draws(exports []Route, dead []fault, where []netip.Addr) (blocks []Route, faults []fault, at []netip.Addr) {
	for _, r := range exports {
		if slices.ContainsFunc(where, r.Prefix.Contains) {
			blocks = append(blocks, r)
		}
	}
	for i, a := range where {
		if slices.ContainsFunc(blocks, func(r Route) bool { return r.Prefix.Contains(a) }) {
			faults, at = append(faults, dead[i]), append(at, a)
		}
	}
	return blocks, faults, at
}

// drawn says what fits the worst of what was found.
func drawn(exports []Route, dead []fault, where []netip.Addr, units Units) finding {
	worst := slices.MinFunc(dead, func(a, b fault) int { return int(a.kind) - int(b.kind) })
	blocks, at := verdict.Prefixes("blocks", prefixesOf(exports)), verdict.Addresses("dead", where)
	guard := verdict.Units("guard", units[kindGuard])
	switch worst.kind {
	case silent:
		return fail(verdict.New("bgp.silent.dead", blocks, at),
			verdict.New("bgp.silent.dead.advice", verdict.Units("routing", units[kindBGP]), guard))
	case otherCopy:
		return fail(verdict.New("bgp.silent.other-copy", blocks, at), verdict.New("bgp.silent.other-copy.advice", guard))
	}
	f := fail(verdict.New("bgp.silent.not-served", blocks, at, verdict.Inner("got", worst.got)), verdict.New("bgp.silent.not-served.advice", guard))
	f.advice = append(f.advice, worst.advices()...)
	return f
}

func silentCodes() []verdict.Definition {
	blocks, dead := verdict.TypePrefixes.Named("blocks"), verdict.TypeAddresses.Named("dead")
	guard := verdict.TypeUnits.Named("guard")
	return []verdict.Definition{
		verdict.Define("bgp.silent.title", "whether a session announces what does not answer", verdict.TypeAddress.Named("address")),
		verdict.Define("bgp.silent.want", "no block of a dead address may be announced"),
		verdict.Define("bgp.silent.not-asked", "nobody knows whether an address answers", verdict.TypeAddress.Named("address"), verdict.TypeMessage.Named("why")),
		verdict.Define("bgp.silent.good", "every address answers"),
		verdict.Define("bgp.silent.withdrawn", "addresses are dead, and nothing is announced", dead),
		verdict.Define("bgp.silent.dead", "blocks are announced, and addresses are silent", blocks, dead),
		verdict.Define("bgp.silent.dead.advice", "how to stop the announcement at once", verdict.TypeUnits.Named("routing"), guard),
		verdict.Define("bgp.silent.other-copy", "blocks are announced, and another copy answers", blocks, dead),
		verdict.Define("bgp.silent.other-copy.advice", "how to stop the announcement of an address that is elsewhere", guard),
		verdict.Define("bgp.silent.not-served", "blocks are announced, and addresses do not serve", blocks, dead, verdict.TypeMessage.Named("got")),
		verdict.Define("bgp.silent.not-served.advice", "what withdraws the blocks", guard),
	}
}
