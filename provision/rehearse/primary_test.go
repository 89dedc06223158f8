//go:build linux

package rehearse_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

// longest is a zone in front of whose name nothing fits any more.
var longest = strings.Repeat(strings.Repeat("l", 63)+".", 3) + strings.Repeat("l", 61)

// copied is a site whose zones come from primaries in every place that one can
// be in: far away, on the wire of the management (IPv6), and at an address
// that the router has itself, as resolver, time server and gateway of the BMC.
func copied() *site.Site {
	s := example()
	s.Name = "copied"
	addr := netip.MustParseAddr
	s.DNS.Keys = []site.TSIG{
		{Name: "transfer", Algorithm: "hmac-sha256", Secret: secret.New("env(A)", "real")},
		{Name: "other.example", Algorithm: "hmac-sha512", Secret: secret.New("env(B)", "real")},
	}
	two := []netip.Addr{addr("203.0.113.9"), addr("2001:db8:0:2::9")}
	s.DNS.Zones = []site.Zone{
		{Name: ".", Primaries: append(slices.Clone(two), addr("192.0.2.1")), Key: "transfer"},
		{Name: "10.in-addr.arpa", Source: "as112"},
		{Name: longest, Primaries: two, Unauthenticated: "it is public"},
		{Name: "root-servers.net", Primaries: two, Key: "other.example", Unverified: "it is not signed"},
	}
	s.DNS.TrustAnchors = []site.TrustAnchor{{Zone: ".", KeyTag: 20326, Algorithm: 8, DigestType: 2, Digest: strings.Repeat("E0", 32)}}
	return s
}

// primaryBed is a testbed with a primary, looked at from outside of it.
type primaryBed struct {
	t *testing.T
	*rehearse.Testbed
}

// secret returns the made secret of a key of the site.
func (b primaryBed) secret(name string) string {
	i := slices.IndexFunc(b.Site.DNS.Keys, func(k site.TSIG) bool { return k.Name == name })
	return b.Site.DNS.Keys[i].Secret.Reveal()
}

// transfer asks for a zone from the controller, whole or since a serial.
func (b primaryBed) transfer(server, zone string, since uint32, key site.TSIG) ([]dns.RR, error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	defer cancel()
	conn, err := b.Netns(rehearse.RoleController).DialContext(ctx, "tcp", net.JoinHostPort(server, "53"))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	query := new(dns.Msg).SetAxfr(dns.Fqdn(zone))
	if since != 0 {
		query.SetIxfr(dns.Fqdn(zone), since, ".", ".")
	}
	tr := &dns.Transfer{Conn: &dns.Conn{Conn: conn}}
	if key.Name != "" {
		name := dns.Fqdn(key.Name)
		tr.TsigSecret = map[string]string{name: key.Secret.Reveal()}
		query.SetTsig(name, dns.Fqdn(key.Algorithm), 300, time.Now().Unix())
	}
	answers, err := tr.In(query, "")
	if err != nil {
		return nil, err
	}
	var all []dns.RR
	for a := range answers {
		if a.Error != nil {
			err = errors.Join(err, a.Error)
		}
		all = append(all, a.RR...)
	}
	return all, err
}

func (b primaryBed) key(name string) site.TSIG {
	i := slices.IndexFunc(b.Site.DNS.Keys, func(k site.TSIG) bool { return k.Name == name })
	return b.Site.DNS.Keys[i]
}

func (b primaryBed) root() []dns.RR { b.t.Helper(); return b.whole(".") }

