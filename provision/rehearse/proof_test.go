//go:build linux

package rehearse_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/rehearse"
)

// eventually waits for a condition that the daemons bring about by
// themselves; it fails with what was seen last.
func eventually(t *testing.T, what string, seen func() (ok bool, saw string)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, saw := seen()
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s did not come about; seen last: %s", what, saw)
		case <-tick.C:
		}
	}
}

func mustRun(t *testing.T, m *rehearse.Machine, argv ...string) string {
	t.Helper()
	out, err := m.Run(t.Context(), argv...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// provisionByHand does with a few files what raiz's apply is there for.
func provisionByHand(t *testing.T, tb *rehearse.Testbed) {
	t.Helper()
	for name, path := range map[string]string{
		"mgmt.network": "/etc/systemd/network/05-raiz-management.network",
		"svc.network":  "/etc/systemd/network/05-raiz-service.network",
		"lo.network":   "/etc/systemd/network/05-raiz-lo.network",
		"bird.conf":    "/etc/bird/bird.conf",
		"nsd.conf":     "/etc/nsd/nsd.conf",
		"empty.zone":   "/etc/nsd/empty.zone",
		"chrony.conf":  "/etc/chrony/chrony.conf",
	} {
		text, err := os.ReadFile(filepath.Join("testdata", "server", name))
		if err != nil {
			t.Fatal(err)
		}
		password := tb.Site.BGP.Neighbors[0].Password.Reveal()
		if err := tb.Server.Write(path, 0o644, strings.ReplaceAll(string(text), "PASSWORD", password)); err != nil {
			t.Fatal(err)
		}
	}
	mustRun(t, tb.Server, "networkctl", "reload")
	mustRun(t, tb.Server, "networkctl", "reconfigure", "lo", "eno1", "eno2")
	eventually(t, "the service address", func() (bool, string) {
		out := mustRun(t, tb.Server, "ip", "-br", "address")
		return strings.Contains(out, "192.175.48.1/32") && strings.Contains(out, "2620:4f:8000::1/128") &&
			strings.Contains(out, "192.0.2.20/28") && strings.Contains(out, "198.51.100.1/31"), out
	})
	mustRun(t, tb.Server, "systemctl", "enable", "--now", "nsd.service", "bird.service", "chrony.service")
}

// prefixes returns what the router has taken, or the error.
func prefixes(t *testing.T, routes func(context.Context) ([]rehearse.Route, error)) string {
	t.Helper()
	all, err := routes(t.Context())
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, r := range all {
		out = append(out, r.Prefix.String())
	}
	return strings.Join(out, " ")
}

const blocks = "192.175.48.0/24 2620:4f:8000::/48"

// ask queries the server's zone from the controller.
func ask(t *testing.T, tb *rehearse.Testbed, network, server string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	conn, err := tb.Netns(rehearse.RoleController).DialContext(ctx, network, net.JoinHostPort(server, "53"))
	if err != nil {
		return err
	}
	defer conn.Close()
	query := new(dns.Msg).SetQuestion("10.in-addr.arpa.", dns.TypeSOA)
	answer, _, err := new(dns.Client).ExchangeWithConnContext(ctx, query, &dns.Conn{Conn: conn})
	if err != nil {
		return err
	}
	if len(answer.Answer) != 1 || !answer.Authoritative {
		return fmt.Errorf("%s answered %v", server, answer)
	}
	return nil
}

func TestProvisionedByHand(t *testing.T) {
	tb := up(t, example())
	// What is not there yet must not seem to be.
	if got := prefixes(t, tb.Router.Routes); got != "" {
		t.Fatalf("routes before anything was announced: %s", got)
	}
	provisionByHand(t, tb)
	eventually(t, "the announcement", func() (bool, string) { got := prefixes(t, tb.Router.Routes); return got == blocks, got })

	t.Run("answers", func(t *testing.T) {
		for _, network := range []string{"udp", "tcp"} {
			for _, server := range []string{"192.175.48.1", "2620:4f:8000::1"} {
				if err := ask(t, tb, network, server); err != nil {
					t.Errorf("%s %s: %v", network, server, err)
				}
			}
		}
	})
	t.Run("routes", func(t *testing.T) { checkRoutes(t, tb) })
	t.Run("moved", func(t *testing.T) {
		if got := login(t, tb, "192.0.2.20:22", "hostname"); got != "debian" {
			t.Errorf("hostname = %q", got)
		}
		login(t, tb, "[2001:db8:0:2::20]:22", "true")
	})
	t.Run("clock", func(t *testing.T) { checkClock(t, tb) })
	t.Run("cable", func(t *testing.T) { checkCable(t, tb) })
	t.Run("power", func(t *testing.T) { checkPower(t, tb) })
}

func checkRoutes(t *testing.T, tb *rehearse.Testbed) {
	all, err := tb.Router.Routes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range all {
		got = append(got, fmt.Sprintf("%s %s %s %v %v", r.Prefix, r.Neighbor, r.NextHop, r.ASPath, r.Communities))
	}
	want := []string{"192.175.48.0/24 edge1 198.51.100.1 [112] [64500:7]", "2620:4f:8000::/48 edge1 2001:db8:0:3::1 [112] []"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	eventually(t, "the leak", func() (bool, string) {
		got := prefixes(t, tb.Router.Refused)
		return got == "203.0.113.0/24", got
	})
	if out := mustRun(t, tb.Server, "birdc", "show", "route", "0.0.0.0/0", "all"); !strings.Contains(out, "64500") {
		t.Errorf("the server got no default route:\n%s", out)
	}
}

// checkClock has time come from the router while nobody can turn the clock.
func checkClock(t *testing.T, tb *rehearse.Testbed) {
	eventually(t, "time from the router", func() (bool, string) {
		out := mustRun(t, tb.Server, "chronyc", "-n", "sources")
		return strings.Contains(out, "^* 192.0.2.1"), out
	})
	for _, m := range []*rehearse.Machine{tb.Server, tb.Router.Machine} {
		if out, err := m.Run(t.Context(), "date", "--set", "now"); err == nil {
			t.Errorf("the clock of this machine can be set from inside: %s", out)
		}
	}
	if out, err := tb.Netns(rehearse.RoleController).Command(t.Context(), "date", "--set", "now").CombinedOutput(); err == nil {
		t.Errorf("the clock of this machine can be set from the controller's side: %s", out)
	}
	login(t, tb, "192.0.2.20:22", "! date --set now")
}

func checkCable(t *testing.T, tb *rehearse.Testbed) {
	if err := tb.Unplug(t.Context(), rehearse.LinkService); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the withdrawal", func() (bool, string) { got := prefixes(t, tb.Router.Routes); return got == "", got })
	if err := ask(t, tb, "udp", "192.175.48.1"); err == nil {
		t.Error("DNS answers though the cable is out")
	}
	login(t, tb, "192.0.2.20:22", "true")
	if err := tb.Plug(t.Context(), rehearse.LinkService); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the announcement", func() (bool, string) { got := prefixes(t, tb.Router.Routes); return got == blocks, got })
}

func checkPower(t *testing.T, tb *rehearse.Testbed) {
	if err := tb.Server.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tb.Server.Running() {
		t.Fatal("the server runs without power")
	}
	if err := tb.Server.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the announcement", func() (bool, string) { got := prefixes(t, tb.Router.Routes); return got == blocks, got })
	eventually(t, "an answer", func() (bool, string) { err := ask(t, tb, "udp", "2620:4f:8000::1"); return err == nil, fmt.Sprint(err) })
}

// redfish asks the BMC from the controller and checks its certificate.
func redfish(t *testing.T, tb *rehearse.Testbed, method, address, path, body string) (string, error) {
	t.Helper()
	f := tb.Site.BMC.Factory
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       tb.Netns(rehearse.RoleController).DialContext,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
			sum := sha256.Sum256(s.PeerCertificates[0].Raw)
			if "sha256:"+hex.EncodeToString(sum[:]) != tb.Site.BMC.Fingerprint {
				return errors.New("another certificate than the site has")
			}
			return nil
		}},
	}}
	req, err := http.NewRequestWithContext(t.Context(), method, "https://"+address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(f.Username, f.Password.Reveal())
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if resp.StatusCode >= 300 {
		return "", fmt.Errorf("%s: %s", resp.Status, text)
	}
	return string(text), err
}

func TestBMCMoves(t *testing.T) {
	tb := up(t, example())
	if _, err := redfish(t, tb, http.MethodGet, "192.168.0.120", "/redfish/v1/Managers", ""); err != nil {
		t.Fatal(err)
	}
	if _, err := redfish(t, tb, http.MethodPatch, "192.168.0.120", "/redfish/v1/Managers/bmc/EthernetInterfaces/eth0",
		`{"DHCPv4":{"DHCPEnabled":false},"IPv4StaticAddresses":[{"Address":"192.0.2.10","SubnetMask":"255.255.255.240","Gateway":"192.0.2.1"}],`+
			`"IPv6StaticAddresses":[{"Address":"2001:db8:0:1::10","PrefixLength":64}]}`); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"192.0.2.10", "[2001:db8:0:1::10]"} {
		eventually(t, "the BMC at "+address, func() (bool, string) {
			_, err := redfish(t, tb, http.MethodGet, address, "/redfish/v1/Managers", "")
			return err == nil, fmt.Sprint(err)
		})
	}
	if _, err := redfish(t, tb, http.MethodGet, "192.168.0.120", "/redfish/v1/Managers", ""); err == nil {
		t.Error("the BMC still answers where it was")
	}
}
