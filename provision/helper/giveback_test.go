package helper

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

const defaultTo = "0.0.0.0/0"

// asItWas is a server of ifupdown with a second address, one that is deprecated,
// a large MTU, two ways to a network and a rule.
func asItWas() *wires {
	return &wires{
		files: map[string]string{ifstateFile: "eno1=eno1\n"},
		net: server.Network{
			Links: []server.LinkFact{
				{Index: 1, Name: "lo", MTU: 65536, Set: true},
				{Index: 2, Name: "eno1", MTU: 9000, Set: true, Addresses: []server.AddressFact{
					{Address: "192.0.2.30/28"}, {Address: "192.0.2.29/28"}, {Address: "2001:db8::30/64", NoRoute: true, Deprecated: true}, {Address: "2001:db8::31/64"},
				}},
				{Index: 3, Name: "eno2", MTU: 1500},
			},
			Routes: []server.Route{
				{Table: 254, To: defaultTo, Via: "192.0.2.17", Dev: "eno1", Protocol: 3},
				{Table: 100, To: defaultTo, Via: "192.0.2.18", Dev: "eno1", Protocol: 3},
				{Table: 254, To: "203.0.113.0/24", Type: 7},
				{Table: 254, To: "::/0", Via: "fe80::1", Dev: "eno1", Protocol: protoRA},
			},
			Rules: []server.Rule{{Family: 4, Priority: 100, From: "192.0.2.30", Table: 100}},
		},
	}
}

// snapshotOf is what was taken down of it.
func snapshotOf(w *wires) before {
	n, _ := w.Network()
	return before{
		difference: difference{Owners: map[string]owner{"eno1": {Link: "eno1", Manager: server.Ifupdown, Known: true}, "eno7": {Link: "eno7", Manager: server.Ifupdown}}},
		Network:    server.Network{Links: append(n.Links, server.LinkFact{Index: 7, Name: "eno7", MTU: 1500, Addresses: []server.AddressFact{{Address: "192.0.2.77/28"}}}), Routes: n.Routes, Rules: n.Rules},
	}
}

func swap[T any](s []T) { s[0], s[1] = s[1], s[0] }

func sorted(all []server.AddressFact) []server.AddressFact {
	return slices.SortedFunc(slices.Values(all), func(a, b server.AddressFact) int { return cmp.Compare(a.Address, b.Address) })
}

// same fails unless the network is what it was: of addresses of IPv4 it matters
// which one is secondary, and of routes not who made them.
func (w *wires) same(t *testing.T, was server.Network) {
	t.Helper()
	n, err := w.Network()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range was.Links {
		i := slices.IndexFunc(n.Links, func(o server.LinkFact) bool { return o.Name == l.Name })
		if i >= 0 && !slices.Equal(sorted(n.Links[i].Addresses), sorted(l.Addresses)) {
			t.Errorf("%s has %v, and had %v", l.Name, n.Links[i].Addresses, l.Addresses)
		}
	}
	routes := func(all []server.Route) []server.Route {
		all = slices.DeleteFunc(slices.Clone(all), func(r server.Route) bool { return r.Protocol == protoRA })
		for i := range all {
			all[i].Protocol = 0
		}
		slices.SortFunc(all, func(a, b server.Route) int { return cmp.Or(cmp.Compare(a.To, b.To), cmp.Compare(a.Via, b.Via)) })
		return all
	}
	if is, had := routes(n.Routes), routes(was.Routes); !slices.Equal(is, had) {
		t.Errorf("routes are %v, and were %v", is, had)
	}
	if !slices.Equal(n.Rules, was.Rules) {
		t.Errorf("rules are %v, and were %v", n.Rules, was.Rules)
	}
}

// networkCase is a network that is not as it was.
type networkCase struct {
	name       string
	was, spoil func(*wires)
	did        string // after what it says of them
	says       string // where it does not end well
}

const four, second, six, seven = "192.0.2.30/28", "192.0.2.29/28", "2001:db8::30/64", "2001:db8::31/64"

