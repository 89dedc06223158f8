package bmc

import (
	"slices"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// The readers and writers of the standard schemas EthernetInterface,
// ManagerNetworkProtocol and ComputerSystem.

func readIPv4Address(d redfish.Document) (*state.Attr, error) {
	list, err := ipv4(d)
	if err != nil {
		return nil, err
	}
	return attr(prefixes(list)...), nil
}

// ipv4 returns the static addresses. IPv4StaticAddresses came with
// EthernetInterface v1_4_0; before it, and on Cisco, AddressOrigin tells.
func ipv4(d redfish.Document) ([]static, error) {
	if d.Has("IPv4StaticAddresses") {
		return slices.DeleteFunc(staticsV4(d.List("IPv4StaticAddresses")), func(s static) bool { return leased(d, s) }), nil
	}
	if !d.Has("IPv4Addresses") {
		return nil, unsupported("the interface %s has no IPv4 addresses", d.ID())
	}
	return staticsV4(onlyStatic(d.List("IPv4Addresses"))), nil
}

// leased reports whether an address listed as static is the one DHCP gave:
// Intel 1.93 mirrors its lease there. GB200 has the same address from both.
func leased(d redfish.Document, s static) bool {
	dhcp := false
	for _, e := range d.List("IPv4Addresses") {
		o, _ := e.(redfish.Object)
		if a, ok := parseAddr(o["Address"]); !ok || a != s.prefix.Addr() {
			continue
		}
		if o["AddressOrigin"] != "DHCP" {
			return false
		}
		dhcp = true
	}
	return dhcp
}

func onlyStatic(list []any) []any {
	var out []any
	for _, e := range list {
		if o, _ := e.(redfish.Object); o["AddressOrigin"] == "Static" {
			out = append(out, e)
		}
	}
	return out
}

func readIPv4Gateway(d redfish.Document) (*state.Attr, error) {
	list, err := ipv4(d)
	if err != nil {
		return nil, err
	}
	gateways := gatewaysOf(list)
	if len(gateways) == 0 && len(list) > 0 {
		// iLO 6 1.66 gives the gateway with IPv4Addresses only.
		for _, s := range staticsV4(onlyStatic(d.List("IPv4Addresses"))) {
			if s.prefix == list[0].prefix {
				gateways = gatewaysOf([]static{s})
			}
		}
	}
	return attr(gateways...), nil
}

func readDHCP(d redfish.Document) (*state.Attr, error) {
	if d.Has("DHCPv4", "DHCPEnabled") {
		return onOff(d.At("DHCPv4", "DHCPEnabled"), "DHCPEnabled")
	}
	// Before EthernetInterface v1_4_0 only the origin tells.
	list := d.List("IPv4Addresses")
	if len(list) == 0 {
		return nil, unsupported("the interface %s has no DHCPv4", d.ID())
	}
	for _, e := range list {
		if o, _ := e.(redfish.Object); o["AddressOrigin"] == "DHCP" {
			return attr("on"), nil
		}
	}
	return attr("off"), nil
}

func readIPv6Address(d redfish.Document) (*state.Attr, error) {
	switch {
	case d.Has("IPv6StaticAddresses"):
		return attr(prefixes(staticsV6(d.List("IPv6StaticAddresses")))...), nil
	case d.Has("IPv6Addresses"):
		return attr(prefixes(staticsV6(onlyStatic(d.List("IPv6Addresses"))))...), nil
	}
	return nil, unsupported("the interface %s has no IPv6 addresses", d.ID())
}

func readIPv6Gateway(d redfish.Document) (*state.Attr, error) {
	if d.Has("IPv6StaticDefaultGateways") {
		var out []string
		for _, e := range d.List("IPv6StaticDefaultGateways") {
			o, _ := e.(redfish.Object)
			if a, ok := parseAddr(o["Address"]); ok {
				out = append(out, a.String())
			}
		}
		return attr(out...), nil
	}
	if !d.Has("IPv6DefaultGateway") {
		return nil, unsupported("the interface %s has no IPv6 gateway", d.ID())
	}
	// A link-local one was learned from a router, not set.
	if a, ok := parseAddr(d.At("IPv6DefaultGateway")); ok && !a.IsLinkLocalUnicast() {
		return attr(a.String()), nil
	}
	return attr(), nil
}

func readHostname(d redfish.Document) (*state.Attr, error) {
	if !d.Has("HostName") {
		return nil, unsupported("the interface %s has no HostName", d.ID())
	}
	if s := d.Text("HostName"); !placeholder(s) {
		return attr(redfish.Value(s)), nil
	}
	return nil, nil
}

func writeHostname(d redfish.Document, want state.Attr) (redfish.Object, error) {
	if !d.Has("HostName") {
		return nil, unsupported("the interface %s has no HostName", d.ID())
	}
	s, err := one(want)
	return redfish.Object{"HostName": s}, err
}

func readDNS(d redfish.Document) (*state.Attr, error) {
	if d.Has("StaticNameServers") {
		return attr(clean(d.List("StaticNameServers"))...), nil
	}
	if !d.Has("NameServers") {
		return nil, unsupported("the interface %s has no name servers", d.ID())
	}
	// NameServers holds the ones in use, whoever set them: they are a setting
	// only where no DHCP server can have.
	if dhcp, err := readDHCP(d); err == nil && dhcp.Values[0] == "off" {
		return attr(clean(d.List("NameServers"))...), nil
	}
	return nil, unsupported("the interface %s does not tell name servers that were set from those of DHCP", d.ID())
}

// writeDNS writes the list; slots is how many entries a fixed one has.
func writeDNS(slots int) func(redfish.Document, state.Attr) (redfish.Object, error) {
	return func(d redfish.Document, want state.Attr) (redfish.Object, error) {
		if !d.Has("StaticNameServers") {
			return nil, unsupported("the interface %s has no StaticNameServers", d.ID())
		}
		return redfish.Object{"StaticNameServers": asJSON(want.Values, slots, "")}, nil
	}
}

// asJSON makes a JSON array, filled up to n with pad.
func asJSON(values []string, n int, pad string) []any {
	out := []any{}
	for _, v := range values {
		out = append(out, v)
	}
	for len(out) < n {
		out = append(out, pad)
	}
	return out
}

func readNTP(d redfish.Document) (*state.Attr, error) {
	if !d.Has("NTP", "NTPServers") {
		return nil, unsupported("the network protocol has no NTP servers")
	}
	if d.At("NTP", "ProtocolEnabled") == false {
		// Servers that are not asked are none: Supermicro X13 lists
		// "localhost" and AMI pool.ntp.org while NTP is off.
		return attr(), nil
	}
	return attr(clean(d.List("NTP", "NTPServers"))...), nil
}

func writeNTP(d redfish.Document, want state.Attr) (redfish.Object, error) {
	if !d.Has("NTP", "NTPServers") {
		return nil, unsupported("the network protocol has no NTP servers")
	}
	return redfish.Object{"NTP": redfish.Object{"NTPServers": asJSON(want.Values, 0, ""), "ProtocolEnabled": len(want.Values) > 0}}, nil
}
