package site

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
)

// bmcSetting is a setting of a BMC and the attribute that declares it.
type bmcSetting struct{ name, attribute string }

// bmcSettings are all that raiz knows to set. What has no attribute is either
// the same on every site, or is needed to reach the BMC, whoever set it.
func bmcSettings() []bmcSetting {
	out := []bmcSetting{
		{"account", ""}, {"factory-account", ""}, {"hostname", "hostname"}, {"dns", "dns"}, {"ntp", "ntp"}, {"ipmi", ""}, {"serial-console", "serial_console"},
		{"https-certificate", "https"}, {"power-restore", "power_restore"}, {"boot", "boot"}, {"boot-order", "boot_order"}, {"vlan", "vlan"},
		{"ipv4.dhcp", ""}, {"ipv4.address", ""}, {"ipv4.gateway", "gateways"}, {"ipv6.address", ""}, {"ipv6.gateway", "gateways"},
	}
	for _, p := range protocolNames() {
		out = append(out, bmcSetting{"protocol." + p, "protocols." + p})
	}
	return out
}

// BMCSettings are the names of all settings of a BMC, sorted.
func BMCSettings() []string {
	var out []string
	for _, s := range bmcSettings() {
		out = append(out, s.name)
	}
	slices.Sort(out)
	return out
}

// unmanaged converts { "protocol.snmp" = "the reason", ... }: what the
// controller does not let be set, and the site wants to be left alone.
func (c *converter) unmanaged(attr *hcl.Attribute) map[string]string {
	if attr == nil {
		return nil
	}
	words, _ := c.keyed(attr, BMCSettings()...)
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(words)) {
		w := words[name]
		if c.passes(w.at, w.val, plain("The reason why "+name+" is left alone", maxIdentity)) {
			out[name] = w.val
		}
	}
	return out
}

// declaredOnce refuses a setting that is declared and left alone as well.
func (c *converter) declaredOnce(raw *rawBMC, b *BMC) {
	if raw.Unmanaged == nil {
		return
	}
	places := keyRanges(raw.Unmanaged.Expr)
	for _, s := range bmcSettings() {
		if _, off := b.Unmanaged[s.name]; !off || !declares(raw, b, s.name) {
			continue
		}
		at, ok := places[s.name]
		if !ok {
			at = raw.Unmanaged.Expr.Range()
		}
		c.fail(at, problem{"bmc-unmanaged", "both declared and left alone", fmt.Sprintf(
			"%s declares %s, and unmanaged says to leave it alone. Take one of them out.", s.attribute, s.name)})
	}
}

// declares reports whether a site says what a setting is to be.
func declares(raw *rawBMC, b *BMC, name string) bool {
	if p, ok := strings.CutPrefix(name, "protocol."); ok {
		_, declared := b.Protocols[p]
		return declared
	}
	family := func(is4 bool) bool {
		for _, g := range b.Gateways {
			if g.Is4() == is4 {
				return true
			}
		}
		return false
	}
	switch name {
	case "ipv4.gateway":
		return family(true)
	case "ipv6.gateway":
		return family(false)
	case "https-certificate":
		return raw.HTTPS != nil
	}
	return map[string]*hcl.Attribute{
		"hostname": raw.Hostname, "dns": raw.DNS, "ntp": raw.NTP, "power-restore": raw.PowerRestore, "serial-console": raw.Serial,
		"boot": raw.Boot, "boot-order": raw.BootOrder, "vlan": raw.VLAN,
	}[name] != nil
}

// bmcHelpers converts resolvers and time servers: each is needed unless it is
// left alone.
func (c *converter) bmcHelpers(raw *rawBMC, b *BMC) {
	_, noDNS := b.Unmanaged["dns"]
	_, noNTP := b.Unmanaged["ntp"]
	switch {
	case noNTP && raw.NTP == nil:
		b.DNS = values(c.addrs(raw.DNS, "a resolver", forHelper))
	case noDNS && raw.DNS == nil && raw.NTP != nil:
		b.NTP = c.hosts(c.texts(raw.NTP), "a time server") // who resolves a name is not known here
	default:
		b.DNS, b.NTP = c.helpers(raw.DNS, raw.NTP, raw.Range, "the BMC")
	}
}

// UnmanagedLines are the lines to write into the bmc block so that these
// settings are left alone as well, for reasons that others have worded, and
// the attributes that declare them now, which have to go.
func (b *BMC) UnmanagedLines(reasons map[string]string) (lines, declared []string) {
	all := maps.Clone(b.Unmanaged)
	if all == nil {
		all = map[string]string{}
	}
	for name, why := range reasons {
		all[name] = asReason(why)
	}
	lines = append(lines, "unmanaged = {")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		lines = append(lines, "  "+strconv.Quote(name)+" = "+strconv.Quote(all[name]))
	}
	for _, s := range bmcSettings() {
		_, refused := reasons[s.name]
		switch {
		case refused && s.attribute == "gateways":
			declared = append(declared, "gateways (that of "+map[string]string{"ipv4.gateway": "IPv4", "ipv6.gateway": "IPv6"}[s.name]+")")
		case refused && s.attribute != "":
			declared = append(declared, s.attribute)
		}
	}
	slices.Sort(declared)
	return append(lines, "}"), slices.Compact(declared)
}

// asReason makes any text a reason that a site file takes.
func asReason(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || strings.ContainsRune(unsafe, r) || strings.ContainsRune(`"\$%{}`, r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	if r := []rune(strings.Join(strings.Fields(s), " ")); len(r) > maxIdentity {
		return strings.TrimSpace(string(r[:maxIdentity]))
	} else if len(r) > 0 {
		return string(r)
	}
	return "the controller refuses it"
}
