package site

import (
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

func (c *converter) host(raw *rawHost) Host {
	c.mark("host", raw.Range)
	h := Host{Name: c.label(raw.Name, raw.NameRange, plain("The name of a host", maxName)).val}
	if c.need(raw.ASN, raw.Range, "asn", "asn = 64500") {
		c.mark("host.asn", raw.ASN.Expr.Range())
		h.ASN = c.asn(raw.ASN)
	}
	h.ASSet = c.text(raw.ASSet, shaped("an AS-SET", "write it as AS-EXAMPLE or AS64500:AS-EXAMPLE", asSet)).val
	if raw.Bandwidth != nil {
		c.mark("host.bandwidth", raw.Bandwidth.Expr.Range())
		h.Bandwidth = c.bandwidth(raw.Bandwidth)
	}
	h.Reserve = c.reserve(raw.Reserve)
	if raw.Location != nil {
		h.Location = c.location(raw.Location)
	}
	h.Contacts = c.contacts(raw.Contacts)
	h.Routers = c.routers(raw.Routers)
	return h
}

func (c *converter) location(raw *rawLocation) Location {
	c.mark("host.location", raw.Range)
	l := Location{
		City:      c.text(raw.City, plain("A city", maxName)).val,
		Country:   c.text(raw.Country, shaped("a country code", "write the two capitals of ISO 3166-1, such as BR", upper(2))).val,
		IATA:      c.text(raw.IATA, shaped("an airport code", "write its three capitals, such as GRU", upper(3))).val,
		Facility:  c.text(raw.Facility, plain("A facility", maxName)).val,
		RackUnits: int(c.number(raw.RackUnits, 1, 60, 0)),
	}
	if raw.Country != nil {
		c.mark("host.location.country", raw.Country.Expr.Range())
	}
	if raw.RackUnits != nil {
		c.mark("host.location.rack_units", raw.RackUnits.Expr.Range())
	}
	return l
}

func (c *converter) contacts(raw []rawContact) []Contact {
	var out []Contact
	var roles []given[string]
	for i := range raw {
		r := &raw[i]
		role := c.label(r.Role, r.RoleRange, name("a contact"))
		roles = append(roles, role)
		if r.Email == nil && r.Phone == nil {
			c.fail(r.Range, problem{"required", "contact without an address", `email or phone is needed here, for example: email = "noc@example.net"`})
		}
		out = append(out, Contact{
			Role:  role.val,
			Email: c.text(r.Email, shaped("an email address", "write it as noc@example.net", email)).val,
			Phone: c.text(r.Phone, shaped("a phone number", "write it with the country code, such as +55 11 5555 0100", phone)).val,
		})
	}
	c.unique("contact", roles)
	slices.SortStableFunc(out, func(a, b Contact) int { return strings.Compare(a.Role, b.Role) })
	return out
}

func (c *converter) routers(raw []rawRouter) []Router {
	var out []Router
	var names []given[string]
	for i := range raw {
		r := &raw[i]
		label := c.label(r.Name, r.NameRange, name("a router"))
		names = append(names, label)
		out = append(out, Router{
			Name:    label.val,
			OS:      c.oneOf(r.OS, "", routerSystems()...),
			Version: c.text(r.Version, shaped("a version", "write letters, digits and dots, such as 7.16", word)).val,
		})
	}
	c.unique("router", names)
	slices.SortStableFunc(out, func(a, b Router) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// routerSystems are the systems whose language a fragment for the host can be
// written in, by the name that each has in its own documents.
func routerSystems() []string {
	return []string{"routeros", "vrp", "ios", "ios-xe", "ios-xr", "junos", "eos", "frr", "bird", "openbgpd"}
}

// unique reports labels that two blocks of one kind share.
func (c *converter) unique(kind string, labels []given[string]) {
	first := map[string]hcl.Range{}
	for _, l := range labels {
		if at, ok := first[l.val]; ok {
			c.fail(l.at, problem{"name-unique", kind + " declared twice", fmt.Sprintf(
				"%s %q is already declared at line %d.", kind, l.val, at.Start.Line)})
			continue
		}
		first[l.val] = l.at
	}
}

func (c *converter) reserve(attr *hcl.Attribute) []netip.Prefix {
	if attr == nil {
		return nil
	}
	c.mark("host.reserve", attr.Expr.Range())
	var out []netip.Prefix
	for _, s := range c.texts(attr) {
		if p := c.masked(s); p.ok && c.usableNet(s.at, p.val, "a reserve", forAccess) {
			out = append(out, p.val)
			c.mark(addrSpot(p.val.Addr()), s.at)
			c.claimNet(reserveClaim, "the reserve", p.val, s.at)
		}
	}
	return sortedPrefixes(out)
}

// bandwidth returns bit/s.
func (c *converter) bandwidth(attr *hcl.Attribute) uint64 {
	got := c.text(attr, shaped("a bandwidth", "write it as 100Mbps or 1Gbps", func(s string) bool {
		_, ok := parseBandwidth(s)
		return ok
	}))
	if !got.ok {
		return 0
	}
	bits, _ := parseBandwidth(got.val)
	return bits
}

func parseBandwidth(s string) (uint64, bool) {
	for suffix, unit := range map[string]int64{"kbps": 1e3, "Mbps": 1e6, "Gbps": 1e9, "Tbps": 1e12} {
		number, ok := strings.CutSuffix(s, suffix)
		number = strings.TrimSuffix(number, " ")
		if !ok || len(number) == 0 || len(number) > 8 || strings.Trim(number, "0123456789.") != "" {
			continue
		}
		n, ok := new(big.Rat).SetString(number)
		if !ok {
			return 0, false
		}
		n.Mul(n, new(big.Rat).SetInt64(unit))
		return n.Num().Uint64(), n.IsInt() && n.Sign() > 0 && n.Num().IsUint64()
	}
	return 0, false
}

// asSet accepts names of RPSL (RFC 2622 section 5), with the source that some
// registries put in front.
func asSet(s string) bool {
	if len(s) > maxName {
		return false
	}
	_, path, ok := strings.Cut(s, "::")
	if !ok {
		path = s
	}
	set := false
	for _, part := range strings.Split(path, ":") {
		set = set || strings.HasPrefix(part, "AS-") || strings.HasPrefix(part, "RS-")
		if !strings.HasPrefix(part, "AS") && !strings.HasPrefix(part, "RS-") || !word(part) || len(part) < 3 {
			return false
		}
	}
	return set && (!ok || word(s[:strings.Index(s, "::")]))
}
