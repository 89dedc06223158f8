package site

import (
	"encoding/hex"

	"github.com/hashicorp/hcl/v2"
)

// defaultLimit is the rate limit of a site whose operator's profile and whose
// file say nothing: none. What it should be is the operator's decision, since
// it costs real clients answers (RFC 9199 section 3.4 on absorbing attacks).
func defaultLimit() RateLimit { return RateLimit{Slip: 2, IPv4Prefix: 24, IPv6Prefix: 64} }

// rateLimit is the site's word over the operator's, value by value.
func (c *converter) rateLimit(raw *rawRateLimit, operators RateLimit) RateLimit {
	out := operators
	if out == (RateLimit{}) {
		out = defaultLimit()
	}
	if raw == nil {
		return out
	}
	if c.need(raw.Responses, raw.Range, "responses_per_second", "responses_per_second = 200") {
		out.Responses = int(c.number(raw.Responses, 0, 1_000_000, 0))
	}
	// A network that is too wide takes in strangers of the client, and at last
	// the loopback, from which the copy looks at itself.
	for _, n := range []struct {
		attr      *hcl.Attribute
		to        *int
		low, high int64
	}{{raw.Slip, &out.Slip, 0, 10}, {raw.IPv4, &out.IPv4Prefix, 16, 32}, {raw.IPv6, &out.IPv6Prefix, 32, 64}} {
		*n.to = int(c.number(n.attr, n.low, n.high, int64(*n.to)))
	}
	return out
}

// cookie is the secret that all copies of a block share, so that a client
// whose packets reach another one goes on (RFC 9018 section 5).
func (c *converter) cookie(raw *rawCookie) Cookie {
	var out Cookie
	if raw == nil {
		return out
	}
	if c.need(raw.Secret, raw.Range, "secret", `secret = env("DNS_COOKIE_SECRET")`) {
		out.Secret = c.secret(raw.Secret, "dns.cookie.secret", cookieSecret)
	}
	out.Staging = c.secret(raw.Staging, "dns.cookie.staging", cookieSecret)
	return out
}

// cookieSecret checks a SipHash key of 128 bits (RFC 9018 section 4.4).
func cookieSecret(s string) *problem {
	if raw, err := hex.DecodeString(s); err != nil || len(raw) != 16 {
		return &problem{"cookie", "not a cookie secret", "It has to be 32 hexadecimal digits: openssl rand -hex 16 makes one."}
	}
	return nil
}
