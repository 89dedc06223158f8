package site

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

func (c *converter) dns(raw *rawDNS, limit RateLimit) DNS {
	var d DNS
	if c.need(raw.Identity, raw.Range, "identity", `identity = "gru1.example.net"`) {
		d.Identity = c.text(raw.Identity, ascii("The identity", maxIdentity)).val
	}
	d.Keys = c.keys(raw.Keys)
	d.RateLimit = c.rateLimit(raw.Limit, limit)
	d.Cookie = c.cookie(raw.Cookie)
	if len(raw.Zones) == 0 {
		c.fail(raw.Range, problem{"required", "missing block", `zone is needed here, for example: zone "." { primaries = ["192.0.2.53"] }`})
	}
	var names []given[string]
	for i := range raw.Zones {
		r := &raw.Zones[i]
		z := c.zone(r, d.Keys)
		if z.Name != "" {
			names = append(names, given[string]{z.Name, r.NameRange, true})
		}
		d.Zones = append(d.Zones, z)
	}
	c.unique("zone", names)
	slices.SortStableFunc(d.Zones, func(a, b Zone) int { return strings.Compare(a.Name, b.Name) })
	before := len(c.diags)
	d.TrustAnchors = c.trustAnchors(raw.Anchors, d.Zones)
	if !c.diags[before:].HasErrors() {
		c.verifiable(raw, d)
	}
	return d
}

func (c *converter) zone(raw *rawZone, keys []TSIG) Zone {
	n, p := zoneName(raw.Name)
	if p != nil {
		c.fail(raw.NameRange, *p)
	}
	z := Zone{Name: n, Source: c.oneOf(raw.Source, "", "as112")}
	primaries := c.addrs(raw.Primaries, "a primary", forHelper)
	z.Primaries = values(primaries)
	z.Unverified = c.reason(raw.Unverified)
	z.Unauthenticated = c.reason(raw.Unauthenticated)
	z.Key = c.zoneKey(raw.Key, keys)
	switch {
	case raw.Source != nil && raw.Primaries != nil:
		c.fail(raw.Primaries.NameRange, problem{"zone-source", "zone from two places", "Give either source, for data built in, or primaries, to transfer it."})
	case raw.Source == nil && raw.Primaries == nil:
		c.fail(raw.Range, problem{"zone-source", "zone from nowhere", `primaries or source is needed here, for example: primaries = ["192.0.2.53"]`})
	case raw.Primaries != nil && len(primaries) == 0 && !c.diags.HasErrors():
		c.fail(raw.Primaries.Expr.Range(), problem{"zone-source", "zone from nowhere", "primaries is empty."})
	case z.Source == "as112" && n != "" && !isAS112(n):
		c.fail(raw.NameRange, problem{"zone-source", "zone not of AS112", fmt.Sprintf(
			"%q is none of the zones that RFC 7534 and RFC 7535 give to AS112. Transfer it: primaries = [...]", n)})
	}
	c.transferOnly(raw)
	if n != "" && z.Transferred() && raw.Key == nil && raw.Unauthenticated == nil {
		c.fail(raw.Range, problem{"tsig-key", "transfer without TSIG", fmt.Sprintf(
			"Anybody on the way could put another zone in the place of %q. Name a key: key = \"NAME\", or write why there is none: unauthenticated = \"REASON\".", n)})
	}
	return z
}

// transferOnly refuses what says nothing of a zone that is not transferred.
func (c *converter) transferOnly(raw *rawZone) {
	if raw.Source == nil {
		return
	}
	for _, attr := range []*hcl.Attribute{raw.Key, raw.Unverified, raw.Unauthenticated} {
		if attr != nil {
			c.fail(attr.NameRange, problem{"zone-source", "only for transferred zones", fmt.Sprintf(
				"%s speaks of a transfer, but this zone is not transferred.", attr.Name)})
		}
	}
}

