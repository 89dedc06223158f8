//go:build linux

package rehearse_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/site"
)

// network is what a server tells of its management interface when it is asked,
// and of who might have it.
type network struct {
	managers []string // units of managers that are active
	dhclient bool
	ifstate  string // what ifupdown has up
	source   string // what the stanza of ifupdown is in
	file     string // what networkd has it from
	nm       string // what NetworkManager has up
	forever  map[string]bool
	gateways []string // of the default routes
}

const questions = `
for unit in networking NetworkManager systemd-networkd; do systemctl -q is-active $unit && echo "manager $unit"; done
pgrep -x dhclient >/dev/null && echo "dhclient yes"
[ -e /run/network/ifstate ] && grep '^eno1=' /run/network/ifstate | sed 's/^/ifstate /'
grep -rl '^iface eno1 ' /etc/network 2>/dev/null | sed 's/^/source /'
networkctl status eno1 2>/dev/null | sed -n 's/^ *Network File: /file /p'
command -v nmcli >/dev/null && nmcli -t -f DEVICE,STATE,CONNECTION device 2>/dev/null | grep '^eno1:' | sed 's/^/nm /'
ip -j address show dev eno1 | sed 's/^/address /'
ip -j route show default | sed 's/^/route /'
ip -j -6 route show default | sed 's/^/route /'
true`

// seen asks the kernel and the managers, none of which knows what was asked for.
func seen(t *testing.T, tb *rehearse.Testbed) network {
	t.Helper()
	n := network{forever: map[string]bool{}}
	for line := range strings.Lines(mustRun(t, tb.Server, "sh", "-c", questions)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch key {
		case "manager":
			n.managers = append(n.managers, value)
		case "dhclient":
			n.dhclient = true
		case "ifstate":
			n.ifstate = value
		case "source":
			n.source = value
		case "file":
			n.file = strings.TrimPrefix(value, "n/a") // where networkd does not run
		case "nm":
			n.nm = value
		case "address":
			n.addresses(t, value)
		case "route":
			n.routes(t, value)
		}
	}
	slices.Sort(n.gateways)
	return n
}

func (n *network) addresses(t *testing.T, text string) {
	t.Helper()
	var links []struct {
		Addrs []struct {
			Local   string `json:"local"`
			Scope   string `json:"scope"`
			Bits    int    `json:"prefixlen"`
			Dynamic bool   `json:"dynamic"`
			Valid   uint32 `json:"valid_life_time"`
		} `json:"addr_info"`
	}
	if err := json.Unmarshal([]byte(text), &links); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for _, l := range links {
		for _, a := range l.Addrs {
			if a.Scope != "global" {
				continue
			}
			forever := a.Valid == 1<<32-1
			if forever == a.Dynamic || !forever && a.Valid > 600 {
				t.Errorf("%s: dynamic %t, valid for %d s", a.Local, a.Dynamic, a.Valid)
			}
			n.forever[fmt.Sprintf("%s/%d", a.Local, a.Bits)] = forever
		}
	}
}

func (n *network) routes(t *testing.T, text string) {
	t.Helper()
	var routes []struct{ Gateway, Dev string }
	if err := json.Unmarshal([]byte(text), &routes); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	for _, r := range routes {
		n.gateways = append(n.gateways, r.Gateway+" "+r.Dev)
	}
}

const (
	addr4, addr6 = "192.0.2.20/28", "2001:db8:0:2::20/64"
	interfaces   = "/etc/network/interfaces"
)

