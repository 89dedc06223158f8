package site

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/raiz-dns/raiz/provision/secret"
)

// ASN is an autonomous system number (RFC 6793).
type ASN uint32

// Pos is where something stands in a site file; Line and Column count from 1.
type Pos struct {
	File         string
	Line, Column int
}

// Site is one copy of the service: one server at one host organisation. It is
// valid and is not changed after Load.
type Site struct {
	Name     string
	Pos      Pos
	Lab      bool    // documentation addresses: only a rehearsal may run it
	Operator Profile // the rules of the operator that runs the copy
	Host     Host
	BMC      *BMC // nil where the operator has no access to one
	Server   Server
	BGP      BGP
	Anycast  []Anycast // by name
	DNS      DNS
	// Components names the component pack that fills each kind, such as
	// "network": "networkd".
	Components map[string]string
	// PackOptions are what the site sets for the pack of a kind, by name: a
	// string, int64, bool or []string.
	PackOptions map[string]map[string]any

	spots      map[string]spot // where things are written, for MissingSecrets
	references []spotted       // what it looks up
}

// Host is the organisation that houses the copy.
type Host struct {
	Name      string
	ASN       ASN
	ASSet     string
	Bandwidth uint64 // bit/s
	Location  Location
	Contacts  []Contact
	Routers   []Router
	Reserve   []netip.Prefix // addresses kept for the operator, where asked
}

// Location is where the rack stands.
type Location struct {
	City      string
	Country   string // ISO 3166-1 alpha-2
	IATA      string // code of the nearest airport
	Facility  string
	RackUnits int // rack units offered
}

// Contact is a person or desk of the host, such as "noc".
type Contact struct{ Role, Email, Phone string }

// Router is a router of the host that peers with the server.
type Router struct{ Name, OS, Version string }

// BMC is the management controller of the server, as it is meant to be.
type BMC struct {
	Addresses    []netip.Prefix // at most one of each family, with its length
	Gateways     []netip.Addr   // at most one of each family
	DNS          []netip.Addr
	NTP          []string // addresses or names
	Hostname     string
	Port         uint16 // of HTTPS; 443 unless declared
	Username     string
	Password     secret.Value
	Fingerprint  string // "sha256:" and 64 hex digits of the certificate; "" when CA is used
	CA           []byte // PEM; nil when Fingerprint is used
	PowerRestore PowerRestore
	Factory      *Factory // how it answers before the first apply; may be nil
	Accounts     []string // that others have on it

	// Previous is the password before Password, while that is being changed:
	// either may be the right one. IsZero when none.
	Previous secret.Value

	// What follows is left as it is where it has its zero value.

	VLAN          string            // "none", or the 802.1Q tag
	Protocols     map[string]string // such as "ssh", to "on" or "off"
	SerialConsole string            // "on" or "off"
	Boot          string            // "order", or what is booted always, such as "disk"
	BootOrder     []string          // as the system names its boot options
	HTTPS         *HTTPS            // nil leaves the certificate
	Unmanaged     map[string]string // settings that are left alone though they would be set, by name, with the reason
	Hardware      Hardware          // the least the server has to have; the site's word over the operator's

	// Expect is looked at by raiz verify and never set; the site's word over the
	// operator's.
	Expect Expect
}

// Expect is what a server and its controller have to be like, beyond what can
// be counted or set. A zero field asks for nothing.
type Expect struct {
	Firmware   string   // the least version of the controller, as it writes it
	BIOS       string   // likewise of the system
	Licences   []string // one of these: words that are all in what the controller calls a licence
	SecureBoot string   // "on" or "off"
	TPM        string   // "1.2" or "2.0"
	// CertificateDays is how many days before its end the certificate that is
	// shown is warned of.
	CertificateDays int
	EventLog        *EventLog // nil looks at no log
}

// EventLog says which entries of a controller's log are told.
type EventLog struct {
	Log      string    // its Id; "" for the one that the controller keeps of the hardware
	Severity string    // "warning" or "critical", the least
	Since    time.Time // zero for ever, or by Age
	Age      time.Duration
}

// HTTPS is the certificate that a BMC is to show.
type HTTPS struct {
	Chain       []byte // PEM, its own first
	Fingerprint string // of its own: "sha256:" and 64 hex digits
	Key         secret.Value
}