// primariesElsewhere: a primary is another machine. What comes from the copy's
// own blocks is dropped as made up, and the neighbors only route.
func (c *converter) primariesElsewhere(s *Site, raw *rawDNS) {
	if raw == nil || c.broken {
		return
	}
	own := map[netip.Addr]string{}
	for _, p := range slices.Concat(s.Server.Management.Addresses, s.Server.Service.Addresses) {
		own[p.Addr()] = "is the server's own address"
	}
	for _, n := range s.BGP.Neighbors {
		for _, a := range n.Addresses {
			own[a] = "is the neighbor " + n.Name
		}
	}
	for _, z := range raw.Zones {
		for _, a := range c.quietAddrs(z.Primaries) {
			why := own[a.val]
			for _, b := range s.Blocks() {
				if b.Contains(a.val) {
					why = "is in the block " + b.String() + ", which this copy announces itself"
				}
			}
			if why != "" {
				c.fail(a.at, problem{"zone-source", "primary is no other machine", fmt.Sprintf("%s %s. A zone comes from a name server of the operator's elsewhere.", a.val, why)})
			}
		}
	}
}

// quietAddrs are the addresses of a list that was converted before; what is
// wrong with it was said then.
func (c *converter) quietAddrs(attr *hcl.Attribute) []given[netip.Addr] {
	before := len(c.diags)
	list := c.addrs(attr, "a primary", forHelper)
	c.diags = c.diags[:before]
	return list
}

// reason is a sentence that reports repeat.
func (c *converter) reason(attr *hcl.Attribute) string {
	return c.text(attr, plain("A reason", maxIdentity)).val
}

// zoneKey is the name of a key that the site declares.
func (c *converter) zoneKey(attr *hcl.Attribute, keys []TSIG) string {
	var known []string
	for _, k := range keys {
		known = append(known, k.Name)
	}
	name := c.text(attr, func(s string) *problem {
		if k, _ := zoneName(s); slices.Contains(known, k) {
			return nil
		}
		return &problem{"tsig-key", "unknown key", fmt.Sprintf("dns has no key %q.%s", s, didYouMean(s, known))}
	}).val
	name, _ = zoneName(name)
	return name
}

// isAS112 knows the zones of RFC 7534 section 3.2.3 and the one that RFC 7535
// redirects to by DNAME.
func isAS112(zone string) bool {
	switch zone {
	case "10.in-addr.arpa", "168.192.in-addr.arpa", "254.169.in-addr.arpa",
		"hostname.as112.net", "empty.as112.arpa", "hostname.as112.arpa":
		return true
	}
	var n int
	_, err := fmt.Sscanf(zone, "%d.172.in-addr.arpa", &n)
	return err == nil && n >= 16 && n <= 31 && zone == fmt.Sprintf("%d.172.in-addr.arpa", n)
}

func (c *converter) keys(raw []rawKey) []TSIG {
	var out []TSIG
	var names []given[string]
	for i := range raw {
		r := &raw[i]
		n, p := zoneName(r.Name)
		if p != nil || n == "." {
			c.fail(r.NameRange, problem{"tsig-key", "not a key name", fmt.Sprintf("%q is not a domain name, which keys have (RFC 8945).", r.Name)})
			continue
		}
		names = append(names, given[string]{n, r.NameRange, true})
		k := TSIG{Name: n, Algorithm: c.oneOf(r.Algorithm, "hmac-sha256", "hmac-sha256", "hmac-sha384", "hmac-sha512")}
		if c.need(r.Secret, r.Range, "secret", `secret = env("TSIG_SECRET")`) {
			k.Secret = c.secret(r.Secret, "dns.key."+n+".secret", tsigSecret)
		}
		out = append(out, k)
	}
	c.unique("key", names)
	slices.SortStableFunc(out, func(a, b TSIG) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// tsigSecret checks the key that all name servers take as base64.
func tsigSecret(s string) *problem {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(raw) < 16 {
		return &problem{"tsig-key", "not a TSIG secret", "It has to be base64 of at least 16 bytes; tsig-keygen makes one."}
	}
	return nil
}
