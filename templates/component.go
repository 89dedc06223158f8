package templates

import (
	"io/fs"
	"slices"

	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/provision/state"
)

// Component is one pack.
type Component struct {
	Name    string
	Kind    string
	Default bool // taken where neither site nor operator names one of this kind
	// Packages are those of every release under "", and those of one release
	// of Debian alone under its name, such as "bookworm".
	Packages map[string][]string
	Unit     string // main unit, where other packs need to name it
	// Listens are the ports on which its programs take what comes from others,
	// as "tcp/53": of whatever else listens, verify says that nobody declared it.
	Listens  []string
	Files    []File
	Services []string // units that are to be enabled and running
	Options  []Option
	// Observations say how the program is looked at: "sessions" and "exports"
	// of bgp, "clock" of time, "zones" of dns.
	Observations map[string]observation.Observation
	Guarded      *Guarded // of a bgp or a dns pack
	BadZone      BadZone  // of a dns pack
	Anchors      bool     // of a dns pack: whether it checks a zone against the trust anchors of the site
	// Rehearsal are files that only a rehearsal puts into the base system.
	Rehearsal []File
	// Commands are what a rehearsal has a pack of its own do, by name.
	// "{field}" in a word stands for what the name of the command is about.
	Commands map[string][]string
}

// File is one file of a pack. Path, Check and Command may hold actions of
// text/template, as Template does.
type File struct {
	Path     string
	Template string // text of the template
	Source   string // the file that Template is from, for errors
	Mode     fs.FileMode
	Owner    string
	Group    string
	Secret   bool
	When     string   // pipeline that has to be true for the file to be wanted; "" for always
	Each     string   // pipeline of a list: one file for each, which is .Item; "" for one file
	Bad      string   // what Check has to refuse
	Running  *Running // how it is seen that it is in effect; nil where it is not looked at
	Effect   state.Effect
}

// Option is what a site may set for a pack.
type Option struct {
	Name    string
	Default any // string, int64, bool or []string; a site's value has the same type
	Doc     string
}

// BadZone is what a name server does with a transferred zone that its checks
// find wrong.
type BadZone string

// What a name server may do.
const (
	RefusesBadZone   BadZone = "refuses"   // never served; the old one goes on
	WithdrawsBadZone BadZone = "withdraws" // served, and withdrawn when it is found
	ServesBadZone    BadZone = "serves"    // served: it cannot check
)

// Guarded is how the guard comes to a daemon.
type Guarded struct {
	// Address is where a routing daemon takes the session of the guard: an
	// IPv4 address of the server's own, or "own" for one that is not the
	// loopback's.
	Address string
	// Groups are those whose members may ask the daemon how it is.
	Groups []string
}

// OwnAddress stands for an address of the server that is on a link.
const OwnAddress = "own"

// PackagesOn are the packages on one release of Debian.
func (c Component) PackagesOn(release string) []string {
	return slices.Concat(c.Packages[""], c.Packages[release])
}

// Order is the place of a kind among Kinds.
func (c Component) Order() int { return orderOf(c.Kind) }
