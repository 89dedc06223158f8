package simbmc

import (
	"net"
	"net/netip"
	"slices"
	"time"
)

// eth returns the document of the interface that carries the addresses.
func (b *BMC) eth() object { return b.at(b.who.eth) }

// at returns a document; a saved tree may lack any, and then nothing comes of
// what is written to it.
func (b *BMC) at(path string) object {
	if res := b.tree[path]; res != nil {
		return res.doc
	}
	return object{}
}

// staticV4 is one element of IPv4StaticAddresses.
func staticV4(p netip.Prefix, gateway netip.Addr) object {
	gw := "0.0.0.0"
	if gateway.IsValid() {
		gw = gateway.String()
	}
	return object{"Address": p.Addr().String(), "SubnetMask": maskOf(p.Bits()), "Gateway": gw}
}

func maskOf(bits int) string { return net.IP(net.CIDRMask(bits, 32)).String() }

// factory splits the configured addresses for the builders.
func (b *BMC) factory() (v4, v6 []any, gw6 netip.Addr) {
	v4, v6 = []any{}, []any{}
	var gw4 netip.Addr
	for _, g := range b.cfg.Gateways {
		if g.Is4() {
			gw4 = g
		} else {
			gw6 = g
		}
	}
	for _, p := range b.cfg.Addresses {
		if p.Addr().Is4() {
			v4 = append(v4, staticV4(p, gw4))
		} else {
			v6 = append(v6, object{"Address": p.Addr().String(), "PrefixLength": float64(p.Bits())})
		}
	}
	return v4, v6, gw6
}

// gateways6 is IPv6StaticDefaultGateways with or without a gateway.
func gateways6(gw netip.Addr) []any {
	if !gw.IsValid() {
		return []any{}
	}
	return []any{object{"Address": gw.String()}}
}

// padded fills a list up to n with copies of pad.
func padded(l []any, n int, pad object) []any {
	for len(l) < n {
		l = append(l, clone(pad))
	}
	return l
}

// dhcp reports whether IPv4 is asked of a DHCP server.
func dhcp(eth object) bool { return obj(eth["DHCPv4"])["DHCPEnabled"] == true }

// settle makes the read-only properties follow the written ones, as a
// controller's network daemon does.
func (b *BMC) settle() {
	if b.who.settle != nil {
		b.who.settle(b)
	}
	eth := b.eth()
	made := b.cfg.Tree == nil
	if _, shown := eth["IPv4StaticAddresses"]; made || shown || dhcp(eth) {
		eth["IPv4Addresses"] = b.usedV4(eth)
	}
	if _, shown := eth["IPv6StaticAddresses"]; made || shown {
		eth["IPv6Addresses"] = usedV6(eth)
	}
	if own, ok := eth["StaticNameServers"]; ok {
		eth["NameServers"] = clone(own)
	}
}

// usedV4 are the static addresses and the lease.
func (b *BMC) usedV4(eth object) []any {
	v4 := []any{}
	for _, e := range list(eth["IPv4StaticAddresses"]) {
		if p, ok := prefixV4(obj(e)); ok && !(dhcp(eth) && b.who.leaseWins) {
			v4 = append(v4, object{"Address": p.Addr().String(), "AddressOrigin": "Static", "SubnetMask": maskOf(p.Bits()), "Gateway": obj(e)["Gateway"]})
		}
	}
	if l := b.cfg.Lease; l.IsValid() && dhcp(eth) {
		v4 = append(v4, object{"Address": l.Addr().String(), "AddressOrigin": "DHCP", "SubnetMask": maskOf(l.Bits()), "Gateway": l.Masked().Addr().Next().String()})
	}
	return v4
}

func usedV6(eth object) []any {
	v6 := []any{}
	for _, e := range list(eth["IPv6StaticAddresses"]) {
		if p, ok := prefixV6(obj(e)); ok {
			v6 = append(v6, object{"Address": p.Addr().String(), "AddressOrigin": "Static", "AddressState": "Preferred", "PrefixLength": p.Bits()})
		}
	}
	return append(v6, object{"Address": "fe80::2ff:fe00:1", "AddressOrigin": "LinkLocal", "AddressState": "Preferred", "PrefixLength": 64})
}

func prefixV4(e object) (netip.Prefix, bool) {
	a, err := netip.ParseAddr(str(e["Address"]))
	m, err2 := netip.ParseAddr(str(e["SubnetMask"]))
	if err != nil || err2 != nil || a.IsUnspecified() || !m.Is4() {
		return netip.Prefix{}, false
	}
	mask := m.As4()
	ones, _ := net.IPMask(mask[:]).Size()
	return netip.PrefixFrom(a, ones), true
}

func prefixV6(e object) (netip.Prefix, bool) {
	a, err := netip.ParseAddr(str(e["Address"]))
	n, ok := e["PrefixLength"].(float64)
	if err != nil || !ok || a.IsUnspecified() {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, int(n)), true
}

// addresses are those the settings amount to, without link-local ones.
func (b *BMC) addresses() []netip.Prefix {
	var out []netip.Prefix
	for _, e := range list(b.eth()["IPv4Addresses"]) {
		if p, ok := prefixV4(obj(e)); ok {
			out = append(out, p)
		}
	}
	for _, e := range list(b.eth()["IPv6StaticAddresses"]) {
		if p, ok := prefixV6(obj(e)); ok {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return out
}

// networkChanged notes or schedules a change of address.
func (b *BMC) networkChanged() {
	switch {
	case b.who.resetMessage != "":
		b.setPending(true)
	case !slices.Equal(b.addresses(), b.live):
		b.schedule()
	}
}

// setPending notes whether settings wait for a reset, where iLO shows it.
func (b *BMC) setPending(pending bool) {
	b.pending = pending
	state := "Current"
	if pending {
		state = "SomePendingReset"
	}
	if hpe := obj(obj(b.eth()["Oem"])["Hpe"]); hpe != nil {
		hpe["ConfigurationSettings"] = state
	}
	if d := b.tree[b.who.manager+"/DateTime"]; d != nil {
		d.doc["ConfigurationSettings"] = state
	}
}

// schedule moves to the addresses of the settings after the delay.
func (b *BMC) schedule() {
	b.wait.Go(func() {
		if b.cfg.Delay > 0 {
			t := time.NewTimer(b.cfg.Delay)
			defer t.Stop()
			select {
			case <-t.C:
			case <-b.ctx.Done():
				return
			}
		}
		b.move()
	})
}

func (b *BMC) move() {
	b.mu.Lock()
	old, now := b.live, b.addresses()
	if slices.Equal(old, now) {
		b.mu.Unlock()
		return
	}
	b.live = now
	b.count.Moves++
	drop := b.faults.DropOnMove
	b.mu.Unlock()
	if b.cfg.Move != nil {
		b.cfg.Move(b.ctx, slices.Clone(old), slices.Clone(now))
	}
	if drop {
		b.cutConnections()
	}
}

// leaseOf is the address that a saved interface has from a DHCP server.
func leaseOf(eth object) netip.Prefix {
	for _, e := range list(eth["IPv4Addresses"]) {
		if p, ok := prefixV4(obj(e)); ok && obj(e)["AddressOrigin"] == "DHCP" && dhcp(eth) {
			return p
		}
	}
	return netip.Prefix{}
}
