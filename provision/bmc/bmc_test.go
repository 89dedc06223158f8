package bmc_test

import (
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

// TestBringUp is the whole way of a new controller: in with the factory's
// login, everything set in one go, the address moved under our feet, and a
// second run that finds nothing to do within its budget.
func TestBringUp(t *testing.T) {
	l := newLab(t, simbmc.Config{})
	c := l.open(l.target(declared(), factory()))
	equal(t, map[string][]string{
		bmc.Account: {"(absent)"}, bmc.DNS: {}, bmc.Hostname: {"sim-bmc"}, bmc.IPMI: {"on"},
		bmc.IPv4Address: {oldV4.String()}, bmc.IPv4DHCP: {"off"}, bmc.IPv4Gateway: {},
		bmc.IPv6Address: {}, bmc.IPv6Gateway: {}, bmc.NTP: {}, bmc.PowerPolicy: {"always-off"},
	}, read(t, c, allNames()...))

	out, err := c.Set(t.Context(), changes(wanted()))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		if o.Status != bmc.Done || o.Err != nil {
			t.Errorf("%s: %s %v", o.Key, o.Status, o.Err)
		}
	}
	equal(t, declared().Address.String(), c.Endpoint().Address.String())
	equal(t, wanted(), read(t, c, allNames()...))
	l.close(c)

	again := l.open(l.target(declared(), factory()))
	equal(t, wanted(), read(t, again, allNames()...))
	if s := again.Stats(); s.Gets > 12 || s.Writes != 0 || s.Handshakes != 1 || s.Sessions != 1 {
		t.Errorf("a look at first sight costs %+v", s)
	}
	out, err = again.Set(t.Context(), changes(wanted()))
	if err != nil {
		t.Fatal(err)
	}
	if s := again.Stats(); s.Writes != 0 {
		t.Errorf("setting what is set costs %d writes: %v", s.Writes, out)
	}
	l.close(again)
}
