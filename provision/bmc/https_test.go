package bmc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// pair makes a certificate to import, and its fingerprint.
func pair(t *testing.T) (bmc.KeyPair, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048) // iLO takes no other unless in CNSA mode
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "gru1-bmc"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return bmc.KeyPair{
		Chain: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:   secret.New(`file("key")`, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text}))),
	}, "sha256:" + hex.EncodeToString(sum[:])
}

// TestHTTPS imports a certificate, at once or with a reset, shows it by a new
// connection, and is let in again under the old pin and under the new one.
func TestHTTPS(t *testing.T) {
	for name, cfg := range map[string]simbmc.Config{
		"openbmc": {}, "ilo": {Personality: "ilo"}, "at a reset": {Faults: simbmc.Faults{CertificateAtReset: true}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, cfg)
			target := l.target(factory())
			old := target.Fingerprint
			var print string
			target.HTTPS, print = pair(t)
			c := l.open(target)
			equal(t, map[string][]string{bmc.HTTPSCertificate: {old}}, read(t, c, bmc.HTTPSCertificate))
			want := map[string][]string{bmc.HTTPSCertificate: {print}}
			for range 2 { // the second time there is nothing to do
				if _, err := set(t, l, c, want); err != nil {
					t.Fatal(err)
				}
			}
			equal(t, want, read(t, c, bmc.HTTPSCertificate))
			equal(t, map[string][]string{bmc.Hostname: {"sim-bmc"}}, read(t, c, bmc.Hostname))
			l.close(c)
			l.close(l.open(target))
			target.HTTPS = bmc.KeyPair{}
			l.openError(t, target, redfish.ErrCertificate)
			target.Fingerprint = print
			l.close(l.open(target))
		})
	}
}

// TestHTTPSRefuses imports nothing that would leave the controller unknown.
func TestHTTPSRefuses(t *testing.T) {
	good, print := pair(t)
	other, _ := pair(t)
	for name, c := range map[string]struct {
		personality string
		pair        bmc.KeyPair
		want        bmc.Status
		faults      simbmc.Faults
	}{
		"no service":   {"ami", good, bmc.Unsupported, simbmc.Faults{}},
		"other key":    {"openbmc", bmc.KeyPair{Chain: good.Chain, Key: other.Key}, bmc.Failed, simbmc.Faults{}},
		"no key":       {"openbmc", bmc.KeyPair{Chain: good.Chain, Key: secret.Missing(`file("x")`, errors.New("not there"))}, bmc.Failed, simbmc.Faults{}},
		"not the one":  {"openbmc", other, bmc.Failed, simbmc.Faults{}},
		"not for this": {"openbmc", good, bmc.Unsupported, simbmc.Faults{Missing: []string{"/redfish/v1/CertificateService"}}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, simbmc.Config{Personality: c.personality})
			target := l.target(factory())
			target.HTTPS = c.pair
			ctl := l.open(target)
			l.bmc.SetFaults(c.faults)
			before := l.bmc.Fingerprint()
			out, err := ctl.Set(t.Context(), []bmc.Change{{Key: keys(bmc.HTTPSCertificate)[0].Key, Value: state.Text(print)}})
			if out[0].Status != c.want || err == nil || strings.Contains(err.Error(), "PRIVATE KEY") {
				t.Errorf("got %v, want %s", out, c.want)
			}
			if l.bmc.Fingerprint() != before {
				t.Error("it was replaced all the same")
			}
			l.bmc.SetFaults(simbmc.Faults{})
			l.close(ctl)
		})
	}
}
