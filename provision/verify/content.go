package verify

import (
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
)

// What RSSAC047v2 asks for: messages of so many bytes over UDP, a domain that is
// delegated from the root, which is there because the names of the root's own
// servers are below it, and one that is only asked for its DS, because some
// servers of the root serve it themselves.
const (
	contentSize = 1220
	domain      = "net."
	arpa        = "arpa."
	smallSize   = 512 // what is not to be exceeded without EDNS (RFC 1035 section 4.2.1)
)

// maxContent bounds the questions about the zones' content from one place; a
// zone that has no room any more is not asked about.
const maxContent = 2048

// contentMessage returns the message of a question about what is served, and
// what is not: with DO, so that signatures are there to see, and without RD.
func contentMessage(q Question) *dns.Msg {
	m := new(dns.Msg)
	m.Id = dns.Id()
	asked := contentQuestion(q)
	m.Question = []dns.Question{asked}
	size := uint16(contentSize)
	switch q.Ask {
	case AskPlain:
		return m
	case AskSmall:
		size = smallSize
	case AskIXFR: // from the oldest of all versions (RFC 1995 section 3)
		m.Ns = []dns.RR{&dns.SOA{Hdr: dns.RR_Header{Name: asked.Name, Rrtype: dns.TypeSOA, Class: dns.ClassINET}, Ns: ".", Mbox: ".", Serial: 1}}
	}
	m.SetEdns0(size, asked.Qclass == dns.ClassINET)
	m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
	return m
}

func contentQuestion(q Question) dns.Question {
	zone, class := dns.Fqdn(q.Zone), uint16(dns.ClassINET)
	switch q.Ask {
	case AskApex, AskPrimary, AskOther:
		return dns.Question{Name: zone, Qtype: dns.TypeSOA, Qclass: class}
	case AskNS:
		return dns.Question{Name: zone, Qtype: dns.TypeNS, Qclass: class}
	case AskKeys, AskPlain, AskSmall:
		return dns.Question{Name: zone, Qtype: dns.TypeDNSKEY, Qclass: class}
	case AskReferral:
		return dns.Question{Name: domain, Qtype: dns.TypeNS, Qclass: class}
	case AskDS:
		return dns.Question{Name: domain, Qtype: dns.TypeDS, Qclass: class}
	case AskArpaDS:
		return dns.Question{Name: arpa, Qtype: dns.TypeDS, Qclass: class}
	case AskNothing:
		return dns.Question{Name: nobody(zone), Qtype: dns.TypeA, Qclass: class}
	case AskAXFR:
		return dns.Question{Name: zone, Qtype: dns.TypeAXFR, Qclass: class}
	case AskIXFR:
		return dns.Question{Name: zone, Qtype: dns.TypeIXFR, Qclass: class}
	case AskVersion, AskVersionServer:
		return dns.Question{Name: dns.Fqdn(string(q.Ask)), Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}
	}
	panic("verify: unknown question " + string(q.Ask))
}

// letters is how many letters make a name that nobody has.
const letters = 10

// nobody is a name below a zone that nobody has, another one each time: below
// the root it is RSSAC047's.
func nobody(zone string) string {
	var name [letters]byte
	for i := range name {
		name[i] = byte('a' + rand.N(26))
	}
	if zone == "." {
		return "www.rssac047-test." + string(name[:]) + "."
	}
	return string(name[:]) + "." + zone
}

// contentAsks are the questions about a zone over one transport. That the SOA
// of one that is not signed is answered with authority is judged elsewhere.
func contentAsks(s *site.Site, z site.Zone, network string) []Ask {
	zone := name(z)
	room := len(zone)+letters+2 <= 255 // RFC 1035 section 2.3.4
	if !signed(z) {
		if z.Source == "as112" && room {
			return []Ask{AskNS, AskNothing}
		}
		return []Ask{AskNS}
	}
	asks := []Ask{AskApex, AskNS, AskKeys}
	if room {
		asks = append(asks, AskNothing)
	}
	if zone == "." && !serves(s, domain) {
		asks = append(asks, AskReferral)
	}
	if zone == "." {
		asks = append(asks, AskDS, AskArpaDS)
	}
	if network == "udp" {
		asks = append(asks, AskPlain, AskSmall)
	}
	return asks
}

