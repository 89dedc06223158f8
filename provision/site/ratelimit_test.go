package site_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/site"
)

// The site's word stands over the operator's, value by value; where neither
// says anything, nothing is limited.
func TestRateLimitIsDecided(t *testing.T) {
	example, err := os.ReadFile("../../sites/root-example.hcl")
	if err != nil {
		t.Fatal(err)
	}
	const block = "rate_limit {\n      responses_per_second = 200\n      slip                 = 2\n    }"
	if !strings.Contains(string(example), block) {
		t.Fatal("the example has another rate_limit")
	}
	for _, tt := range []struct {
		name, profile, site string
		want                site.RateLimit
	}{
		{"nobody", "", "", site.RateLimit{Slip: 2, IPv4Prefix: 24, IPv6Prefix: 64}},
		{"the operator", "rate_limit {\n    responses_per_second = 500\n    slip = 1\n    ipv6_prefix = 56\n  }", "", site.RateLimit{Responses: 500, Slip: 1, IPv4Prefix: 24, IPv6Prefix: 56}},
		{"the site", "", "rate_limit {\n      responses_per_second = 100\n    }", site.RateLimit{Responses: 100, Slip: 2, IPv4Prefix: 24, IPv6Prefix: 64}},
		{"both", "rate_limit {\n    responses_per_second = 500\n    slip = 1\n  }", "rate_limit {\n      responses_per_second = 0\n      ipv4_prefix = 32\n    }", site.RateLimit{Slip: 1, IPv4Prefix: 32, IPv6Prefix: 64}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(string(example), block, tt.site, 1)
			sites, diags := site.Load(fstest.MapFS{"in.hcl": {Data: []byte(text)}}, "in.hcl", site.Options{
				Operators: fstest.MapFS{"ripe-k.hcl": {Data: []byte("profile \"ripe-k\" {\n  title = \"x\"\n  " + tt.profile + "\n}\n")}},
			})
			if diags.HasErrors() || len(sites) != 1 {
				t.Fatalf("%d sites, %v", len(sites), diags)
			}
			if diff := cmp.Diff(tt.want, sites[0].DNS.RateLimit); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
