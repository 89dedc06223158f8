package site

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// reach says how far an address can be used.
type reach uint8

const (
	public        reach = iota // anywhere
	documentation              // RFC 5737, RFC 3849, RFC 9637: in a lab
	private                    // RFC 1918, RFC 6598: inside one network
	local                      // RFC 4193: inside one organisation
	unusable                   // no unicast address of a host
)

// special is a range that the IANA special-purpose registries set apart
// (RFC 6890). Those that are globally reachable, such as the blocks of AS112,
// are not in the list.
type special struct {
	prefix netip.Prefix
	reach  reach
	name   string
}

func specials() []special {
	at := netip.MustParsePrefix
	return []special{
		{at("0.0.0.0/8"), unusable, `"this network" (RFC 791)`},
		{at("10.0.0.0/8"), private, "private (RFC 1918)"},
		{at("100.64.0.0/10"), private, "shared (RFC 6598)"},
		{at("127.0.0.0/8"), unusable, "loopback (RFC 1122)"},
		{at("169.254.0.0/16"), unusable, "link-local (RFC 3927)"},
		{at("172.16.0.0/12"), private, "private (RFC 1918)"},
		{at("192.0.0.0/24"), unusable, "for IETF protocols (RFC 6890)"},
		{at("192.0.2.0/24"), documentation, "for documentation (RFC 5737)"},
		{at("192.88.99.0/24"), unusable, "the former 6to4 relays (RFC 7526)"},
		{at("192.168.0.0/16"), private, "private (RFC 1918)"},
		{at("198.18.0.0/15"), unusable, "for benchmarks (RFC 2544)"},
		{at("198.51.100.0/24"), documentation, "for documentation (RFC 5737)"},
		{at("203.0.113.0/24"), documentation, "for documentation (RFC 5737)"},
		{at("224.0.0.0/4"), unusable, "multicast (RFC 5771)"},
		{at("240.0.0.0/4"), unusable, "reserved (RFC 1112)"},
		{at("::/8"), unusable, "reserved, with loopback and IPv4-mapped addresses (RFC 4291)"},
		{at("64:ff9b::/96"), unusable, "for translation (RFC 6052)"},
		{at("64:ff9b:1::/48"), unusable, "for translation (RFC 8215)"},
		{at("100::/64"), unusable, "discard-only (RFC 6666)"},
		{at("2001::/32"), unusable, "Teredo (RFC 4380)"},
		{at("2001:2::/48"), unusable, "for benchmarks (RFC 5180)"},
		{at("2001:10::/28"), unusable, "ORCHID (RFC 4843)"},
		{at("2001:20::/28"), unusable, "ORCHIDv2 (RFC 7343)"},
		{at("2001:db8::/32"), documentation, "for documentation (RFC 3849)"},
		{at("2002::/16"), unusable, "6to4 (RFC 3056)"},
		{at("3fff::/20"), documentation, "for documentation (RFC 9637)"},
		{at("5f00::/16"), unusable, "for segment routing (RFC 9602)"},
		{at("fc00::/7"), local, "unique local (RFC 4193)"},
		{at("fe80::/10"), unusable, "link-local (RFC 4291)"},
		{at("fec0::/10"), unusable, "the former site-local range (RFC 3879)"},
		{at("ff00::/8"), unusable, "multicast (RFC 4291)"},
	}
}

// classify returns the range that a network, or a part of it, is in. IPv6
// outside of 2000::/3 has not been given out.
func classify(p netip.Prefix, ranges []special) special {
	for _, s := range ranges {
		if s.prefix.Overlaps(p) {
			return s
		}
	}
	if addr := p.Addr(); addr.Is6() && addr.As16()[0]&0xe0 != 0x20 {
		return special{reach: unusable, name: "not assigned (RFC 4291)"}
	}
	return special{reach: public, name: "public"}
}

// purpose says what an address is for, which decides how far it has to reach.
type purpose uint8

const (
	forHelper  purpose = iota // resolvers, jump hosts, primaries: any unicast address
	forLink                   // the BGP link: IPv4 may be private
	forService                // announced: has to be public
	forAccess                 // BMC and management: the profile says (addr-global)
)

// usable reports an address that cannot serve its purpose.
func (c *converter) usable(at hcl.Range, addr netip.Addr, what string, p purpose) bool {
	if addr.Zone() != "" {
		c.fail(at, problem{"addr-usable", "address not usable", fmt.Sprintf("%s cannot be used.%s", addr, zoneProblem(addr.Zone()))})
		return false
	}
	return c.usableNet(at, netip.PrefixFrom(addr, addr.BitLen()), what, p)
}

