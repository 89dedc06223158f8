package site

import (
	"os"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// Debian's package is the independent source: its DS records are compared
// with the embedded ones, and its DNSKEYs are hashed anew.
const rootData = "/usr/share/dns/"

func TestRootAnchorsAreThoseOfIANA(t *testing.T) {
	if _, err := os.Stat(rootData); err != nil && (os.Getenv("CI") == "" || testing.Short()) {
		t.Skip("needs Debian's dns-root-data: apt-get install dns-root-data")
	}
	var have []string
	for _, a := range rootAnchors() {
		have = append(have, a.String())
	}
	if len(have) < 2 {
		t.Fatalf("%d anchors, want both current keys", len(have))
	}
	compare(t, "root.ds", have, func(rr dns.RR) *dns.DS { return rr.(*dns.DS) })
	compare(t, "root.key", have, func(rr dns.RR) *dns.DS { return rr.(*dns.DNSKEY).ToDS(dns.SHA256) })
}

func compare(t *testing.T, file string, have []string, ds func(dns.RR) *dns.DS) {
	t.Helper()
	text, err := os.ReadFile(rootData + file)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	zp := dns.NewZoneParser(strings.NewReader(string(text)), ".", file)
	zp.SetDefaultTTL(1)
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		d := ds(rr)
		want = append(want, TrustAnchor{Zone: ".", KeyTag: d.KeyTag, Algorithm: d.Algorithm, DigestType: d.DigestType, Digest: strings.ToUpper(d.Digest)}.String())
	}
	if err := zp.Err(); err != nil {
		t.Fatal(err)
	}
	if strings.Join(want, "\n") != strings.Join(have, "\n") {
		t.Errorf("%s has\n%s\nembedded are\n%s", file, strings.Join(want, "\n"), strings.Join(have, "\n"))
	}
}

func TestParseDS(t *testing.T) {
	const digest = "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
	good := []string{
		". IN DS 20326 8 2 " + digest, ". DS 20326 8 2 " + digest, ". 86400 IN DS 20326 8 2 " + strings.ToLower(digest),
		". IN DS 20326 8 2 " + digest[:32] + " " + digest[32:],
	}
	for _, text := range good {
		if a, ok := parseDS(text); !ok || a.String() != good[0] {
			t.Errorf("%q: %v %v", text, a, ok)
		}
	}
	for _, text := range []string{
		"", ".", "DS", ". IN DS", ". IN DS 20326 8 2", ". IN DS 20326 8 2 E06D", ". IN DS 20326 8 1 " + digest, ". IN DS 20326 8 4 " + digest,
		". IN DS 65536 8 2 " + digest, ". IN DS 20326 256 2 " + digest, ". IN DS -1 8 2 " + digest, ". IN DS 20326 8 2 " + digest + "00",
		". IN DNSKEY 257 3 8 " + digest, ". CH DS 20326 8 2 " + digest, "a..b IN DS 20326 8 2 " + digest, ". IN DS 20326 8 2 " + strings.Repeat("zz", 32),
	} {
		if a, ok := parseDS(text); ok {
			t.Errorf("%q is taken for %v", text, a)
		}
	}
}
