package bmc

import (
	"net/netip"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// holds reports whether an interface has an address, or was given it.
func holds(d redfish.Document, here netip.Addr) bool {
	here = here.Unmap().WithZone("")
	for _, name := range []string{"IPv4Addresses", "IPv4StaticAddresses", "IPv6Addresses", "IPv6StaticAddresses"} {
		for _, e := range d.List(name) {
			o, _ := e.(redfish.Object)
			if a, ok := parseAddr(o["Address"]); ok && a == here {
				return true
			}
		}
	}
	return false
}

// decided is more than everything else together can speak for an interface.
const decided = 1000

// suitability says how sure it is that an interface is the one to manage. The
// address we came in through decides; behind a tunnel the other facts do.
func suitability(d redfish.Document, here netip.Addr) int {
	if internal(d) {
		return 0
	}
	score := 1
	if d.At("InterfaceEnabled") == true {
		score += 20
	}
	if d.Text("LinkStatus") == "LinkUp" {
		score += 10
	}
	for _, e := range append(d.List("IPv4Addresses"), d.List("IPv6Addresses")...) {
		o, _ := e.(redfish.Object)
		_, ok := parseAddr(o["Address"])
		if _, routed := parseAddr(o["Gateway"]); ok && routed && score < decided/2 {
			score += 8
		}
	}
	if holds(d, here) {
		score += decided
	}
	switch d.Text("Oem", "Hpe", "InterfaceType") {
	case "Dedicated":
		score += 4
	case "Shared":
		score--
	}
	return score
}

// internal reports whether an interface leads to the host or another chip:
// it is part of a host interface, or all it has is a link-local address.
func internal(d redfish.Document) bool {
	if internalName(d.Text("Id")) || d.Has("Links", "HostInterface") || d.Text("Oem", "Hpe", "InterfaceType") == "HostInterface" {
		return true
	}
	list := d.List("IPv4Addresses")
	for _, e := range list {
		o, _ := e.(redfish.Object)
		if a, ok := parseAddr(o["Address"]); !ok || !a.IsLinkLocalUnicast() {
			return false
		}
	}
	return len(list) > 0
}

// internalName knows the names of internal interfaces: usb0 on AMI and
// OpenBMC, hmcusb0 and hostusb0 on GB200, ToHost on XCC and Supermicro.
func internalName(id string) bool {
	id = strings.ToLower(id)
	return strings.Contains(id, "usb") || id == "tohost"
}
