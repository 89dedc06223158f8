package redfish

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
)

// dialer opens TLS connections to one controller and trusts no other.
type dialer struct {
	dial    func(context.Context, string, string) (net.Conn, error)
	pin     string
	next    string // the certificate to import, or ""
	pool    *x509.CertPool
	names   []string // a certificate under the CA must be valid for one
	anyone  bool     // any certificate will do: nothing is going to be sent
	connect time.Duration
	stats   *counter
}

func newDialer(t Target, timing Timing, stats *counter) (*dialer, error) {
	d := &dialer{dial: t.Dial, pin: strings.ToLower(t.Fingerprint), next: t.AlsoTrust, connect: timing.Connect, stats: stats}
	if d.dial == nil {
		d.dial = new(net.Dialer).DialContext
	}
	if d.pin != "" {
		if sum, err := hex.DecodeString(strings.TrimPrefix(d.pin, "sha256:")); err != nil || len(sum) != sha256.Size || !strings.HasPrefix(d.pin, "sha256:") {
			return nil, fmt.Errorf("open bmc: fingerprint %q is not \"sha256:\" and 64 hex digits", t.Fingerprint)
		}
	}
	if len(t.CA) > 0 {
		d.pool = x509.NewCertPool()
		if !d.pool.AppendCertsFromPEM(t.CA) {
			return nil, errors.New("open bmc: the CA holds no PEM certificate")
		}
	}
	for _, e := range t.Endpoints {
		if e.Origin == Declared {
			d.names = append(d.names, e.Address.Addr().Unmap().String())
		}
	}
	return d, nil
}

// open dials, shakes hands and checks who is there. The connection has sent
// nothing yet.
func (d *dialer) open(ctx context.Context, to netip.AddrPort) (*tls.Conn, error) {
	return d.openHeard(ctx, to, func() {})
}

// openHeard is open, and calls alive at each sign of life.
func (d *dialer) openHeard(ctx context.Context, to netip.AddrPort, alive func()) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.connect)
	defer cancel()
	raw, err := d.dial(ctx, "tcp", to.String())
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", to, err)
	}
	alive()
	raw = await.Audible(raw, alive)
	conn := tls.Client(raw, &tls.Config{
		// The pin or the CA decide below; the names in the certificates
		// controllers leave the factory with mean nothing.
		InsecureSkipVerify: true,
		MinVersion:         tls.VersionTLS12,
		ServerName:         to.Addr().String(),
		NextProtos:         []string{"http/1.1"},
		VerifyConnection:   func(cs tls.ConnectionState) error { return d.check(to, cs) },
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		if errors.Is(err, ErrCertificate) {
			return nil, err
		}
		return nil, fmt.Errorf("shake hands with %s: %w", to, err)
	}
	d.stats.add(func(s *Stats) { s.Handshakes++ })
	return conn, nil
}

func (d *dialer) check(to netip.AddrPort, cs tls.ConnectionState) error {
	leaf := cs.PeerCertificates[0]
	bad := &CertificateError{Address: to, Want: d.pin, Got: Fingerprint(leaf)}
	switch {
	case d.anyone:
		return nil
	case d.pin != "":
		if bad.Got == d.pin || bad.Got == d.next {
			return nil
		}
		return bad
	case d.pool == nil:
		return bad
	}
	rest := x509.NewCertPool()
	for _, c := range cs.PeerCertificates[1:] {
		rest.AddCert(c)
	}
	if _, bad.Err = leaf.Verify(x509.VerifyOptions{Roots: d.pool, Intermediates: rest}); bad.Err != nil {
		return bad
	}
	for _, name := range d.names {
		if leaf.VerifyHostname(name) == nil {
			return nil
		}
	}
	bad.Err = fmt.Errorf("it is valid for none of %v", d.names)
	return bad
}

// arrival is the endpoint that answered; conn is nil where none did.
type arrival struct {
	endpoint Endpoint
	conn     *tls.Conn
}

// race dials the endpoints, each when the one before has been silent for a head
// start or failed, and returns the first that answers rightly, but a declared
// one when that follows within t.Prefer. The others are hung up on. Silence is
// what counts: many a controller needs a second or two for its part of a TLS
// handshake, and has no processor to spare for a second one beside it.
func (d *dialer) race(ctx context.Context, endpoints []Endpoint, t Timing) (arrival, []error) {
	r := await.Start(ctx, len(endpoints), t.Stagger, func(ctx context.Context, i int, alive func()) (*tls.Conn, error) {
		return d.openHeard(ctx, endpoints[i].Address, alive)
	}, func(late *tls.Conn) { _ = late.Close() })
	defer r.Stop()
	var best arrival
	var failed []error
	var enough <-chan time.Time
	for {
		got, ok := r.Next(enough)
		if !ok {
			return best, failed
		}
		e := endpoints[got.Index]
		switch {
		case got.Err != nil:
			failed = append(failed, got.Err)
			continue
		case best.conn == nil:
			best, enough = arrival{e, got.Value}, time.After(t.Prefer)
		case e.Origin != Factory:
			_ = best.conn.Close()
			best = arrival{e, got.Value}
		default:
			_ = got.Value.Close()
		}
		if best.endpoint.Origin != Factory || !anyDeclared(endpoints) {
			return best, failed
		}
	}
}

func anyDeclared(endpoints []Endpoint) bool {
	return slices.ContainsFunc(endpoints, func(e Endpoint) bool { return e.Origin != Factory })
}

// Fingerprint returns a certificate's, as a site file declares it.
func Fingerprint(c *x509.Certificate) string {
	return FingerprintOf(c.Raw)
}

// FingerprintOf returns that of a certificate in its DER form.
func FingerprintOf(der []byte) string {
	sum := sha256.Sum256(der)
	return "sha256:" + hex.EncodeToString(sum[:])
}
