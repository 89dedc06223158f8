package verify

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
)

// Units are the units of each kind of component, as its pack names them. They
// are what is looked for, not what was seen.
type Units map[string][]string

// Evidence is everything that was seen. A part that could not be looked at
// carries its error; a part that nobody was asked to look at is not Asked, or
// has nothing at all, which is not taken for good.
type Evidence struct {
	Units    Units
	UnitsErr error    // why nobody knows of them
	Looks    Looks    // how programs are looked at, not what was seen
	Table    int      // the routing table of the service link, as the packs number it
	Ports    []string // on which the packs' programs listen, as "tcp/53"
	Declared Declared
	// LoginKeys are fingerprints of the keys that we have come with.
	LoginKeys []string
	BMC       BMCEvidence
	SSHErr    error // why nobody could log in
	Login     string
	Server    ServerEvidence
	TCP       map[Question]Answer // through the SSH connection
	Router    RouterEvidence
	Outside   OutsideEvidence
}

// BMCEvidence is what the BMC said.
type BMCEvidence struct {
	Err      error
	Identity bmc.Identity
	Facts    map[string]state.Fact // by name of the setting
	// Administrators are the accounts that may change settings.
	Administrators    []string
	AdministratorsErr error
	// Hardware is counted where the site says what there has to be.
	Hardware    bmc.Hardware
	HardwareErr error
	// Inventory was taken At, by our own clock.
	Inventory bmc.Inventory
	At        time.Time
}

// ServerEvidence is what one exec on the server said.
type ServerEvidence struct {
	Err        error
	Links      []server.LinkFact
	NetworkErr error
	Units      map[string]server.UnitFact
	UnitsErr   error
	Replies    map[netip.Addr]server.Way // by which its answers leave
	Sessions   []Session                 // every BGP session, declared or not
	// SessionsErr is why nobody knows of any session.
	SessionsErr error
	ClockErr    error // why nobody knows of the clock
	Synced      bool  // the clock is disciplined
	Stratum     int
	Offset      time.Duration // of the clock, by its own account
	UDP         map[Question]Answer
	Content     map[Question]Answer // over both transports
	Told        map[Question]Answer // by the primaries
	Printed     map[string]Printed  // by the name of its probe
	Guard       *server.Guard       // nothing where no guard was ever
	Around      *Around             // nothing where nobody asked
	System      System              // zero where nobody asked
}

// System is what a server runs, by its own account.
type System struct {
	OS, Arch   string // as "debian 12" and "amd64"
	Generation int    // of raiz, that is confirmed; 0 for none
	Packages   []Package
}

// Package is a package of Debian that is installed.
type Package struct{ Name, Version string }

// Session is a BGP session as the routing daemon shows it.
type Session struct {
	Name     string
	Neighbor netip.Addr
	PeerAS   site.ASN
	State    string // such as "Established"
	Error    string // the last error, "" for none
	Exports  []Route
	// ExportsErr is why Exports are not known.
	ExportsErr error
	Imports    []netip.Prefix // what is taken from the neighbor
	ImportsErr error
}

// Route is a route as a routing daemon shows it.
type Route struct {
	Prefix      netip.Prefix
	ASPath      []site.ASN
	Communities []string // of every kind, such as "65535:65281" or "112:1:2"
	MED         string   // MULTI_EXIT_DISC (RFC 4271 section 5.1.4); "" where there is none
	Origin      string   // ORIGIN (RFC 4271 section 5.1.1), as the daemon calls it; "" where it does not say

	// What only a router tells of a route.
	Neighbor string     // the declared neighbor that has it; "" where that is not known
	NextHop  netip.Addr // zero where it is not told
	Refused  bool       // it came, and the router did not take it
}

// RouterEvidence is what the host's router has learnt from the server.
type RouterEvidence struct {
	Asked  bool
	Err    error
	Routes []Route
}

// OutsideEvidence is what is answered to somebody who is not on the server.
type OutsideEvidence struct {
	Asked   bool
	Answers map[Question]Answer
}

// Question is what is asked of one service address.
type Question struct {
	Address netip.Addr
	Ask     Ask
	Zone    string // that it is about, "" for none
	Network string // "udp" or "tcp"
}

// Ask names a question.
type Ask string

// The questions.
const (
	AskSOA       Ask = "soa"       // of a zone that is served
	AskHostname  Ask = "hostname"  // hostname.bind, RFC 4892
	AskServer    Ask = "id.server" // RFC 4892
	AskElsewhere Ask = "elsewhere" // a zone that is not served, with RD

	// What a zone's answers have to be like, as RSSAC047v2 asks.
	AskApex     Ask = "apex" // its SOA
	AskNS       Ask = "ns"
	AskKeys     Ask = "dnskey"
	AskReferral Ask = "referral" // of the root, to a domain below it
	AskDS       Ask = "ds"       // of that domain
	AskArpaDS   Ask = "arpa-ds"
	AskNothing  Ask = "nothing" // a name that is not there
	AskPlain    Ask = "plain"   // the keys, without EDNS
	AskSmall    Ask = "small"   // the keys with their signatures, in 512 bytes

	// What is to be refused.
	AskVersion       Ask = "version.bind"
	AskVersionServer Ask = "version.server"
	AskAXFR          Ask = "axfr"
	AskIXFR          Ask = "ixfr"
	AskOther         Ask = "other" // a zone that is not declared

	AskPrimary Ask = "primary" // the SOA that a primary has
)

// Answer is what came back. Err says why nothing did.
type Answer struct {
	Msg  *dns.Msg
	Err  error
	At   time.Time // when, by the clock of this machine
	Size int       // bytes that came
	Took time.Duration
}
