//go:build linux

package rehearse

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
)

// Values is what the templates of a lab pack may substitute. Addresses and
// prefixes are text as netip writes it. What a site leaves out is its zero
// value.
type Values struct {
	ASN       site.ASN   // AS number of the server
	Families  []Family   // IPv4 and IPv6
	Neighbors []Neighbor // of the server, in the order of the site file
	Resolver  Resolver   // on the router
	Primary   Upstream   // what the zones are transferred from
	NTPZone   string     // a zone file (RFC 1035 section 5) without $ORIGIN that leads a time server's name to the router
	Item      any        // of a file with each: the element it is made for
}

// Family is what is said once for each address family.
type Family struct {
	Number int      // 4 or 6
	Any    string   // the prefix of all addresses
	Blocks []string // what the server is to announce
}

// Neighbor is a router of the host, and its side of the sessions.
type Neighbor struct {
	Name         string // as the site calls it
	Number       int    // from 1; no other neighbor has it
	RouterID     string // an IPv4 address
	ASN          site.ASN
	Password     string // of TCP MD5 (RFC 2385); "" for none
	TTLSecurity  bool   // RFC 5082
	BFD          bool   // RFC 5882
	Role         string // of the neighbor, RFC 9234; "" for none
	GivesDefault bool   // whether it announces a default route
	Sessions     []Session
}

// Session is one BGP session, from one address of a neighbor.
type Session struct {
	ID     string // an identifier; what observes routes is told it as {session}
	Family int    // 4 or 6
	Local  string // address of the neighbor
	Server string // address of the server
}

// Resolver is a name server at the resolver addresses of the site. It knows
// the names of time servers and refuses the rest at once, so that nothing
// waits for an answer.
type Resolver struct {
	Addresses []string // none: there is no resolver
	Names     []string // zones that are NTPZone
}

// Upstream is the primary.
type Upstream struct {
	Addresses []string // of all zones
	Keys      []Key
	Zones     []Zone
	Names     []string // zones that are NTPZone, where it stands in the resolver's way
}

// Key is a key of TSIG (RFC 8945).
type Key struct {
	Name      string
	Algorithm string // such as "hmac-sha256"
	Text      string // base64
}

// Zone is a zone that the primary hands out to anybody who has the key.
type Zone struct {
	Name      string   // without the dot at the end, but for the root
	File      string   // where its text lies
	Key       string   // name of the key; "" for none
	Addresses []string // of the primary for this zone; a NOTIFY has to come from the first of its family
	Notify    []string // addresses of the server, of families that the zone has a primary of
}

// valuesOf are the values of a site that a layout was made for.
func valuesOf(s *site.Site, l *layout) Values {
	v := Values{ASN: s.BGP.ASN, NTPZone: ntpZone(l)}
	v.Families = []Family{{Number: 4, Any: "0.0.0.0/0"}, {Number: 6, Any: "::/0"}}
	for _, p := range s.Blocks() {
		f := &v.Families[slices.Index([]int{4, 6}, familyOf(p.Addr()))]
		f.Blocks = append(f.Blocks, p.String())
	}
	for i, n := range s.BGP.Neighbors {
		v.Neighbors = append(v.Neighbors, neighborOf(s, n, i))
	}
	resolvers := resolverAddrs(s)
	slices.SortFunc(resolvers, netip.Addr.Compare)
	if len(resolvers) > 0 {
		v.Resolver = Resolver{Addresses: texts(slices.Compact(resolvers)), Names: ntpNames(s)}
	}
	v.Primary = upstreamOf(s)
	if slices.ContainsFunc(resolvers, func(a netip.Addr) bool { return slices.Contains(l.Shared, a) }) {
		v.Primary.Names = ntpNames(s)
	}
	return v
}

