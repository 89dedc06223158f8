package verify_test

import (
	"fmt"
	"testing"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/verify"
)

func Example_order() {
	for _, pair := range [][2]string{{".", "a."}, {"a.", "B."}, {"z.a.", "b."}, {`\001.`, "*."}, {"a.", "A."}, {`\200.`, "z."}} {
		fmt.Println(pair[0], pair[1], verify.Order(pair[0], pair[1]))
	}
	// Output:
	// . a. -1
	// a. B. -1
	// z.a. b. -1
	// \001. *. -1
	// a. A. 0
	// \200. z. 1
}

// What an NSEC record says is not there.
func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		owner, next, types, name string
		want                     bool
	}{
		{".", "arpa.", "NS SOA", "*.", true},
		{".", "arpa.", "NS SOA", "ar.", true},
		{".", "arpa.", "NS SOA", "arpa.", false},
		{".", "arpa.", "NS SOA", "b.", false},
		{"arpa.", "net.", "NS", "www.mm.", true},
		{"arpa.", "net.", "NS", "www.arpa.", false}, // it is delegated
		{"arpa.", "net.", "DNAME", "www.arpa.", false},
		{"arpa.", "net.", "A", "www.arpa.", true},
		{"arpa.", "net.", "NS", "arpa.", false},
		{"arpa.", "net.", "A", "arpa.", false},
		{"org.", ".", "NS", "zz.", true}, // the last leads back
		{"org.", ".", "NS", "aa.", false},
		{".", ".", "NS SOA", "aa.", true}, // the only one
		{"a.", "b.mm.", "A", "mm.", false},
	} {
		n := record(tt.owner + " NSEC " + tt.next + " " + tt.types).(*dns.NSEC)
		if have := verify.Covers(n, tt.name, "."); have != tt.want {
			t.Errorf("%s to %s covers %s: %t", tt.owner, tt.next, tt.name, have)
		}
	}
}
