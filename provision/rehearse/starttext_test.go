//go:build linux

package rehearse

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/templates"
)

// The files in testdata are what the renderers of Debian's cloud-init
// 22.4.2-1+deb12u4 (cloudinit.net.eni, with the header of its distros.debian,
// and cloudinit.net.networkd) have written for these addresses.
func TestCloudInitWritesTheSame(t *testing.T) {
	e := endpoint{
		Port:     "eno1",
		Addrs:    []netip.Prefix{netip.MustParsePrefix("192.0.2.30/28"), netip.MustParsePrefix("2001:db8:0:2::30/64")},
		Gateways: []netip.Addr{netip.MustParseAddr("192.0.2.17"), netip.MustParseAddr("2001:db8:0:2::1")},
	}
	for _, f := range append(cloudInitENIFiles(e)[1:], cloudInitNetworkdFiles(e)...) {
		want, err := os.ReadFile(filepath.Join("testdata", filepath.Base(f.path)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), f.text); diff != "" {
			t.Errorf("%s (-cloud-init +ours):\n%s", f.path, diff)
		}
	}
}

// A start that needs no package has the tree of before; the others share one,
// in which no manager is started, and leave the router's as it was.
func TestTreesOfStarts(t *testing.T) {
	trees := func(start Start) (server, around recipe) {
		s := plain()
		s.Server.Release = "bookworm"
		server, around, err := treesOf(s, defaultLab(t), Options{Packs: templates.FS(), Start: start})
		if err != nil {
			t.Fatal(err)
		}
		return server, around
	}
	usual, _ := trees("")
	shared, _ := trees(StartIfupdown)
	for _, p := range []string{"ifupdown", "isc-dhcp-client", "netplan.io", "network-manager"} {
		if slices.Contains(usual.packages, p) || !slices.Contains(shared.packages, p) {
			t.Errorf("package %s: in the usual tree %t, in that of managers %t", p, slices.Contains(usual.packages, p), slices.Contains(shared.packages, p))
		}
	}
	for _, u := range []string{"networking.service", "NetworkManager.service", "NetworkManager-wait-online.service"} {
		if !slices.Contains(shared.disabled, u) {
			t.Errorf("%s is started in the tree of managers", u)
		}
	}
	for _, s := range setups() {
		want := shared
		if len(s.packages) == 0 {
			want = usual
		}
		server, around := trees(s.start)
		if server.hash() != want.hash() || around.hash() != usual.hash() {
			t.Errorf("%s has a tree of its own, or its router has", s.start)
		}
	}
}

func TestNoLeaseWithoutIPv4(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.30/28":       "start 192.0.2.30\nend 192.0.2.30\n",
		"2001:db8:0:2::30/64": "start from ifupdown-dhcp: the site gives the server no IPv4 address to come by DHCP",
	} {
		tb := &Testbed{Record: Record{Start: StartIfupdownDHCP, Layout: &layout{
			Ports:  []port{{Name: mgmtEnd, Members: []member{{mgmtEnd, 0}}}},
			Server: endpoint{Port: "eno1", Addrs: []netip.Prefix{netip.MustParsePrefix(addr)}},
		}}}
		config, err := tb.leaseConfig()
		if err != nil {
			config = err.Error()
		}
		if !strings.Contains(config, want) {
			t.Errorf("%s: %q, want %q in it", addr, config, want)
		}
	}
}

func TestStartUnknown(t *testing.T) {
	_, err := setupOf("systemd")
	const want = `start from "systemd": there is no such starting state: take one of networkd, ifupdown, `
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error = %v", err)
	}
	if s, err := setupOf(""); err != nil || s.start != StartNetworkd {
		t.Errorf("the default is %q, %v", s.start, err)
	}
}
