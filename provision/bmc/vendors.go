package bmc

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// What the rows of the quirk table read and write, but for Dell's.

// powerHPE is PowerAutoOn of HpeComputerSystemExt.
func powerHPE() []word {
	return []word{{"PowerOn", "always-on"}, {"RemainOff", "always-off"}, {"Restore", "last-state"}}
}

// powerLenovo is PowerRestorePolicy of LenovoPower.
func powerLenovo() []word {
	return []word{{"AlwaysOn", "always-on"}, {"AlwaysOff", "always-off"}, {"Restore", "last-state"}}
}

// iLO has one switch for HTTP and HTTPS, and with them Redfish. Port 80 alone is
// closed by the port being 0, which is how it reads then.
func readHPEHTTP(d redfish.Document) (*state.Attr, error) {
	port, ok := d.At("HTTP", "Port").(float64)
	switch {
	case !ok:
		return nil, unsupported("the network protocol has no port of HTTP")
	case port == 0:
		return attr("off"), nil
	}
	return attr("on"), nil
}

func writeHPEHTTP(_ redfish.Document, want state.Attr) (redfish.Object, error) {
	on, err := wantOn(want)
	port := 0
	if on {
		port = 80
	}
	return nest(port, "HTTP", "Port"), err
}

// hpePending reads ConfigurationSettings, which trees give as "Current".
func hpePending(d redfish.Document) bool {
	s := cmp.Or(d.Text("Oem", "Hpe", "ConfigurationSettings"), d.Text("ConfigurationSettings"))
	return s != "" && s != "Current"
}

func hpeFixedVLAN(d redfish.Document) string {
	if d.Text("Oem", "Hpe", "InterfaceType") == "Dedicated" {
		return "iLO tags VLANs on its shared port only, and this is the dedicated one"
	}
	return ""
}

func readHPENTP(d redfish.Document) (*state.Attr, error) {
	if !d.Has("StaticNTPServers") {
		return nil, unsupported("DateTime has no StaticNTPServers")
	}
	return attr(clean(d.List("StaticNTPServers"))...), nil
}

func writeHPENTP(d redfish.Document, want state.Attr) (redfish.Object, error) {
	if len(want.Values) > 2 {
		return nil, unsupported("iLO takes two NTP servers, not %d", len(want.Values))
	}
	return redfish.Object{"StaticNTPServers": asJSON(want.Values, 2, "")}, nil
}

// hpeOwnNTP keeps DHCP from setting the time servers; nil when it does not.
func hpeOwnNTP(eth redfish.Document) redfish.Object {
	out := redfish.Object{}
	for _, family := range []string{"DHCPv4", "DHCPv6"} {
		if eth.At(family, "UseNTPServers") == true {
			out[family] = redfish.Object{"UseNTPServers": false}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func writeHPEHostname(d redfish.Document, want state.Attr) (redfish.Object, error) {
	s, err := one(want)
	return nest(s, "Oem", "Hpe", "HostName"), err
}

func writeHPEDNS(d redfish.Document, want state.Attr) (redfish.Object, error) {
	body, err := writeDNSApart(d, want)
	if err != nil {
		return nil, err
	}
	for _, family := range []string{"DHCPv4", "DHCPv6"} {
		if d.At(family, "UseDNSServers") == true {
			body[family] = redfish.Object{"UseDNSServers": false}
		}
	}
	return body, nil
}

// writeDNSApart writes six places, three IPv4 before three IPv6.
func writeDNSApart(d redfish.Document, want state.Attr) (redfish.Object, error) {
	v4, v6, err := apart(want.Values)
	if err != nil {
		return nil, err
	}
	if len(v4) > 3 || len(v6) > 3 {
		return nil, unsupported("this controller takes three name servers of each family")
	}
	return redfish.Object{"StaticNameServers": append(asJSON(v4, 3, "0.0.0.0"), asJSON(v6, 3, "::")...)}, nil
}

// apart splits addresses by family. The order must be IPv4 first, because
// that is how such a controller gives them back.
func apart(values []string) (v4, v6 []string, err error) {
	for _, s := range values {
		a, err := netip.ParseAddr(s)
		switch {
		case err != nil:
			return nil, nil, fmt.Errorf("%w: name server %q: %w", errValue, s, err)
		case a.Is4():
			v4 = append(v4, s)
		default:
			v6 = append(v6, s)
		}
	}
	if !slices.Equal(slices.Concat(v4, v6), values) {
		return nil, nil, unsupported("this controller keeps IPv4 name servers before IPv6 ones; list them so")
	}
	return v4, v6, nil
}

// writeNTPSlots fills the places that are there.
func writeNTPSlots(d redfish.Document, want state.Attr) (redfish.Object, error) {
	if !d.Has("NTP", "NTPServers") {
		return nil, unsupported("the network protocol has no NTP servers")
	}
	places := len(d.List("NTP", "NTPServers"))
	if places > 0 && len(want.Values) > places {
		return nil, unsupported("this controller takes %d NTP servers, not %d", places, len(want.Values))
	}
	return redfish.Object{"NTP": redfish.Object{"NTPServers": asJSON(want.Values, places, ""), "ProtocolEnabled": len(want.Values) > 0}}, nil
}

// powerSupermicro is RestoreonACPowerLoss of the BIOS.
func powerSupermicro() []word {
	return []word{{"Power On", "always-on"}, {"Stay Off", "always-off"}, {"Last State", "last-state"}}
}

// supermicroPower is the BIOS attribute of the power policy, whose suffix
// differs from board to board; "" where there is none.
func supermicroPower(d redfish.Document) string {
	all, _ := d.At("Attributes").(redfish.Object)
	for _, name := range sortedKeys(all) {
		if strings.HasPrefix(name, "RestoreonACPowerLoss") {
			return name
		}
	}
	return ""
}

func readSupermicroPower(d redfish.Document) (*state.Attr, error) {
	name := supermicroPower(d)
	if name == "" {
		return nil, unsupported("neither the system nor its BIOS has a power policy")
	}
	return readEnum(powerSupermicro, "Attributes", name)(d)
}

func writeSupermicroPower(d redfish.Document, want state.Attr) (redfish.Object, error) {
	return writeEnum(powerSupermicro, "Attributes", supermicroPower(d))(d, want)
}

func readSupermicroNTP(d redfish.Document) (*state.Attr, error) {
	if !d.Has("NTPEnable") {
		return nil, unsupported("the manager has no NTP")
	}
	if d.At("NTPEnable") != true {
		return attr(), nil
	}
	return attr(clean([]any{d.At("PrimaryNTPServer"), d.At("SecondaryNTPServer")})...), nil
}

func writeSupermicroNTP(d redfish.Document, want state.Attr) (redfish.Object, error) {
	if len(want.Values) > 2 {
		return nil, unsupported("this controller takes two NTP servers, not %d", len(want.Values))
	}
	list := asJSON(want.Values, 2, "")
	return redfish.Object{"NTPEnable": len(want.Values) > 0, "PrimaryNTPServer": list[0], "SecondaryNTPServer": list[1]}, nil
}
