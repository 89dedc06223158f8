package verify

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/miekg/dns"
)

// covers reports whether an NSEC record says that a name of its zone is not
// there (RFC 4035 section 5.4, RFC 6840 section 4.1).
func covers(n *dns.NSEC, qname, zone string) bool {
	owner, next := n.Hdr.Name, n.NextDomain
	switch {
	case dns.IsSubDomain(owner, qname) && !equalNames(owner, zone) && (bears(n, dns.TypeNS) || bears(n, dns.TypeDNAME)):
		return false // it speaks of what is above a delegation
	case dns.IsSubDomain(qname, next):
		return false // there is something below, and so the name as well
	case order(owner, qname) >= 0:
		return false
	}
	return equalNames(next, zone) || order(qname, next) < 0 // the last leads back to the first
}

// bears reports whether an NSEC record says that its name has a type.
func bears(n *dns.NSEC, kind uint16) bool { return slices.Contains(n.TypeBitMap, kind) }

func equalNames(a, b string) bool { return dns.CanonicalName(a) == dns.CanonicalName(b) }

// order compares two names as RFC 4034 section 6.1 does: label by label, from
// the last one on, as bytes in lower case.
func order(a, b string) int {
	x, y := labels(a), labels(b)
	for i := range min(len(x), len(y)) {
		if c := bytes.Compare(x[len(x)-1-i], y[len(y)-1-i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(x), len(y))
}

// labels are those of a name in lower case, without what escapes in its text.
func labels(name string) [][]byte {
	wire := make([]byte, 256) // a name has 255 bytes at most (RFC 1035 section 2.3.4)
	end, err := dns.PackDomainName(dns.CanonicalName(name), wire, 0, nil, false)
	if err != nil {
		return nil
	}
	var out [][]byte
	for i := 0; i < end && wire[i] != 0; i += 1 + int(wire[i]) {
		out = append(out, wire[i+1:i+1+int(wire[i])])
	}
	return out
}
