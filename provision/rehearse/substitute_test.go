//go:build linux

package rehearse

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

// guarded is a site whose secrets are not there, as where one only rehearses.
func guarded() *site.Site {
	missing := func(name string) secret.Value {
		return secret.Missing("env("+name+")", errors.New("not set"))
	}
	s := plain()
	s.BMC.Password, s.BMC.Factory.Password = missing("A"), missing("B")
	s.BMC.CA = []byte("the real authority")
	s.BMC.Expect = site.Expect{Firmware: "7.10", Licences: []string{"Enterprise"}, SecureBoot: "on", TPM: "2.0", CertificateDays: 14, EventLog: &site.EventLog{Severity: "critical"}}
	s.BGP.Neighbors[0].Password = missing("C")
	s.BGP.Neighbors = append(s.BGP.Neighbors, site.Neighbor{Name: "open"})
	s.DNS.Keys = []site.TSIG{{Name: "transfer", Algorithm: "hmac-sha256", Secret: missing("D")}}
	s.Server.SSH.Host.Key, s.Server.SSH.Identity = "ssh-ed25519 real", "/home/real"
	s.Server.SSH.Jump = []site.Jump{{Name: "bastion"}}
	return s
}

func TestSubstitute(t *testing.T) {
	tb := &Testbed{Record: Record{ID: "00000000"}, seed: seed{1}}
	real := guarded()
	got, subs, err := tb.substitute(real)
	if err != nil {
		t.Fatal(err)
	}
	tb.Site, tb.Substitutions = got, subs
	tb.pinBMC("sha256:made")
	if !reflect.DeepEqual(real, guarded()) {
		t.Error("the site itself was changed")
	}
	var names []string
	for _, s := range tb.Substitutions {
		names = append(names, s.What)
	}
	want := []string{
		"server ssh host_key", "server ssh identity", "server ssh jump", "bmc password", "bmc expect", "bmc factory password",
		`bgp neighbor "edge1" password`, `dns key "transfer" secret`, "bmc certificate",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("substitutions (-want +got):\n%s", diff)
	}
	for _, v := range []secret.Value{got.BMC.Password, got.BMC.Factory.Password, got.BGP.Neighbors[0].Password, got.DNS.Keys[0].Secret} {
		if v.Err() != nil || v.Reveal() == "" {
			t.Errorf("%s was not made", v.Source())
		}
	}
	if !got.BGP.Neighbors[1].Password.IsZero() {
		t.Error("a neighbor without a password got one")
	}
	if diff := cmp.Diff(site.Expect{CertificateDays: 14, EventLog: &site.EventLog{Severity: "critical"}}, got.BMC.Expect); diff != "" {
		t.Errorf("what is expected of a simulated BMC (-want +got):\n%s", diff)
	}
	if got.BMC.CA != nil || got.BMC.Fingerprint != "sha256:made" || got.Server.SSH.Jump != nil || !strings.HasPrefix(got.Server.SSH.Host.Key, "ssh-ed25519 AAAA") {
		t.Error("a trust of the real site is left")
	}
}

// TestCloneSharesNothing writes to every slice of a copy.
func TestCloneSharesNothing(t *testing.T) {
	s := guarded()
	c := clone(s)
	a, p := netip.MustParseAddr("198.18.0.1"), netip.MustParsePrefix("198.18.0.0/15")
	c.BMC.Addresses[0], c.BMC.Gateways[0], c.BMC.NTP[0], c.BMC.CA[0], c.BMC.Factory.Address = p, a, "x", 0, a
	c.Server.DNS[0], c.Server.Management.Addresses[0], c.Server.Management.Gateways[0] = a, p, a
	c.BGP.Neighbors[0].Addresses[0], c.BGP.Neighbors[0].Name, c.DNS.Keys[0].Name = a, "x", "x"
	if !reflect.DeepEqual(s, guarded()) {
		t.Error("writing to a copy changed the site")
	}
}

func TestSeedDecidesSecrets(t *testing.T) {
	one, again, other := seed{1}, seed{1}, seed{2}
	if one.password("a") != again.password("a") {
		t.Error("one seed makes two passwords for one purpose")
	}
	if one.password("a") == one.password("b") || one.password("a") == other.password("a") {
		t.Error("two purposes or two seeds make one password")
	}
	if n := len(one.password("a")); n < 8 || n > 20 {
		t.Errorf("a password has %d characters; BMCs take 8 to 20", n)
	}
	k, err := one.key("x")
	if err != nil {
		t.Fatal(err)
	}
	l, err := again.key("x")
	if err != nil {
		t.Fatal(err)
	}
	if k.public != l.public {
		t.Error("one seed makes two keys for one purpose")
	}
}
