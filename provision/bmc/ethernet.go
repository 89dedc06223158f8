package bmc

import (
	"context"
	"net/netip"
	"strings"
)

// findEthernet picks the interface that the BMC is managed through.
func (c *Controller) findEthernet(ctx context.Context) (string, error) {
	uri, err := c.follow(ctx, inManager, "EthernetInterfaces")
	if err != nil {
		return "", err
	}
	members, err := c.members(ctx, uri)
	if err != nil {
		return "", err
	}
	if len(members) == 1 {
		return members[0], nil
	}
	best, bestScore := "", 0
	for _, uri := range members[:min(len(members), maxMembers)] {
		if internalName(uri[strings.LastIndex(uri, "/")+1:]) {
			continue
		}
		d, err := c.get(ctx, uri)
		if gone(err) {
			continue
		} else if err != nil {
			return "", err
		}
		if score := suitability(d, c.at.Address.Addr()); score > bestScore {
			best, bestScore = uri, score
			c.where.docs[inEthernet] = d
		}
	}
	if best == "" {
		return "", unsupported("none of the %d interfaces of the manager leads outside", len(members))
	}
	return best, nil
}

// suitability says how sure it is that an interface is the one to manage. The
// address we came in through decides; behind a tunnel the other facts do.
func suitability(d document, here netip.Addr) int {
	if internal(d) {
		return 0
	}
	score := 1
	if d.at("InterfaceEnabled") == true {
		score += 20
	}
	if d.text("LinkStatus") == "LinkUp" {
		score += 10
	}
	for _, e := range append(d.list("IPv4Addresses"), d.list("IPv6Addresses")...) {
		o, _ := e.(object)
		a, ok := parseAddr(o["Address"])
		if ok && a == here.Unmap().WithZone("") {
			score += 100
		}
		if _, routed := parseAddr(o["Gateway"]); ok && routed {
			score += 8
		}
	}
	switch d.text("Oem", "Hpe", "InterfaceType") {
	case "Dedicated":
		score += 4
	case "Shared":
		score--
	}
	return score
}

// internal reports whether an interface leads to the host or another chip:
// it is part of a host interface, or all it has is a link-local address.
func internal(d document) bool {
	if internalName(d.text("Id")) || d.has("Links", "HostInterface") || d.text("Oem", "Hpe", "InterfaceType") == "HostInterface" {
		return true
	}
	list := d.list("IPv4Addresses")
	for _, e := range list {
		o, _ := e.(object)
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
