//go:build unix

package render_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

// TestWatcherSilentTCP: who takes all connections of TCP takes no copy off the
// net. What never answered by TCP is not announced, and a name server that
// refuses connections is dead.
func TestWatcherSilentTCP(t *testing.T) {
	longForm(t)
	if !inOwnNetwork(t) {
		return
	}
	const v6 = "2001:db8:53::53"
	var silences atomic.Int32
	silent := func(network, address string, m *dns.Msg) *dns.Msg {
		if network == "tcp" && address == v6 {
			silences.Add(1)
			return nil
		}
		return m
	}
	s := zones(t, ".")
	n := serve(t, s)
	n.spoiled(silent)
	p := newPost(t, s)
	p.watch()
	p.hears("the IPv6 blocks stay withdrawn", v6, "tcp", "no answer")
	p.wantAnnounced("4")
	from := silences.Load()
	p.await("more looks", func() bool { return silences.Load() >= from+4 })
	if got := p.announced(); got != "4" {
		t.Errorf("announces %q, and TCP has never answered", got)
	}
	n.spoiled(nil)
	p.wantAnnounced("4 6")

	p.forget()
	n.spoiled(silent)
	p.hears("TCP is silent", "IPv6", v6, "no answer")
	from = silences.Load()
	p.await("more looks", func() bool { return silences.Load() >= from+6 })
	if all := lastOf(p.heard); p.announced() != "4 6" || strings.Count(all, "TCP is silent") != 1 || strings.Contains(all, "withdrew") {
		t.Errorf("announces %q beside UDP that answers; says\n%s", p.announced(), all)
	}
	// Another fault withdraws, and its end brings the blocks back.
	n.spoiled(func(network, address string, m *dns.Msg) *dns.Msg {
		if network == "udp" && address == v6 {
			m.Rcode, m.Answer = dns.RcodeServerFailure, nil
		}
		return silent(network, address, m)
	})
	p.wantAnnounced("4")
	n.spoiled(silent)
	p.wantAnnounced("4 6")
	n.spoiled(nil)
	p.hears("TCP answers again", "IPv6")

	p.forget()
	if err := n.tcp[v6].Shutdown(); err != nil {
		t.Fatal(err)
	}
	p.hears("withdrew the IPv6 blocks", v6, "tcp", "connection refused")
	p.wantAnnounced("4")
}
