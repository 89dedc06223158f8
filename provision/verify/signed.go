package verify

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
)

// Bounds of what is verified for a zone of one address over one transport: an answer may
// have many signatures and keys that all have the same tag, each of which would
// have to be tried with each.
const (
	maxKeys          = 16
	maxSignatures    = 8
	maxVerifications = 48
)

// keyring has the keys of a zone, as the address that is judged has told them.
type keyring struct {
	zone string
	keys []*dns.DNSKEY
	left *int // verifications
}

// keysOf reads them. A key that is revoked, or is none of a zone, signs nothing
// (RFC 5011 section 2.1, RFC 4034 section 2.1.1).
func keysOf(zone string, m *dns.Msg, left *int) keyring {
	k := keyring{zone: zone, left: left}
	if m == nil {
		return k
	}
	for _, rr := range setOf(m.Answer, zone, dns.TypeDNSKEY) {
		key, is := rr.(*dns.DNSKEY)
		if is && key.Flags&dns.ZONE != 0 && key.Flags&dns.REVOKE == 0 && key.Protocol == 3 && len(k.keys) < maxKeys {
			k.keys = append(k.keys, key)
		}
	}
	return k
}

// anchored are those keys alone whose digests the site declares (RFC 4035
// section 5.2); all, where it declares none for the zone.
func (k keyring) anchored(all []site.TrustAnchor) keyring {
	mine := slices.DeleteFunc(slices.Clone(all), func(a site.TrustAnchor) bool { return !equalNames(dns.Fqdn(a.Zone), k.zone) })
	if len(mine) == 0 {
		return k
	}
	out := k
	out.keys = nil
	for _, key := range k.keys {
		if slices.ContainsFunc(mine, func(a site.TrustAnchor) bool { return anchors(a, key) }) {
			out.keys = append(out.keys, key)
		}
	}
	return out
}

func anchors(a site.TrustAnchor, key *dns.DNSKEY) bool {
	if a.KeyTag != key.KeyTag() || a.Algorithm != key.Algorithm {
		return false
	}
	ds := key.ToDS(a.DigestType)
	return ds != nil && strings.EqualFold(ds.Digest, a.Digest)
}

// proof is what the signatures over a set of records come to.
type proof uint8

const (
	proven   proof = iota // one of them is right, and valid at the time
	unsealed              // there is none
	bogus                 // none is right
	outdated              // those that are right are not valid at the time
)

// proves judges the signatures over a set at a time (RFC 4035 section 5.3), and
// returns until when the last of those that are right is valid.
func (k keyring) proves(set []dns.RR, section []dns.RR, at time.Time) (proof, time.Time) {
	if len(set) == 0 {
		return bogus, time.Time{}
	}
	found, until := unsealed, time.Time{}
	for i, sig := range sealsOf(section, set[0].Header().Name, set[0].Header().Rrtype) {
		if found == unsealed {
			found = bogus
		}
		if i >= maxSignatures || !k.sealed(sig, set) {
			continue
		}
		from, end := moment(sig.Inception, at), moment(sig.Expiration, at)
		if end.After(until) {
			until = end
		}
		if at.Before(from) || at.After(end) {
			if found != proven {
				found = outdated
			}
			continue
		}
		found = proven
	}
	return found, until
}

// sealed reports whether a signature over a set is right with one of the keys.
// A set that a wildcard stands for is not the one that was asked for.
func (k keyring) sealed(sig *dns.RRSIG, set []dns.RR) bool {
	if int(sig.Labels) != ownLabels(set[0].Header().Name) {
		return false
	}
	for _, key := range k.keys {
		if key.KeyTag() != sig.KeyTag || key.Algorithm != sig.Algorithm {
			continue
		}
		if *k.left--; *k.left < 0 {
			return false
		}
		if sig.Verify(key, set) == nil {
			return true
		}
	}
	return false
}

// ownLabels is what a signature over a name itself has as its labels (RFC 4034
// section 3.1.3).
func ownLabels(name string) int {
	n := dns.CountLabel(name)
	if strings.HasPrefix(name, "*.") {
		n--
	}
	return n
}

// setOf are the records of a name and a type.
func setOf(section []dns.RR, owner string, kind uint16) []dns.RR {
	var out []dns.RR
	for _, rr := range section {
		if h := rr.Header(); h.Rrtype == kind && h.Class == dns.ClassINET && equalNames(h.Name, owner) {
			out = append(out, rr)
		}
	}
	return out
}

// sealsOf are the signatures over them.
func sealsOf(section []dns.RR, owner string, kind uint16) []*dns.RRSIG {
	var out []*dns.RRSIG
	for _, rr := range section {
		if sig, is := rr.(*dns.RRSIG); is && sig.TypeCovered == kind && equalNames(sig.Hdr.Name, owner) {
			out = append(out, sig)
		}
	}
	return out
}
