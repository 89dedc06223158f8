package server

import (
	"time"

	"github.com/raiz-dns/raiz/provision/watch"
)

// Facts is all that a probe answers.
type Facts struct {
	Hostname string    `json:"hostname"`
	BootID   string    `json:"bootID"`
	OS       string    `json:"os"`   // ID and VERSION_ID of os-release
	Arch     string    `json:"arch"` // as Go names it
	Clock    time.Time `json:"clock"`

	Current int     `json:"current"`           // the generation that is confirmed; 0 for none
	Pending *Status `json:"pending,omitempty"` // the one that is not yet
	Last    *Status `json:"last,omitempty"`    // the newest one that has ended
	// Managed are the paths that the current generation wrote and that are
	// there; ManagedUnits its units.
	Managed      []string `json:"managed,omitempty"`
	ManagedUnits []string `json:"managedUnits,omitempty"`

	Files    map[string]FileFact `json:"files,omitempty"`
	Units    map[string]UnitFact `json:"units,omitempty"`
	Packages map[string]string   `json:"packages,omitempty"` // name to version, of installed ones
	Network  Network             `json:"network"`
	Owners   []Owner             `json:"owners,omitempty"` // as many as links were asked for, in their order
	Guard    *Guard              `json:"guard,omitempty"`  // nothing where no guard was ever
	// Around is what others have; nothing where nobody asked.
	Around *Around `json:"around,omitempty"`
	// Printed answers a first look, command by command; nothing where a
	// generation is current.
	Printed []Printed `json:"printed,omitempty"`
	// Problems say what could not be looked at, by part.
	Problems map[string]string `json:"problems,omitempty"`
}

// PartTransaction is the part of Problems that says why a server cannot take a
// change, or cannot say which one it has.
const PartTransaction = "transaction"

// Guard is what decides whether the blocks are announced, as it tells itself.
type Guard struct {
	watch.Status
	// Silent is why nothing of it is known. Only where it is Down nothing is
	// announced for that: one that runs may have no room to tell.
	Silent string `json:"silent,omitempty"`
	Down   bool   `json:"down,omitempty"`
	// Wanted is what a person wants, whether a guard runs or not.
	Wanted *watch.Drain `json:"wanted,omitempty"`
}

// Kind is what stands at a path.
type Kind string

// The kinds.
const (
	IsAbsent Kind = "absent"
	IsFile   Kind = "file"
	IsLink   Kind = "link"
	IsOther  Kind = "other"  // a directory, a device, a socket
	IsDenied Kind = "denied" // it could not be looked at
)

// FileFact is what stands at a path.
type FileFact struct {
	Kind  Kind   `json:"kind"`
	Mode  uint32 `json:"mode,omitempty"` // permission bits, and 07000 where they are set
	Owner string `json:"owner,omitempty"`
	Group string `json:"group,omitempty"`
	Link  string `json:"link,omitempty"`
	Fixed bool   `json:"fixed,omitempty"` // nobody may replace it: immutable, or append-only
	// Sum is SHA-256 in hex, of a secret file HMAC-SHA256 with the key of the
	// request.
	Sum  string `json:"sum,omitempty"`
	Data []byte `json:"data,omitempty"` // of a public file that differs
	// Standing stands for all of this: it changes whenever the file does, and
	// tells nothing of a secret.
	Standing string `json:"standing"`
	Why      string `json:"why,omitempty"` // of IsDenied
	// Amiss are the differences between what the file says and what runs, a line
	// each, and Unseen why that could not be looked at.
	Amiss  []string `json:"amiss,omitempty"`
	Unseen string   `json:"unseen,omitempty"`
}

// UnitFact is a unit as systemd shows it.
type UnitFact struct {
	Load     string `json:"load"`
	Active   string `json:"active"`
	Sub      string `json:"sub"`
	File     string `json:"file"` // UnitFileState
	Restarts int    `json:"restarts,omitempty"`
}

