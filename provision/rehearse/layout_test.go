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

func addrs(words string) (out []netip.Addr) {
	for _, w := range strings.Fields(words) {
		out = append(out, netip.MustParseAddr(w))
	}
	return out
}

func prefixes(words string) (out []netip.Prefix) {
	for _, w := range strings.Fields(words) {
		out = append(out, netip.MustParsePrefix(w))
	}
	return out
}

// plain is a site with three separate subnets.
func plain() *site.Site {
	return &site.Site{
		Name: "plain",
		BMC: &site.BMC{
			Addresses: prefixes("192.0.2.10/28"), Gateways: addrs("192.0.2.1"), NTP: []string{"192.0.2.1", "time.example.net"},
			Factory: &site.Factory{Address: netip.MustParseAddr("192.168.0.120")},
		},
		Server: site.Server{
			DNS:        addrs("203.0.113.53"),
			SSH:        site.SSH{Bootstrap: netip.MustParseAddr("192.0.2.30")},
			Management: site.Interface{Match: site.Match{Name: "eno1"}, Addresses: prefixes("192.0.2.20/28 2001:db8:2::20/64"), Gateways: addrs("192.0.2.17 2001:db8:2::1")},
			Service:    site.Interface{Match: site.Match{MAC: "02:00:00:00:00:02"}, Addresses: prefixes("198.51.100.1/31")},
		},
		BGP: site.BGP{Neighbors: []site.Neighbor{{Name: "edge1", Addresses: addrs("198.51.100.0")}}},
	}
}