// whole transfers a zone that is to be verified, or ends the test.
func (b primaryBed) whole(zone string) []dns.RR {
	b.t.Helper()
	var key site.TSIG
	if zone == "." {
		key = b.key("transfer")
	}
	all, err := b.transfer("203.0.113.9", zone, 0, key)
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// validate has ldns say what it thinks of records that were transferred, with
// the anchors of a file. It runs where they have it: with the router's files.
func (b primaryBed) validate(all []dns.RR, anchors string, options ...string) (string, error) {
	b.t.Helper()
	var zone strings.Builder
	for _, rr := range all[:len(all)-1] { // the last is the SOA again
		zone.WriteString(rr.String() + "\n")
	}
	text, err := os.ReadFile(anchors)
	if err != nil {
		b.t.Fatal(err)
	}
	for path, text := range map[string]string{"/root/zone": zone.String(), "/root/anchors": string(text)} {
		if err := b.Router.Write(path, 0o600, text); err != nil {
			b.t.Fatal(err)
		}
	}
	out, err := b.Router.Run(b.t.Context(), append(append([]string{"ldns-verify-zone", "-ZZ", "-k", "/root/anchors"}, options...), "/root/zone")...)
	if err != nil {
		out += err.Error()
	}
	return out, err
}

func count(all []dns.RR, kind uint16) int {
	n := 0
	for _, rr := range all {
		if rr.Header().Rrtype == kind {
			n++
		}
	}
	return n
}

func TestPrimary(t *testing.T) {
	tb := up(t, copied())
	// The verbs come from another process in real life.
	found, err := rehearse.Find(tb.ID)
	if err != nil {
		t.Fatal(err)
	}
	found.Site, found.Substitutions = tb.Site, tb.Substitutions
	for _, sub := range []struct {
		name  string
		check func(primaryBed)
	}{
		{"zones", primaryBed.checkZones},
		{"keys", primaryBed.checkKeys},
		{"anchors", primaryBed.checkAnchors},
		{"delv", primaryBed.checkDelv},
		{"bump", primaryBed.checkBump},
		{"flaws", primaryBed.checkFlaws},
		{"unsign", primaryBed.checkUnsign},
		{"signatures", primaryBed.checkMisuse},
		{"stop", primaryBed.checkStop},
		{"cable", primaryBed.checkReplug},
		{"secondary", primaryBed.checkSecondary},
	} {
		t.Run(sub.name, func(t *testing.T) { sub.check(primaryBed{t, found}) })
	}
	if err := tb.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := leftovers(t, tb.ID); len(got) > 0 {
		t.Errorf("left behind: %q", got)
	}
}

// checkZones looks at size and shape of what is handed out at each address.
func (b primaryBed) checkZones() {
	all := b.root()
	if out, err := b.validate(all, b.Primary.AnchorFile()); err != nil {
		b.t.Errorf("the root zone: %s", out)
	}
	if len(all) < 20000 {
		b.t.Errorf("the root zone has %d records, want 20000", len(all))
	}
	tlds := map[string]bool{}
	var a, aaaa int
	for _, rr := range all {
		switch name := rr.Header().Name; rr.Header().Rrtype {
		case dns.TypeNS:
			tlds[name] = true
		case dns.TypeA:
			a++
		case dns.TypeAAAA:
			aaaa++
		}
	}
	if n := len(tlds) - 1; n != 1450 || !tlds["arpa."] || !tlds["net."] {
		b.t.Errorf("the root zone has %d delegations", n)
	}
	if ds := count(all, dns.TypeDS); ds < 1300 || a < 4000 || aaaa < 4000 || count(all, dns.TypeZONEMD) != 1 {
		b.t.Errorf("the root zone has %d DS, %d A, %d AAAA", ds, a, aaaa)
	}
	soa := all[0].(*dns.SOA)
	if soa.Serial/100 != uint32(date(b.Created)) || soa.Refresh != 1800 || soa.Retry != 900 || soa.Expire != 604800 || soa.Minttl != 86400 {
		b.t.Errorf("SOA = %s", soa)
	}
	for _, server := range []string{"2001:db8:0:2::9", "192.0.2.1"} {
		there, err := b.transfer(server, ".", 0, b.key("transfer"))
		if err != nil || len(there) != len(all) {
			b.t.Errorf("%s handed out %d records: %v", server, len(there), err)
		}
	}
	small, err := b.transfer("2001:db8:0:2::9", "root-servers.net", 0, b.key("other.example"))
	if err != nil || count(small, dns.TypeRRSIG) != 0 || count(small, dns.TypeA) != 13 || count(small, dns.TypeAAAA) != 13 {
		b.t.Errorf("root-servers.net = %v, %v", small, err)
	}
}

// date is a day as serials have it.
func date(t time.Time) int { y, m, d := t.UTC().Date(); return (y*100+int(m))*100 + d }

// checkKeys tries every wrong way to get a zone.
func (b primaryBed) checkKeys() {
	right, other := b.key("transfer"), b.key("other.example")
	forged := right
	forged.Secret = other.Secret
	for name, key := range map[string]site.TSIG{"no key": {}, "another zone's key": other, "a wrong secret": forged} {
		all, err := b.transfer("203.0.113.9", ".", 0, key)
		if err == nil || len(all) > 0 {
			b.t.Errorf("%s got %d records of the root zone", name, len(all))
		}
	}
	if _, err := b.transfer("203.0.113.9", "root-servers.net", 0, right); err == nil {
		b.t.Error("root-servers.net was handed out under the key of the root zone")
	}
	open, err := b.transfer("203.0.113.9", longest, 0, site.TSIG{})
	if err != nil || count(open, dns.TypeTXT) != 1 || count(open, dns.TypeRRSIG) == 0 {
		b.t.Errorf("a zone without a key = %d records, %v", len(open), err)
	}
	if _, err := b.transfer("203.0.113.9", "10.in-addr.arpa", 0, right); err == nil {
		b.t.Error("a zone that is not transferred was handed out")
	}
}

func (b primaryBed) checkAnchors() {
	var zones []string
	for _, a := range b.Site.DNS.TrustAnchors {
		zones = append(zones, a.Zone)
		if a.KeyTag == 20326 {
			b.t.Errorf("a trust of the real zone is left: %s", a)
		}
	}
	if !slices.Equal(zones, []string{".", longest}) {
		b.t.Errorf("anchors of %q, want those of the two signed zones", zones)
	}
	again, err := rehearse.Find(b.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := again.Adopt(copied()); err != nil {
		b.t.Fatal(err)
	}
	if fmt.Sprint(again.Site.DNS.TrustAnchors) != fmt.Sprint(b.Site.DNS.TrustAnchors) {
		b.t.Error("another process has other anchors")
	}
	var said []string
	for _, sub := range again.Substitutions {
		said = append(said, sub.What)
	}
	for _, want := range []string{"dns trust_anchors", `dns zone "."`, `dns zone "root-servers.net"`} {
		if !slices.Contains(said, want) {
			b.t.Errorf("the report says nothing of %s: %q", want, said)
		}
	}
	if slices.Contains(said, `dns zone "10.in-addr.arpa"`) {
		b.t.Error("a zone that is built in is said to be made")
	}
	stranger := filepath.Join(b.t.TempDir(), "anchors")
	const iana = ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
	if err := os.WriteFile(stranger, []byte(iana), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if out, err := b.validate(b.root(), stranger); err == nil {
		b.t.Errorf("the real anchor validates the made zone: %s", out)
	}
}

// delv asks a primary for a record of the root zone, and validates it.
func (b primaryBed) delv(name, kind string) string {
	b.t.Helper()
	text, err := os.ReadFile(b.Primary.AnchorFile())
	if err != nil {
		b.t.Fatal(err)
	}
	var conf strings.Builder
	for line := range strings.Lines(string(text)) {
		rr, err := dns.NewRR(line)
		if err != nil {
			b.t.Fatal(err)
		}
		if key := rr.(*dns.DNSKEY); key.Hdr.Name == "." {
			fmt.Fprintf(&conf, "trust-anchors { . static-key %d %d %d %q; };\n", key.Flags, key.Protocol, key.Algorithm, key.PublicKey)
		}
	}
	path := filepath.Join(b.t.TempDir(), "anchors.conf")
	if err := os.WriteFile(path, []byte(conf.String()), 0o600); err != nil {
		b.t.Fatal(err)
	}
	cmd := b.Netns(rehearse.RoleController).Command(b.t.Context(), "delv", "-a", path, "+root", "@203.0.113.9", name, kind)
	out, _ := cmd.CombinedOutput() // delv ends well also where nothing validates
	return string(out)
}

func (b primaryBed) checkDelv() {
	if out := b.delv("arpa.", "DS"); !strings.Contains(out, "; fully validated") {
		b.t.Errorf("delv: %s", out)
	}
}
