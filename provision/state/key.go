package state

import (
	"cmp"
	"fmt"
	"strings"
)

// Kind is the sort of thing a Key names. The order of the constants is the
// order in which a plan lists and handles them.
type Kind uint8

const (
	// Setting is one setting of the BMC; its Value is an Attr.
	Setting Kind = iota + 1
	// Package is a package of the operating system; its Value is an Attr
	// with the one value "installed".
	Package
	// Path is a file on the server; its Value is a File.
	Path
	// Unit is a systemd unit; its Value is a Service.
	Unit
	// Live is something the running kernel has, such as an address on an
	// interface; its Value is an Attr, mostly with the one value "present".
	Live
	// Running is what runs of a file; its Value is an Attr: AsDeclared, or the
	// differences, a line each.
	Running
)

var kindNames = [...]string{Setting: "bmc", Package: "package", Path: "file", Unit: "service", Live: "live", Running: "running"}

// String returns the word that reports and plan files use.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Key names one thing of one site, such as "file /etc/resolv.conf". It is
// comparable and ordered.
type Key struct {
	Kind Kind
	Name string
}

// What a Live key is about: the first word of its name.
const (
	LiveAddress = "address" // ADDRESS/LENGTH on an interface
	LiveDefault = "default" // a default route of the main table, by a gateway
	LiveManager = "manager" // which program manages an interface
	LiveMTU     = "mtu"     // bytes
)

// RunningKey names what runs of a file.
func RunningKey(path string) Key { return Key{Kind: Running, Name: path} }

// AsDeclared is the value of what runs as its file says.
func AsDeclared() Attr { return Text("declared") }

// AddressKey names an address that an interface of the running kernel has, as
// ADDRESS/LENGTH.
func AddressKey(iface, address string) Key { return liveKey(LiveAddress, iface, address) }

// DefaultKey names a default route through an interface.
func DefaultKey(iface, gateway string) Key { return liveKey(LiveDefault, iface, gateway) }

// ManagerKey names the program that manages an interface. Its Value is an Attr
// with the name of that program.
func ManagerKey(iface string) Key { return liveKey(LiveManager, iface) }

// MTUKey names the MTU of an interface. Its Value is a number of bytes, as text.
func MTUKey(iface string) Key { return liveKey(LiveMTU, iface) }

func liveKey(words ...string) Key { return Key{Kind: Live, Name: strings.Join(words, " ")} }

// Live returns what a Live key is about, the interface, and the address or the
// gateway.
func (k Key) Live() (what, iface, value string) {
	what, rest, _ := strings.Cut(k.Name, " ")
	iface, value, _ = strings.Cut(rest, " ")
	return what, iface, value
}

// String returns the key in the words of a plan.
func (k Key) String() string { return k.Kind.String() + " " + k.Name }

// Compare orders keys by kind, then by name.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Kind, o.Kind), cmp.Compare(k.Name, o.Name))
}
