package site

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// asn returns an AS number that may appear in the routing of the Internet.
func (c *converter) asn(attr *hcl.Attribute) ASN {
	val, ok := c.value(attr, cty.Number, "a number, such as 64500")
	if !ok {
		return 0
	}
	at := attr.Expr.Range()
	n, ok := wholeNumber(val)
	if !ok || n < 0 || n > 1<<32-1 {
		c.fail(at, problem{"asn-valid", "not an AS number", fmt.Sprintf("%s has to be a whole number from 1 to 4294967294 (RFC 6793).", attr.Name)})
		return 0
	}
	why, forDocs := reservedASN(ASN(n))
	switch {
	case why == "" || (forDocs && c.lab):
		return ASN(n)
	case forDocs:
		c.fail(at, problem{documentationRule, "documentation AS number", fmt.Sprintf(
			"AS%d is %s. Write the real number, or lab = true in a site that is only rehearsed.", n, why)})
		return 0
	}
	c.fail(at, problem{"asn-valid", "reserved AS number", fmt.Sprintf("AS%d is %s.", n, why)})
	return 0
}

// reservedASN says why a number is not one of the Internet, or "".
func reservedASN(n ASN) (why string, documentation bool) {
	switch {
	case n == 0:
		return "reserved (RFC 7607)", false
	case n == 23456:
		return "AS_TRANS, which stands for longer numbers (RFC 6793)", false
	case n >= 64496 && n <= 64511, n >= 65536 && n <= 65551:
		return "for documentation (RFC 5398)", true
	case n >= 64512 && n <= 65534, n >= 4200000000 && n <= 4294967294:
		return "for private use (RFC 6996), which other networks filter", false
	case n == 65535, n == 4294967295:
		return "reserved (RFC 7300)", false
	}
	return "", false
}
