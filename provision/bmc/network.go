package bmc

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// standardNetwork builds the one PATCH of an EthernetInterface that makes the
// wanted network settings so. What is as wanted is left out: OpenBMC deletes
// and creates an address even if it is equal.
func standardNetwork(t profile, d redfish.Document, want map[string]state.Attr) (redfish.Object, error) {
	body := redfish.Object{}
	if err := writeDHCP(t, d, want, body); err != nil {
		return nil, err
	}
	if err := writeIPv4(t, d, want, body); err != nil {
		return nil, err
	}
	if err := writeIPv6(t, d, want, body); err != nil {
		return nil, err
	}
	if err := writeVLAN(t, d, want, body); err != nil {
		return nil, err
	}
	if len(body) == 0 {
		return nil, unsupported("the interface %s has no property for what differs", d.ID())
	}
	return body, nil
}

// differs reports whether a setting is wanted and reads otherwise.
func differs(d redfish.Document, want map[string]state.Attr, name string, read func(redfish.Document) (*state.Attr, error)) bool {
	w, ok := want[name]
	if !ok {
		return false
	}
	have, err := read(d)
	return err != nil || !same(have, w)
}

func writeDHCP(t profile, d redfish.Document, want map[string]state.Attr, body redfish.Object) error {
	if !differs(d, want, ipv4DHCPName, readDHCP) {
		return nil
	}
	if !d.Has("DHCPv4", "DHCPEnabled") {
		return unsupported("the interface %s has no DHCPv4", d.ID())
	}
	on, err := wantOn(want[ipv4DHCPName])
	if err != nil {
		return err
	}
	dhcp := redfish.Object{"DHCPEnabled": on}
	if !on {
		maps.Copy(dhcp, t.dhcpOff)
	}
	body["DHCPv4"] = dhcp
	return nil
}

func writeIPv4(t profile, d redfish.Document, want map[string]state.Attr, body redfish.Object) error {
	if !differs(d, want, ipv4AddressName, readIPv4Address) && !differs(d, want, ipv4GatewayName, readIPv4Gateway) {
		return nil
	}
	_, dhcpChanges := body["DHCPv4"]
	if !d.Has("IPv4StaticAddresses") && !(t.hiddenStatic && dhcpChanges) {
		return unsupported("the interface %s has no IPv4StaticAddresses", d.ID())
	}
	addresses, err := wanted(d, want, ipv4AddressName, readIPv4Address, netip.ParsePrefix)
	if err != nil {
		return err
	}
	gateways, err := wanted(d, want, ipv4GatewayName, readIPv4Gateway, netip.ParseAddr)
	if err != nil {
		return err
	}
	var elements []redfish.Object
	for _, p := range addresses {
		// Address and mask always go together: iLO refuses one without the
		// other (python-redfish-utility #18).
		e := redfish.Object{"Address": p.Addr().String(), "SubnetMask": mask(p.Bits())}
		// OpenBMC wants one gateway for all (PropertyValueConflict).
		if len(gateways) > 0 {
			e["Gateway"] = gateways[0].String()
		}
		elements = append(elements, e)
	}
	body["IPv4StaticAddresses"] = positional(d.List("IPv4StaticAddresses"), elements, t.padV4)
	return nil
}

func writeIPv6(t profile, d redfish.Document, want map[string]state.Attr, body redfish.Object) error {
	if differs(d, want, ipv6AddressName, readIPv6Address) {
		if !d.Has("IPv6StaticAddresses") {
			return unsupported("the interface %s has no IPv6StaticAddresses", d.ID())
		}
		addresses, err := wanted(d, want, ipv6AddressName, readIPv6Address, netip.ParsePrefix)
		if err != nil {
			return err
		}
		var elements []redfish.Object
		for _, p := range addresses {
			elements = append(elements, redfish.Object{"Address": p.Addr().String(), "PrefixLength": p.Bits()})
		}
		body["IPv6StaticAddresses"] = positional(d.List("IPv6StaticAddresses"), elements, t.padV6)
	}
	if differs(d, want, ipv6GatewayName, readIPv6Gateway) {
		// IPv6DefaultGateway is read-only (OpenBMC: PropertyNotWritable).
		if !d.Has("IPv6StaticDefaultGateways") {
			return unsupported("the interface %s has no IPv6StaticDefaultGateways", d.ID())
		}
		gateways, err := wanted(d, want, ipv6GatewayName, readIPv6Gateway, netip.ParseAddr)
		if err != nil {
			return err
		}
		var elements []redfish.Object
		for _, g := range gateways {
			elements = append(elements, redfish.Object{"Address": g.String()})
		}
		body["IPv6StaticDefaultGateways"] = positional(d.List("IPv6StaticDefaultGateways"), elements, t.padGW6)
	}
	return nil
}

