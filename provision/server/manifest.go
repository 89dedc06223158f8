package server

import (
	"strings"

	"github.com/raiz-dns/raiz/provision/state"
)

// Manifest is a generation: everything that is managed, whole, whether it
// changes or not. The server keeps it, without the bytes of secret files.
type Manifest struct {
	Plan  string `json:"plan"`            // the first digits of the plan's digest
	Files []File `json:"files,omitempty"` // in the order in which they are put in place
	Units []Unit `json:"units,omitempty"`
	// Deletes are paths that an earlier generation managed and this one does
	// not.
	Deletes []string `json:"deletes,omitempty"`
	// Links are the network links that the generation manages.
	Links []Link `json:"links,omitempty"`
	// Declared is what has to answer before the generation may be confirmed.
	// The server keeps it for a rollback and does not read it.
	Declared []byte `json:"declared,omitempty"`
}

// File is a file to have.
type File struct {
	Path   string `json:"path"`
	Mode   uint32 `json:"mode"` // permission bits
	Owner  string `json:"owner"`
	Group  string `json:"group"`
	Secret bool   `json:"secret,omitempty"`
	// Data is empty in the manifest that is kept: the bytes are beside it, or
	// for a secret file nowhere but in the file.
	Data []byte `json:"data,omitempty"`
	// Sum is the SHA-256 of Data in hex; empty for a secret file that is kept.
	Sum   string   `json:"sum,omitempty"`
	Check []string `json:"check,omitempty"` // argv; "{}" stands for the path of the staged file
	// Effect is what has to be done when the file changes, comes or goes, and
	// where what runs is not what it says.
	Effect *Action `json:"effect,omitempty"`
	// Runtime is how the latter is seen; nil where it is not looked at.
	Runtime *state.Runtime `json:"runtime,omitempty"`
}

// Action is something to do to a unit, or a command to run, once all files are
// in place. Exactly one of Unit and Run is set.
type Action struct {
	Order int      `json:"order"` // lower ones first: loopback, then DNS, then BGP
	Verb  string   `json:"verb,omitempty"`
	Unit  string   `json:"unit,omitempty"`
	Run   []string `json:"run,omitempty"`
	// Gap says that queries or sessions are lost meanwhile: the blocks are
	// drained before.
	Gap bool `json:"gap,omitempty"`
}

// The verbs of an action, the weakest first: what is restarted need not be
// reloaded.
const (
	ActStart   = "start"
	ActReload  = "reload"
	ActRestart = "restart"
)

// Unit is a systemd unit to have.
type Unit struct {
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	Active  bool   `json:"active"`
	Order   int    `json:"order"`
}

// Match finds a link by name or by MAC; exactly one is set.
type Match struct {
	Name string `json:"name,omitempty"`
	MAC  string `json:"mac,omitempty"`
}

// MatchOf is how an interface is found: by its MAC, where it is one.
func MatchOf(iface string) Match {
	if strings.Contains(iface, ":") {
		return Match{MAC: iface}
	}
	return Match{Name: iface}
}

// Link is a network link and all that it is to have: other addresses that are
// not link-local, and other default routes through it, are taken away.
type Link struct {
	Match     Match    `json:"match"`
	Addresses []string `json:"addresses,omitempty"` // ADDRESS/LENGTH
	Gateways  []string `json:"gateways,omitempty"`  // default routes of the main table
	MTU       int      `json:"mtu,omitempty"`       // bytes; 0 is whatever it has
}
