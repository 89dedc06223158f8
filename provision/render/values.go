package render

import (
	"fmt"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/watch"
)

// Values is what the templates of a pack may substitute: the whole contract
// between a site and a pack, in words that belong to no program. Addresses and
// prefixes are text as netip writes it. A field that a site leaves out is its
// zero value. docs/packs.md shows each with an example.
type Values struct {
	Source             string           // name of the site
	Release            string           // release of Debian, such as "bookworm"
	Updates            Updates          // who updates packages
	Hostname           string           // of the server
	Management         Link             // the interface by which the server is managed
	Service            ServiceLink      // the interface that leads to the routers
	ManagementFamilies []Family         // management addresses by family: the operator's doors; a family without any is left out
	Table              int              // number of the routing table for what the service answers
	Rules              []Rule           // sources whose answers are looked up in Table
	ServiceAddresses   []ServiceAddress // where DNS answers
	ServiceFamilies    []Family         // service addresses by family; a family without any is left out
	OwnSources         []Family         // sources that nobody out there can have: the blocks and the loopback
	NotifySources      []Notify         // who may send NOTIFY, by family
	NTP                []string         // time servers, names or addresses
	Time               Time             // how a pack learns of the clock
	Resolvers          []string         // addresses of resolvers
	SSH                SSH              // how the server is logged in to
	Agents             []Agent          // what else takes something on this server
	BGP                BGP              // the routing
	DNS                DNS              // the name service
	Guard              Guard            // what decides whether the blocks are announced
	Options            map[string]any   // options of this pack, by name: string, int64, bool or list of strings
	Item               any              // of a file with each: the element it is made for
}

// Time is how other packs learn of the clock. The time pack brings the unit.
type Time struct {
	SyncUnit string // ends when the clock is in sync, or has been waited for long enough
	SyncFile string // is there while the clock was seen in sync
}

// Link is an interface that has addresses.
type Link struct {
	Name      string   // of the tagged interface; "" for an untagged one
	Tag       int      // IEEE 802.1Q; 0 for an untagged one
	Match     Match    // how an untagged one is found; for a tagged one its own name
	MTU       int      // bytes
	VLANs     []string // tagged interfaces on top of this one
	Addresses []string // with the length of the prefix
	Gateways  []string // default gateways
	Carrier   Carrier  // what carries a tagged one, where no other interface of the site does
}

// Match says which interface is meant: by its name or by its MAC address.
type Match struct {
	Name string // of the interface
	MAC  string // with colons
}

// Carrier is an interface that has no address and carries tagged ones.
type Carrier struct {
	Match Match
	MTU   int      // bytes
	VLANs []string // the tagged interfaces
}

// ServiceLink is the interface that leads to the routers.
type ServiceLink struct {
	Link
	Links []OnLink // its subnets
}

// OnLink is a subnet of the service link and the neighbor in it.
type OnLink struct {
	Family  int    // 4 or 6
	Subnet  string // prefix
	Gateway string // the first neighbor in it; "" for none
}

// Rule sends what has this source by the service link.
type Rule struct {
	From     string // prefix
	Priority int    // a lower one is looked at first
}

// ServiceAddress is one address where DNS answers.
type ServiceAddress struct {
	Family  int    // 4 or 6
	Address string // without a length
	Host    string // as a prefix of full length
}

// Updates are what they may do to what answers and what announces.
type Updates struct {
	By       string   // "unattended", "by-hand", or "" where the site does not say
	Packages []string // of what answers and what announces
	Units    []string // of what answers and what announces
}

// Family is what is said once for each address family.
type Family struct {
	Number    int      // 4 or 6
	Any       string   // the prefix of all addresses
	Addresses []string // addresses or prefixes
}

// Notify are the primaries of one family and the server's addresses that they
// send NOTIFY to (RFC 1996).
type Notify struct {
	Family int      // 4 or 6
	From   []string // addresses of primaries
	To     []string // addresses of the server
}

// SSH is how the server is logged in to.
type SSH struct {
	Port      uint16   // of TCP
	User      string   // who logs in
	RootLogin bool     // whether root itself logs in, with a key
	From      []Family // networks that may; none where the site declares none, which is from anywhere
}

// Agent is something of the operator's own that takes what comes.
type Agent struct {
	Name  string   // of the agent
	Ports []Port   // where it takes it
	From  []Family // who may send it, by family
}

// Port is one of every address.
type Port struct {
	Network string // tcp or udp
	Number  uint16 // of the port
}

// BGP is the routing.
type BGP struct {
	ASN       site.ASN      // AS number of the server
	RouterID  string        // an IPv4 address
	Neighbors []BGPNeighbor // in the order of the site file
	Sessions  []BGPSession  // each address of a neighbor has its own
	Families  []BGPFamily   // those with blocks or sessions
	BFD       bool          // whether any session has it
}

