package verify

import (
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// importCheck wants of a session exactly what is accepted of its neighbor: the
// default route, by which answers leave, or nothing.
func importCheck(p peering, e Evidence) check {
	var want []netip.Prefix
	if p.Accept == site.AcceptDefault {
		want = []netip.Prefix{defaultOf(p.at)}
	}
	return check{
		id: "bgp.import." + p.at.String(), vantage: FromServer, title: verdict.New("bgp.import.title", verdict.Address("address", p.at)),
		want: verdict.New("routes.blocks", verdict.Prefixes("blocks", want)), about: []string{p.at.String()}, needs: []string{"bgp.session." + p.at.String()},
		find: func() finding { return imported(p.at, want, e) },
	}
}

func defaultOf(a netip.Addr) netip.Prefix {
	if a.Is4() {
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
}

func imported(a netip.Addr, want []netip.Prefix, e Evidence) finding {
	have, ok := sessionWith(a, e.Server.Sessions)
	_, told := e.Looks["imports"]
	switch {
	case !ok:
		return unknown(verdict.New("bgp.no-such-session"))
	case !told:
		return notLooked(verdict.New("bgp.import.untold"))
	case have.ImportsErr != nil:
		return unknown(why(have.ImportsErr))
	}
	var wrong, todo []verdict.Message
	for _, p := range want {
		if !slices.Contains(have.Imports, p) {
			wrong = append(wrong, verdict.New("bgp.import.missing", verdict.Prefix("block", p)))
			todo = append(todo, verdict.New("bgp.import.missing.advice"))
		}
	}
	for _, p := range have.Imports {
		if !slices.Contains(want, p) {
			wrong = append(wrong, verdict.New("routes.undeclared", verdict.Prefix("block", p)))
			todo = []verdict.Message{verdict.New("bgp.import.other.advice")}
		}
	}
	if len(wrong) > 0 {
		return finding{status: Fail, got: few(wrong), advice: todo}
	}
	return pass(verdict.New("routes.blocks", verdict.Prefixes("blocks", have.Imports)))
}

func importCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("bgp.import.title", "what is taken from a neighbor", verdict.TypeAddress.Named("address")),
		verdict.Define("bgp.import.untold", "the component pack says nothing of how to see what is taken"),
		verdict.Define("bgp.import.missing", "a route that the neighbor has to send is not there", verdict.TypePrefix.Named("block")),
		verdict.Define("bgp.import.missing.advice", "what to ask the host about a missing default route"),
		verdict.Define("bgp.import.other.advice", "what to do about routes that nobody wants"),
	}
}
