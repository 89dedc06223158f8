//go:build linux

package linux_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper/linux"
	"github.com/raiz-dns/raiz/provision/server"
)

// seenByOthers compares with ip(8): what is set is there for it, and what it
// sets is told of.
func seenByOthers(t *testing.T) {
	m := linux.New()
	set := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	set(m.AddAddress("contract0", server.AddressFact{Address: "203.0.113.9/24", Seconds: 600, NoRoute: true}))
	set(m.AddAddress("contract0", server.AddressFact{Address: "2001:db8:77::9/64"}))
	set(m.AddRoute(server.Route{Table: 254, To: "198.51.100.0/24", Via: "203.0.113.1", Dev: "contract0", Protocol: 4, Metric: 5, OnLink: true, Source: "203.0.113.9", Type: 1}))
	set(m.AddRoute(server.Route{Table: 77, To: "192.0.2.0/24", Protocol: 3, Type: 6}))
	set(m.AddRule(server.Rule{Family: 6, Priority: 1000, From: "2001:db8:77::/64", Table: 77, Protocol: 4}))
	for _, look := range []struct{ command, want string }{
		{"ip -o address show dev contract0", "inet 203.0.113.9/24 brd 203.0.113.255 scope global dynamic noprefixroute contract0"},
		{"ip -o address show dev contract0", "inet6 2001:db8:77::9/64 scope global"},
		{"ip route show 198.51.100.0/24", "via 203.0.113.1 dev contract0 proto static src 203.0.113.9 metric 5 onlink"},
		{"ip route show table 77", "blackhole 192.0.2.0/24"},
		{"ip -6 rule show", "1000:\tfrom 2001:db8:77::/64 lookup 77 proto static"},
	} {
		if out := do(t, strings.Fields(look.command)...); !strings.Contains(out, look.want) {
			t.Errorf("%s: no %q in:\n%s", look.command, look.want, out)
		}
	}
	// An address that somebody else has on the same wire cannot be used
	// (RFC 4862 section 5.4.5), nor one that is still being asked for.
	const taken = "2001:db8:78::1/64"
	do(t, "ip", "address", "add", taken, "dev", "contract1", "nodad")
	set(m.AddAddress("contract0", server.AddressFact{Address: taken}))
	for failed := false; !failed; m.Sleep(100 * time.Millisecond) {
		n, err := m.Network()
		set(err)
		i := slices.IndexFunc(n.Links, func(l server.LinkFact) bool { return l.Name == "contract0" })
		if !slices.Contains(n.Links[i].Addresses, server.AddressFact{Address: taken, Unusable: true}) {
			t.Fatalf("%s is usable: %+v", taken, n.Links[i].Addresses)
		}
		failed = strings.Contains(do(t, "ip", "-6", "address", "show", "dev", "contract0"), "dadfailed")
	}
	do(t, strings.Fields("ip route add 100.64.0.0/10 proto boot metric 9 nexthop via 203.0.113.2 dev contract0 onlink nexthop via 203.0.113.3 dev contract0 onlink")...)
	do(t, strings.Fields("ip rule add not fwmark 0x7/0xff iif lo lookup 77 priority 1001")...)
	do(t, strings.Fields("ip rule add ipproto tcp dport 53 lookup 77 priority 1002")...)
	n, err := m.Network()
	set(err)
	for _, want := range []server.Route{
		{Table: 254, To: "100.64.0.0/10", Via: "203.0.113.2", Dev: "contract0", Protocol: 3, Metric: 9, OnLink: true, Type: 1},
		{Table: 254, To: "100.64.0.0/10", Via: "203.0.113.3", Dev: "contract0", Protocol: 3, Metric: 9, OnLink: true, Type: 1},
	} {
		if !slices.Contains(n.Routes, want) {
			t.Errorf("no %+v in %+v", want, n.Routes)
		}
	}
	want := server.Rule{Family: 4, Priority: 1001, Mark: 7, Mask: 0xff, In: "lo", Not: true, Table: 77}
	if !slices.Contains(n.Rules, want) {
		t.Errorf("no %+v in %+v", want, n.Rules)
	}
	// Half of a rule would be worse than none.
	if slices.ContainsFunc(n.Rules, func(r server.Rule) bool { return r.Priority == 1002 }) {
		t.Errorf("a rule by ports is told of: %+v", n.Rules)
	}
}
