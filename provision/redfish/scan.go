package redfish

import (
	"context"
	"crypto/x509"
	"net/netip"
	"slices"
	"time"
)

// PeerCertificate is the certificate that somebody showed who has not been trusted yet.
type PeerCertificate struct {
	Address     netip.AddrPort
	Origin      string // of the endpoint that answered
	Fingerprint string
	Subject     string
	Issuer      string
	NotBefore   time.Time
	NotAfter    time.Time
}

// SelfSigned reports whether it names itself as its issuer, as those do that
// controllers leave the factory with.
func (s PeerCertificate) SelfSigned() bool { return s.Subject == s.Issuer }

// ScanCertificate shakes hands with the first endpoint that answers, a declared one
// where there is, and hangs up. It sends nothing: neither user nor password.
// Target's Fingerprint and CA do not count.
func ScanCertificate(ctx context.Context, t Target) (PeerCertificate, error) {
	for i, e := range t.Endpoints {
		if !e.Address.IsValid() {
			return PeerCertificate{}, usable(t.Endpoints[i])
		}
	}
	timing := t.Timing.withDefaults()
	t.Fingerprint, t.CA = "", nil
	d, err := newDialer(t, timing, &counter{})
	if err != nil {
		return PeerCertificate{}, err
	}
	d.anyone = true
	sorted := slices.Clone(t.Endpoints)
	slices.SortStableFunc(sorted, func(a, b Endpoint) int { return rank(a) - rank(b) })
	sorted = perAddress(sorted)
	if len(sorted) == 0 {
		_, err := prepare(t)
		return PeerCertificate{}, err
	}
	a, failed := d.race(ctx, sorted, timing)
	if a.conn == nil {
		return PeerCertificate{}, mostTelling(ctx, failed)
	}
	defer a.conn.Close()
	return peerCertificateOf(a.endpoint, a.conn.ConnectionState().PeerCertificates[0]), nil
}

func peerCertificateOf(e Endpoint, c *x509.Certificate) PeerCertificate {
	return PeerCertificate{
		Address: e.Address, Origin: e.Origin, Fingerprint: Fingerprint(c),
		Subject: Short(c.Subject.String()), Issuer: Short(c.Issuer.String()), NotBefore: c.NotBefore, NotAfter: c.NotAfter,
	}
}
