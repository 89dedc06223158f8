package site

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Longest blocks that the Internet routes (RFC 7454 section 6.1.3), and the
// shortest that a name service could have.
const (
	longestV4, longestV6   = 24, 48
	shortestV4, shortestV6 = 12, 20
)

// service is an anycast service while it is checked.
type service struct {
	label     given[string]
	prefixes  []given[netip.Prefix]
	addresses []given[netip.Addr]
}

func (c *converter) anycast(raw *rawAnycast, bgp BGP) Anycast {
	label := c.label(raw.Name, raw.NameRange, name("an anycast service"))
	a := Anycast{
		Name:        label.val,
		Pos:         position(raw.Range),
		Origin:      bgp.ASN,
		Propagation: Propagation(c.oneOf(raw.Propagation, string(Global), string(Global), string(Local))),
		Letter:      c.oneOf(raw.Letter, "", strings.Split("abcdefghijklm", "")...),
	}
	c.mark("anycast."+label.val, raw.Range)
	s, before := service{label: label}, len(c.diags)
	if c.need(raw.Prefixes, raw.Range, "prefixes", `prefixes = ["192.175.48.0/24", "2620:4f:8000::/48"]`) {
		s.prefixes = c.blocks(raw.Prefixes, "anycast "+label.val)
	}
	if c.need(raw.Addresses, raw.Range, "addresses", `addresses = ["192.175.48.1", "2620:4f:8000::1"]`) {
		s.addresses = c.serviceAddrs(raw.Addresses, "anycast "+label.val)
	}
	if !c.diags[before:].HasErrors() {
		c.containment(s)
	}
	a.ASPath = c.asPath(raw.ASPath, bgp.ASN)
	if len(a.ASPath) > 0 {
		a.Origin = a.ASPath[len(a.ASPath)-1]
	}
	if raw.Origin != nil {
		c.mark("anycast."+label.val+".origin_asn", raw.Origin.Expr.Range())
		c.origin(c.asn(raw.Origin), a, raw.Origin.Expr.Range())
	}
	if a.Letter != "" {
		c.rootLetter(a, s, raw.Letter.Expr.Range())
	}
	a.LocalOnly = c.localOnly(raw.LocalOnly, values(s.prefixes))
	a.Prefixes, a.Addresses = sortedPrefixes(values(s.prefixes)), sortedAddrs(values(s.addresses))
	return a
}

// origin: the blocks leave the server with an empty AS path, so that the
// neighbor sees bgp.asn as the origin, unless as_path puts another AS behind.
func (c *converter) origin(declared ASN, a Anycast, at hcl.Range) {
	if declared == 0 || a.Origin == 0 || declared == a.Origin {
		return
	}
	detail := fmt.Sprintf("The blocks leave the server with the origin AS%d, but here is AS%d.", a.Origin, declared)
	if len(a.ASPath) > 0 {
		detail += " The origin is the last of as_path; leave origin_asn out, or write the same."
	} else {
		detail += fmt.Sprintf(" Where the server peers from an AS of the site's own, with the origin behind it, write: as_path = [%d]", declared)
	}
	c.fail(at, problem{"origin-as", "another origin than announced", detail})
}

// asPath is what the AS path of a block holds behind bgp.asn: sites of some
// operators peer from an AS of their own, with the origin behind it. It is
// written out, so that a typing error in an AS number never makes a path.
func (c *converter) asPath(attr *hcl.Attribute, own ASN) []ASN {
	val, ok := c.value(attr, cty.List(cty.Number), "a list of AS numbers, such as [3557]")
	if !ok {
		return nil
	}
	var out []ASN
	for i, at := range elementRanges(attr.Expr, val.LengthInt()) {
		element := val.Index(cty.NumberIntVal(int64(i)))
		if element.IsNull() {
			c.fail(at, problem{"type", "wrong type", "as_path has to be a list of AS numbers, without null."})
			return nil
		}
		n, whole := wholeNumber(element)
		switch {
		case !whole || n <= 0 || n > math.MaxUint32:
			c.fail(at, problem{"asn", "not an AS number", "AS numbers are whole numbers from 1 to 4294967295."})
			return nil
		case ASN(n) == own:
			c.fail(at, problem{"origin-as", "own AS in the AS path", fmt.Sprintf("AS%d is bgp.asn, which is put in front anyway; a path that holds it twice is prepended.", n)})
			return nil
		}
		out = append(out, ASN(n))
	}
	if len(out) > 4 {
		c.fail(attr.Expr.Range(), problem{"origin-as", "AS path too long", "At most 4 AS numbers stand behind bgp.asn."})
		return nil
	}
	return out
}