// Hardware is the least that a server has to have. A zero field asks for
// nothing.
type Hardware struct {
	CPUs          int // sockets that are filled
	Cores         int // of all CPUs together
	MemoryGiB     int
	Disks         int
	RAID          string // such as "raid1": a healthy volume of this type
	PowerSupplies int    // healthy ones
	NICs          int    // ports of the server
}

// PowerRestore is what the server does when power comes back
// (ComputerSystem.PowerRestorePolicy of Redfish).
type PowerRestore string

// The power restore policies.
const (
	AlwaysOn  PowerRestore = "always-on"
	AlwaysOff PowerRestore = "always-off"
	LastState PowerRestore = "last-state"
)

// Factory is how a BMC answers as delivered.
type Factory struct {
	Address  netip.Addr
	Username string
	Password secret.Value
}

// Server is the machine and its operating system.
type Server struct {
	Hostname   string
	Release    string // of Debian: "bookworm" unless declared
	NTP        []string
	DNS        []netip.Addr // resolvers the server itself uses
	Updates    Updates      // who updates packages; "" leaves that as it is
	History    int          // generations the server keeps to go back to; 10 unless declared
	SSH        SSH
	Agents     []Agent
	Management Interface
	Service    Interface
}

// Updates is who updates the packages of a server.
type Updates string

// Whatever it is, what answers and what announces is not restarted by it.
const (
	UpdatesUnattended Updates = "unattended" // Debian's unattended-upgrades, for all but those packages
	UpdatesByHand     Updates = "by-hand"    // the operator, or a tool of the operator's
)

// SSH is how the server is logged in to.
type SSH struct {
	User      string
	Port      uint16         // 22 unless declared
	Identity  string         // private key file; "" means the agent alone
	Host      HostPin        // what it is recognised by
	Bootstrap netip.Addr     // where it answers before the first apply; may be invalid
	From      []netip.Prefix // networks SSH is accepted from; none means any
	Keys      []string       // fingerprints of keys that may log in beside the one that raiz uses
	Jump      []Jump         // hosts to go through, in order
}

// Jump is an SSH host on the way to the server.
type Jump struct {
	Name     string
	User     string
	Address  netip.Addr
	Port     uint16
	Identity string
	Host     HostPin
}

// HostPin is what an SSH host is recognised by: keys are "ssh-ed25519 AAAA…". It
// may be empty until the machine is there: MissingSecrets tells.
type HostPin struct {
	Key       string
	Previous  string // the key before it, while that is being changed: either may be the right one
	Authority string // signs certificates of the host (@cert-authority of known_hosts)
}

// Interface is a network interface of the server.
type Interface struct {
	Role      string // "management" or "service"
	Match     Match
	Addresses []netip.Prefix // at most one of each family, with its length
	Gateways  []netip.Addr   // at most one of each family; none on the service interface
	MTU       int            // bytes; 1500 unless declared
	VLAN      int            // 802.1Q tag; 0 means untagged
}

// Device is the interface that has the addresses, by what an observer finds
// it: the name or MAC that it is matched by, or the kernel's name of the
// tagged interface on top of that. The longest, "management.4094", is as long
// as Linux allows (IFNAMSIZ).
func (i Interface) Device() string {
	switch {
	case i.VLAN != 0:
		return i.Role + "." + strconv.Itoa(i.VLAN)
	case i.Match.MAC != "":
		return i.Match.MAC
	}
	return i.Match.Name
}

// Match says which interface is meant; exactly one field is set.
type Match struct {
	Name string // kernel name, such as "eno1"
	MAC  string // lower case, colons
}

// BGP is the server's side of the routing.
type BGP struct {
	ASN       ASN
	RouterID  netip.Addr // IPv4
	Neighbors []Neighbor // by name
}

// Accept says which routes are taken from a neighbor.
type Accept string

// What may be accepted.
const (
	AcceptDefault Accept = "default" // the default route, nothing else
	AcceptNothing Accept = "nothing"
)

