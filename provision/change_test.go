//go:build linux

package provision_test

import (
	"context"
	"net/netip"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/templates"
)

// right is a change of the way in that has to work, and to last.
type right struct {
	name   string
	via    string // where the server answers before it
	change func(*site.Site)
}

func rights(mac string) []right {
	prefixes := func(all ...string) []netip.Prefix {
		var out []netip.Prefix
		for _, p := range all {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	return []right{
		{"address of IPv4", "192.0.2.20:22", func(s *site.Site) {
			s.Server.Management.Addresses = prefixes("192.0.2.22/28", "2001:db8:0:2::20/64")
		}},
		{"address of IPv6", "192.0.2.22:22", func(s *site.Site) {
			s.Server.Management.Addresses = prefixes("192.0.2.22/28", "2001:db8:0:2::22/64")
		}},
		{"addresses of both", "192.0.2.22:22", func(s *site.Site) {
			s.Server.Management.Addresses = prefixes("192.0.2.20/28", "2001:db8:0:2::20/64")
		}},
		{"gateways of both", "192.0.2.20:22", func(s *site.Site) {
			s.Server.Management.Gateways = addrs("192.0.2.19", "2001:db8:0:2::19")
		}},
		{"interface by its MAC", "192.0.2.20:22", func(s *site.Site) { s.Server.Management.Match = site.Match{MAC: mac} }},
		{"port of SSH", "192.0.2.20:22", func(s *site.Site) { s.Server.SSH.Port = 2222 }},
		{"port, firewall and host name", "192.0.2.20:2222", func(s *site.Site) {
			s.Server.Hostname = "gru1c"
			s.Server.SSH.From = prefixes("203.0.113.64/27")
		}},
		{"all back", "192.0.2.20:22", func(*site.Site) {}},
	}
}

// TestRightChangesLast moves the very way in, again and again, under one
// pinned host key; and goes back by a rollback.
func TestRightChangesLast(t *testing.T) {
	t.Parallel()
	b := newBed(t, "../sites/as112-gru1.hcl")
	b.mustApply(b.Site)
	b.secondGateway()
	mac := strings.TrimSpace(b.on(b.Server, "sh", "-c", `ip -o link show dev eno1 | sed 's/.*ether \([^ ]*\).*/\1/'`))
	for _, r := range rights(mac) {
		t.Run(r.name, func(t *testing.T) {
			b.t = t
			s := *b.Site
			r.change(&s)
			b.lasts(&s, r.via)
		})
	}
	b.t = t
	b.rollsBack()
	b.readsTags()
}

// secondGateway gives the router one more address on the management link.
func (b *bed) secondGateway() {
	b.t.Helper()
	const script = `dev=$(ip -o address show | awk '$4 ~ /^192\.0\.2\.17\// { print $2; exit }')
		ip address add 192.0.2.19/28 dev "$dev" && ip address add 2001:db8:0:2::19/64 dev "$dev" nodad`
	out, err := b.Netns(rehearse.RoleRouter).Command(b.t.Context(), "sh", "-c", script).CombinedOutput()
	if err != nil {
		b.t.Fatalf("second gateway: %v: %s", err, out)
	}
}

func (b *bed) lasts(s *site.Site, via string) {
	b.t.Helper()
	o := b.o
	o.Via = netip.MustParseAddrPort(via)
	o.RevertAfter = 40 * time.Second
	run := provision.New(s, o)
	defer run.Close(context.Background())
	planned, err := run.Plan(b.t.Context())
	b.must(err)
	if planned.Plan.Empty() {
		b.t.Fatal("nothing to change, so nothing was shown")
	}
	j, err := run.Apply(b.t.Context(), planned, planned.Plan.Digest())
	if err != nil {
		b.t.Fatalf("%s: %v", j.Outcome, err)
	}
	again, _ := b.plan(s)
	if !again.Plan.Empty() || again.Seen.Server.Last.State != server.Confirmed {
		b.t.Errorf("second plan: %+v %+v, the last generation %+v", again.Plan.Changes, again.Plan.Unknown, again.Seen.Server.Last)
	}
}

// rollsBack goes to the generation before and forward again.
func (b *bed) rollsBack() {
	b.t.Helper()
	o := b.o
	o.RevertAfter = 20 * time.Second
	run := provision.New(b.Site, o)
	past, err := run.History(b.t.Context())
	b.must(err)
	if n := len(past); n < 9 || !past[n-1].Current || !strings.Contains(past[n-1].Who, "test from 203.0.113.") {
		b.t.Errorf("history: %+v", past)
	}
	j, err := run.Rollback(b.t.Context(), 0)
	_ = run.Close(b.t.Context())
	if err != nil {
		b.t.Errorf("rollback to the generation before: %q, %v", j.Outcome, err)
	}
	// Where the server was at another address and port, it is looked for as that
	// generation declares it.
	b.rollsTo(o, past[1].Number)
	o.Via = netip.MustParseAddrPort("192.0.2.22:22")
	first := past[0].Number
	run = provision.New(b.Site, o)
	defer run.Close(context.Background())
	if j, err := run.Rollback(b.t.Context(), first); err != nil {
		b.t.Fatalf("rollback to %d: %s: %v", first, j.Outcome, err)
	}
	if planned, _ := b.plan(b.Site); !planned.Plan.Empty() {
		b.t.Errorf("after a rollback to what is declared: %+v", planned.Plan.Changes)
	}
}

// rollsTo goes to a generation that is elsewhere.
func (b *bed) rollsTo(o provision.Options, generation int) {
	b.t.Helper()
	run := provision.New(b.Site, o)
	defer run.Close(context.Background())
	if j, err := run.Rollback(b.t.Context(), generation); err != nil {
		b.t.Errorf("rollback to generation %d, which is elsewhere: %q, %v", generation, j.Outcome, err)
	}
}

// readsTags gives networkd the files of both interfaces tagged (IEEE 802.1Q),
// on a carrier that stands apart. It has to take every line of them, and to make
// the tagged interfaces as far as this kernel can.
func (b *bed) readsTags() {
	b.t.Helper()
	s := *loadSite(b.t, "../sites/root-tagged.hcl")
	s.Server.Management.Match, s.Server.Service.Match = site.Match{Name: "carrier0"}, site.Match{Name: "carrier0"}
	set, err := render.Desired(&s, templates.FS(), render.With{Secrets: render.Withheld})
	b.must(err)
	files := 0
	for it := range set.Of(state.Path) {
		dir, name := path.Split(it.Key.Name)
		if dir != "/etc/systemd/network/" || strings.Contains(name, "loopback") {
			continue
		}
		files++
		b.must(b.Server.Write("/etc/systemd/network/"+strings.Replace(name, "raiz", "tagged", 1), 0o644, string(it.Value.(state.File).Data)))
	}
	if files < 5 {
		b.t.Errorf("%d files for two tagged interfaces", files)
	}
	cursor := strings.TrimSpace(b.on(b.Server, "sh", "-c", `journalctl -n 0 --show-cursor -q | sed 's/^-- cursor: //'`))
	b.on(b.Server, "sh", "-c", "ip link add carrier0 type veth peer name carrier1 && ip link set carrier1 up && networkctl reload")
	log := func() string {
		return b.on(b.Server, "sh", "-c", `journalctl -u systemd-networkd -o cat --after-cursor="`+cursor+`"`)
	}
	// It stops at the first that the kernel does not know how to make.
	made := func() bool {
		return strings.Contains(log(), "carrier0: Could not create stacked netdev: Unknown device type") ||
			strings.Contains(log(), "management.20: netdev ready") && strings.Contains(log(), "service.30: netdev ready")
	}
	for end := time.Now().Add(settle); !made() && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond) // between two looks at the log
	}
	if strings.Contains(log(), "Unknown device type") {
		b.t.Log("sites/root-tagged.hcl is NOT REHEARSED HERE: this kernel has no 802.1Q; networkd read its files")
	}
	if !made() {
		b.t.Errorf("networkd did not try to make the tagged interfaces:\n%s", log())
	}
	for _, word := range []string{"gnoring", "Invalid", "Failed to parse", "could not be found"} {
		if strings.Contains(log(), word) {
			b.t.Errorf("networkd does not take every line:\n%s", log())
			break
		}
	}
}
