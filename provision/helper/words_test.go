package helper

import (
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

// What differs is said so that it can be read: a gateway, the link behind it,
// and neither where there is none.
func TestDifferencesAreReadable(t *testing.T) {
	const all = server.MainTable
	was := before{Network: server.Network{Routes: []server.Route{
		{Table: all, To: "192.0.2.0/24", Via: "198.51.100.2", Dev: "eno2"}, {Table: all, To: "203.0.113.0/24", Dev: "eno1"},
	}}}
	now := server.Network{Routes: []server.Route{{Table: all, To: "0.0.0.0/0"}, {Table: all, To: "::/0", Via: "2001:db8::1"}}}
	want := "no route to 192.0.2.0/24 by 198.51.100.2 on eno2; no route to 203.0.113.0/24 on eno1; " +
		"a route to 0.0.0.0/0 is still there; a route to ::/0 by 2001:db8::1 is still there"
	if got := strings.Join(differences(now, was), "; "); got != want {
		t.Errorf("said:\n%s\nwant:\n%s", got, want)
	}
}