func linkCases() []networkCase {
	return []networkCase{
		{name: "all is there", spoil: func(*wires) {}},
		{name: "it comes by itself", spoil: func(w *wires) {
			all := slices.Clone(w.net.Links[1].Addresses)
			w.net.Links[1].Addresses = nil
			w.late, w.after = func(w *wires) { w.net.Links[1].Addresses = all }, naturally-pause
		}},
		{name: "an address is missing", spoil: func(w *wires) { w.net.Links[1].Addresses = w.net.Links[1].Addresses[:3] },
			did: "eno1 has no address " + seven + " | add " + seven},
		{name: "one is too much", spoil: func(w *wires) {
			w.net.Links[1].Addresses = append(w.net.Links[1].Addresses, server.AddressFact{Address: "2001:db8::20/64"})
		}, did: "eno1 still has 2001:db8::20/64 | del 2001:db8::20/64"},
		{name: "all are", spoil: func(w *wires) {
			w.net.Links[1].Addresses = []server.AddressFact{{Address: "192.0.2.20/28"}}
			w.net.Routes = nil
		}, did: "eno1 has no address " + second + "; eno1 has no address " + four + "; eno1 has no address " + six + "; eno1 has no address " + seven +
			"; no route to 0.0.0.0/0 by 192.0.2.17 on eno1; no route to 0.0.0.0/0 by 192.0.2.18 on eno1; no route to 203.0.113.0/24; eno1 still has 192.0.2.20/28" +
			" | del 192.0.2.20/28 | add " + four + " | add " + six + " | add " + seven + " | add " + second +
			" | add route 0.0.0.0/0 192.0.2.17 | add route 0.0.0.0/0 192.0.2.18 | add route 203.0.113.0/24"},
		{name: "the second is the first", spoil: func(w *wires) { swap(w.net.Links[1].Addresses) },
			did: "eno1 has " + four + ", " + second + " in another place | del " + second + " | del " + four + " | add " + four + " | add " + second},
		{name: "the first of three is not, and they do not go with it", was: func(w *wires) {
			w.promotes = true
			w.net.Links[1].Addresses = append(w.net.Links[1].Addresses, server.AddressFact{Address: "192.0.2.28/28"})
		}, spoil: func(w *wires) { swap(w.net.Links[1].Addresses) },
			did: "eno1 has " + four + ", " + second + " in another place | del 192.0.2.28/28 | del " + second + " | del " + four + " | add " + four + " | add " + second + " | add 192.0.2.28/28"},
		{name: "one is a source again", spoil: func(w *wires) { w.net.Links[1].Addresses[2].Deprecated = false },
			did: "eno1 has " + six + " in another place | del " + six + " | add " + six},
		{name: "it is as networkd has set it", spoil: func(w *wires) { w.net.Links[1].MTU = 1500 }, did: "eno1 is up with an MTU of 1500 | set eno1"},
		{name: "it is down", spoil: func(w *wires) { w.net.Links[1].Set = false }, did: "eno1 is down with an MTU of 9000 | set eno1"},
		{name: "a link of nobody was set otherwise", spoil: func(w *wires) { w.net.Links[2].MTU = 9000 }},
		{name: "it cannot be set", spoil: func(w *wires) { w.net.Links[1].MTU, w.broken = 1500, "set" },
			did: "eno1 is up with an MTU of 1500", says: "input/output error"},
	}
}

func routeCases() []networkCase {
	rule := server.Rule{Family: 4, Priority: 9, From: "192.0.2.20", Table: 100}
	return []networkCase{
		{name: "routes", spoil: func(w *wires) {
			w.net.Routes = []server.Route{w.net.Routes[1], w.net.Routes[2], {Table: 254, To: defaultTo, Via: "192.0.2.18", Dev: "eno1", Protocol: 4}}
		}, did: "no route to 0.0.0.0/0 by 192.0.2.17 on eno1; a route to 0.0.0.0/0 by 192.0.2.18 on eno1 is still there | del route 0.0.0.0/0 192.0.2.18 | add route 0.0.0.0/0 192.0.2.17"},
		{name: "a route cannot go", spoil: func(w *wires) {
			w.net.Routes = append(w.net.Routes, server.Route{Table: 254, To: "198.51.100.0/24", Dev: "eno1"})
			w.broken = "del route"
		}, did: "a route to 198.51.100.0/24 on eno1 is still there | del route 198.51.100.0/24", says: "input/output error"},
		{name: "a route cannot come", spoil: func(w *wires) { w.net.Routes, w.broken = w.net.Routes[:2], "add route" },
			did: "no route to 203.0.113.0/24 | add route 203.0.113.0/24", says: "input/output error"},
		{name: "rules", spoil: func(w *wires) { w.net.Rules[0] = rule }, did: "rules of routing differ | del rule 192.0.2.20 | add rule 192.0.2.30"},
		{name: "one rule is too much", spoil: func(w *wires) { w.net.Rules = append(w.net.Rules, rule) }, did: "rules of routing differ | del rule 192.0.2.20"},
		{name: "a rule cannot go", spoil: func(w *wires) { w.net.Rules, w.broken = append(w.net.Rules, rule), "del rule" },
			did: "rules of routing differ | del rule 192.0.2.20", says: "input/output error"},
		{name: "a rule cannot come", spoil: func(w *wires) { w.net.Rules, w.broken = nil, "add rule" },
			did: "rules of routing differ | add rule 192.0.2.30", says: "input/output error"},
		{name: "an address cannot come", spoil: func(w *wires) {
			w.net.Links[1].Addresses, w.net.Rules, w.broken = w.net.Links[1].Addresses[:3], nil, "add 2001"
		}, did: "eno1 has no address " + seven + "; rules of routing differ | add " + seven + " | add rule 192.0.2.30", says: "input/output error"},
		{name: "an address cannot go", spoil: func(w *wires) {
			w.net.Links[1].Addresses, w.broken = append(w.net.Links[1].Addresses, server.AddressFact{Address: "2001:db8::20/64"}), "del 2001"
		}, did: "eno1 still has 2001:db8::20/64 | del 2001:db8::20/64", says: "input/output error"},
		{name: "nothing can be seen", spoil: func(w *wires) { w.broken = "look" }, says: "input/output error"},
		{name: "its manager is another", spoil: func(w *wires) { w.files = nil }, says: "eno1 is managed by nobody, and was by ifupdown"},
		{name: "who manages it cannot be seen", spoil: func(w *wires) { w.files, w.broken = nil, "read" }, says: "input/output error"},
		{name: "a lease beside comes first", was: func(w *wires) {
			w.net.Links[1].Addresses = append(w.net.Links[1].Addresses, server.AddressFact{Address: "192.0.2.28/28", Seconds: 600})
		}, spoil: func(w *wires) {
			w.net.Links[1].Addresses = slices.Concat([]server.AddressFact{{Address: "192.0.2.27/28", Seconds: 500}}, w.net.Links[1].Addresses[:4])
		}},
		{name: "no lease comes", was: func(w *wires) {
			w.net.Links[1].Addresses = append(w.net.Links[1].Addresses, server.AddressFact{Address: "192.0.2.28/28", Seconds: 600})
		}, spoil: func(w *wires) { w.net.Links[1].Addresses = w.net.Links[1].Addresses[:4] },
			did: "eno1 has no lease", says: "eno1 has no lease"},
	}
}