func neighborOf(s *site.Site, n site.Neighbor, i int) Neighbor {
	v := Neighbor{
		Name: n.Name, Number: i + 1, RouterID: routerID(n, i).String(), ASN: n.ASN, Password: reveal(n.Password),
		TTLSecurity: n.TTLSecurity, BFD: n.BFD, GivesDefault: n.Accept == site.AcceptDefault,
		Sessions: sessionsWith(s, n),
	}
	if n.Role == "customer" {
		v.Role = "provider"
	}
	return v
}

// sessionsWith are the sessions with a neighbor: of the families that the
// server has addresses of.
func sessionsWith(s *site.Site, n site.Neighbor) []Session {
	var all []Session
	for _, a := range n.Addresses {
		if server, ok := peerOf(s, a); ok {
			all = append(all, Session{ID: site.SessionID(n.Name, a), Family: familyOf(a), Local: a.String(), Server: server.String()})
		}
	}
	return all
}

func routerID(n site.Neighbor, i int) netip.Addr {
	for _, a := range n.Addresses {
		if a.Is4() {
			return a
		}
	}
	return netip.AddrFrom4([4]byte{100, 64, 0, byte(i + 1)})
}

// peerOf returns the server's address at the far end of a session: of the
// same family, on the service interface where that has any.
func peerOf(s *site.Site, local netip.Addr) (netip.Addr, bool) {
	for _, p := range slices.Concat(s.Server.Service.Addresses, s.Server.Management.Addresses) {
		if p.Addr().Is6() == local.Is6() {
			return p.Addr(), true
		}
	}
	return netip.Addr{}, false
}

func upstreamOf(s *site.Site) Upstream {
	v := Upstream{Addresses: texts(primaries(s))}
	for _, k := range s.DNS.Keys {
		v.Keys = append(v.Keys, Key{Name: k.Name, Algorithm: k.Algorithm, Text: reveal(k.Secret)})
	}
	for _, z := range s.DNS.Zones {
		if !z.Transferred() {
			continue
		}
		zone := Zone{Name: z.Name, File: zoneFile(len(v.Zones)), Key: z.Key, Addresses: texts(z.Primaries)}
		for _, to := range s.Server.Management.Addresses {
			if slices.ContainsFunc(z.Primaries, func(a netip.Addr) bool { return a.Is4() == to.Addr().Is4() }) {
				zone.Notify = append(zone.Notify, to.Addr().String())
			}
		}
		v.Zones = append(v.Zones, zone)
	}
	return v
}

// resolverAddrs returns the resolver addresses of server and BMC.
func resolverAddrs(s *site.Site) []netip.Addr {
	if s.BMC == nil {
		return slices.Clone(s.Server.DNS)
	}
	return slices.Concat(s.Server.DNS, s.BMC.DNS)
}

// ntpNames are the time servers that have names, sorted.
func ntpNames(s *site.Site) []string {
	all := slices.Clone(s.Server.NTP)
	if s.BMC != nil {
		all = append(all, s.BMC.NTP...)
	}
	var names []string
	for _, n := range all {
		if _, err := netip.ParseAddr(strings.Trim(n, "[]")); err != nil {
			names = append(names, strings.TrimSuffix(n, "."))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// ntpZone is the zone of every time server's name: the router's first address
// of each family.
func ntpZone(l *layout) string {
	lines := []string{"@ 60 IN SOA router.invalid. hostmaster.invalid. 1 60 60 60 60", "@ 60 IN NS router.invalid."}
	types := map[int]string{4: "A", 6: "AAAA"}
	for _, p := range l.Ports {
		for _, a := range p.Addrs {
			family := familyOf(a.Addr())
			if kind, missing := types[family]; missing {
				lines = append(lines, "@ 60 IN "+kind+" "+a.Addr().String())
				delete(types, family)
			}
		}
	}
	return strings.Join(lines, "\n")
}

func familyOf(a netip.Addr) int {
	if a.Is4() {
		return 4
	}
	return 6
}

func texts(addrs []netip.Addr) []string {
	var all []string
	for _, a := range addrs {
		all = append(all, a.String())
	}
	return all
}
