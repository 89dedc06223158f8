package redfish_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// narrow is a link that carries little at a time.
type narrow struct {
	net.Conn
	pause time.Duration
}

func (n narrow) Write(p []byte) (int, error) {
	for sent := 0; sent < len(p); {
		time.Sleep(n.pause)
		m, err := n.Conn.Write(p[sent:min(len(p), sent+200)])
		if sent += m; err != nil {
			return sent, err
		}
	}
	return len(p), nil
}

// TestRaceHearsBytes makes sure that the second address of a controller is left
// alone while the first one is at work on its handshake, and tried when all
// that came was a TCP connection.
func TestRaceHearsBytes(t *testing.T) {
	donor := httptest.NewTLSServer(nil)
	shown := &tls.Config{Certificates: donor.TLS.Certificates, MinVersion: tls.VersionTLS12}
	donor.Close()
	first, second := netip.MustParseAddrPort("192.0.2.10:443"), netip.MustParseAddrPort("[2001:db8::10]:443")
	for name, c := range map[string]struct {
		pause  time.Duration // before each 200 bytes of the first; 0 is silence for ever
		seen   netip.AddrPort
		dialed int
	}{
		"at once":           {time.Millisecond, first, 1},
		"a slow controller": {700 * time.Millisecond, first, 1},
		"a silent one":      {0, second, 2},
		"too slow a one":    {3 * time.Second, second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dialed := 0
				var controllers sync.WaitGroup
				defer controllers.Wait()
				target := redfish.Target{
					Endpoints: []redfish.Endpoint{{Address: first, Origin: redfish.Declared}, {Address: second, Origin: redfish.Declared}},
					Dial: func(_ context.Context, _, address string) (net.Conn, error) {
						dialed++
						near, far := net.Pipe()
						pause := time.Millisecond
						if address == first.String() {
							pause = c.pause
						}
						controllers.Go(func() {
							defer far.Close()
							if pause == 0 {
								_, _ = far.Read(make([]byte, 1<<16))
								_, _ = far.Read(make([]byte, 1)) // until the near side hangs up
								return
							}
							_ = tls.Server(narrow{far, pause}, shown).Handshake()
						})
						return near, nil
					},
				}
				began := time.Now()
				got, err := redfish.ScanCertificate(t.Context(), target)
				if err != nil || got.Address != c.seen || dialed != c.dialed {
					t.Errorf("%s was seen after %s and %d dials, %v; want %s and %d", got.Address, time.Since(began), dialed, err, c.seen, c.dialed)
				}
			})
		})
	}
}