// contentRoom is how many questions about content one look at the server takes
// besides all others; less than none where a site has so many addresses and
// zones that those others alone fill it.
func contentRoom(s *site.Site) int {
	return server.MaxQuestions - len(questions(s, "udp")) - len(s.ServiceAddresses())*maxOffers - maxPrimaries
}

func serves(s *site.Site, zone string) bool {
	return slices.ContainsFunc(s.DNS.Zones, func(z site.Zone) bool { return name(z) == zone })
}

// contentZones are the zones whose content is looked at: all, as far as there is
// room for questions, those first that are signed.
func contentZones(s *site.Site) []site.Zone {
	zones := slices.Clone(s.DNS.Zones)
	slices.SortStableFunc(zones, func(a, b site.Zone) int {
		switch {
		case signed(a) == signed(b):
			return 0
		case signed(a):
			return -1
		}
		return 1
	})
	room := min(maxContent, contentRoom(s))
	for i, z := range zones {
		room -= len(s.ServiceAddresses()) * (len(contentAsks(s, z, "udp")) + len(contentAsks(s, z, "tcp")))
		if room < 0 {
			return zones[:i]
		}
	}
	return zones
}

// contentQuestions are all of them, of all service addresses over one
// transport.
func contentQuestions(s *site.Site, network string) []Question {
	var out []Question
	if contentRoom(s) < 0 {
		return nil
	}
	zones := contentZones(s)
	for _, addr := range s.ServiceAddresses() {
		for _, z := range zones {
			for _, ask := range contentAsks(s, z, network) {
				out = append(out, Question{Address: addr, Ask: ask, Zone: z.Name, Network: network})
			}
		}
		out = append(out, offerQuestions(s, addr, network)...)
	}
	return out
}

// Bounds of what is asked in the hope that it is refused.
const (
	maxTransfers = 3 // zones
	maxOthers    = 4 // zones
	maxOffers    = 2 + 3*maxTransfers + maxOthers
)

// offerQuestions ask for what a server of the root does not give: its version,
// whole zones, and zones that are not declared.
func offerQuestions(s *site.Site, addr netip.Addr, network string) []Question {
	ask := func(ask Ask, zone string) Question {
		return Question{Address: addr, Ask: ask, Zone: zone, Network: network}
	}
	var out []Question
	if network == "udp" {
		out = append(out, ask(AskVersion, ""), ask(AskVersionServer, ""))
		for _, zone := range others(s) {
			out = append(out, ask(AskOther, zone))
		}
	}
	for _, z := range transfers(s) {
		out = append(out, ask(AskIXFR, z.Name))
		if network == "tcp" {
			out = append(out, ask(AskAXFR, z.Name))
		}
	}
	return out
}

// transfers are the zones of which a transfer is tried: those that come from
// primaries, or else the first.
func transfers(s *site.Site) []site.Zone {
	all := slices.DeleteFunc(slices.Clone(s.DNS.Zones), func(z site.Zone) bool { return !z.Transferred() })
	if len(all) == 0 {
		all = s.DNS.Zones[:min(1, len(s.DNS.Zones))]
	}
	return all[:min(maxTransfers, len(all))]
}

// others are zones that a server like this one might serve, and that are not
// declared here, nor below what is. The root is above all of them.
func others(s *site.Site) []string {
	var out []string
	for _, zone := range []string{"root-servers.net", "arpa", "10.in-addr.arpa", "example.com"}[:maxOthers] {
		within := func(z site.Zone) bool { return z.Name != "." && dns.IsSubDomain(name(z), dns.Fqdn(zone)) }
		if !slices.ContainsFunc(s.DNS.Zones, within) {
			out = append(out, zone)
		}
	}
	return out
}

// primaryQuestions ask the primaries of each transferred zone for the SOA that
// they have, once over UDP.
func primaryQuestions(s *site.Site) []Question {
	var out []Question
	if contentRoom(s) < 0 {
		return nil
	}
	for _, z := range s.DNS.Zones {
		for _, a := range z.Primaries {
			if len(out) < maxPrimaries {
				out = append(out, Question{Address: a, Ask: AskPrimary, Zone: z.Name, Network: "udp"})
			}
		}
	}
	return out
}

// maxPrimaries bounds the questions to them.
const maxPrimaries = 64
