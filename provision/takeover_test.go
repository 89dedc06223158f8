//go:build linux

package provision_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
)

// TestTakeovers brings servers up that Debian's own ways of networking run: a
// first apply with a wrong gateway gives the link back as it was, a right one
// takes it over for good.
func TestTakeovers(t *testing.T) {
	needMachines(t)
	for _, tt := range []struct {
		start   rehearse.Start
		manager string // as the plan names it
	}{
		{rehearse.StartIfupdown, "ifupdown"},
		{rehearse.StartIfupdownDHCP, "ifupdown (DHCP)"},
		{rehearse.StartNetplan, "netplan"},
		{rehearse.StartNetworkManager, "NetworkManager"},
		{rehearse.StartCloudInitENI, "ifupdown"},
	} {
		t.Run(string(tt.start), func(t *testing.T) {
			t.Parallel()
			b := newBedWith(t, "../sites/as112-gru1.hcl", rehearse.Options{Start: tt.start})
			b.furnish()
			before := b.network()
			b.takesNothing(tt.manager)
			if diff := cmp.Diff(before, b.network()); diff != "" {
				t.Fatalf("the link was not given back (-before +after):\n%s", diff)
			}
			b.on(b.Server, "sh", "-c", "ip link set eno1 mtu 1500") // the site says nothing of it
			b.mustApply(b.Site)
			b.isTaken()
			b.must(b.reboot())
			b.isTaken()
		})
	}
}

// furnish gives the link what no file of a manager has: an MTU, an address that
// comes second in its network, and one that is the source of nothing.
func (b *bed) furnish() {
	b.t.Helper()
	b.wait("address by its manager", time.Minute, func() bool {
		out, err := b.Server.Run(b.t.Context(), "ip", "-4", "-o", "address", "show", "dev", "eno1", "scope", "global")
		return err == nil && out != ""
	})
	b.on(b.Server, "sh", "-c", `set -e
		ip link set eno1 mtu 1400
		set -- $(ip -4 -o address show dev eno1 scope global | awk '{ print $4; exit }')
		base=${1%.*/*} length=${1#*/}
		ip address add "$base.29/$length" dev eno1
		ip -6 address add 2001:db8:0:2::2f/64 dev eno1 preferred_lft 0 nodad`)
}

// network is what the kernel and the managers of the server have.
func (b *bed) network() string {
	b.t.Helper()
	return b.on(b.Server, "sh", "-c", networkScript)
}

// networkScript prints addresses, default routes, ifupdown's notes, who is at
// work, and what the next boot will find.
const networkScript = `ip -o address show scope global | awk '{ print $2, $4, ($0 ~ / secondary /) ? "second" : "", ($0 ~ / deprecated /) ? "deprecated" : "" }' | sort
		ip -o link show eno1 | grep -o 'mtu [0-9]*'
		ip route show default | sed 's/ proto [a-z]*//; s/ onlink//; s/ *$//' | sort
		ip -6 route show default | sed 's/ proto [a-z]*//; s/ onlink//; s/ pref medium//; s/ *$//' | sort
		cat /run/network/ifstate 2>/dev/null | sort
		systemctl is-active systemd-networkd networking NetworkManager systemd-networkd.socket
		systemctl is-enabled systemd-networkd networking NetworkManager
		pgrep -x dhclient >/dev/null && echo dhclient
		find /etc/network /etc/NetworkManager /etc/netplan /etc/cloud /etc/systemd/network -type f -exec sha256sum {} + 2>/dev/null | sort
		nmcli -t -f DEVICE,STATE device 2>/dev/null | grep eno1
		true`

// takesNothing applies a site with a wrong gateway in both families.
func (b *bed) takesNothing(manager string) {
	b.t.Helper()
	s := *b.Site
	s.Server.Management.Gateways = addrs("192.0.2.18", "2001:db8:0:2::99")
	o := b.o
	o.RevertAfter = 20 * time.Second
	run := provision.New(&s, o)
	planned, err := run.Plan(b.t.Context())
	b.must(err)
	named := false
	for _, c := range planned.Plan.Changes {
		was, _ := c.Before.(state.Attr)
		named = named || c.Key == state.ManagerKey("eno1") && slices.Equal(was.Values, []string{manager})
	}
	if !named {
		b.t.Errorf("the plan does not say that eno1 is taken from %s: %+v", manager, planned.Plan.Changes)
	}
	j, err := run.Apply(b.t.Context(), planned, "")
	_ = run.Close(b.t.Context())
	if j.Outcome != apply.Reverted || err == nil {
		b.t.Fatalf("outcome %q, %v; want it reverted", j.Outcome, err)
	}
	b.t.Logf("reverted: %v", err)
}

// isTaken sees that nothing of the manager before has anything left to do with
// the link: the declared addresses alone, one default route in each family, and
// a plan that is empty.
func (b *bed) isTaken() {
	b.t.Helper()
	want := declaredNetwork(b.Site)
	have := b.on(b.Server, "sh", "-c", `ip -o address show dev eno1 scope global | awk '{ print $4 }' | sort
		ip route show default | awk '{ print $3, $5 }'; ip -6 route show default | grep -v 'proto ra' | awk '{ print $3, $5 }'
		cat /run/network/ifstate 2>/dev/null | grep -v '^lo=' ; pgrep -x dhclient`+"; true")
	if diff := cmp.Diff(want, have); diff != "" {
		b.t.Errorf("the link (-declared +there):\n%s", diff)
	}
	if planned, _ := b.plan(b.Site); !planned.Plan.Empty() {
		b.t.Errorf("the plan is not empty: %+v %+v", planned.Plan.Changes, planned.Plan.Unknown)
	}
}

func declaredNetwork(s *site.Site) string {
	var lines []string
	for _, a := range s.Server.Management.Addresses {
		lines = append(lines, a.String())
	}
	for _, g := range s.Server.Management.Gateways {
		lines = append(lines, g.String()+" eno1")
	}
	return strings.Join(lines, "\n") + "\n"
}

// reboot has the server start again in order, and waits until it answers.
func (b *bed) reboot() error {
	was := b.Server.Init()
	_, _ = b.Server.Run(b.t.Context(), "systemctl", "--no-block", "reboot")
	b.wait("another boot", time.Minute, func() bool { now := b.Server.Init(); return now != "" && now != was })
	b.wait("the end of the boot", time.Minute, func() bool {
		out, _ := b.Server.Run(b.t.Context(), "systemctl", "is-system-running", "--wait")
		return strings.HasPrefix(out, "running") || strings.HasPrefix(out, "degraded")
	})
	return nil
}

func (b *bed) wait(what string, limit time.Duration, done func() bool) {
	b.t.Helper()
	for end := time.Now().Add(limit); !done(); time.Sleep(100 * time.Millisecond) { // between two looks
		if time.Now().After(end) {
			b.t.Fatalf("no %s within %s", what, limit)
		}
	}
}