// signs are what tells each start from every other, as research on real
// servers has found it; not what raiz writes.
func signs() map[rehearse.Start]network {
	forever := map[string]bool{addr4: true, addr6: true}
	return map[rehearse.Start]network{
		rehearse.StartNetworkd:          {managers: []string{"systemd-networkd"}, file: "/etc/systemd/network/90-bootstrap.network", forever: forever},
		rehearse.StartIfupdown:          {managers: []string{"networking"}, ifstate: "eno1=eno1", source: interfaces, forever: forever},
		rehearse.StartIfupdownDHCP:      {managers: []string{"networking"}, ifstate: "eno1=eno1", source: interfaces, dhclient: true, forever: map[string]bool{addr4: false, addr6: true}},
		rehearse.StartNetplan:           {managers: []string{"systemd-networkd"}, file: "/run/systemd/network/10-netplan-eno1.network", forever: forever},
		rehearse.StartNetworkManager:    {managers: []string{"NetworkManager"}, nm: "eno1:connected:eno1", forever: forever},
		rehearse.StartCloudInitENI:      {managers: []string{"networking"}, ifstate: "eno1=eno1", source: interfaces + ".d/50-cloud-init", forever: forever},
		rehearse.StartCloudInitNetworkd: {managers: []string{"systemd-networkd"}, file: "/etc/systemd/network/10-cloud-init-eno1.network", forever: forever},
	}
}

// begunWith says in what a server is not what a start looks like.
func (n network) begunWith(start rehearse.Start) error {
	want := signs()[start]
	want.gateways = []string{"192.0.2.17 eno1", "2001:db8:0:2::1 eno1"}
	if got, want := fmt.Sprintf("%+v", n), fmt.Sprintf("%+v", want); got != want {
		return fmt.Errorf("the server has %s, where %s has %s", got, start, want)
	}
	return nil
}

// withoutBootstrap is the example with the declared addresses of both families
// on the server at first, and without a BMC, which has no part here.
func withoutBootstrap() *site.Site {
	s := example()
	s.BMC, s.Server.SSH.Bootstrap = nil, netip.Addr{}
	return s
}

// TestStarts begins with what Debian ships, and looks who has the interface;
// then again after a reboot. What was not asked for must not be found. They come
// one after the other: other packages have rehearsals meanwhile, and Debian's
// fs.inotify.max_user_instances is enough for six at once.
func TestStarts(t *testing.T) {
	needTestbed(t)
	for _, start := range rehearse.Starts() {
		t.Run(string(start), func(t *testing.T) {
			o := rehearse.Options{Start: start}
			if start == rehearse.StartIfupdownDHCP {
				// Kept: another process boots it again, and has to give the lease.
				o.BMCCommand = []string{os.Args[0], "serve-bmc"}
			}
			tb := upWith(t, withoutBootstrap(), o)
			begun(t, tb, start)
			was := tb.Server.Init()
			_, _ = tb.Server.Run(t.Context(), "systemctl", "reboot") // its answer goes down with it
			eventually(t, "another boot", func() (bool, string) {
				now := tb.Server.Init()
				if now == "" || now == was {
					return false, now
				}
				out, _ := tb.Server.Run(t.Context(), "systemctl", "is-system-running", "--wait")
				state := strings.TrimSpace(out)
				return state == "running" || state == "degraded", state
			})
			begun(t, tb, start)
		})
	}
}

// begun holds a server to a start, and to no other.
func begun(t *testing.T, tb *rehearse.Testbed, start rehearse.Start) {
	t.Helper()
	for _, addr := range []string{"192.0.2.20:22", "[2001:db8:0:2::20]:22"} {
		if got := login(t, tb, addr, "hostname"); got != "debian" {
			t.Errorf("hostname at %s = %q, want debian", addr, got)
		}
	}
	n := seen(t, tb)
	for _, s := range rehearse.Starts() {
		switch err := n.begunWith(s); {
		case s == start && err != nil:
			t.Error(err)
		case s != start && err == nil:
			t.Errorf("it looks like %s: %+v", s, n)
		}
	}
	if failed := mustRun(t, tb.Server, "systemctl", "list-units", "--failed", "--no-legend", "--plain"); failed != "" {
		t.Errorf("failed units:\n%s", failed)
	}
}

// upWith builds a testbed with options that is gone when the test is, and
// leaves nothing.
func upWith(t *testing.T, s *site.Site, o rehearse.Options) *rehearse.Testbed {
	t.Helper()
	needTestbed(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	o.Progress = func(line string) { t.Log(line) }
	tb, err := rehearse.Up(ctx, s, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tb.Down(context.Background()); err != nil {
			t.Error(err)
		}
		if got := leftovers(t, tb.ID); len(got) > 0 {
			t.Errorf("left behind: %q", got)
		}
	})
	return tb
}
