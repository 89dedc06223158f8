package site

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// What a neighbor is unless told otherwise. Nothing is accepted: a route that
// nobody asked for can take the answers elsewhere (RFC 8212). A dead server
// behind a switch draws queries until the hold time is over, so that it is less
// than the 90 s of RFC 4271 section 10; BFD notices in under a second.
const (
	defaultAccept       = AcceptNothing
	defaultReceiveLimit = 10
	defaultHoldTime     = 30
)

func (c *converter) bgp(raw *rawBGP, host Host, link attachment, management []netip.Prefix) BGP {
	c.mark("bgp", raw.Range)
	b := BGP{RouterID: c.routerID(raw, management)}
	if c.need(raw.ASN, raw.Range, "asn", "asn = 112") {
		c.mark("bgp.asn", raw.ASN.Expr.Range())
		b.ASN = c.asn(raw.ASN)
	}
	if len(raw.Neighbors) == 0 {
		c.fail(raw.Range, problem{"required", "missing block", `neighbor is needed here, for example: neighbor "edge1" { ... }`})
	}
	var names []given[string]
	for i := range raw.Neighbors {
		n := c.neighbor(&raw.Neighbors[i], host, link)
		names = append(names, given[string]{n.Name, raw.Neighbors[i].NameRange, true})
		b.Neighbors = append(b.Neighbors, n)
	}
	c.unique("neighbor", names)
	slices.SortStableFunc(b.Neighbors, func(x, y Neighbor) int { return strings.Compare(x.Name, y.Name) })
	return b
}

// routerID is the IPv4 address of the management interface unless declared;
// it has to be unique within the AS only (RFC 6286). Where nothing is known of
// the management, it is not called missing.
func (c *converter) routerID(raw *rawBGP, management []netip.Prefix) netip.Addr {
	got := c.text(raw.RouterID, shaped("a router ID", "write it as an IPv4 address, such as 192.0.2.20", func(s string) bool {
		a, err := netip.ParseAddr(s)
		return err == nil && a.Is4() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() && !a.IsLinkLocalUnicast()
	}))
	if got.ok {
		return netip.MustParseAddr(got.val)
	}
	for _, p := range management {
		if p.Addr().Is4() {
			return p.Addr()
		}
	}
	if raw.RouterID == nil && len(management) > 0 {
		c.need(nil, raw.Range, "router_id", `router_id = "192.0.2.20"`)
	}
	return netip.Addr{}
}

func (c *converter) neighbor(raw *rawNeighbor, host Host, link attachment) Neighbor {
	label := c.label(raw.Name, raw.NameRange, name("a neighbor"))
	n := Neighbor{
		Name:         label.val,
		Pos:          position(raw.Range),
		Password:     c.secret(raw.Password, "bgp.neighbor."+label.val+".password", md5Password),
		TTLSecurity:  c.flag(raw.TTLSecurity),
		Accept:       Accept(c.oneOf(raw.Accept, string(defaultAccept), string(AcceptDefault), string(AcceptNothing))),
		Announce:     Announce(c.oneOf(raw.Announce, string(AnnounceBlocks), string(AnnounceBlocks), string(AnnounceNothing))),
		BFD:          c.flag(raw.BFD),
		Role:         c.oneOf(raw.Role, "", "customer"),
		ReceiveLimit: int(c.number(raw.ReceiveLimit, 1, 1_000_000, defaultReceiveLimit)),
		// RFC 4271 section 4.2: zero would never notice a dead neighbor.
		HoldTime: int(c.number(raw.HoldTime, 3, 65535, defaultHoldTime)),
		Transit:  c.flag(raw.Transit),
	}
	c.mark("bgp.neighbor."+label.val, raw.Range)
	if c.need(raw.ASN, raw.Range, "asn", "asn = 64500") {
		n.ASN = c.asn(raw.ASN)
		c.neighborAS(n, host, raw.ASN.Expr.Range())
	}
	if label.ok {
		c.neighborRouter(n, host, label.at)
	}
	if !c.need(raw.Addresses, raw.Range, "addresses", `addresses = ["198.51.100.0", "2001:db8:0:3::2"]`) {
		return n
	}
	list := c.addrs(raw.Addresses, "a neighbor", forLink)
	for _, a := range c.onePerFamily(list, "the neighbor "+label.val) {
		if c.onLink(a, link, "neighbor", "link-subnet") {
			n.Addresses = append(n.Addresses, a.val)
			c.claimAddr(neighborClaim, "the neighbor "+label.val, a.val, a.at)
		}
	}
	return n
}

// neighborAS: the neighbor is a router of the host, except for a transit
// session, which some operators have besides.
func (c *converter) neighborAS(n Neighbor, host Host, at hcl.Range) {
	if n.Transit || n.ASN == host.ASN || n.ASN == 0 || host.ASN == 0 {
		return
	}
	c.fail(at, problem{"neighbor-asn", "neighbor in another AS", fmt.Sprintf(
		"The host is AS%d, but this neighbor is AS%d. For a session with somebody else write transit = true.", host.ASN, n.ASN)})
}

func (c *converter) neighborRouter(n Neighbor, host Host, at hcl.Range) {
	var names []string
	for _, r := range host.Routers {
		names = append(names, r.Name)
	}
	if n.Transit || slices.Contains(names, n.Name) {
		return
	}
	c.fail(at, problem{"neighbor-router", "neighbor without a router", fmt.Sprintf(
		"The host has no router %q.%s Its fragment of configuration is made from: router %q { os = \"routeros\" }", n.Name, didYouMean(n.Name, names), n.Name)})
}
