package bmc_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// openError opens what cannot be opened and checks that the error is of
// exactly one kind and holds no secret.
func (l *lab) openError(t *testing.T, target bmc.Target, kind error) error {
	t.Helper()
	c, err := bmc.Open(t.Context(), target)
	if err == nil {
		_ = c.Close(t.Context())
		t.Fatal("open: no error")
	}
	for _, k := range []error{redfish.ErrUnreachable, redfish.ErrCertificate, redfish.ErrAuth, redfish.ErrPasswordChange} {
		if errors.Is(err, k) != (k == kind) {
			t.Errorf("errors.Is(err, %q) = %t; err: %v", k, k != kind, err)
		}
	}
	l.noSecrets(err.Error())
	if n := l.bmc.Counters().Open; n != 0 {
		t.Errorf("%d sessions are left behind", n)
	}
	return err
}

func TestOpenErrors(t *testing.T) {
	t.Run("down", func(t *testing.T) {
		l := newLab(t, simbmc.Config{})
		l.route(nil)
		l.openError(t, l.target(declared(), factory()), redfish.ErrUnreachable)
	})
	t.Run("wrong fingerprint", func(t *testing.T) {
		l := newLab(t, simbmc.Config{})
		target := l.target(factory())
		target.Fingerprint = "sha256:" + strings.Repeat("ab", 32)
		err := l.openError(t, target, redfish.ErrCertificate)
		cert, ok := errors.AsType[*redfish.CertificateError](err)
		if !ok || cert.Want != target.Fingerprint || cert.Got != l.bmc.Fingerprint() {
			t.Errorf("got %+v", cert)
		}
		if !strings.Contains(err.Error(), cert.Want) || !strings.Contains(err.Error(), cert.Got) {
			t.Errorf("the text names not both fingerprints: %v", err)
		}
		if n := len(l.bmc.Log()); n != 0 {
			t.Errorf("%d requests were sent to a stranger", n)
		}
	})
	t.Run("no trust declared", func(t *testing.T) {
		l := newLab(t, simbmc.Config{})
		target := l.target(factory())
		target.Fingerprint = ""
		l.openError(t, target, redfish.ErrCertificate)
	})
	t.Run("wrong password", func(t *testing.T) {
		l := newLab(t, simbmc.Config{})
		e := factory()
		e.Password = secret.New("literal", declaredPassword)
		// The same wrong password at a second address is not a second try.
		f := e
		f.Address = netip.MustParseAddrPort("[2001:db8::99]:443")
		l.routes[f.Address.Addr()] = l.listen
		l.openError(t, l.target(e, f), redfish.ErrAuth)
		if n := l.bmc.Counters().FailedLogins; n != 1 {
			t.Errorf("the password was tried %d times", n)
		}
	})
	for _, personality := range []string{"openbmc", "ilo"} {
		t.Run("password change/"+personality, func(t *testing.T) {
			l := newLab(t, simbmc.Config{Personality: personality, MustChange: []string{"root"}})
			err := l.openError(t, l.target(factory()), redfish.ErrPasswordChange)
			change, ok := errors.AsType[*redfish.PasswordChangeError](err)
			if !ok || !strings.HasPrefix(change.Account, "/redfish/v1/AccountService/Accounts/") {
				t.Errorf("got %+v", change)
			}
		})
	}
}