// Neighbor is a router of the host. Each address is a session of its own.
type Neighbor struct {
	Name        string
	Pos         Pos
	ASN         ASN
	Addresses   []netip.Addr // at most one of each family
	Password    secret.Value // RFC 2385; IsZero when none
	TTLSecurity bool         // RFC 5082
	Accept      Accept
	// ReceiveLimit is how many routes a neighbor may send in each family,
	// taken or not, before the session restarts (RFC 7454 section 8).
	ReceiveLimit int
	HoldTime     int      // seconds
	Transit      bool     // a session with an AS other than the host's
	Announce     Announce // what is announced to it
	BFD          bool     // RFC 5882: a dead path is noticed in under a second
	Role         string   // of the server (RFC 9234): "customer", or "" for none
}

// Announce says what a neighbor is sent.
type Announce string

// What may be announced.
const (
	AnnounceBlocks  Announce = "blocks"
	AnnounceNothing Announce = "nothing"
)

// Propagation says how far a block is meant to spread.
type Propagation string

// How far a block spreads.
const (
	Global Propagation = "global"
	Local  Propagation = "local" // NO_EXPORT (RFC 1997)
)

// Anycast is a service that is announced from here: its blocks and the
// addresses inside them that answer.
type Anycast struct {
	Name        string
	Pos         Pos
	Prefixes    []netip.Prefix // blocks, masked, sorted
	Addresses   []netip.Addr   // service addresses, sorted
	Origin      ASN
	ASPath      []ASN // what follows bgp.asn in the AS path, the origin last; empty where bgp.asn is the origin
	Propagation Propagation
	LocalOnly   []netip.Prefix // of a global service, the blocks that are local all the same; sorted
	Letter      string         // "a" to "m" for a root server, else ""
}

// Tagged reports whether a block leaves with NO_EXPORT (RFC 1997).
func (a Anycast) Tagged(block netip.Prefix) bool {
	return a.Propagation == Local || slices.Contains(a.LocalOnly, block)
}

// DNS is what the name server answers.
type DNS struct {
	Identity     string        // hostname.bind, id.server and NSID
	TrustAnchors []TrustAnchor // by zone and key tag
	RateLimit    RateLimit
	Cookie       Cookie
	Zones        []Zone // by name
	Keys         []TSIG // by name
}

// TrustAnchor is the digest of a key that a zone has to be signed with: a DS
// record (RFC 4034 section 5).
type TrustAnchor struct {
	Zone                  string // as Zone.Name
	KeyTag                uint16
	Algorithm, DigestType uint8
	Digest                string // upper-case hexadecimal
}

// RateLimit is response rate limiting: how much one network is answered.
// Responses 0 means that nothing is limited.
type RateLimit struct {
	Responses  int // a second, for each network and kind of answer
	Slip       int // each of so many limited answers is sent truncated; 0 drops all, 1 none
	IPv4Prefix int // length of what counts as one network
	IPv6Prefix int // likewise
}

// Cookie is what server cookies are made with (RFC 9018): the same for all
// copies of a block. Staging is accepted as well, for a rollover. IsZero where
// the site declares none.
type Cookie struct{ Secret, Staging secret.Value }

// Zone is a zone that is served.
type Zone struct {
	Name      string       // absolute, lower case, no trailing dot; "." for the root
	Source    string       // "as112" for static data built in; "" when transferred
	Primaries []netip.Addr // where it is transferred from
	Key       string       // name of the TSIG key, or ""

	// Why a transferred zone is served without a look at its signatures and
	// ZONEMD, and why it is transferred without TSIG; "" where it is not.
	Unverified, Unauthenticated string
}

// Transferred reports whether the zone comes from primaries.
func (z Zone) Transferred() bool { return len(z.Primaries) > 0 }

// Verified reports whether the zone is served only after its signatures and
// its ZONEMD were found right.
func (z Zone) Verified() bool { return z.Transferred() && z.Unverified == "" }

// TSIG is a transaction key (RFC 8945).
type TSIG struct {
	Name      string
	Algorithm string // such as "hmac-sha256"
	Secret    secret.Value
}

// ServiceAddresses returns the anycast addresses of all blocks, sorted.
func (s *Site) ServiceAddresses() []netip.Addr {
	var all []netip.Addr
	for _, a := range s.Anycast {
		all = append(all, a.Addresses...)
	}
	return sortedAddrs(all)
}

// Blocks returns the announced prefixes of all anycast services, sorted.
func (s *Site) Blocks() []netip.Prefix {
	var all []netip.Prefix
	for _, a := range s.Anycast {
		all = append(all, a.Prefixes...)
	}
	return sortedPrefixes(all)
}
