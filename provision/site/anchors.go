package site

import (
	_ "embed" // the trust anchors of the root
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// rootDS are the trust anchors of the root as IANA publishes them, KSK-2017
// and KSK-2024: the file of Debian's dns-root-data, with which a test compares
// it.
//
//go:embed root.ds
var rootDS string

// trustAnchors returns what the zones have to be signed with: "root", or a
// list of DS records as text. A site that transfers the root and says nothing
// means the anchors of IANA.
func (c *converter) trustAnchors(attr *hcl.Attribute, zones []Zone) []TrustAnchor {
	if attr == nil {
		if slices.ContainsFunc(zones, func(z Zone) bool { return z.Name == "." && z.Verified() }) {
			return rootAnchors()
		}
		return nil
	}
	if word, ok := c.quietText(attr); ok {
		if word != "root" {
			c.fail(attr.Expr.Range(), problem{"trust-anchor", "unknown word", fmt.Sprintf(
				"trust_anchors is %q. Write \"root\" for the keys of IANA, or a list of DS records.", short(word))})
			return nil
		}
		return rootAnchors()
	}
	var out []TrustAnchor
	for _, t := range c.texts(attr) {
		a, ok := parseDS(t.val)
		switch {
		case !ok:
			c.fail(t.at, problem{"trust-anchor", "not a DS record", fmt.Sprintf(
				"%q is no DS record with SHA-256 or SHA-384 and an algorithm of today (RFC 4034 section 5, RFC 8624), such as \". IN DS 20326 8 2 E06D...\".", short(t.val))})
		case slices.Contains(out, a):
			c.fail(t.at, problem{"trust-anchor", "trust anchor given twice", fmt.Sprintf("The key %d of %q is in this list already.", a.KeyTag, a.Zone)})
		default:
			out = append(out, a)
		}
	}
	return sortedAnchors(out)
}

// quietText returns the argument where it is a string, and says nothing
// otherwise.
func (c *converter) quietText(attr *hcl.Attribute) (string, bool) {
	val, diags := attr.Expr.Value(c.ctx)
	bare, from := originsOf(val)
	if diags.HasErrors() || len(from) > 0 || !bare.IsWhollyKnown() || bare.IsNull() || bare.Type() != cty.String {
		return "", false
	}
	return bare.AsString(), true
}

func rootAnchors() []TrustAnchor {
	var out []TrustAnchor
	for line := range strings.Lines(rootDS) {
		if a, ok := parseDS(line); ok {
			out = append(out, a)
		}
	}
	return sortedAnchors(out)
}

// parseDS reads a DS record as master files have it (RFC 4034 section 5.3),
// with or without its class and TTL.
func parseDS(text string) (TrustAnchor, bool) {
	f := strings.Fields(text)
	if len(f) < 5 {
		return TrustAnchor{}, false
	}
	zone, p := zoneName(f[0])
	f = f[1:]
	for len(f) > 0 && !strings.EqualFold(f[0], "DS") {
		if _, err := strconv.ParseUint(f[0], 10, 31); err != nil && !strings.EqualFold(f[0], "IN") {
			return TrustAnchor{}, false
		}
		f = f[1:]
	}
	if p != nil || len(f) < 5 {
		return TrustAnchor{}, false
	}
	tag, err1 := strconv.ParseUint(f[1], 10, 16)
	algorithm, err2 := strconv.ParseUint(f[2], 10, 8)
	kind, err3 := strconv.ParseUint(f[3], 10, 8)
	digest, err4 := hex.DecodeString(strings.Join(f[4:], ""))
	// SHA-1 is not to be relied on any more (RFC 8624 section 3.3).
	length := map[uint64]int{2: 32, 4: 48}[kind]
	// RFC 8624 section 3.1: what is not to be validated with is no anchor.
	if algorithm != 8 && algorithm != 10 && (algorithm < 13 || algorithm > 16) {
		return TrustAnchor{}, false
	}
	if err1 != nil || err2 != nil || err3 != nil || err4 != nil || length == 0 || len(digest) != length {
		return TrustAnchor{}, false
	}
	return TrustAnchor{
		Zone: zone, KeyTag: uint16(tag), Algorithm: uint8(algorithm), DigestType: uint8(kind),
		Digest: strings.ToUpper(hex.EncodeToString(digest)),
	}, true
}

func sortedAnchors(all []TrustAnchor) []TrustAnchor {
	slices.SortFunc(all, func(a, b TrustAnchor) int { return strings.Compare(a.String(), b.String()) })
	return all
}

// String returns the record as a master file has it.
func (a TrustAnchor) String() string {
	zone := a.Zone
	if zone != "." {
		zone += "."
	}
	return fmt.Sprintf("%s IN DS %d %d %d %s", zone, a.KeyTag, a.Algorithm, a.DigestType, a.Digest)
}

// verifiable: a zone that is transferred is served only when its signatures
// and its ZONEMD are right, or when the site says why nobody looks.
func (c *converter) verifiable(raw *rawDNS, d DNS) {
	for i := range raw.Zones {
		name, _ := zoneName(raw.Zones[i].Name)
		j := slices.IndexFunc(d.Zones, func(z Zone) bool { return z.Name == name })
		if name == "" || j < 0 || !d.Zones[j].Verified() {
			continue
		}
		if !slices.ContainsFunc(d.TrustAnchors, func(a TrustAnchor) bool { return a.Zone == name }) {
			c.fail(raw.Zones[i].Range, problem{"trust-anchor", "zone without a trust anchor", fmt.Sprintf(
				"Nothing tells what the keys of %q are. Add its DS records to trust_anchors of dns, or write why it is served without a look at its signatures: unverified = \"REASON\".", name)})
		}
	}
}
