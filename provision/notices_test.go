package provision_test

import (
	"net/netip"
	"testing"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/watch"
)

// A plan says what is not announced although nobody wants that, also where all is
// as declared; what somebody wants is said once.
func TestNoticesOfTheGuard(t *testing.T) {
	block := func(prefix string, s watch.State, why string) watch.BlockStatus {
		return watch.BlockStatus{Prefix: netip.MustParsePrefix(prefix), State: s, Reason: why}
	}
	four, six := "192.0.2.0/24", "2001:db8::/48"
	for _, tt := range []struct {
		name  string
		guard *server.Guard
		want  string
	}{
		{"none", nil, ""},
		{"all is announced", &server.Guard{Status: watch.Status{Blocks: []watch.BlockStatus{block(four, watch.Announced, "x")}}}, ""},
		{"one is not", &server.Guard{Status: watch.Status{Blocks: []watch.BlockStatus{block(four, watch.Announced, "x"), block(six, watch.Withdrawn, "no answer\x1b[2J")}}},
			"the guard does not announce 2001:db8::/48: no answer"},
		{"both are not", &server.Guard{Status: watch.Status{Blocks: []watch.BlockStatus{block(four, watch.Withdrawn, "no answer"), block(six, watch.Withdrawn, "no answer")}}},
			"the guard does not announce 192.0.2.0/24, 2001:db8::/48: no answer"},
		{"it does not run", &server.Guard{Silent: "it does not run, and so nothing is announced", Down: true},
			"of the guard: it does not run, and so nothing is announced; to see why: systemctl status raiz-guard on the server"},
		{"drained", &server.Guard{Wanted: &watch.Drain{By: "anna"}, Status: watch.Status{Blocks: []watch.BlockStatus{block(four, watch.Withdrawn, "drained by anna")}}},
			"the blocks are drained by anna at 0001-01-01T00:00:00Z: they stay withdrawn until raiz undrain"},
	} {
		var p provision.Planned
		p.Seen.Server.Guard = tt.guard
		got := messages.English().All(p.Notices())
		if tt.name == "one is not" {
			got = got[:min(len(got), len(tt.want))] // and then what a terminal obeys, made harmless
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