// BGPNeighbor is what all sessions with a neighbor share.
type BGPNeighbor struct {
	ID          string // an identifier: letters, digits, underscores, with a letter in front
	Name        string // as the site calls it
	HasPassword bool   // of TCP MD5 (RFC 2385)

	password hidden
}

// BGPSession is one BGP session.
type BGPSession struct {
	ID           string        // an identifier; what observes exports is told it as {session}
	Neighbor     BGPNeighbor   //
	Description  string        // text for people
	Family       int           // 4 or 6
	Local        string        // address of the server
	Address      string        // address of the neighbor
	ASN          site.ASN      // of the neighbor
	TTLSecurity  bool          // RFC 5082
	HoldTime     int           // seconds
	ReceiveLimit int           // routes that may be received
	Accept       site.Accept   // "default": a default route is taken; "nothing"
	Announce     site.Announce // "blocks" or "nothing"
	BFD          bool          // RFC 5882
	Role         string        // of the server, RFC 9234; "" for none
}

// BGPFamily is a family that has blocks, sessions or both.
type BGPFamily struct {
	Number         int      // 4 or 6
	Any            string   // the prefix of all addresses
	Blocks         []string // what is announced
	LocalBlocks    []string // those with the community NO_EXPORT (RFC 1997)
	Behind         []Behind // those whose origin is behind the server's own AS
	AcceptsDefault bool     // whether a default route is taken from anybody
}

// Behind are blocks with something in front of their empty AS path.
type Behind struct {
	Blocks   []string   // prefixes
	Prepends []site.ASN // in the order in which they are put in front: the origin first
}

// DNS is the name service.
type DNS struct {
	Unit            string         // of the name server
	Identity        string         // hostname.bind, id.server (RFC 4892) and NSID (RFC 5001)
	Where           string         // host and city, for people
	NotifyAddresses []string       // of the server, where primaries send NOTIFY
	TrustAnchors    []string       // DS records as one line of a zone file
	Verified        bool           // whether any zone is checked before it is served
	RateLimit       site.RateLimit // Responses a second (0 for no limit), Slip, IPv4Prefix, IPv6Prefix
	Cookies         bool           // whether copies share secrets of DNS cookies (RFC 9018)
	Keys            []TSIG         // of TSIG (RFC 8945)
	Primaries       []Primary      // of all zones, each once
	Zones           []Zone         // in the order of the site file
	Static          []StaticZone   // the data of zones that come from no primary

	cookie, staging hidden
}

// TSIG is a key.
type TSIG struct {
	Name      string // of the key
	Algorithm string // such as "hmac-sha256"

	text hidden
}

// Primary is one server that zones are transferred from.
type Primary struct {
	ID      string // an identifier
	Family  int    // 4 or 6
	Address string // port 53
	Key     string // name of the key; "" for none
}

// Zone is one zone.
type Zone struct {
	Name      string    // without the dot at the end, but for the root
	Static    string    // name in DNS.Static; "" for one from primaries
	File      string    // name of a file to keep it in, which no other zone has
	Verified  bool      // whether it is checked before it is served
	MaxBytes  int       // of one transfer
	Primaries []Primary // who it is transferred from
}

// StaticZone is the data of zones that all have the same.
type StaticZone struct {
	Name string // such as "as112-empty"
	Zone string // a zone that has it, for who has to check it under a name
	Text string // a zone file (RFC 1035 section 5) without $ORIGIN
}

// Guard is what decides whether the blocks are announced.
type Guard struct {
	Unit   string   // of the guard
	Router string   // unit of the routing daemon
	Source string   // address that the session of the guard comes from
	Daemon string   // address where the routing daemon takes it
	Groups []string // whose members may ask the daemons how they are
	Hidden []string // files with secrets, of all packs
	Stop   string   // file that is there when the routing daemon is to be ended
	State  string   // folder in /run of what the guard tells

	watch watch.Config
}

// hidden is a secret that only files which say that they hold one are given.
type hidden struct {
	text  string
	shown bool
}

func (h hidden) show(what string) (string, error) {
	if !h.shown {
		return "", fmt.Errorf("%s is given to files with secret = true alone", what)
	}
	return h.text, nil
}

// Password is that of TCP MD5 (RFC 2385); "" for none. Only in a file with
// secret = true.
func (n BGPNeighbor) Password() (string, error) { return n.password.show(".Password") }

// Text is the key, base64. Only in a file with secret = true.
func (k TSIG) Text() (string, error) { return k.text.show(".Text") }

// Cookie is what server cookies are made with, hexadecimal. Only in a file with
// secret = true.
func (d DNS) Cookie() (string, error) { return d.cookie.show(".Cookie") }

// CookieStaging is the one that is accepted as well; "" for none. Only in a file
// with secret = true.
func (d DNS) CookieStaging() (string, error) { return d.staging.show(".CookieStaging") }