// Network is what the kernel has.
type Network struct {
	Links  []LinkFact `json:"links,omitempty"`
	Routes []Route    `json:"routes,omitempty"`
	Rules  []Rule     `json:"rules,omitempty"`
}

// LinkFact is a link of the kernel.
type LinkFact struct {
	Index     int           `json:"index"`
	Name      string        `json:"name"`
	MAC       string        `json:"mac,omitempty"`
	MTU       int           `json:"mtu,omitempty"`
	Up        bool          `json:"up"`            // with a carrier
	Set       bool          `json:"set,omitempty"` // to be up, whether there is a carrier or not
	Addresses []AddressFact `json:"addresses,omitempty"`
}

// AddressFact is an address of a link.
type AddressFact struct {
	Address string `json:"address"` // ADDRESS/LENGTH
	// Unusable is set while duplicate address detection has not ended, or
	// after it has failed (RFC 4862 §5.4).
	Unusable bool `json:"unusable,omitempty"`
	// Seconds is the rest of its life, for one that ends: a lease.
	Seconds int  `json:"seconds,omitempty"`
	NoRoute bool `json:"noRoute,omitempty"` // noprefixroute: somebody else keeps the connected route
	// Secondary ones of IPv4 are the source of nothing: another one of their
	// network came first.
	Secondary bool `json:"secondary,omitempty"`
	// Deprecated ones are the source of nothing new (RFC 4862 §5.5.4).
	Deprecated bool `json:"deprecated,omitempty"`
}

// Route is a route that a person or a network manager has set: neither one of
// the kernel's own nor one of a routing daemon.
type Route struct {
	Table    int    `json:"table"`
	To       string `json:"to"` // prefix; 0.0.0.0/0 and ::/0 for default
	Via      string `json:"via,omitempty"`
	Dev      string `json:"dev,omitempty"`
	Protocol int    `json:"protocol"`
	Metric   int    `json:"metric,omitempty"`
	Scope    int    `json:"scope,omitempty"`
	OnLink   bool   `json:"onlink,omitempty"`
	Source   string `json:"source,omitempty"`
	Type     int    `json:"type,omitempty"` // unicast, blackhole, … as rtnetlink(7) numbers them
}

// Rule is a rule of policy routing that looks into a table. Without From and
// To only its family says which packets it is for.
type Rule struct {
	Family   int    `json:"family"` // 4 or 6
	Priority int    `json:"priority"`
	From     string `json:"from,omitempty"`
	To       string `json:"to,omitempty"`
	Mark     uint32 `json:"mark,omitempty"`
	Mask     uint32 `json:"mask,omitempty"` // of the mark
	In       string `json:"in,omitempty"`   // link that a packet comes in by
	Out      string `json:"out,omitempty"`  // link that its socket is bound to
	Not      bool   `json:"not,omitempty"`  // it is for all other packets
	Table    int    `json:"table"`
	Protocol int    `json:"protocol,omitempty"`
}

// Owner says which program manages a link.
type Owner struct {
	Link    string `json:"link"` // its name; empty where there is no such link
	Manager string `json:"manager"`
	Lease   bool   `json:"lease,omitempty"`  // by DHCP
	Detail  string `json:"detail,omitempty"` // which file or connection says so
	// Known managers can be taken over from. Why says why another one cannot.
	Known bool   `json:"known"`
	Why   string `json:"why,omitempty"`
}

// The managers that links are taken over from.
const (
	Networkd       = "systemd-networkd"
	Ifupdown       = "ifupdown"
	Netplan        = "netplan"
	NetworkManager = "NetworkManager"
	Nobody         = "nobody" // configured by hand, or not at all
)

// MainTable is the routing table that default routes are in (rtnetlink(7)).
const MainTable = 254

// IsDefault reports whether a route is a default route of the main table.
func IsDefault(r Route) bool {
	return r.Table == MainTable && (r.To == "0.0.0.0/0" || r.To == "::/0")
}
