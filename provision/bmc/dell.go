package bmc

import (
	"fmt"
	"net/netip"
	"strconv"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// iDRAC keeps the settings of its network in DellAttributes, a flat table of
// names such as IPv4Static.1.Address. Integers must be JSON integers.

// powerDell is the BIOS attribute AcPwrRcvry.
func powerDell() []word {
	return []word{{"On", "always-on"}, {"Off", "always-off"}, {"Last", "last-state"}}
}

func dellProfile(t *profile) {
	t.network = dellNetwork
	t.settings[hostnameName] = setting{in: inAttributes, read: readDellHostname, body: writeDellHostname}
	t.settings[dnsName] = setting{in: inAttributes, read: readDellDNS, body: writeDellDNS}
	t.settings[ntpName] = setting{in: inAttributes, read: readDellNTP, body: writeDellNTP}
	for name, attribute := range dellSwitches() {
		t.settings[name] = setting{in: inAttributes, read: readDellSwitch(attribute), body: writeDellSwitch(attribute)}
	}
	t.settings[httpName] = setting{in: inAttributes, read: readDellHTTP, body: writeDellHTTP}
	t.settings[vlanName] = setting{in: inAttributes, read: readDellVLAN}
	t.settings[ipv4DHCPName] = setting{in: inAttributes, read: readDellSwitch("IPv4.1.DHCPEnable")}
	t.settings[ipv4AddressName] = setting{in: inAttributes, read: readDellIPv4}
	t.settings[ipv4GatewayName] = setting{in: inAttributes, read: readDellGateway4}
	t.settings[ipv6AddressName] = setting{in: inAttributes, read: readDellIPv6}
	t.settings[ipv6GatewayName] = setting{in: inAttributes, read: readDellGateway6}
}

// attribute returns one attribute's text.
func attribute(d redfish.Document, name string) (string, error) {
	if !d.Has("Attributes", name) {
		return "", unsupported("iDRAC has no attribute %s", name)
	}
	return d.Text("Attributes", name), nil
}

// attributes is the body of a write.
func attributes(values redfish.Object) redfish.Object {
	return redfish.Object{"@Redfish.OperationApplyTime": "Immediate", "Attributes": values}
}

func enabled(on bool) string {
	if on {
		return "Enabled"
	}
	return "Disabled"
}

func readDellSwitch(name string) func(redfish.Document) (*state.Attr, error) {
	return func(d redfish.Document) (*state.Attr, error) {
		s, err := attribute(d, name)
		switch {
		case err != nil:
			return nil, err
		case s == "Enabled":
			return attr("on"), nil
		case s == "Disabled":
			return attr("off"), nil
		}
		return nil, fmt.Errorf("read %s: %q is no known value", name, redfish.Short(s))
	}
}

func readDellHostname(d redfish.Document) (*state.Attr, error) {
	s, err := attribute(d, "NIC.1.DNSRacName")
	if err != nil || placeholder(s) {
		return nil, err
	}
	return attr(redfish.Value(s)), nil
}

func writeDellHostname(_ redfish.Document, want state.Attr) (redfish.Object, error) {
	s, err := one(want)
	return attributes(redfish.Object{"NIC.1.DNSRacName": s}), err
}

// dellList returns the attributes of these names that mean something.
func dellList(d redfish.Document, names ...string) (*state.Attr, error) {
	var list []any
	for _, n := range names {
		s, err := attribute(d, n)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return attr(clean(list)...), nil
}

func readDellDNS(d redfish.Document) (*state.Attr, error) {
	return dellList(d, "IPv4Static.1.DNS1", "IPv4Static.1.DNS2", "IPv6Static.1.DNS1", "IPv6Static.1.DNS2")
}

func writeDellDNS(_ redfish.Document, want state.Attr) (redfish.Object, error) {
	v4, v6, err := apart(want.Values)
	if err != nil {
		return nil, err
	}
	if len(v4) > 2 || len(v6) > 2 {
		return nil, unsupported("iDRAC takes two name servers of each family")
	}
	list4, list6 := asJSON(v4, 2, "0.0.0.0"), asJSON(v6, 2, "::")
	return attributes(redfish.Object{
		"IPv4.1.DNSFromDHCP": enabled(false),
		"IPv4Static.1.DNS1":  list4[0], "IPv4Static.1.DNS2": list4[1],
		"IPv6Static.1.DNS1": list6[0], "IPv6Static.1.DNS2": list6[1],
	}), nil
}

func readDellNTP(d redfish.Document) (*state.Attr, error) {
	on, err := readDellSwitch("NTPConfigGroup.1.NTPEnable")(d)
	if err != nil || on.Values[0] == "off" {
		return attr(), err
	}
	return dellList(d, "NTPConfigGroup.1.NTP1", "NTPConfigGroup.1.NTP2", "NTPConfigGroup.1.NTP3")
}

func writeDellNTP(_ redfish.Document, want state.Attr) (redfish.Object, error) {
	if len(want.Values) > 3 {
		return nil, unsupported("iDRAC takes three NTP servers, not %d", len(want.Values))
	}
	body := redfish.Object{"NTPConfigGroup.1.NTPEnable": enabled(len(want.Values) > 0)}
	for i, s := range asJSON(want.Values, 3, "") {
		body["NTPConfigGroup.1.NTP"+strconv.Itoa(i+1)] = s
	}
	return attributes(body), nil
}

// dellSwitches are the attributes that switch a service.
func dellSwitches() map[string]string {
	return map[string]string{
		ipmiName: "IPMILan.1.Enable", sshName: "SSH.1.Enable", telnetName: "Telnet.1.Enable", snmpName: "SNMP.1.AgentEnable",
		kvmIPName: "VirtualConsole.1.Enable", virtualMediaName: "VirtualMedia.1.Enable", serialConsoleName: "IPMISOL.1.Enable",
	}
}

func writeDellSwitch(name string) func(redfish.Document, state.Attr) (redfish.Object, error) {
	return func(d redfish.Document, want state.Attr) (redfish.Object, error) {
		if _, err := attribute(d, name); err != nil {
			return nil, err
		}
		on, err := wantOn(want)
		return attributes(redfish.Object{name: enabled(on)}), err
	}
}

// dellHTTP closes port 80, which else redirects to HTTPS.
const dellHTTP = "WebServer.1.BlockHTTPPort"

func readDellHTTP(d redfish.Document) (*state.Attr, error) {
	blocked, err := readDellSwitch(dellHTTP)(d)
	if err != nil {
		return nil, err
	}
	if blocked.Values[0] == "on" {
		return attr("off"), nil
	}
	return attr("on"), nil
}

func writeDellHTTP(d redfish.Document, want state.Attr) (redfish.Object, error) {
	if _, err := attribute(d, dellHTTP); err != nil {
		return nil, err
	}
	on, err := wantOn(want)
	return attributes(redfish.Object{dellHTTP: enabled(!on)}), err
}

func readDellVLAN(d redfish.Document) (*state.Attr, error) {
	on, err := readDellSwitch("NIC.1.VLanEnable")(d)
	if err != nil {
		return nil, err
	}
	if on.Values[0] == "off" {
		return attr("none"), nil
	}
	return vlanID(d.At("Attributes", "NIC.1.VLanID"))
}

func dellVLAN(d redfish.Document, want map[string]state.Attr, body redfish.Object) error {
	if !differs(d, want, vlanName, readDellVLAN) {
		return nil
	}
	if _, err := attribute(d, "NIC.1.VLanEnable"); err != nil {
		return err
	}
	id, err := wantVLAN(want[vlanName])
	if err != nil {
		return err
	}
	body["NIC.1.VLanEnable"] = enabled(id != 0)
	if id != 0 {
		body["NIC.1.VLanID"] = id
	}
	return nil
}

func dellStatic(d redfish.Document) bool {
	return d.Text("Attributes", "IPv4.1.DHCPEnable") == "Disabled"
}

func readDellIPv4(d redfish.Document) (*state.Attr, error) {
	s, err := attribute(d, "IPv4.1.Address")
	if err != nil {
		return nil, err
	}
	a, ok := parseAddr(s)
	bits, ok2 := maskBits(d.At("Attributes", "IPv4.1.Netmask"))
	// With DHCP, IPv4.1 shows the lease and IPv4Static.1 the factory's
	// 192.168.0.120: neither is a static address.
	if !ok || !ok2 || !dellStatic(d) {
		return attr(), nil
	}
	return attr(netip.PrefixFrom(a, bits).String()), nil
}

func readDellGateway4(d redfish.Document) (*state.Attr, error) {
	if _, err := attribute(d, "IPv4.1.Gateway"); err != nil || !dellStatic(d) {
		return attr(), err
	}
	return dellList(d, "IPv4.1.Gateway")
}

func readDellIPv6(d redfish.Document) (*state.Attr, error) {
	s, err := attribute(d, "IPv6Static.1.Address1")
	if err != nil {
		return nil, err
	}
	a, ok := parseAddr(s)
	bits, ok2 := d.At("Attributes", "IPv6Static.1.PrefixLength").(float64)
	if !ok || !ok2 || bits < 0 || bits > 128 {
		return attr(), nil
	}
	return attr(netip.PrefixFrom(a, int(bits)).String()), nil
}

func readDellGateway6(d redfish.Document) (*state.Attr, error) {
	return dellList(d, "IPv6Static.1.Gateway")
}

// dellNetwork builds the attributes of the wanted network. From DHCP to a
// static address it is IPv4Static.1 that counts: IPv4.1.Address in that step
// lands on the old static one (iDRAC-Redfish-Scripting #348). From static to
// static IPv4.1 does.
func dellNetwork(_ profile, d redfish.Document, want map[string]state.Attr) (redfish.Object, error) {
	body := redfish.Object{}
	group := "IPv4.1."
	if differs(d, want, ipv4DHCPName, readDellSwitch("IPv4.1.DHCPEnable")) {
		on, err := wantOn(want[ipv4DHCPName])
		if err != nil {
			return nil, err
		}
		body["IPv4.1.DHCPEnable"] = enabled(on)
		group = "IPv4Static.1."
	} else if !dellStatic(d) {
		group = "IPv4Static.1."
	}
	if differs(d, want, ipv4AddressName, readDellIPv4) || differs(d, want, ipv4GatewayName, readDellGateway4) {
		if err := dellIPv4(d, want, group, body); err != nil {
			return nil, err
		}
	}
	if differs(d, want, ipv6AddressName, readDellIPv6) || differs(d, want, ipv6GatewayName, readDellGateway6) {
		if err := dellIPv6(d, want, body); err != nil {
			return nil, err
		}
	}
	if err := dellVLAN(d, want, body); err != nil {
		return nil, err
	}
	return attributes(body), nil
}

func dellIPv4(d redfish.Document, want map[string]state.Attr, group string, body redfish.Object) error {
	addresses, err := wanted(d, want, ipv4AddressName, readDellIPv4, netip.ParsePrefix)
	if err != nil {
		return err
	}
	gateways, err := wanted(d, want, ipv4GatewayName, readDellGateway4, netip.ParseAddr)
	if err != nil {
		return err
	}
	if len(addresses) > 1 || len(gateways) > 1 {
		return unsupported("iDRAC takes one IPv4 address and gateway")
	}
	body[group+"Address"], body[group+"Netmask"], body[group+"Gateway"] = "0.0.0.0", "0.0.0.0", "0.0.0.0"
	for _, p := range addresses {
		body[group+"Address"], body[group+"Netmask"] = p.Addr().String(), mask(p.Bits())
	}
	for _, g := range gateways {
		body[group+"Gateway"] = g.String()
	}
	return nil
}

func dellIPv6(d redfish.Document, want map[string]state.Attr, body redfish.Object) error {
	addresses, err := wanted(d, want, ipv6AddressName, readDellIPv6, netip.ParsePrefix)
	if err != nil {
		return err
	}
	gateways, err := wanted(d, want, ipv6GatewayName, readDellGateway6, netip.ParseAddr)
	if err != nil {
		return err
	}
	if len(addresses) > 1 || len(gateways) > 1 {
		return unsupported("iDRAC takes one static IPv6 address and gateway")
	}
	body["IPv6.1.Enable"], body["IPv6.1.AutoConfig"] = enabled(true), enabled(false)
	body["IPv6Static.1.Address1"], body["IPv6Static.1.Gateway"] = "::", "::"
	for _, p := range addresses {
		body["IPv6Static.1.Address1"], body["IPv6Static.1.PrefixLength"] = p.Addr().String(), p.Bits()
	}
	for _, g := range gateways {
		body["IPv6Static.1.Gateway"] = g.String()
	}
	return nil
}
