package site

import (
	"os"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// TestRootServer compares the addresses of all letters with Debian's root
// hints.
func TestRootServer(t *testing.T) {
	f, err := os.Open(rootData + "root.hints")
	if err != nil {
		if os.Getenv("CI") != "" && !testing.Short() {
			t.Fatal(err)
		}
		t.Skip("needs Debian's dns-root-data: apt-get install dns-root-data")
	}
	defer f.Close()
	seen := 0
	parser := dns.NewZoneParser(f, ".", "")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		name, _, _ := strings.Cut(strings.ToLower(rr.Header().Name), ".")
		v4, v6, ok := RootServer(name)
		switch rr := rr.(type) {
		case *dns.A:
			if seen++; !ok || v4.String() != rr.A.String() {
				t.Errorf("%s = %s, want %s", name, v4, rr.A)
			}
		case *dns.AAAA:
			if seen++; !ok || v6.String() != rr.AAAA.String() {
				t.Errorf("%s = %s, want %s", name, v6, rr.AAAA)
			}
		}
	}
	if err := parser.Err(); err != nil || seen != 26 {
		t.Errorf("the hints have %d addresses: %v", seen, err)
	}
	if _, _, ok := RootServer("n"); ok {
		t.Error("there is no root server n")
	}
}
