//go:build linux

package rehearse_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

// example is sites/as112-gru1.hcl as a value.
func example() *site.Site {
	addrs := func(all ...string) (out []netip.Addr) {
		for _, a := range all {
			out = append(out, netip.MustParseAddr(a))
		}
		return out
	}
	prefixes := func(all ...string) (out []netip.Prefix) {
		for _, p := range all {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	return &site.Site{
		Name: "as112-gru1",
		Lab:  true,
		BMC: &site.BMC{
			Addresses: prefixes("192.0.2.10/28", "2001:db8:0:1::10/64"),
			Gateways:  addrs("192.0.2.1", "2001:db8:0:1::1"),
			DNS:       addrs("192.0.2.1"),
			NTP:       []string{"192.0.2.1"},
			Hostname:  "gru1-bmc",
			Port:      443,
			Username:  "raiz",
			Password:  secret.New(`env("GRU1_BMC_PASSWORD")`, "real"),
			Factory: &site.Factory{
				Address:  netip.MustParseAddr("192.168.0.120"),
				Username: "root",
				Password: secret.New(`env("GRU1_BMC_FACTORY")`, "real"),
			},
		},
		Server: site.Server{
			Release:    "bookworm",
			Hostname:   "gru1",
			NTP:        []string{"192.0.2.1"},
			DNS:        addrs("192.0.2.1"),
			SSH:        site.SSH{User: "root", Port: 22, Bootstrap: netip.MustParseAddr("192.0.2.30")},
			Management: site.Interface{Role: "management", Match: site.Match{Name: "eno1"}, Addresses: prefixes("192.0.2.20/28", "2001:db8:0:2::20/64"), Gateways: addrs("192.0.2.17", "2001:db8:0:2::1"), MTU: 1500},
			Service:    site.Interface{Role: "service", Match: site.Match{MAC: "02:00:00:00:00:02"}, Addresses: prefixes("198.51.100.1/31", "2001:db8:0:3::1/64"), MTU: 1500},
		},
		BGP: site.BGP{
			ASN:      112,
			RouterID: netip.MustParseAddr("192.0.2.20"),
			Neighbors: []site.Neighbor{{
				Name: "edge1", ASN: 64500, Addresses: addrs("198.51.100.0", "2001:db8:0:3::2"),
				Password: secret.New(`env("GRU1_BGP_PASSWORD")`, "real"), TTLSecurity: true, Accept: site.AcceptDefault,
			}},
		},
		Anycast: []site.Anycast{{
			Name: "as112", Prefixes: prefixes("192.175.48.0/24", "2620:4f:8000::/48"),
			Addresses: addrs("192.175.48.1", "2620:4f:8000::1"), Origin: 112, Propagation: site.Global,
		}},
		DNS: site.DNS{Identity: "gru1.as112.example.net", Zones: []site.Zone{{Name: "10.in-addr.arpa", Source: "as112"}}},
	}
}

// needTestbed skips where no testbed can be built. In CI it can, so there a
// skip would only hide that nothing was tested.
func needTestbed(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots machines")
	}
	if err := rehearse.Ready(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// up builds a testbed that is gone when the test is.
func up(t *testing.T, s *site.Site) *rehearse.Testbed {
	t.Helper()
	needTestbed(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	tb, err := rehearse.Up(ctx, s, rehearse.Options{Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tb.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tb
}

// login runs a command on the server over SSH, from the controller.
func login(t *testing.T, tb *rehearse.Testbed, addr, command string) string {
	t.Helper()
	key, err := os.ReadFile(tb.Site.Server.SSH.Identity)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	host, _, _, _, err := ssh.ParseAuthorizedKey([]byte(tb.Site.Server.SSH.Host.Key))
	if err != nil {
		t.Fatal(err)
	}
	conn := dialPatiently(t, tb, addr)
	defer conn.Close()
	c, chans, reqs, err := ssh.NewClientConn(conn, addr, &ssh.ClientConfig{
		User: tb.Site.Server.SSH.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(host),
	})
	if err != nil {
		t.Fatal(err)
	}
	client := ssh.NewClient(c, chans, reqs)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, err := session.CombinedOutput(command)
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

// dialPatiently tries again while the machine is busy; when nothing helps it
// tells what both ends of the cable look like.
func dialPatiently(t *testing.T, tb *rehearse.Testbed, addr string) net.Conn {
	t.Helper()
	var last error
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		conn, err := tb.Netns(rehearse.RoleController).DialContext(ctx, "tcp", addr)
		cancel()
		if err == nil {
			return conn
		}
		last = err
	}
	server, _ := tb.Server.Run(t.Context(), "sh", "-c", "ip address; ip route; networkctl; ss -tln")
	router, _ := tb.Router.Run(t.Context(), "sh", "-c", "ip address; ip route; ip neighbor")
	t.Fatalf("%v\nserver:\n%s\nrouter:\n%s", last, server, router)
	return nil
}

func TestTestbedAnswers(t *testing.T) {
	tb := up(t, example())
	if got := login(t, tb, "192.0.2.30:22", "hostname"); got != "debian" {
		t.Errorf("hostname of the server = %q, want debian", got)
	}
	out := mustRun(t, tb.Router.Machine, "birdc", "-s", "/run/bird/edge1.ctl", "show", "protocols")
	if !strings.Contains(out, "n_edge1_v4") || !strings.Contains(out, "n_edge1_v6") {
		t.Errorf("the router lacks sessions:\n%s", out)
	}
}
