package site

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// attachment is a network interface of the server or its BMC: where its
// addresses, gateways and subnets come from.
type attachment struct {
	what      string // for the reader: "the BMC"
	kind      claimKind
	purpose   purpose
	addresses []given[netip.Prefix]
	partial   bool // one of them has a problem of its own
}

// attach converts and checks the addresses of one interface.
func (c *converter) attach(attr *hcl.Attribute, block hcl.Range, what string, kind claimKind, p purpose) attachment {
	a := attachment{what: what, kind: kind, purpose: p}
	if !c.need(attr, block, "addresses", `addresses = ["192.0.2.10/28", "2001:db8::10/64"]`) {
		return a
	}
	list := c.texts(attr)
	if list != nil && len(list) == 0 {
		c.fail(attr.Expr.Range(), problem{"required", "no address", sentence(what) + " needs at least one address."})
	}
	seen := map[bool]bool{}
	for _, s := range list {
		got := c.prefixOf(s, "192.0.2.10/28")
		if !got.ok || !c.usable(s.at, got.val.Addr(), what, p) || !c.hostPart(got, what) {
			a.partial = true
			continue
		}
		if seen[got.val.Addr().Is4()] {
			c.fail(s.at, problem{"one-per-family", "second address of a family", fmt.Sprintf(
				"%s has one %s address; %s is another.", sentence(what), family(got.val.Addr()), got.val)})
			continue
		}
		seen[got.val.Addr().Is4()] = true
		a.addresses = append(a.addresses, got)
		c.mark(addrSpot(got.val.Addr()), s.at)
		c.claimAddr(kind, what, got.val.Addr(), s.at)
		c.claimNet(kind, what, got.val, s.at)
	}
	return a
}

// hostPart reports an address that no host may have in its own subnet.
func (c *converter) hostPart(got given[netip.Prefix], what string) bool {
	p, bits := got.val, got.val.Addr().BitLen()
	bad := func(why string) bool {
		c.fail(got.at, problem{"link-mask", "address does not fit its length", fmt.Sprintf("%s: %s", p, why)})
		return false
	}
	switch {
	case p.Bits() == bits:
		return bad(fmt.Sprintf("%s shares its link with nobody at this length; a link has /%d or shorter.", what, bits-1))
	case p.Bits() < 8:
		return bad("a link is not that large.")
	case p.Bits() == bits-1: // RFC 3021 and RFC 6164: both addresses are hosts
		return true
	case p.Addr() == p.Masked().Addr() && bits == 32:
		return bad("this is the address of the network itself; hosts come after it.")
	case p.Addr() == p.Masked().Addr():
		return bad("this is the subnet-router anycast address (RFC 4291 section 2.6.1); hosts come after it.")
	case bits == 32 && p.Addr() == lastAddr(p):
		return bad("this is the broadcast address; hosts come before it.")
	}
	return true
}

// lastAddr returns the highest address of a prefix.
func lastAddr(p netip.Prefix) netip.Addr {
	raw := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < len(raw)*8; i++ {
		raw[i/8] |= 1 << (7 - i%8)
	}
	last, _ := netip.AddrFromSlice(raw)
	return last
}

// subnet returns the address of one family with its length.
func (a attachment) subnet(like netip.Addr) (netip.Prefix, bool) {
	for _, p := range a.addresses {
		if p.val.Addr().Is4() == like.Is4() {
			return p.val, true
		}
	}
	return netip.Prefix{}, false
}

// gateways converts the gateways of an attachment, each on one of its links.
func (c *converter) gateways(attr *hcl.Attribute, a attachment) []netip.Addr {
	var out []netip.Addr
	for _, g := range c.onePerFamily(c.gatewayList(attr, a), "a list of gateways") {
		if c.onLink(g, a, "gateway", "gw-onlink") {
			out = append(out, g.val)
			c.claimAddr(gatewayClaim, "the gateway of "+a.what, g.val, g.at)
		}
	}
	return out
}

func (c *converter) gatewayList(attr *hcl.Attribute, a attachment) []given[netip.Addr] {
	var out []given[netip.Addr]
	for _, s := range c.texts(attr) {
		addr, err := netip.ParseAddr(s.val)
		// Routers often answer only there, but a link-local gateway cannot be
		// pinged from afar and moves with the router's hardware.
		if err == nil && addr.Is6() && addr.IsLinkLocalUnicast() {
			c.fail(s.at, problem{"gw-onlink", "gateway not on the link", fmt.Sprintf(
				"%s is link-local. Write the gateway's address in the subnet of %s.", addr, a.what)})
			continue
		}
		if g := c.parseAddr(s, "a gateway", a.purpose); g.ok {
			out = append(out, g)
		}
	}
	return c.eachOnce(out)
}

