//go:build linux

package rehearse

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

// wire makes the cables of a layout and addresses everything but the server,
// which addresses itself.
func (t *Testbed) wire(ctx context.Context) error {
	for _, role := range roles() {
		if role == RolePrimary && t.Layout.Primary.Port == "" {
			continue
		}
		if err := t.Netns(role).prepare(ctx); err != nil {
			return err
		}
	}
	// A pulled cable must find its IPv6 addresses again when it is put back.
	for _, key := range []string{"ipv4.ip_forward", "ipv6.conf.all.forwarding", "ipv6.conf.all.keep_addr_on_down", "ipv6.conf.all.proxy_ndp"} {
		if err := t.Netns(RoleRouter).sysctl(key, "1"); err != nil {
			return err
		}
	}
	l := t.Layout
	for _, c := range l.Cables {
		if err := t.plug(ctx, c); err != nil {
			return err
		}
	}
	for _, p := range l.Ports {
		if err := t.openPort(ctx, p); err != nil {
			return err
		}
	}
	for _, a := range l.Loopback {
		if err := t.Netns(RoleRouter).addAddr(ctx, "lo", netip.PrefixFrom(a, a.BitLen())); err != nil {
			return err
		}
	}
	if err := t.Netns(RoleBMC).address(ctx, l.BMC); err != nil {
		return err
	}
	if err := t.Netns(RoleController).address(ctx, l.Controller); err != nil {
		return err
	}
	if err := t.wirePrimary(ctx); err != nil {
		return err
	}
	return t.serveLease(ctx)
}

// unwire takes the server's interfaces away with its power: addresses, routes
// and firewall rules live in the namespace, and a machine that lost its power
// has none. The cables go first, because a namespace ends in its own time.
func (t *Testbed) unwire(ctx context.Context) error {
	if err := t.endLease(ctx); err != nil {
		return err
	}
	for _, c := range t.Layout.Cables {
		if c.Role != RoleServer {
			continue
		}
		if err := t.Netns(RoleRouter).ip(ctx, "link", "del", c.End); err != nil {
			return err
		}
	}
	return t.Netns(RoleServer).remove(ctx)
}

// rewire gives the server fresh interfaces when it is powered on again.
func (t *Testbed) rewire(ctx context.Context) error {
	n := t.Netns(RoleServer)
	if n.exists() {
		return nil
	}
	if err := n.prepare(ctx); err != nil {
		return err
	}
	lost := map[string]bool{}
	for _, c := range t.Layout.Cables {
		if c.Role == RoleServer {
			lost[c.End] = true
			if err := t.plug(ctx, c); err != nil {
				return err
			}
		}
	}
	for _, p := range t.Layout.Ports {
		if slices.ContainsFunc(p.Members, func(m member) bool { return lost[m.End] }) {
			if err := t.openPort(ctx, p); err != nil {
				return err
			}
		}
	}
	return t.serveLease(ctx)
}

// prepare makes the namespace. A veth has nobody on it who could have the same
// address, so there is no duplicate to detect (RFC 4862 §5.4) and a second to
// win on each.
func (n Netns) prepare(ctx context.Context) error {
	if err := n.add(ctx); err != nil {
		return err
	}
	for _, key := range []string{"ipv6.conf.all.accept_dad", "ipv6.conf.default.accept_dad", "ipv6.conf.default.accept_ra"} {
		if err := n.sysctl(key, "0"); err != nil {
			return err
		}
	}
	return nil
}

// plug makes one cable, each end right inside its namespace: it is never seen
// in the machine's own.
func (t *Testbed) plug(ctx context.Context, c cable) error {
	far := t.Netns(c.Role)
	args := []string{"ip", "link", "add", c.End, "netns", t.Netns(RoleRouter).Name, "type", "veth", "peer", "name", c.Port}
	if c.MAC != "" {
		args = append(args, "address", c.MAC)
	}
	if _, err := run(ctx, append(args, "netns", far.Name)...); err != nil {
		return err
	}
	if c.MTU > 0 {
		mtu := strconv.Itoa(c.MTU)
		if err := t.Netns(RoleRouter).ip(ctx, "link", "set", c.End, "mtu", mtu); err != nil {
			return err
		}
		if err := far.ip(ctx, "link", "set", c.Port, "mtu", mtu); err != nil {
			return err
		}
	}
	return t.Netns(RoleRouter).ip(ctx, "link", "set", c.End, "up")
}

// openPort makes what the router speaks IP on, and addresses it.
func (t *Testbed) openPort(ctx context.Context, p port) error {
	n := t.Netns(RoleRouter)
	if len(p.Members) > 1 && n.ip(ctx, "link", "show", p.Name) != nil {
		if err := n.ip(ctx, "link", "add", p.Name, "type", "bridge"); err != nil {
			return err
		}
	}
	for _, m := range p.Members {
		if m.VLAN != 0 && n.ip(ctx, "link", "show", m.name()) != nil {
			err := n.ip(ctx, "link", "add", "link", m.End, "name", m.name(), "type", "vlan", "id", strconv.Itoa(m.VLAN))
			if err != nil {
				return fmt.Errorf("tag VLAN %d: %w\nthe kernel needs 802.1Q: modprobe 8021q", m.VLAN, err)
			}
		}
		if len(p.Members) > 1 {
			if err := n.ip(ctx, "link", "set", m.name(), "master", p.Name); err != nil {
				return err
			}
		}
		if err := n.ip(ctx, "link", "set", m.name(), "up"); err != nil {
			return err
		}
	}
	if err := n.ip(ctx, "link", "set", p.Name, "up"); err != nil {
		return err
	}
	for _, a := range p.Addrs {
		if err := n.addAddr(ctx, p.Name, a); err != nil {
			return err
		}
	}
	for _, r := range p.Routes {
		if err := n.ip(ctx, "route", "replace", r.String(), "dev", p.Name); err != nil {
			return err
		}
	}
	return n.answerFor(ctx, p.Name, p.Proxied)
}

// answerFor has the router answer on a wire for addresses that are elsewhere.
func (n Netns) answerFor(ctx context.Context, dev string, addrs []netip.Addr) error {
	for _, a := range addrs {
		if err := n.ip(ctx, "neigh", "replace", "proxy", a.String(), "dev", dev); err != nil {
			return err
		}
	}
	return nil
}

// address gives a far end its addresses and default routes. The last address
// of a family is the one it speaks from.
func (n Netns) address(ctx context.Context, e endpoint) error {
	if e.Port == "" {
		return nil
	}
	if err := n.ip(ctx, "link", "set", e.Port, "up"); err != nil {
		return err
	}
	for _, a := range e.Addrs {
		if err := n.addAddr(ctx, e.Port, a); err != nil {
			return err
		}
	}
	for _, gw := range e.Gateways {
		args := []string{"route", "replace", "default", "via", gw.String(), "dev", e.Port, "onlink"}
		for _, a := range e.Addrs {
			if a.Addr().Is4() == gw.Is4() && a.IsSingleIP() {
				args = append(args, "src", a.Addr().String())
			}
		}
		if err := n.ip(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func (n Netns) addAddr(ctx context.Context, dev string, a netip.Prefix) error {
	args := []string{"addr", "replace", a.String(), "dev", dev}
	if a.Addr().Is6() {
		args = append(args, "nodad")
	}
	return n.ip(ctx, args...)
}
