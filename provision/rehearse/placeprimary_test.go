//go:build linux

package rehearse

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/site"
)

// primaryText writes down what a layout says of the primary.
func primaryText(l *layout) string {
	var b strings.Builder
	for _, p := range l.Ports {
		switch {
		case p.Name == priEnd:
			fmt.Fprintf(&b, "reaches %v\n", p.Routes)
		case len(p.Proxied) > 0:
			fmt.Fprintf(&b, "%s answers for %v\n", p.Name, p.Proxied)
		}
	}
	fmt.Fprintf(&b, "has %v\nshares %v\n", l.Primary.Addrs, l.Shared)
	return b.String()
}

func TestPlacePrimary(t *testing.T) {
	for _, tt := range []struct {
		name, primaries string
		want            string
	}{{
		name: "far away, in both families, two of them", primaries: "203.0.113.1 2001:db8:53::1 203.0.113.2",
		want: "reaches [203.0.113.1/32 2001:db8:53::1/128 203.0.113.2/32]\nhas [203.0.113.1/32 2001:db8:53::1/128 203.0.113.2/32]\nshares []\n",
	}, {
		name: "in the subnets of management and BMC", primaries: "192.0.2.19 2001:db8:2::53 192.0.2.11",
		want: "mgmt answers for [192.0.2.19 2001:db8:2::53]\nbmc answers for [192.0.2.11]\n" +
			"reaches [192.0.2.19/32 2001:db8:2::53/128 192.0.2.11/32]\nhas [192.0.2.19/32 2001:db8:2::53/128 192.0.2.11/32]\nshares []\n",
	}, {
		name: "the resolver on the router's loopback", primaries: "203.0.113.53",
		want: "reaches []\nhas [203.0.113.53/32]\nshares [203.0.113.53]\n",
	}, {
		name: "the gateways and a neighbor", primaries: "192.0.2.17 2001:db8:2::1 198.51.100.0",
		want: "reaches []\nhas [192.0.2.17/32 2001:db8:2::1/128 198.51.100.0/32]\nshares [192.0.2.17 2001:db8:2::1 198.51.100.0]\n",
	}, {
		name: "the gateway made for the BMC as delivered", primaries: "192.168.0.1",
		want: "reaches []\nhas [192.168.0.1/32]\nshares [192.168.0.1]\n",
	}, {
		name: "inside an own block", primaries: "192.175.48.200",
		want: "reaches [192.175.48.200/32]\nhas [192.175.48.200/32]\nshares []\n",
	}} {
		t.Run(tt.name, func(t *testing.T) {
			s := plain()
			s.Anycast = []site.Anycast{{Prefixes: prefixes("192.175.48.0/24"), Addresses: addrs("192.175.48.1")}}
			all := addrs(tt.primaries)
			s.DNS.Zones = []site.Zone{{Name: ".", Primaries: all}, {Name: "arpa", Primaries: all[:1]}, {Name: "10.in-addr.arpa", Source: "as112"}}
			l, err := layOut(s)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(tt.want, "\n"), strings.Split(primaryText(l), "\n")); diff != "" {
				t.Errorf("primary (-want +got):\n%s", diff)
			}
			for _, p := range l.Ports {
				for _, a := range p.Addrs {
					if slices.Contains(all, a.Addr()) && !slices.Contains(l.Shared, a.Addr()) {
						t.Errorf("the router has %s of the primary", a)
					}
				}
			}
		})
	}
}

// TestControllerEvadesPrimary has a primary where the controller would be.
func TestControllerEvadesPrimary(t *testing.T) {
	s := plain()
	s.Server.SSH.From = prefixes("203.0.113.48/28")
	s.DNS.Zones = []site.Zone{{Name: ".", Primaries: addrs("100.64.0.2 203.0.113.49 fd72:6169:7a00::9")}}
	l, err := layOut(s)
	if err != nil {
		t.Fatal(err)
	}
	want := prefixes("10.255.255.2/30 203.0.113.50/32 fd72:6169:7a01::2/64")
	if !slices.Equal(l.Controller.Addrs, want) {
		t.Errorf("controller has %v, want %v", l.Controller.Addrs, want)
	}
}

func TestNoPrimary(t *testing.T) {
	s := plain()
	s.DNS.Zones = []site.Zone{{Name: "10.in-addr.arpa", Source: "as112"}}
	l, err := layOut(s)
	if err != nil {
		t.Fatal(err)
	}
	if l.Primary.Port != "" || slices.ContainsFunc(l.Cables, func(c cable) bool { return c.Role == RolePrimary }) {
		t.Error("a site that transfers nothing has a primary")
	}
}

// TestPlaceRefused has primaries where nobody could hand out a zone.
func TestPlaceRefused(t *testing.T) {
	for a, want := range map[string]string{
		"192.0.2.20": "server's own", "192.0.2.30": "server's own", "198.51.100.1": "server's own",
		"192.0.2.10": "BMC's", "192.168.0.120": "BMC's", "192.175.48.1": "service address",
		"127.0.0.1": "one machine", "::1": "one machine", "0.0.0.0": "one machine", "fe80::1": "one machine", "ff02::1": "one machine",
	} {
		s := plain()
		s.Anycast = []site.Anycast{{Prefixes: prefixes("192.175.48.0/24"), Addresses: addrs("192.175.48.1")}}
		s.DNS.Zones = []site.Zone{{Name: ".", Primaries: []netip.Addr{netip.MustParseAddr(a)}}}
		if _, err := layOut(s); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), a) {
			t.Errorf("primary %s: error = %v, want %q", a, err, want)
		}
	}
}