// text writes a layout down in a few lines.
func text(l *layout) string {
	var b strings.Builder
	for _, c := range l.Cables {
		fmt.Fprintf(&b, "cable %s %s:%s %s\n", c.End, c.Role, c.Port, c.MAC)
	}
	for _, p := range l.Ports {
		fmt.Fprintf(&b, "port %s of %v has %v reaches %v", p.Name, p.Members, p.Addrs, p.Routes)
		if len(p.Proxied) > 0 {
			fmt.Fprintf(&b, " answers for %v", p.Proxied)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "far %v\n", l.Loopback)
	for _, e := range []endpoint{l.Server, l.BMC, l.Controller} {
		fmt.Fprintf(&b, "end %s has %v via %v\n", e.Port, e.Addrs, e.Gateways)
	}
	return b.String()
}

func TestLayOut(t *testing.T) {
	const controller = "port ctl of [{ctl 0}] has [100.64.0.1/30 fd72:6169:7a00::1/64] reaches []\n"
	const controllerEnd = "end eth0 has [100.64.0.2/30 fd72:6169:7a00::2/64] via [100.64.0.1 fd72:6169:7a00::1]\n"
	for _, tt := range []struct {
		name   string
		change func(*site.Site)
		want   string
	}{{
		name:   "three subnets",
		change: func(*site.Site) {},
		want: "cable mgmt srv:eno1 \ncable svc srv:eno2 02:00:00:00:00:02\ncable bmc bmc:eth0 \ncable ctl ctl:eth0 \n" +
			"port mgmt of [{mgmt 0}] has [192.0.2.17/28 2001:db8:2::1/64] reaches []\n" +
			"port svc of [{svc 0}] has [198.51.100.0/31] reaches []\n" +
			"port bmc of [{bmc 0}] has [192.0.2.1/28 192.168.0.1/32] reaches [192.168.0.120/32]\n" + controller +
			"far [203.0.113.53]\n" +
			"end eno1 has [192.0.2.30/28] via [192.0.2.17]\n" +
			"end eth0 has [192.168.0.120/24] via [192.168.0.1]\n" + controllerEnd,
	}, {
		name: "BMC and management in one subnet, delivered in another",
		change: func(s *site.Site) {
			s.BMC.Addresses, s.BMC.Gateways = prefixes("192.0.2.21/28"), addrs("192.0.2.17")
			s.Server.SSH.Bootstrap = netip.MustParseAddr("10.1.2.3")
		},
		want: "cable mgmt srv:eno1 \ncable svc srv:eno2 02:00:00:00:00:02\ncable bmc bmc:eth0 \ncable ctl ctl:eth0 \n" +
			"port lan0 of [{mgmt 0} {bmc 0}] has [192.0.2.17/28 2001:db8:2::1/64 192.168.0.1/32 10.1.2.1/32] reaches [192.168.0.120/32 10.1.2.3/32]\n" +
			"port svc of [{svc 0}] has [198.51.100.0/31] reaches []\n" + controller +
			"far [203.0.113.53 192.0.2.1]\n" +
			"end eno1 has [10.1.2.3/24] via [10.1.2.1]\n" +
			"end eth0 has [192.168.0.120/24] via [192.168.0.1]\n" + controllerEnd,
	}, {
		name: "one interface with tags, no BMC",
		change: func(s *site.Site) {
			s.BMC = nil
			s.Server.Service.Match, s.Server.Service.VLAN = s.Server.Management.Match, 20
		},
		want: "cable mgmt srv:eno1 \ncable ctl ctl:eth0 \n" +
			"port mgmt of [{mgmt 0}] has [192.0.2.17/28 2001:db8:2::1/64] reaches []\n" +
			"port mgmt.20 of [{mgmt 20}] has [198.51.100.0/31] reaches []\n" + controller +
			"far [203.0.113.53]\n" +
			"end eno1 has [192.0.2.30/28] via [192.0.2.17]\nend  has [] via []\n" + controllerEnd,
	}, {
		name: "SSH from few, controller's subnet taken",
		change: func(s *site.Site) {
			s.BMC = nil
			s.Server.SSH.From = prefixes("203.0.113.48/28")
			s.Server.Service.Addresses, s.BGP.Neighbors[0].Addresses = prefixes("100.64.0.2/30"), addrs("100.64.0.1")
		},
		want: "cable mgmt srv:eno1 \ncable svc srv:eno2 02:00:00:00:00:02\ncable ctl ctl:eth0 \n" +
			"port mgmt of [{mgmt 0}] has [192.0.2.17/28 2001:db8:2::1/64] reaches []\n" +
			"port svc of [{svc 0}] has [100.64.0.1/30] reaches []\n" +
			"port ctl of [{ctl 0}] has [10.255.255.1/30 fd72:6169:7a00::1/64] reaches [203.0.113.49/32]\n" +
			"far [203.0.113.53]\n" +
			"end eno1 has [192.0.2.30/28] via [192.0.2.17]\nend  has [] via []\n" +
			"end eth0 has [10.255.255.2/30 203.0.113.49/32 fd72:6169:7a00::2/64] via [10.255.255.1 fd72:6169:7a00::1]\n",
	}, {
		name: "SSH from a jump host in the management subnet",
		change: func(s *site.Site) {
			s.BMC, s.Server.Service.Addresses, s.BGP.Neighbors = nil, nil, nil
			s.Server.SSH.From = prefixes("192.0.2.16/28")
		},
		want: "cable mgmt srv:eno1 \ncable ctl ctl:eth0 \n" +
			"port mgmt of [{mgmt 0}] has [192.0.2.17/28 2001:db8:2::1/64] reaches [] answers for [192.0.2.18]\n" +
			"port ctl of [{ctl 0}] has [100.64.0.1/30 fd72:6169:7a00::1/64] reaches [192.0.2.18/32]\n" +
			"far [203.0.113.53]\n" +
			"end eno1 has [192.0.2.30/28] via [192.0.2.17]\nend  has [] via []\n" +
			"end eth0 has [100.64.0.2/30 192.0.2.18/32 fd72:6169:7a00::2/64] via [100.64.0.1 fd72:6169:7a00::1]\n",
	}} {
		t.Run(tt.name, func(t *testing.T) {
			s := plain()
			tt.change(s)
			l, err := layOut(s)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(tt.want, "\n"), strings.Split(text(l), "\n")); diff != "" {
				t.Errorf("layout (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLinksOfOneInterface(t *testing.T) {
	s := plain()
	s.Server.Service.Match, s.Server.Service.VLAN = s.Server.Management.Match, 20
	l, err := layOut(s)
	if err != nil {
		t.Fatal(err)
	}
	links := l.links()
	if got := links[LinkService].End; got != "mgmt" {
		t.Errorf("service cable = %q, want mgmt", got)
	}
	if got := links[LinkBMC].Routes; !slices.Equal(got, prefixes("192.168.0.120/32")) {
		t.Errorf("routes of the BMC's port = %v", got)
	}
}
