//go:build linux

package rehearse_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

// TestMain makes the test binary its own BMC process, as raiz is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "serve-bmc" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		if err := rehearse.ServeBMC(ctx, os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// crowded is a site that differs wherever it can: BMC and management share a
// subnet, remote hands used another, SSH is for few and elsewhere, two
// neighbors live on one wire, one of them without IPv6.
func crowded() *site.Site {
	s := example()
	s.Name = "crowded"
	s.BMC.Addresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.21/28")}
	s.BMC.Gateways = []netip.Addr{netip.MustParseAddr("192.0.2.17")}
	s.BMC.Factory = nil
	s.BMC.Port = 8443
	s.Server.SSH = site.SSH{
		User: "hands", Port: 2222, Bootstrap: netip.MustParseAddr("10.20.30.1"),
		From: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
	}
	s.Server.Service.Match = site.Match{Name: "enp2s0"}
	s.Server.Service.Addresses[0] = netip.MustParsePrefix("198.51.100.1/29")
	s.BGP.Neighbors[0].Addresses[0] = netip.MustParseAddr("198.51.100.2")
	s.BGP.Neighbors = append(s.BGP.Neighbors, site.Neighbor{
		Name: "edge-2", ASN: 64501, Addresses: []netip.Addr{netip.MustParseAddr("198.51.100.3")},
		Password: secret.New(`env("SECOND")`, "real"), Accept: site.AcceptNothing,
	})
	return s
}

func TestCrowdedSite(t *testing.T) {
	tb := up(t, crowded())
	if got := login(t, tb, "10.20.30.1:2222", "sudo id -un; echo $SSH_CLIENT"); !strings.HasPrefix(got, "root\n203.0.113.1 ") {
		t.Errorf("the server saw %q, want root from 203.0.113.1", got)
	}
	for neighbor, names := range map[string][]string{"edge1": {"n_edge1_v4", "n_edge1_v6"}, "edge-2": {"n_edge_2_v4"}} {
		out := mustRun(t, tb.Router.Machine, "birdc", "-s", "/run/bird/"+neighbor+".ctl", "show", "protocols")
		for _, name := range names {
			if !strings.Contains(out, name) {
				t.Errorf("no session %s:\n%s", name, out)
			}
		}
	}
	tb.Site.BMC.Factory = &site.Factory{Username: tb.Site.BMC.Username, Password: tb.Site.BMC.Password}
	if _, err := redfish(t, tb, http.MethodGet, "192.0.2.21:8443", "/redfish/v1/Managers", ""); err != nil {
		t.Error(err)
	}
	if err := tb.Server.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := tb.Server.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	login(t, tb, "10.20.30.1:2222", "true")
}

// TestNeighborhood has the controller inside the management subnet, where SSH
// is accepted from, a time server that only a resolver far away knows, and no
// BMC.
func TestNeighborhood(t *testing.T) {
	s := example()
	s.Server.SSH.From = []netip.Prefix{netip.MustParsePrefix("192.0.2.16/28"), netip.MustParsePrefix("2001:db8:0:2::/64")}
	s.BMC = nil
	s.Server.NTP = []string{"time.example.net"}
	s.Server.DNS = []netip.Addr{netip.MustParseAddr("203.0.113.53")}
	tb := up(t, s)
	if got := login(t, tb, "192.0.2.30:22", "echo $SSH_CLIENT"); !strings.HasPrefix(got, "192.0.2.18 ") {
		t.Errorf("the server saw %q, want 192.0.2.18", got)
	}
	if got := login(t, tb, "192.0.2.30:22", "getent ahosts time.example.net"); !strings.Contains(got, "192.0.2.17") {
		t.Errorf("time.example.net is %q, want the router", got)
	}
	mustRun(t, tb.Server, "ip", "addr", "add", "2001:db8:0:2::20/64", "dev", "eno1")
	if got := login(t, tb, "[2001:db8:0:2::20]:22", "echo $SSH_CLIENT"); !strings.HasPrefix(got, "2001:db8:0:2::2 ") {
		t.Errorf("the server saw %q, want 2001:db8:0:2::2", got)
	}
}

func TestKeptRehearsal(t *testing.T) {
	needTestbed(t)
	s := example()
	tb, err := rehearse.Up(t.Context(), s, rehearse.Options{BMCCommand: []string{os.Args[0], "serve-bmc"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tb.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	found, err := rehearse.Find(tb.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := found.Adopt(s); err != nil {
		t.Fatal(err)
	}
	if !found.Site.BGP.Neighbors[0].Password.Equal(tb.Site.BGP.Neighbors[0].Password) {
		t.Error("a found rehearsal has other secrets")
	}
	if found.Site.BMC.Fingerprint != tb.Site.BMC.Fingerprint {
		t.Error("a found rehearsal has another certificate")
	}
	if _, err := redfish(t, found, http.MethodGet, "192.168.0.120", "/redfish/v1/Managers", ""); err != nil {
		t.Error(err)
	}
	login(t, found, "192.0.2.30:22", "true")
	if err := found.Unplug(t.Context(), rehearse.LinkManagement); err != nil {
		t.Error(err)
	}
	if err := found.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := leftovers(t, tb.ID); len(got) > 0 {
		t.Errorf("left behind: %q", got)
	}
}

// TestCancelledUp stops the building at each of its steps.
func TestCancelledUp(t *testing.T) {
	needTestbed(t)
	for _, step := range []string{"wire", "boot", "sign"} {
		ctx, cancel := context.WithCancel(t.Context())
		var id string
		_, err := rehearse.Up(ctx, copied(), rehearse.Options{Progress: func(line string) {
			all, err := rehearse.List()
			if err != nil {
				t.Error(err)
			}
			for _, r := range all {
				if r.Owner == os.Getpid() {
					id = r.ID
				}
			}
			if strings.HasPrefix(line, step) {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error = %v, want that it was cancelled", step, err)
		}
		if id == "" {
			t.Errorf("%s: the rehearsal was not listed", step)
		} else if got := leftovers(t, id); len(got) > 0 {
			t.Errorf("%s: left behind: %q", step, got)
		}
	}
}

// TestSideBySide has two rehearsals of one site at once: the same addresses,
// the same names, and neither knows of the other.
func TestSideBySide(t *testing.T) {
	one, two := up(t, example()), up(t, example())
	if err := one.Server.Write("/etc/motd", 0o644, "one\n"); err != nil {
		t.Fatal(err)
	}
	if err := one.Server.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := login(t, two, "192.0.2.30:22", "cat /etc/motd"); got == "one" {
		t.Error("the second server has the first one's disk")
	}
	if one.Site.BGP.Neighbors[0].Password.Equal(two.Site.BGP.Neighbors[0].Password) {
		t.Error("two rehearsals share a secret")
	}
}
