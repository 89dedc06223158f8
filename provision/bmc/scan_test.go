package bmc_test

import (
	"testing"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

// TestScanCertificate sees a certificate that nobody has pinned yet, and sends nothing
// to whoever shows it.
func TestScanCertificate(t *testing.T) {
	l := newLab(t, simbmc.Config{Hostname: "sim-bmc"})
	target := l.target(declared(), factory())
	target.Fingerprint = ""
	seen, err := redfish.ScanCertificate(t.Context(), target.Target)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, []string{l.bmc.Fingerprint(), "CN=sim-bmc", oldV4.Addr().String(), redfish.Factory}, []string{seen.Fingerprint, seen.Subject, seen.Address.Addr().String(), seen.Origin})
	if !seen.SelfSigned() || !seen.NotAfter.After(seen.NotBefore) {
		t.Errorf("got %+v", seen)
	}
	if log := l.bmc.Log(); len(log) != 0 {
		t.Errorf("it was sent %v", log)
	}
	l.route(nil)
	l.openError(t, target, redfish.ErrUnreachable)
	if _, err := redfish.ScanCertificate(t.Context(), target.Target); err == nil {
		t.Error("nobody was seen")
	}
	if _, err := redfish.ScanCertificate(t.Context(), redfish.Target{}); err == nil {
		t.Error("nowhere was looked")
	}
}