func readVLAN(d redfish.Document) (*state.Attr, error) {
	switch d.At("VLAN", "VLANEnable") {
	case true:
		return vlanID(d.At("VLAN", "VLANId"))
	case false:
		return attr("none"), nil
	}
	return nil, unsupported("the interface %s has no VLAN", d.ID())
}

// vlanID reads the number of an 802.1Q tag.
func vlanID(v any) (*state.Attr, error) {
	id, ok := v.(float64)
	if !ok || id < 0 || id > 4095 || id != math.Trunc(id) {
		return nil, fmt.Errorf("read the VLAN: %v is no tag", v)
	}
	return attr(strconv.Itoa(int(id))), nil
}

func writeVLAN(t profile, d redfish.Document, want map[string]state.Attr, body redfish.Object) error {
	if !differs(d, want, vlanName, readVLAN) {
		return nil
	}
	if !d.Has("VLAN", "VLANEnable") {
		return unsupported("the interface %s has no VLAN", d.ID())
	}
	if fixed := t.settings[vlanName].fixed; fixed != nil && fixed(d) != "" {
		return unsupported("%s", fixed(d))
	}
	id, err := wantVLAN(want[vlanName])
	if err != nil {
		return err
	}
	body["VLAN"] = redfish.Object{"VLANEnable": id != 0}
	if id != 0 {
		body["VLAN"] = redfish.Object{"VLANEnable": true, "VLANId": id}
	}
	return nil
}

// wantVLAN reads a wanted tag; 0 is none.
func wantVLAN(a state.Attr) (int, error) {
	s, err := one(a)
	if err != nil || s == "none" {
		return 0, err
	}
	id, err := strconv.Atoi(s)
	if err != nil || id < 1 || id > 4094 {
		return 0, fmt.Errorf("%w: vlan %q is neither \"none\" nor a tag", errValue, s)
	}
	return id, nil
}

// wanted parses the wanted values of a setting, or those it has when it is
// not wanted otherwise.
func wanted[T any](d redfish.Document, want map[string]state.Attr, name string, read func(redfish.Document) (*state.Attr, error), parse func(string) (T, error)) ([]T, error) {
	values, ok := want[name]
	if !ok {
		have, err := read(d)
		if err != nil || have == nil {
			return nil, nil
		}
		values = *have
	}
	var out []T
	for _, s := range values.Values {
		v, err := parse(s)
		if err != nil {
			return nil, fmt.Errorf("%w: %s %q: %w", errValue, name, s, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// positional lays wanted elements over the places of an array: an object
// writes its place, {} keeps it, and freed frees it (null by DSP0266 clause
// 7.5.3). An address that is there keeps its place.
func positional(have []any, want []redfish.Object, freed any) []any {
	out := make([]any, max(len(have), len(want)))
	var rest []redfish.Object
	for _, w := range want {
		i := slices.IndexFunc(have, func(e any) bool { return sameAddress(e, w) })
		if i < 0 {
			rest = append(rest, w)
			continue
		}
		if out[i] = w; covers(have[i], w) {
			out[i] = redfish.Object{}
		}
	}
	for i := range out {
		switch {
		case out[i] != nil:
			continue
		case len(rest) > 0:
			out[i], rest = rest[0], rest[1:]
		case holdsAddress(have[i]):
			out[i] = freed
		default:
			out[i] = redfish.Object{}
		}
	}
	out = append(out, asAny(rest)...)
	// Free places at the end need no mention. Real ones do: OpenBMC deletes
	// what a shorter array leaves out.
	for n := len(out); n > 0 && isKeep(out[n-1]) && !holdsAddress(have[n-1]); n-- {
		out = out[:n-1]
	}
	return out
}

func asAny(list []redfish.Object) []any {
	var out []any
	for _, o := range list {
		out = append(out, o)
	}
	return out
}

func isKeep(v any) bool { o, ok := v.(redfish.Object); return ok && len(o) == 0 }

func sameAddress(have any, want redfish.Object) bool {
	o, _ := have.(redfish.Object)
	a, ok := parseAddr(o["Address"])
	return ok && a.String() == want["Address"]
}

// covers reports whether an element has everything that is wanted already.
func covers(have any, want redfish.Object) bool {
	o, _ := have.(redfish.Object)
	for k, w := range want {
		switch w := w.(type) {
		case int:
			if o[k] != float64(w) {
				return false
			}
		case string:
			if s, _ := o[k].(string); canonical(s) != w {
				return false
			}
		}
	}
	return true
}

// holdsAddress reports whether a place of an array holds an address.
func holdsAddress(e any) bool {
	o, _ := e.(redfish.Object)
	_, ok := parseAddr(o["Address"])
	return ok
}
