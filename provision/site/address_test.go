package site_test

import (
	"net/netip"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/site"
)

func TestBlocksAndServiceAddresses(t *testing.T) {
	s := site.Site{Anycast: []site.Anycast{
		{Prefixes: prefixes("2001:db8::/48", "192.0.2.0/24"), Addresses: addrs("2001:db8::1", "192.0.2.1")},
		{Prefixes: prefixes("198.51.100.0/24"), Addresses: addrs("198.51.100.1")},
	}}
	if diff := cmp.Diff(prefixes("192.0.2.0/24", "198.51.100.0/24", "2001:db8::/48"), s.Blocks(), compareText); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(addrs("192.0.2.1", "198.51.100.1", "2001:db8::1"), s.ServiceAddresses(), compareText); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
}

// A site made by hand has no places in a file, but may lack secrets as well.
func TestMissingSecretsOfASiteMadeByHand(t *testing.T) {
	s := site.Site{Name: "gru1", BMC: &site.BMC{}}
	want := ":0:0: error: BMC cannot be recognised [pin-missing]\n" +
		"\tRun raiz enroll gru1 at the machine, or write certificate = \"sha256:...\" or ca = file(\"bmc-ca.pem\").\n" +
		":0:0: error: server cannot be recognised [pin-missing]\n" +
		"\tRun raiz enroll gru1 at the machine, or write host_key = \"...\" from its /etc/ssh/ssh_host_ed25519_key.pub.\n"
	if diff := cmp.Diff(want, text(s.MissingSecrets())); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
}

// Each special-purpose range is refused for the management, with its name.
func TestSpecialRanges(t *testing.T) {
	ranges := map[string]string{
		"0.1.2.3/24":           "addr-usable",
		"10.1.2.3/24":          "addr-global",
		"100.64.1.3/24":        "addr-global",
		"127.1.2.3/24":         "addr-usable",
		"169.254.1.3/24":       "addr-usable",
		"172.31.2.3/24":        "addr-global",
		"192.0.0.3/24":         "addr-usable",
		"192.88.99.3/24":       "addr-usable",
		"192.168.2.3/24":       "addr-global",
		"198.19.2.3/24":        "addr-usable",
		"239.1.2.3/24":         "addr-usable",
		"255.1.2.3/24":         "addr-usable",
		"::2/64":               "addr-usable",
		"64:ff9b::1/64":        "addr-usable",
		"64:ff9b:1::1/64":      "addr-usable",
		"100::1/64":            "addr-usable",
		"2001::1/64":           "addr-usable",
		"2001:2::1/64":         "addr-usable",
		"2001:1f::1/64":        "addr-usable",
		"2001:2f::1/64":        "addr-usable",
		"2002::1/64":           "addr-usable",
		"5f00::1/64":           "addr-usable",
		"fdff::1/64":           "addr-global",
		"febf::1/64":           "addr-usable",
		"feff::1/64":           "addr-usable",
		"ff02::1/64":           "addr-usable",
		"4000::1/64":           "addr-usable",
		"11.1.2.3/24":          "",
		"192.175.48.3/25":      "addr-overlap", // with the block of the service
		"192.31.196.3/24":      "",
		"2001:4:112::1/64":     "",
		"2620:4f:8001::1/64":   "",
		"3fff:fff:ffff::1/64":  "", // the last documentation address of RFC 9637
		"3fff:1000:0::1/64":    "", // and the first address behind
		"203.0.113.131/26":     "",
		"2001:db8:ffff::ff/64": "",
	}
	for prefix, want := range ranges {
		t.Run(prefix, func(t *testing.T) {
			family := `"` + prefix + `", "2001:db8:0:2::20/64"`
			if netip.MustParsePrefix(prefix).Addr().Is6() {
				family = `"192.0.2.20/28", "` + prefix + `"`
			}
			edit := "-      addresses = [\"192.0.2.20/28\", \"2001:db8:0:2::20/64\"]\n+      addresses = [" + family + "]\n\n" +
				"-      gateways  = [\"192.0.2.17\", \"2001:db8:0:2::1\"]\n"
			folder := fstest.MapFS{"in.hcl": {Data: edited(t, []byte(edit))}}
			_, diags := site.Load(folder, "in.hcl", operators())
			have := ""
			if len(diags) > 0 {
				have = diags[0].Rule
			}
			if len(diags) > 1 || have != want {
				t.Errorf("got %q, want rule %q", text(diags), want)
			}
		})
	}
}

func prefixes(in ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range in {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func addrs(in ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range in {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// compareText compares addresses, whose fields are not exported.
var compareText = cmp.Options{
	cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
}