func TestOpenTrouble(t *testing.T) {
	t.Run("session limit", func(t *testing.T) {
		l := newLab(t, simbmc.Config{Faults: simbmc.Faults{SessionLimit: 1}})
		c := l.open(l.target(factory()))
		_, err := bmc.Open(t.Context(), l.target(factory()))
		if err == nil || !strings.Contains(err.Error(), "SessionLimitExceeded") || errors.Is(err, redfish.ErrAuth) {
			t.Errorf("got %v", err)
		}
		l.close(c)
	})
	t.Run("no token", func(t *testing.T) {
		l := newLab(t, simbmc.Config{Faults: simbmc.Faults{NoToken: true}})
		if _, err := bmc.Open(t.Context(), l.target(factory())); err == nil || !strings.Contains(err.Error(), "without a token") {
			t.Errorf("got %v", err)
		}
		if n := l.bmc.Counters().Open; n != 0 {
			t.Errorf("%d sessions are left behind", n)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		l := newLab(t, simbmc.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := bmc.Open(ctx, l.target(factory())); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("missing secret", func(t *testing.T) {
		l := newLab(t, simbmc.Config{})
		e := factory()
		e.Password = secret.Missing(`env("NOPE")`, errors.New("not set"))
		if _, err := bmc.Open(t.Context(), l.target(e)); err == nil || !strings.Contains(err.Error(), `env("NOPE")`) {
			t.Errorf("got %v", err)
		}
	})
}

// TestPreference makes sure which of two endpoints wins.
func TestPreference(t *testing.T) {
	users := map[string]string{"root": factoryPassword, "raiz": declaredPassword}
	for name, c := range map[string]struct {
		users map[string]string
		addrs []netip.Prefix
		want  redfish.Endpoint
	}{
		"declared alone":      {users, []netip.Prefix{newV4}, declared()},
		"both answer":         {users, []netip.Prefix{oldV4, newV4}, declared()},
		"factory alone":       {users, []netip.Prefix{oldV4}, factory()},
		"declared is refused": {map[string]string{"root": factoryPassword}, []netip.Prefix{oldV4, newV4}, factory()},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, simbmc.Config{Users: c.users, Addresses: c.addrs})
			ctl := l.open(l.target(factory(), declared()))
			if got := ctl.Endpoint(); got.Address != c.want.Address || got.Username != c.want.Username {
				t.Errorf("logged in to %s as %s", got.Address, got.Username)
			}
			l.close(ctl)
		})
	}
}

// TestReadErrors makes sure that trouble reads as unknown, never as absent or
// unsupported.
func TestReadErrors(t *testing.T) {
	deep := []byte(strings.Repeat("[", 1000) + strings.Repeat("]", 1000))
	for name, f := range map[string]simbmc.Faults{
		"redirect off host": {Redirect: "https://192.0.2.66/redfish/v1/Managers/bmc"},
		"malformed":         {Body: []byte(`{"Id": `)},
		"no object":         {Body: []byte(`[1]`)},
		"null":              {Body: []byte(`null`)},
		"trailing":          {Body: []byte(`{} {}`)},
		"deep":              {Body: append([]byte(`{"a":`), append(deep, '}')...)},
		"huge":              {Huge: 5 << 20},
		"busy for good":     {Busy: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, simbmc.Config{})
			c := l.open(l.target(declared(), factory()))
			l.bmc.SetFaults(f)
			for _, fact := range c.Read(t.Context(), keys(allNames()...)) {
				if fact.Key.Name == bmc.Account && name == "no object" {
					continue
				}
				if !fact.Unknown() || fact.Value != nil {
					t.Errorf("%s reads %v, %v", fact.Key, fact.Value, fact.Err)
					continue
				}
				l.noSecrets(fact.Err.Error())
			}
			l.mu.Lock()
			for _, d := range l.dials {
				if strings.Contains(d, "192.0.2.66") {
					t.Error("the redirect was followed")
				}
			}
			l.mu.Unlock()
			l.bmc.SetFaults(simbmc.Faults{})
			l.close(c)
		})
	}
}

func TestBusyForAWhile(t *testing.T) {
	l := newLab(t, simbmc.Config{})
	c := l.open(l.target(factory()))
	l.bmc.SetFaults(simbmc.Faults{Busy: 2})
	equal(t, map[string][]string{bmc.Hostname: {"sim-bmc"}}, read(t, c, bmc.Hostname))
	l.close(c)
}

// TestSlow makes sure that a controller that accepts and says nothing is given
// up, and that the error says so.
func TestSlow(t *testing.T) {
	l := newLab(t, simbmc.Config{})
	target := l.target(factory())
	target.Timing.Request = 100 * time.Millisecond
	c := l.open(target)
	l.bmc.SetFaults(simbmc.Faults{Slow: time.Hour})
	f := c.Read(t.Context(), keys(bmc.Hostname))[0]
	if !f.Unknown() || !strings.Contains(f.Err.Error(), "no answer within 100ms") {
		t.Errorf("reads %v %v", f.Value, f.Err)
	}
	l.bmc.SetFaults(simbmc.Faults{})
	l.close(c)
}

func TestSessionEnds(t *testing.T) {
	l := newLab(t, simbmc.Config{Faults: simbmc.Faults{SessionLife: 2}})
	c := l.open(l.target(factory()))
	l.bmc.SetFaults(simbmc.Faults{})
	equal(t, map[string][]string{bmc.Hostname: {"sim-bmc"}, bmc.PowerPolicy: {"always-off"}}, read(t, c, bmc.Hostname, bmc.PowerPolicy))
	if s := c.Stats(); s.Sessions != 2 {
		t.Errorf("%+v", s)
	}
	l.close(c)
}