func (c *converter) blocks(attr *hcl.Attribute, what string) []given[netip.Prefix] {
	list := c.texts(attr)
	if list != nil && len(list) == 0 {
		c.fail(attr.Expr.Range(), problem{"required", "no block", "An anycast service announces at least one block."})
	}
	var out []given[netip.Prefix]
	for _, t := range list {
		p := c.masked(t)
		if !p.ok || !c.routable(p) || !c.usableNet(t.at, p.val, "a block", forService) {
			continue
		}
		if slices.Contains(values(out), p.val) {
			c.fail(t.at, problem{"block-unique", "block given twice", fmt.Sprintf("%s is in this list already.", p.val)})
			continue
		}
		c.mark(blockSpot(p.val), t.at)
		c.claimNet(blockClaim, what, p.val, t.at)
		out = append(out, p)
	}
	return out
}

// localOnly are those of the blocks that stay with the host and its customers
// while the rest spreads.
func (c *converter) localOnly(attr *hcl.Attribute, blocks []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, t := range c.texts(attr) {
		p := c.masked(t)
		if p.ok && !slices.Contains(blocks, p.val) {
			c.fail(t.at, problem{"propagation", "no such block", fmt.Sprintf("%s is none of the prefixes of this service.", p.val)})
			continue
		}
		if p.ok {
			out = append(out, p.val)
		}
	}
	return sortedPrefixes(out)
}

// blockSpot names the place of a block for the rules of a profile.
func blockSpot(p netip.Prefix) string { return "block " + p.String() }

func (c *converter) routable(p given[netip.Prefix]) bool {
	longest, shortest := longestV4, shortestV4
	if p.val.Addr().Is6() {
		longest, shortest = longestV6, shortestV6
	}
	if p.val.Bits() <= longest && p.val.Bits() >= shortest {
		return true
	}
	c.fail(p.at, problem{"block-length", "block not routed", fmt.Sprintf(
		"%s: blocks of %s have a length from /%d to /%d; others are filtered.", p.val, family(p.val.Addr()), shortest, longest)})
	return false
}

func (c *converter) serviceAddrs(attr *hcl.Attribute, what string) []given[netip.Addr] {
	list := c.texts(attr)
	if list != nil && len(list) == 0 {
		c.fail(attr.Expr.Range(), problem{"required", "no service address", "An anycast service has at least one address that answers."})
	}
	var out []given[netip.Addr]
	for _, t := range list {
		if a := c.parseAddr(t, "a service address", forService); a.ok {
			out = append(out, a)
		}
	}
	out = c.eachOnce(out)
	for _, a := range out {
		c.mark(addrSpot(a.val), a.at)
		c.claimAddr(serviceClaim, what, a.val, a.at)
	}
	return out
}

// containment: each address in a block, each block with an address or
// covering one that has, each family with an address.
func (c *converter) containment(s service) {
	stray := false
	for _, a := range s.addresses {
		stray = !c.inBlock(a, s) || stray
	}
	for _, p := range s.prefixes {
		answers := slices.ContainsFunc(s.addresses, func(a given[netip.Addr]) bool { return p.val.Contains(a.val) })
		sameFamily := slices.ContainsFunc(s.addresses, func(a given[netip.Addr]) bool { return a.val.Is4() == p.val.Addr().Is4() })
		switch {
		case answers, stray && sameFamily:
		case !sameFamily:
			c.fail(p.at, problem{"blocks-contain-service", "block without a service address", fmt.Sprintf(
				"%s is announced, but no %s address answers. Add one to addresses.", p.val, family(p.val.Addr()))})
		default:
			c.warn(p.at, problem{"blocks-contain-service", "block without a service address", fmt.Sprintf(
				"%s is announced, but none of the addresses is in it. That may be meant by the operator.", p.val)})
		}
	}
}

func (c *converter) inBlock(a given[netip.Addr], s service) bool {
	in := false
	for _, p := range s.prefixes {
		if !p.val.Contains(a.val) {
			continue
		}
		in = true
		if a.val == p.val.Addr() || (a.val.Is4() && a.val == lastAddr(p.val)) {
			c.fail(a.at, problem{"service-address", "service address at the edge of its block", fmt.Sprintf(
				"%s is the first or the last address of %s, which many networks drop.", a.val, p.val)})
		}
	}
	if !in {
		c.fail(a.at, problem{"blocks-contain-service", "service address in no block", fmt.Sprintf(
			"%s is in none of the prefixes of anycast %q, so nobody finds the way to it.", a.val, s.label.val)})
	}
	return in
}