// usableNet reports a network that cannot, as a whole, serve its purpose.
func (c *converter) usableNet(at hcl.Range, net netip.Prefix, what string, p purpose) bool {
	in := classify(net, c.ranges)
	shown := net.String()
	if net.IsSingleIP() {
		shown = net.Addr().String()
	}
	say := func(then string) problem {
		detail := fmt.Sprintf("%s is %s. %s", shown, in.name, then)
		if in.prefix.IsValid() && in.prefix.Bits() > net.Bits() {
			detail = fmt.Sprintf("%s holds %s, which is %s. %s", shown, in.prefix, in.name, then)
		}
		return problem{"addr-usable", "address not usable", detail}
	}
	switch in.reach {
	case unusable:
		c.fail(at, say(sentence(what)+" needs a unicast address."))
		return false
	case documentation:
		if !c.lab {
			pr := say("Write the real address, or lab = true in a site that is only rehearsed.")
			pr.rule, pr.summary = documentationRule, "documentation address"
			c.fail(at, pr)
			return false
		}
	case private:
		if p == forService {
			c.fail(at, say("What is announced has to be public."))
			return false
		}
	case local:
		if p == forService {
			c.fail(at, say("What is announced has to be public."))
			return false
		}
		if p == forLink {
			pr := say("Error messages from such a link get lost; better take a public address.")
			pr.rule, pr.summary = "addr-ula", "unique local address on the BGP link"
			c.warn(at, pr)
		}
	}
	return true
}

// addr returns one address.
func (c *converter) addr(attr *hcl.Attribute, what string, p purpose) given[netip.Addr] {
	got := c.text(attr, func(string) *problem { return nil })
	if !got.ok {
		return given[netip.Addr]{}
	}
	return c.parseAddr(got, what, p)
}

func (c *converter) parseAddr(s given[string], what string, p purpose) given[netip.Addr] {
	addr, err := netip.ParseAddr(s.val)
	if err != nil {
		hint := whyNotAddr(s.val)
		if before, _, ok := strings.Cut(s.val, "/"); ok && isAddr(before) {
			hint = fmt.Sprintf(" Leave out the length: %q.", before)
		}
		c.fail(s.at, problem{"addr", "not an address", fmt.Sprintf("%q is not an IP address.%s", short(s.val), hint)})
		return given[netip.Addr]{}
	}
	return given[netip.Addr]{addr, s.at, c.usable(s.at, addr, what, p)}
}

// addrs returns a list of addresses.
func (c *converter) addrs(attr *hcl.Attribute, what string, p purpose) []given[netip.Addr] {
	var out []given[netip.Addr]
	for _, s := range c.texts(attr) {
		if a := c.parseAddr(s, what, p); a.ok {
			out = append(out, a)
		}
	}
	return c.eachOnce(out)
}

// eachOnce drops and reports repetitions.
func (c *converter) eachOnce(in []given[netip.Addr]) []given[netip.Addr] {
	seen := map[netip.Addr]bool{}
	var out []given[netip.Addr]
	for _, a := range in {
		if seen[a.val] {
			c.fail(a.at, problem{"addr-unique", "address given twice", fmt.Sprintf("%s is in this list already.", a.val)})
			continue
		}
		seen[a.val] = true
		out = append(out, a)
	}
	return out
}

// onePerFamily reports the second address of a family.
func (c *converter) onePerFamily(in []given[netip.Addr], what string) []given[netip.Addr] {
	seen := map[bool]bool{}
	var out []given[netip.Addr]
	for _, a := range in {
		if seen[a.val.Is4()] {
			c.fail(a.at, problem{"one-per-family", "second address of a family", fmt.Sprintf(
				"%s has one %s address; %s is another.", sentence(what), family(a.val), a.val)})
			continue
		}
		seen[a.val.Is4()] = true
		out = append(out, a)
	}
	return out
}

func family(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}

// prefixOf parses an address or block with its length; what is for the
// reader, example shows the form.
func (c *converter) prefixOf(s given[string], example string) given[netip.Prefix] {
	p, err := netip.ParsePrefix(s.val)
	if err != nil || p.Addr().Is4In6() {
		c.fail(s.at, problem{"prefix", "not an address prefix", fmt.Sprintf("%q is not an address with its length, such as %q.%s", short(s.val), example, whyNotPrefix(s.val))})
		return given[netip.Prefix]{}
	}
	return given[netip.Prefix]{p, s.at, true}
}

// masked parses a block, which has no bits set behind its length.
func (c *converter) masked(s given[string]) given[netip.Prefix] {
	p := c.prefixOf(s, "192.0.2.0/24")
	if p.ok && p.val != p.val.Masked() {
		c.fail(p.at, problem{"prefix-mask", "bits set behind the length", fmt.Sprintf(
			"%s is an address inside of a block. The block is %q.", p.val, p.val.Masked())})
		p.ok = false
	}
	return p
}

func values[T any](in []given[T]) []T {
	var out []T
	for _, g := range in {
		out = append(out, g.val)
	}
	return out
}