// What was not brought back by who manages a link is put back by hand, that
// alone, and not before its time; what cannot be is said.
func TestNetworkBack(t *testing.T) {
	for _, tt := range slices.Concat(linkCases(), routeCases()) {
		t.Run(tt.name, func(t *testing.T) {
			w := asItWas()
			if tt.was != nil {
				tt.was(w)
			}
			b := snapshotOf(w)
			tt.spoil(w)
			err := w.helper().networkBack(b)
			for i, line := range w.did {
				_, what, said := strings.Cut(line, " putting back by hand: ")
				if said {
					w.did[i] = what
				}
			}
			if got := strings.Join(slices.Compact(w.did), " | "); got != tt.did {
				t.Errorf("did:\n%s\nwant:\n%s", got, tt.did)
			}
			switch {
			case tt.says == "" && err != nil, tt.says != "" && (err == nil || err.Error() != tt.says):
				t.Errorf("said %v, want %q", err, tt.says)
			case w.now > networkLimit:
				t.Errorf("it took %s", w.now)
			case tt.says == "" && !strings.Contains(tt.name, "lease"):
				w.same(t, b.Network)
			}
		})
	}
}

// Who had a link by a lease asks for one; NetworkManager is told of its own, and
// to take up the very profile that it had.
func TestGiveBack(t *testing.T) {
	const limit = " 1m30s"
	for _, tt := range []struct {
		name, broken, did string
		owners            map[string]owner
	}{
		{"networkd", "", "", map[string]owner{"eno1": {Manager: server.Networkd, Lease: true}}},
		{"ifupdown", "", "", map[string]owner{"eno1": {Manager: server.Ifupdown}}},
		{"ifupdown, which knows nothing of it", "", "ifdown --force eno9 | systemd-run --quiet --scope -- ifup eno9", map[string]owner{"eno9": {Manager: server.Ifupdown}}},
		{"ifupdown, which cannot be asked", "read " + ifstateFile, "", map[string]owner{"eno9": {Manager: server.Ifupdown}}},
		{"ifupdown by a lease", "", "ifdown --force eno1 | systemd-run --quiet --scope -- ifup eno1", map[string]owner{"eno1": {Manager: server.Ifupdown, Lease: true}}},
		{"NetworkManager", "", "restart " + nmUnit + limit + " | nmcli device set eno1 managed yes | nmcli connection up 1-2 | nmcli device set eno2 managed yes",
			map[string]owner{"eno1": {Manager: server.NetworkManager, Detail: "1-2"}, "eno2": {Manager: server.NetworkManager}}},
		{"it does not start", "restart", "restart " + nmUnit + limit + " | nmcli device set eno1 managed yes", map[string]owner{"eno1": {Manager: server.NetworkManager}}},
		{"no lease comes", "systemd-run", "ifdown --force eno1 | systemd-run --quiet --scope -- ifup eno1", map[string]owner{"eno1": {Manager: server.Ifupdown, Lease: true}}},
	} {
		w := &wires{broken: tt.broken, files: map[string]string{ifstateFile: "lo=lo\neno1=eno1\n"}}
		err := w.helper().giveBack(before{difference: difference{Owners: tt.owners}})
		if got := strings.Join(w.did, " | "); got != tt.did || (err != nil) != (tt.broken != "") {
			t.Errorf("%s: %v, did %s, want %s", tt.name, err, got, tt.did)
		}
	}
}
