package bmc

import (
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// placeholder reports whether a vendor means "none" by a string. Seen: "::"
// and "0.0.0.0" on iLO, iDRAC and XCC, "" on XCC, "(null)" on Supermicro X13,
// "0:0:0:0:0:0:0:0" on OpenBMC, "None" on AMI.
func placeholder(s string) bool {
	switch s {
	case "", "(null)", "null", "None", "N/A":
		return true
	}
	a, err := netip.ParseAddr(s)
	return err == nil && a.IsUnspecified()
}

// maxTexts bounds how many values a setting has.
const maxTexts = 256

// clean returns the strings of a list that mean something, in order and in
// one spelling. Anything else in the list is skipped. A list without end ends in a
// mark, and is no other.
func clean(list []any) []string {
	var out []string
	for _, e := range list {
		s, _ := e.(string)
		if s = strings.TrimSpace(s); placeholder(s) {
			continue
		}
		if len(out) == maxTexts {
			return append(out, "…")
		}
		out = append(out, canonical(redfish.Value(s)))
	}
	return out
}

// canonical gives addresses their one spelling (RFC 5952) and lets names be.
func canonical(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().WithZone("").String()
	}
	return s
}

// static is one configured address of an interface.
type static struct {
	prefix  netip.Prefix
	gateway netip.Addr // may be invalid
	index   int        // its place in the array
}

// parseAddr returns an address that means something.
func parseAddr(v any) (netip.Addr, bool) {
	s, _ := v.(string)
	a, err := netip.ParseAddr(strings.TrimSpace(s))
	if err != nil || a.IsUnspecified() {
		return netip.Addr{}, false
	}
	return a.Unmap().WithZone(""), true
}

// staticsV4 reads IPv4StaticAddresses or the static ones of IPv4Addresses.
// iDRAC 7.10 lists its idle static address with origin DHCP.
func staticsV4(list []any) []static {
	var out []static
	for i, e := range list {
		o, _ := e.(redfish.Object)
		a, ok := parseAddr(o["Address"])
		if !ok || !a.Is4() || !isStatic(o) {
			continue
		}
		bits, ok := maskBits(o["SubnetMask"])
		if !ok {
			continue
		}
		s := static{prefix: netip.PrefixFrom(a, bits), index: i}
		if g, ok := parseAddr(o["Gateway"]); ok && g.Is4() {
			s.gateway = g
		}
		out = append(out, s)
	}
	return out
}

// staticsV6 reads IPv6StaticAddresses or the static ones of IPv6Addresses.
// Link-local ones are nobody's setting: Supermicro X10 lists its own there.
func staticsV6(list []any) []static {
	var out []static
	for i, e := range list {
		o, _ := e.(redfish.Object)
		a, ok := parseAddr(o["Address"])
		bits, ok2 := o["PrefixLength"].(float64)
		if !ok || !a.Is6() || a.IsLinkLocalUnicast() || !isStatic(o) {
			continue
		}
		if !ok2 || bits < 0 || bits > 128 || bits != math.Trunc(bits) {
			continue
		}
		out = append(out, static{prefix: netip.PrefixFrom(a, int(bits)), index: i})
	}
	return out
}

func isStatic(o redfish.Object) bool {
	origin, _ := o["AddressOrigin"].(string)
	return origin == "" || origin == "Static"
}

// maskBits reads "255.255.255.240", and refuses a mask with holes.
func maskBits(v any) (int, bool) {
	s, _ := v.(string)
	a, err := netip.ParseAddr(strings.TrimSpace(s))
	if err != nil || !a.Is4() {
		return 0, false
	}
	b := a.As4()
	ones, size := net.IPMask(b[:]).Size()
	return ones, size == 32
}

// mask is the inverse of maskBits.
func mask(bits int) string { return net.IP(net.CIDRMask(bits, 32)).String() }

func prefixes(list []static) []string {
	var out []string
	for _, s := range list {
		out = append(out, s.prefix.String())
	}
	return out
}

// gatewaysOf returns the distinct gateways of static addresses in order.
func gatewaysOf(list []static) []string {
	var out []string
	for _, s := range list {
		if g := s.gateway.String(); s.gateway.IsValid() && !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// moment reads a time as controllers write it; without a zone it is UTC.
func moment(text string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
