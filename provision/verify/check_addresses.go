package verify

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// loopback is the interface that has the service addresses.
const loopback = "lo"

func addressID(iface string, p netip.Prefix) string { return "os.address." + iface + "." + p.String() }

// serviceID is the check that a service address is on the server.
func serviceID(a netip.Addr) string { return addressID(loopback, whole(a)) }

func whole(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// addressChecks see that every declared address is there, no other one is, and
// answers from the service addresses leave by the service link.
func addressChecks(s *site.Site, e Evidence) []check {
	var checks []check
	for _, i := range []site.Interface{s.Server.Management, s.Server.Service} {
		for _, a := range i.Addresses {
			checks = append(checks, addressCheck(i.Role, i.Device(), a, e))
		}
		checks = append(checks, check{
			id: "os.only." + i.Role, vantage: FromServer, title: verdict.New("os.only.title", verdict.Word("role", i.Role)),
			want: verdict.New("os.only.want"), about: names(i.Addresses), needs: []string{"os.look"},
			find: func() finding { return onlyDeclared(i, e.Server) },
		})
	}
	for _, a := range s.ServiceAddresses() {
		checks = append(checks, addressCheck("loopback", loopback, whole(a), e))
	}
	for _, a := range s.ServiceAddresses() {
		checks = append(checks, check{
			id: "os.reply." + a.String(), vantage: FromServer, title: verdict.New("os.reply.title", verdict.Address("address", a)),
			want:  verdict.New("os.reply.by", verdict.Word("interface", s.Server.Service.Device())),
			about: []string{a.String()}, needs: []string{serviceID(a)},
			find: func() finding { return replyPath(s, a, e.Server) },
		})
	}
	return checks
}

func addressCheck(role, word string, p netip.Prefix, e Evidence) check {
	return check{
		id: addressID(word, p), vantage: FromServer, title: verdict.New("os.address.title", verdict.Prefix("address", p), verdict.Word("role", role)),
		want:  verdict.New("os.address.want", verdict.Word("interface", word)),
		about: []string{p.String()}, needs: []string{"os.look"}, find: func() finding { return addressThere(word, p, e.Server) },
	}
}

func noInterface(word string) finding {
	return fail(verdict.New("os.interface.absent", verdict.Word("interface", word)), verdict.New("os.interface.absent.advice"))
}

func addressThere(word string, p netip.Prefix, e ServerEvidence) finding {
	if e.NetworkErr != nil {
		return unknown(why(e.NetworkErr))
	}
	i, ok := linkOf(e, word)
	if !ok {
		return noInterface(word)
	}
	for _, a := range i.Addresses {
		if a.Address != p.String() {
			continue
		}
		if a.Unusable {
			return fail(verdict.New("os.address.unusable"), verdict.New("os.address.unusable.advice"))
		}
		return pass(verdict.New("os.address.on", verdict.Seen("interface", i.Name)))
	}
	return fail(verdict.New("os.address.absent"), verdict.New("os.address.absent.advice"))
}

// onlyDeclared finds addresses that an installer, a hand or an earlier
// declaration has left. Link-local ones are the kernel's.
func onlyDeclared(i site.Interface, e ServerEvidence) finding {
	if e.NetworkErr != nil {
		return unknown(why(e.NetworkErr))
	}
	have, ok := linkOf(e, i.Device())
	if !ok {
		return noInterface(i.Device())
	}
	var extra []netip.Prefix
	for _, a := range have.Addresses {
		p, err := netip.ParsePrefix(a.Address)
		if err != nil {
			return unknown(why(err))
		}
		if !slices.Contains(i.Addresses, p) && !p.Addr().IsLinkLocalUnicast() {
			extra = append(extra, p)
		}
	}
	switch {
	case len(extra) > 0:
		return fail(verdict.New("os.only.extra", verdict.Prefixes("addresses", extra)),
			verdict.New("os.only.extra.advice", verdict.Seen("interface", have.Name)))
	case len(have.Addresses) == 0:
		return unknown(verdict.New("os.only.none", verdict.Seen("interface", have.Name)))
	}
	return pass(verdict.New("os.only.good", verdict.Count("count", len(have.Addresses))))
}

func replyPath(s *site.Site, from netip.Addr, e ServerEvidence) finding {
	way, ok := e.Replies[from]
	if !ok || way.Route == nil && way.Text == "" {
		return unknown(verdict.New("os.reply.not-looked-up"))
	}
	if way.Route == nil {
		return fail(verdict.New("os.reply.line", verdict.Seen("line", way.Text)), verdict.New("os.reply.nowhere.advice"))
	}
	i, ok := linkOf(e, s.Server.Service.Device())
	if ok && way.Route.Dev == i.Name {
		return pass(verdict.New("os.reply.by", verdict.Word("interface", i.Name)))
	}
	return fail(verdict.New("os.reply.line", verdict.Seen("line", routeLine(*way.Route))), verdict.New("os.reply.elsewhere.advice"))
}

// routeLine is a route as ip-route(8) writes it.
func routeLine(r server.Route) string {
	var words []string
	if r.Via != "" {
		words = append(words, "via", r.Via)
	}
	return strings.Join(append(words, "dev", r.Dev, "table", strconv.Itoa(r.Table)), " ")
}

// linkOf finds a link by its name or its MAC.
func linkOf(e ServerEvidence, word string) (server.LinkFact, bool) {
	m := server.MatchOf(word)
	for _, l := range e.Links {
		if l.Name == m.Name || m.MAC != "" && strings.EqualFold(l.MAC, m.MAC) {
			return l, true
		}
	}
	return server.LinkFact{}, false
}

func addressCodes() []verdict.Definition {
	iface := verdict.TypeWord.Named("interface")
	seen := verdict.TypeSeen.Named("interface")
	return []verdict.Definition{
		verdict.Define("os.interface.absent", "the server has no such interface", iface),
		verdict.Define("os.interface.absent.advice", "how to find an interface"),
		verdict.Define("os.address.title", "a declared address on its interface", verdict.TypePrefix.Named("address"), verdict.TypeWord.Named("role")),
		verdict.Define("os.address.want", "the address has to be usable", iface),
		verdict.Define("os.address.on", "the address is usable", seen),
		verdict.Define("os.address.unusable", "the address is there, and duplicate address detection has not let it through"),
		verdict.Define("os.address.unusable.advice", "why an address may not be usable"),
		verdict.Define("os.address.absent", "the address is not there"),
		verdict.Define("os.address.absent.advice", "raiz apply adds the address"),
		verdict.Define("os.only.title", "other addresses on an interface", verdict.TypeWord.Named("role")),
		verdict.Define("os.only.want", "an interface has to have declared addresses only"),
		verdict.Define("os.only.extra", "addresses that the site does not declare", verdict.TypePrefixes.Named("addresses")),
		verdict.Define("os.only.extra.advice", "how to take away what nobody declared", seen),
		verdict.Define("os.only.none", "the interface has no address at all, which says nothing of other ones", seen),
		verdict.Define("os.only.good", "the interface has declared addresses only", verdict.TypeCount.Named("count")),
		verdict.Define("os.reply.title", "the link by which answers from a service address leave", verdict.TypeAddress.Named("address")),
		verdict.Define("os.reply.by", "the interface by which answers leave, or have to", iface),
		verdict.Define("os.reply.line", "what the server's routing table says", verdict.TypeSeen.Named("line")),
		verdict.Define("os.reply.not-looked-up", "the server's routing table was not asked"),
		verdict.Define("os.reply.nowhere.advice", "why nothing may lead out of the server"),
		verdict.Define("os.reply.elsewhere.advice", "what happens to answers that leave by another link"),
	}
}
