package contract

import (
	"io/fs"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

func network(t *testing.T, os helper.OS, n Network) {
	t.Run("addresses", func(t *testing.T) { addresses(t, os, n) })
	t.Run("lifetime", func(t *testing.T) { lifetime(t, os, n) })
	t.Run("places", func(t *testing.T) { places(t, os, n) })
	t.Run("settings", func(t *testing.T) { settings(t, os, n) })
	t.Run("routes", func(t *testing.T) { routes(t, os, n) })
	t.Run("rules", func(t *testing.T) { rules(t, os) })
}

func link(t *testing.T, os helper.OS, name string) server.LinkFact {
	t.Helper()
	all, err := os.Network()
	fine(t, err)
	for _, l := range all.Links {
		if l.Name == name {
			return l
		}
	}
	t.Fatalf("there is no link %s in %+v", name, all.Links)
	return server.LinkFact{}
}

func has(l server.LinkFact, address string) (server.AddressFact, bool) {
	i := slices.IndexFunc(l.Addresses, func(a server.AddressFact) bool { return a.Address == address })
	if i < 0 {
		return server.AddressFact{}, false
	}
	return l.Addresses[i], true
}

func addresses(t *testing.T, os helper.OS, n Network) {
	if l := link(t, os, n.Link); !l.Up || l.MTU == 0 || l.Index == 0 || len(l.Addresses) != 0 {
		t.Fatalf("the link is %+v", l)
	}
	// What the kernel gives lo by itself is not told of.
	if l := link(t, os, "lo"); len(l.Addresses) != 0 {
		t.Errorf("lo has %+v", l.Addresses)
	}
	for _, a := range []string{n.IPv4, n.IPv6} {
		fine(t, os.AddAddress(n.Link, server.AddressFact{Address: a}))
		is(t, "add it again", os.AddAddress(n.Link, server.AddressFact{Address: a}), fs.ErrExist)
		eventually(t, os, 10*time.Second, a+" usable", func() bool {
			got, ok := has(link(t, os, n.Link), a)
			return ok && got == server.AddressFact{Address: a}
		})
	}
	ways(t, os, n)
	for _, a := range []string{n.IPv4, n.IPv6} {
		fine(t, os.DelAddress(n.Link, a))
		is(t, "delete it again", os.DelAddress(n.Link, a), fs.ErrNotExist)
	}
	if l := link(t, os, n.Link); len(l.Addresses) != 0 {
		t.Errorf("left over: %+v", l.Addresses)
	}
	is(t, "add to no link", os.AddAddress(n.Absent, server.AddressFact{Address: n.IPv4}), fs.ErrNotExist)
	is(t, "delete of no link", os.DelAddress(n.Absent, n.IPv4), fs.ErrNotExist)
	if err := os.AddAddress(n.Link, server.AddressFact{Address: "nonsense"}); err == nil {
		t.Error("nonsense was added")
	}
}

// ways are looked up while the link has its addresses.
func ways(t *testing.T, os helper.OS, n Network) {
	for _, w := range []struct{ prefix, gateway string }{{n.IPv4, n.Gateway4}, {n.IPv6, n.Gateway6}} {
		from, to := netip.MustParsePrefix(w.prefix).Addr(), netip.MustParseAddr(w.gateway)
		if r, err := os.Way(from, to); err != nil || r.Dev != n.Link || r.Via != "" {
			t.Errorf("the way from %s to %s is %+v, %v", from, to, r, err)
		}
		// IPv6 looks up whatever source it is told.
		if r, err := os.Way(to, from); from.Is4() && err == nil {
			t.Errorf("the way from %s, which is not here, is %+v", to, r)
		}
	}
}

func lifetime(t *testing.T, os helper.OS, n Network) {
	for _, a := range []string{n.IPv4, n.IPv6} {
		fine(t, os.AddAddress(n.Link, server.AddressFact{Address: a, Seconds: 600, NoRoute: true}))
		got, ok := has(link(t, os, n.Link), a)
		if !ok || got.Seconds < 590 || got.Seconds > 600 || !got.NoRoute {
			t.Errorf("it is %+v, %t", got, ok)
		}
		fine(t, os.DelAddress(n.Link, a))
	}
}

// places are what an address is the source of: the first one of its network is,
// and one that is deprecated is not.
func places(t *testing.T, os helper.OS, n Network) {
	first := netip.MustParsePrefix(n.IPv4)
	second := netip.PrefixFrom(first.Addr().Next(), first.Bits()).String()
	fine(t, os.AddAddress(n.Link, server.AddressFact{Address: n.IPv4}))
	fine(t, os.AddAddress(n.Link, server.AddressFact{Address: second}))
	fine(t, os.AddAddress(n.Link, server.AddressFact{Address: n.IPv6, Deprecated: true}))
	eventually(t, os, 10*time.Second, n.IPv6+" usable", func() bool {
		got, ok := has(link(t, os, n.Link), n.IPv6)
		return ok && got == server.AddressFact{Address: n.IPv6, Deprecated: true}
	})
	if got, ok := has(link(t, os, n.Link), second); !ok || got != (server.AddressFact{Address: second, Secondary: true}) {
		t.Errorf("the second is %+v, %t", got, ok)
	}
	if got, ok := has(link(t, os, n.Link), n.IPv4); !ok || got != (server.AddressFact{Address: n.IPv4}) {
		t.Errorf("the first is %+v, %t", got, ok)
	}
	for _, a := range []string{second, n.IPv4, n.IPv6} {
		fine(t, os.DelAddress(n.Link, a))
	}
}

// settings are an MTU, and whether a link is up.
func settings(t *testing.T, os helper.OS, n Network) {
	was := link(t, os, n.Link)
	for _, want := range []server.LinkFact{{MTU: 1400, Set: true}, {MTU: 1400}, {MTU: was.MTU, Set: was.Set}} {
		want.Name = n.Link
		fine(t, os.SetLink(want))
		if got := link(t, os, n.Link); got.MTU != want.MTU || got.Set != want.Set {
			t.Errorf("it is %+v, want %+v", got, want)
		}
	}
	eventually(t, os, 10*time.Second, n.Link+" as it was", func() bool { return link(t, os, n.Link).Up == was.Up })
	is(t, "no link", os.SetLink(server.LinkFact{Name: n.Absent, MTU: 1400}), fs.ErrNotExist)
}

// routeTo is a default route as a network manager sets it.
func routeTo(n Network, gateway string) server.Route {
	r := server.Route{Table: 254, To: "0.0.0.0/0", Via: gateway, Dev: n.Link, Protocol: 4, Metric: 512, Type: 1}
	if netip.MustParseAddr(gateway).Is6() {
		r.To = "::/0"
	}
	return r
}

func routes(t *testing.T, os helper.OS, n Network) {
	present := func(r server.Route) bool {
		all, err := os.Network()
		fine(t, err)
		return slices.Contains(all.Routes, r)
	}
	before, err := os.Network()
	fine(t, err)
	for _, f := range []struct{ address, gateway string }{{n.IPv4, n.Gateway4}, {n.IPv6, n.Gateway6}} {
		r := routeTo(n, f.gateway)
		if err := os.AddRoute(r); err == nil {
			t.Errorf("a gateway that nobody reaches was taken: %+v", r)
		}
		fine(t, os.AddAddress(n.Link, server.AddressFact{Address: f.address}))
		if present(r) {
			t.Fatalf("it is there: %+v", r)
		}
		fine(t, os.AddRoute(r))
		is(t, "add it again", os.AddRoute(r), fs.ErrExist)
		other := r
		other.Table, other.Protocol = 1000, 3
		fine(t, os.AddRoute(other))
		dark := server.Route{Table: 254, To: netip.MustParsePrefix(f.address).Masked().String(), Protocol: 3, Metric: 777, Type: 7}
		fine(t, os.AddRoute(dark))
		if !present(r) || !present(other) {
			t.Errorf("of %+v and %+v not all are there", r, other)
		}
		// What a routing daemon has set is its own to keep.
		bird := r
		bird.Protocol, bird.Metric = 12, 600
		fine(t, os.AddRoute(bird))
		if present(bird) {
			t.Error("a route of a routing daemon is told of")
		}
		for _, gone := range []server.Route{r, other, bird, dark} {
			fine(t, os.DelRoute(gone))
			is(t, "delete it again", os.DelRoute(gone), fs.ErrNotExist)
		}
		fine(t, os.DelAddress(n.Link, f.address))
		nowhere := r
		nowhere.Dev = n.Absent
		is(t, "a route by no link", os.AddRoute(nowhere), fs.ErrNotExist)
	}
	after, err := os.Network()
	fine(t, err)
	if !slices.Equal(before.Routes, after.Routes) {
		t.Errorf("routes were %+v, and are %+v", before.Routes, after.Routes)
	}
}

func rules(t *testing.T, os helper.OS) {
	all, err := os.Network()
	fine(t, err)
	for _, r := range all.Rules {
		if r.Priority == 0 || r.Priority == 32766 || r.Priority == 32767 {
			t.Errorf("a rule of the kernel's own is told of: %+v", r)
		}
	}
	for _, r := range []server.Rule{
		{Family: 4, Priority: 1000, From: "192.0.2.0/24", Table: 1000, Protocol: 4},
		{Family: 6, Priority: 1000, To: "2001:db8::/32", Table: 100, Protocol: 4},
		{Family: 4, Priority: 1001, Table: 1000, Protocol: 3},
		{Family: 6, Priority: 1001, Table: 1000, Protocol: 3},
		{Family: 4, Priority: 1002, Mark: 7, Mask: 0xff, In: "lo", Not: true, Table: 1000, Protocol: 3},
	} {
		count := func() int {
			now, err := os.Network()
			fine(t, err)
			n := 0
			for _, other := range now.Rules {
				if other == r {
					n++
				}
			}
			return n
		}
		fine(t, os.AddRule(r))
		is(t, "add it again", os.AddRule(r), fs.ErrExist)
		if n := count(); n != 1 {
			now, _ := os.Network()
			t.Errorf("%+v is there %d times in %+v", r, n, now.Rules)
		}
		fine(t, os.DelRule(r))
		is(t, "delete it again", os.DelRule(r), fs.ErrNotExist)
		if n := count(); n != 0 {
			t.Errorf("%+v is still there", r)
		}
	}
	if err := os.AddRule(server.Rule{Priority: 1003, Table: 1000}); err == nil {
		t.Error("a rule of no family was added")
	}
}
