package site

import (
	"fmt"
	"net/netip"

	"github.com/hashicorp/hcl/v2"
)

// claimKind is what an address or a network is taken for.
type claimKind uint8

const (
	bmcClaim claimKind = iota
	managementClaim
	linkClaim
	gatewayClaim
	neighborClaim
	bootstrapClaim
	serviceClaim
	reserveClaim
	blockClaim
)

// claim says who takes an address or a network, so that afterwards nobody
// takes what another has.
type claim struct {
	kind claimKind
	what string
	addr netip.Addr   // for an address
	net  netip.Prefix // for a network, masked
	at   hcl.Range
}

func (c *converter) claimAddr(kind claimKind, what string, addr netip.Addr, at hcl.Range) {
	c.claims = append(c.claims, claim{kind: kind, what: what, addr: addr, at: at})
}

func (c *converter) claimNet(kind claimKind, what string, p netip.Prefix, at hcl.Range) {
	c.claims = append(c.claims, claim{kind: kind, what: what, net: p.Masked(), at: at})
}

// maxClaims bounds a site: a full one has forty.
const maxClaims = 5000

// checkClaims compares each claim with those made before it.
func (c *converter) checkClaims() {
	if n := len(c.claims); n > maxClaims {
		c.fail(c.claims[maxClaims].at, problem{"addr-unique", "too many addresses", fmt.Sprintf(
			"The site has %d addresses and networks; at most %d are read.", n, maxClaims)})
		return
	}
	for i, a := range c.claims {
		for _, b := range c.claims[:i] {
			switch {
			case a.addr.IsValid() && a.addr == b.addr && !mayShare(a.kind, b.kind):
				c.fail(a.at, problem{"addr-unique", "address taken twice", fmt.Sprintf(
					"%s is already the address of %s, at line %d.", a.addr, b.what, b.at.Start.Line)})
			case a.net.IsValid() && b.net.IsValid() && a.net.Overlaps(b.net) && !mayOverlap(a, b):
				c.fail(a.at, problem{"addr-overlap", "networks overlap", fmt.Sprintf(
					"%s of %s overlaps with %s of %s, at line %d.", a.net, a.what, b.net, b.what, b.at.Start.Line)})
			}
		}
	}
}

// mayShare tells two claims that may well be for one address: BMC and server
// have the same gateway on a common network, and a server may have its final
// address from the start.
func mayShare(a, b claimKind) bool {
	return (a == gatewayClaim && b == gatewayClaim) ||
		(a == managementClaim && b == bootstrapClaim) || (a == bootstrapClaim && b == managementClaim)
}

// mayOverlap tells networks that may well overlap: BMC and management may be
// on one network, with one length; blocks of one service may cover one
// another, which is checked with the service.
func mayOverlap(a, b claim) bool {
	access := func(k claimKind) bool { return k == bmcClaim || k == managementClaim }
	return (access(a.kind) && access(b.kind) && a.net == b.net) ||
		(a.kind == blockClaim && b.kind == blockClaim && a.what == b.what)
}