// onLink reports an address that is not a neighbour on the attachment's link.
func (c *converter) onLink(g given[netip.Addr], a attachment, what, rule string) bool {
	bad := func(summary, why string) bool {
		c.fail(g.at, problem{rule, summary, why})
		return false
	}
	own, ok := a.subnet(g.val)
	switch {
	case !ok && (len(a.addresses) == 0 || a.partial):
		return true // the addresses have a problem of their own
	case !ok:
		return bad(what+" without an address", fmt.Sprintf("%s has no %s address, so %s cannot be reached from it.", sentence(a.what), family(g.val), g.val))
	case !own.Contains(g.val):
		return bad(what+" not on the link", fmt.Sprintf("%s is not in %s, the subnet of %s.", g.val, own.Masked(), a.what))
	case own.Addr() == g.val:
		return bad(what+" is the own address", fmt.Sprintf("%s is the address of %s itself.", g.val, a.what))
	case own.Bits() == own.Addr().BitLen()-1:
		return true
	case g.val == own.Masked().Addr() && own.Addr().Is4():
		return bad(what+" not a host address", fmt.Sprintf("%s is the address of the network %s itself.", g.val, own.Masked()))
	case own.Addr().Is4() && g.val == lastAddr(own):
		return bad(what+" not a host address", fmt.Sprintf("%s is the broadcast address of %s.", g.val, own.Masked()))
	}
	return true
}

// hosts returns addresses or names, such as those of time servers.
func (c *converter) hosts(list []given[string], what string) []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range list {
		text := s.val
		if addr, err := netip.ParseAddr(s.val); err == nil {
			if !c.usable(s.at, addr, what, forHelper) {
				continue
			}
			text = addr.String()
		} else if !c.passes(s.at, s.val, hostname) {
			continue
		}
		if seen[text] {
			c.fail(s.at, problem{"addr-unique", "given twice", fmt.Sprintf("%q is in this list already.", s.val)})
			continue
		}
		seen[text] = true
		out = append(out, text)
	}
	return out
}

// helpers converts resolvers and time servers. Signatures and logs are worth
// nothing without the right time, so there has to be a time server.
func (c *converter) helpers(dns, ntp *hcl.Attribute, block hcl.Range, what string) ([]netip.Addr, []string) {
	resolvers, named := c.addrs(dns, "a resolver", forHelper), dns != nil
	if !c.need(ntp, block, "ntp", `ntp = ["192.0.2.1"]`) {
		return values(resolvers), nil
	}
	list := c.texts(ntp)
	if list != nil && len(list) == 0 {
		c.fail(ntp.Expr.Range(), problem{"ntp", "no time server", sentence(what) + ` needs a time server, for example: ntp = ["192.0.2.1"]`})
	}
	for _, s := range list {
		if _, err := netip.ParseAddr(s.val); err != nil && !named {
			c.fail(s.at, problem{"ntp", "time server cannot be resolved", fmt.Sprintf(
				"%q is a name, but %s has no resolver. Add dns = [...] or give the address.", s.val, what)})
		}
	}
	return values(resolvers), c.hosts(list, "a time server")
}

// match converts what tells the interface from the others.
func (c *converter) match(attr *hcl.Attribute, block hcl.Range) Match {
	if !c.need(attr, block, "match", `match = { name = "eno1" } or match = { mac = "02:00:00:00:00:01" }`) {
		return Match{}
	}
	by, ok := c.keyed(attr, "name", "mac")
	if !ok {
		return Match{}
	}
	name, hasName := by["name"]
	mac, hasMAC := by["mac"]
	switch {
	case hasName == hasMAC:
		c.fail(attr.Expr.Range(), problem{"match", "interface not told apart", `match has to have either name or mac, for example: match = { name = "eno1" }`})
	case hasName && c.passes(name.at, name.val, shaped("an interface name", "at most 15 letters and digits, such as eno1", interfaceName)):
		return Match{Name: name.val}
	case hasMAC:
		hw, err := net.ParseMAC(mac.val)
		if err != nil || len(hw) != 6 || hw[0]&1 != 0 || strings.Trim(hw.String(), "0:") == "" {
			c.fail(mac.at, problem{"match", "not a MAC address", fmt.Sprintf("%q is not the MAC address of an interface, such as \"02:00:00:00:00:01\".", mac.val)})
			return Match{}
		}
		return Match{MAC: hw.String()}
	}
	return Match{}
}

// interfaceName accepts what Linux does (IFNAMSIZ) and files can hold.
func interfaceName(s string) bool { return word(s) && len(s) <= 15 && s != "." && s != ".." }
