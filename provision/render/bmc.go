package render

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
)

// settings are what the BMC is to have. What a site does not declare, or says to
// leave alone, is not managed and does not appear.
func settings(s *site.Site) []state.Item {
	if s.BMC == nil {
		return nil
	}
	b := s.BMC
	var items []state.Item
	add := func(name string, effect state.Effect, values ...string) {
		if _, off := b.Unmanaged[name]; off {
			return
		}
		effect.Component = "bmc"
		items = append(items, state.Item{Key: state.Key{Kind: state.Setting, Name: name}, Value: state.Attr{Values: values}, Effect: effect})
	}
	moves := moving()
	add("account", state.Effect{}, b.Username)
	add("ipmi", state.Effect{}, "off")
	add("ipv4.dhcp", moves, "off")
	for _, family := range []struct {
		name string
		is   func(netip.Addr) bool
	}{{"ipv4", netip.Addr.Is4}, {"ipv6", netip.Addr.Is6}} {
		for _, a := range b.Addresses {
			if family.is(a.Addr()) {
				add(family.name+".address", moves, a.String())
			}
		}
		for _, g := range b.Gateways {
			if family.is(g) {
				add(family.name+".gateway", moves, g.String())
			}
		}
	}
	if len(b.DNS) > 0 {
		add("dns", state.Effect{}, words(b.DNS)...)
	}
	if len(b.NTP) > 0 {
		add("ntp", state.Effect{}, b.NTP...)
	}
	if b.Hostname != "" {
		add("hostname", state.Effect{}, b.Hostname)
	}
	if b.PowerRestore != "" {
		add("power-restore", state.Effect{}, string(b.PowerRestore))
	}
	optional(b, add)
	if f := b.Factory; f != nil && !strings.EqualFold(f.Username, b.Username) {
		add("factory-account", state.Effect{}, f.Username+": off")
	}
	return items
}

func moving() state.Effect {
	return state.Effect{Name: state.MovesController}
}

// optional are the settings that only some sites declare.
func optional(b *site.BMC, add func(string, state.Effect, ...string)) {
	if b.VLAN != "" {
		add("vlan", moving(), b.VLAN)
	}
	for _, name := range slices.Sorted(maps.Keys(b.Protocols)) {
		add("protocol."+name, state.Effect{}, b.Protocols[name])
	}
	if b.HTTPS != nil {
		add("https-certificate", state.Effect{}, b.HTTPS.Fingerprint)
	}
	if b.SerialConsole != "" {
		add("serial-console", state.Effect{}, b.SerialConsole)
	}
	if b.Boot != "" {
		add("boot", state.Effect{}, b.Boot)
	}
	if len(b.BootOrder) > 0 {
		add("boot-order", state.Effect{}, b.BootOrder...)
	}
}

func words(addrs []netip.Addr) []string {
	out := make([]string, len(addrs))
	for i, a := range addrs {
		out[i] = a.String()
	}
	return out
}
