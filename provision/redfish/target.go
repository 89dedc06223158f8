package redfish

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/raiz-dns/raiz/provision/secret"
)

// The origins of an Endpoint.
const (
	// Declared endpoints are how the site wants the controller to be.
	Declared = "declared"
	// Previous endpoints are declared ones with the password before the
	// declared one: while it is being changed either may be right.
	Previous = "previous"
	// Factory endpoints are how it answers as delivered.
	Factory = "factory"
)

// Endpoint is one way in.
type Endpoint struct {
	Address  netip.AddrPort
	Username string
	Password secret.Value
	Origin   string // Declared, Previous or Factory
}

// Target is a service and all that is needed to trust it.
type Target struct {
	// Endpoints in order of preference; declared ones come before previous
	// ones, and these before factory ones, in any case. Each password is
	// tried once.
	Endpoints []Endpoint
	// Fingerprint pins the certificate: "sha256:" and the 64 hex digits of
	// its DER form. One of Fingerprint and CA is needed.
	Fingerprint string
	// AlsoTrust is the fingerprint of a certificate that may be shown instead
	// of the pinned one; "" is none.
	AlsoTrust string
	// CA holds PEM certificates that sign the controller's. The certificate
	// must be valid for the address of a declared endpoint, because one such
	// CA signs the controllers of many sites.
	CA []byte
	// Dial opens connections; nil is a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Log takes what an operator may want to know; nil is silence.
	Log *slog.Logger
	// Timing bounds the waits; zero fields take the defaults.
	Timing Timing
}

// Timing bounds how long things may take.
type Timing struct {
	Connect time.Duration // one dial with its TLS handshake; 15 s
	Stagger time.Duration // silence after which the next endpoint is tried too; 1 s
	Prefer  time.Duration // wait for a declared endpoint once a factory one answered; 2 s
	Request time.Duration // one request with its answer; 60 s
	Task    time.Duration // a task the controller runs; 3 min
	Poll    time.Duration // between two looks; 2 s
	Logout  time.Duration // the last request of a run; 10 s
}

func (t Timing) withDefaults() Timing {
	fill := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	fill(&t.Connect, 15*time.Second)
	fill(&t.Stagger, time.Second)
	fill(&t.Prefer, 2*time.Second)
	fill(&t.Request, time.Minute)
	fill(&t.Task, 3*time.Minute)
	fill(&t.Poll, 2*time.Second)
	fill(&t.Logout, 10*time.Second)
	return t
}

// Stats counts what a run has cost the controller.
type Stats struct {
	Gets       int // GET requests that were sent
	Writes     int // PATCH and POST requests other than logins
	Handshakes int // TLS handshakes that were completed
	Sessions   int // sessions that were opened
}
