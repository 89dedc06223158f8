package site

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// defaultOperator is the profile of a site that names none: the rules of the
// call for hosts of root server copies in Latin America and the Caribbean.
const defaultOperator = "raices"

// site converts one site block, the blocks it refers to before those that
// refer to them.
func (c *converter) site(raw *rawSite) *Site {
	c.siteName = raw.Name
	c.dropNulls(raw)
	c.mark("site", raw.Range)
	before := len(c.diags)
	lab := c.flag(raw.Lab)
	// Not to know whether it is a lab is no reason to refuse its addresses.
	c.lab = lab || c.diags[before:].HasErrors()
	c.keep("site", raw.Range)
	s := &Site{
		Name:     c.label(raw.Name, raw.NameRange, name("a site")).val,
		Pos:      position(raw.Range),
		Lab:      lab,
		Operator: c.operator(raw),
	}
	if c.block(raw.Host == nil, raw.Range, "host", `host "Example IX" { asn = 64500 }`) {
		s.Host = c.host(raw.Host)
	}
	if raw.BMC != nil {
		s.BMC = c.bmc(raw.BMC, s.Operator)
	}
	link, management := attachment{what: "the service interface"}, []netip.Prefix(nil)
	if c.block(raw.Server == nil, raw.Range, "server", `server { hostname = "gru1" ... }`) {
		before = len(c.diags)
		s.Server, link = c.server(raw.Server)
		if !c.diags[before:].HasErrors() {
			management = s.Server.Management.Addresses
		}
	}
	before = len(c.diags)
	if c.block(raw.BGP == nil, raw.Range, "bgp", `bgp { asn = 112 ... }`) {
		s.BGP = c.bgp(raw.BGP, s.Host, link, management)
	}
	routed := !c.diags[before:].HasErrors()
	s.Anycast = c.anycasts(raw, s.BGP)
	if c.block(raw.DNS == nil, raw.Range, "dns", `dns { identity = "gru1.example.net" ... }`) {
		s.DNS = c.dns(raw.DNS, s.Operator.RateLimit)
	}
	s.Components, s.PackOptions = c.components(raw.Components, s.Operator.Components)
	c.zonePack(s, raw.DNS)
	c.checkClaims()
	if routed {
		c.sessions(s)
	}
	c.primariesElsewhere(s, raw.DNS)
	c.comersCome(s)
	c.require(s)
	c.oneCause()
	s.spots, s.references = c.kept, c.references
	return s
}

func (c *converter) block(missing bool, at hcl.Range, kind, example string) bool {
	misread := slices.ContainsFunc(c.decoded, func(d Diagnostic) bool {
		return d.Summary == "duplicate "+kind+" block" || d.Summary == "unsupported block type"
	})
	if missing && !misread {
		c.fail(at, problem{"required", "missing block", fmt.Sprintf("%s is needed here, for example: %s", kind, example)})
	}
	return !missing
}

func (c *converter) anycasts(raw *rawSite, bgp BGP) []Anycast {
	c.block(len(raw.Anycast) == 0, raw.Range, "anycast", `anycast "as112" { ... }`)
	var out []Anycast
	var names []given[string]
	for i := range raw.Anycast {
		a := c.anycast(&raw.Anycast[i], bgp)
		names = append(names, given[string]{a.Name, raw.Anycast[i].NameRange, true})
		out = append(out, a)
	}
	c.unique("anycast", names)
	slices.SortStableFunc(out, func(a, b Anycast) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// sessions: a block needs a session of its family to be announced in. Whether
// both families have to be there is up to the profile (af-symmetry).
func (c *converter) sessions(s *Site) {
	v4, v6 := false, false
	for _, n := range s.BGP.Neighbors {
		for _, a := range n.Addresses {
			v4 = v4 || a.Is4() && n.Announce == AnnounceBlocks
			v6 = v6 || a.Is6() && n.Announce == AnnounceBlocks
		}
	}
	for _, p := range s.Blocks() {
		if (p.Addr().Is4() && !v4) || (p.Addr().Is6() && !v6) {
			c.failAt(blockSpot(p), problem{"af-session", "block without a session", fmt.Sprintf(
				"%s cannot be announced: no neighbor that is announced the blocks has an %s address.", p, family(p.Addr()))})
		}
	}
}

// failAt reports a problem at a place that was marked before.
func (c *converter) failAt(name string, p problem) { c.reportAt(Error, name, p) }

func (c *converter) reportAt(sev Severity, name string, p problem) {
	at, ok := c.places[name]
	if !ok {
		at = c.places["site"]
	}
	c.diags = append(c.diags, Diagnostic{
		Severity: sev, Rule: p.rule, Summary: p.summary, Detail: p.detail, Pos: at, Source: c.src.line(at),
	})
}