// TestBasic: a service without sessions gets the password with every request, is
// read and written like any other, and a wrong password is tried once.
func TestBasic(t *testing.T) {
	l := newLab(t, simbmc.Config{Faults: simbmc.Faults{NoSessions: true}})
	c := l.open(l.target(factory()))
	if out, err := c.Set(t.Context(), changes(map[string][]string{bmc.Hostname: {"gru1-bmc"}})); err != nil || out[0].Status != bmc.Done {
		t.Errorf("%v %v", out, err)
	}
	equal(t, map[string][]string{bmc.Hostname: {"gru1-bmc"}}, read(t, c, bmc.Hostname))
	if s := c.Stats(); s.Sessions != 0 || s.Handshakes != 1 {
		t.Errorf("%+v", s)
	}
	l.close(c)
	wrong := factory()
	wrong.Password = secret.New("literal", declaredPassword)
	l.openError(t, l.target(wrong), redfish.ErrAuth)
	if n := l.bmc.Counters().FailedLogins; n != 1 {
		t.Errorf("the password was tried %d times", n)
	}
}

func TestUnknownKey(t *testing.T) {
	l := newLab(t, simbmc.Config{})
	c := l.open(l.target(factory()))
	for _, k := range []state.Key{{Kind: state.Setting, Name: "fan-speed"}, {Kind: state.Path, Name: "/etc/passwd"}} {
		if f := c.Read(t.Context(), []state.Item{{Key: k}})[0]; !f.Unsupported() {
			t.Errorf("%s reads %v %v", k, f.Value, f.Err)
		}
		if out, err := c.Set(t.Context(), []bmc.Change{{Key: k, Value: state.Text("x")}}); err == nil || out[0].Status != bmc.Unsupported {
			t.Errorf("%s sets as %v %v", k, out, err)
		}
	}
	l.close(c)
}

// TestAuthority pins by CA: the certificate must be valid for an address that
// the site declares, because the same CA signs other sites' controllers.
func TestAuthority(t *testing.T) {
	ca, serve := authority(t, netip.MustParseAddr("192.0.2.10"))
	l := newLab(t, simbmc.Config{Users: map[string]string{"raiz": declaredPassword}, Addresses: []netip.Prefix{newV4}})
	other := serve(l.bmc)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, other)
	}
	target := bmc.Target{Target: redfish.Target{Endpoints: []redfish.Endpoint{declared()}, CA: ca, Dial: dial, Timing: quick(), Log: slog.New(slog.NewTextHandler(&bytes.Buffer{}, nil))}}
	l.close(l.open(target))
	target.Endpoints[0].Address = netip.MustParseAddrPort("192.0.2.11:443")
	l.openError(t, target, redfish.ErrCertificate)
	target.Endpoints[0].Address = declared().Address
	target.CA, _ = authority(t, netip.MustParseAddr("192.0.2.10"))
	l.openError(t, target, redfish.ErrCertificate)
}

// authority makes a CA, and a way to serve a controller under it.
func authority(t *testing.T, valid netip.Addr) ([]byte, func(*simbmc.BMC) string) {
	t.Helper()
	make := func(tmpl, parent *x509.Certificate, signer *ecdsa.PrivateKey) ([]byte, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if signer == nil {
			signer = key
		}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		return der, key
	}
	until := time.Now().Add(time.Hour)
	root := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: until, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	rootDER, rootKey := make(root, root, nil)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), NotAfter: until, IPAddresses: []net.IP{valid.AsSlice()}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	leafDER, leafKey := make(leaf, root, rootKey)
	serve := func(b *simbmc.BMC) string {
		ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}}})
		if err != nil {
			t.Fatal(err)
		}
		go serveHTTP(ln, b.Handler())
		t.Cleanup(func() { _ = ln.Close() })
		return ln.Addr().String()
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}), serve
}

func TestChangePassword(t *testing.T) {
	for _, personality := range simbmc.Personalities() {
		t.Run(personality, func(t *testing.T) {
			l := newLab(t, simbmc.Config{Personality: personality, MustChange: []string{"root"}})
			to := secret.New(`env("NEW")`, declaredPassword)
			if err := redfish.ChangePassword(t.Context(), l.target(factory()).Target, to); err != nil {
				t.Fatal(err)
			}
			e := factory()
			e.Password = to
			l.close(l.open(l.target(e)))
			err := redfish.ChangePassword(t.Context(), l.target(e).Target, to)
			if err == nil || !strings.Contains(err.Error(), "does not ask for it") {
				t.Errorf("got %v", err)
			}
			if n := l.bmc.Counters(); n.Open != 0 || n.FailedLogins != 0 {
				t.Errorf("%+v", n)
			}
		})
	}
}
