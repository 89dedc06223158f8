//go:build linux

package provision_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/state"
)

// TestLiveCopy takes over a copy that was built by hand and announces: the plan
// names what it replaces and resets, an apply that nobody has allowed changes
// nothing, and one that is allowed brings the site up.
func TestLiveCopy(t *testing.T) {
	b := newBed(t, "../sites/as112-gru1.hcl")
	b.buildByHand()
	before := b.live()

	planned, _ := b.plan(b.Site)
	planned, cost := b.plan(b.Site) // the first one has put the helper there
	if cost.SSHConnections != 1 || cost.SSHExecs != 1 {
		t.Errorf("the plan costs %+v", cost)
	}
	var neighbors []string
	for _, s := range planned.Plan.Standing.Sessions {
		neighbors = append(neighbors, s.Neighbor.String())
		if s.AS != 64500 || s.Name == "" {
			t.Errorf("session %+v", s)
		}
	}
	slices.Sort(neighbors)
	if diff := cmp.Diff([]string{"198.51.100.0", "2001:db8:0:3::2"}, neighbors); diff != "" {
		t.Errorf("sessions (-want +got):\n%s", diff)
	}
	for _, path := range []string{"/etc/bird/bird.conf", "/etc/nsd/nsd.conf", "/etc/chrony/chrony.conf"} {
		if !slices.ContainsFunc(planned.Plan.Changes, func(c plan.Change) bool {
			return c.Key == state.Key{Kind: state.Path, Name: path} && c.Action == plan.Update && c.Foreign
		}) {
			t.Errorf("%s is not said to be replaced", path)
		}
	}
	var said bytes.Buffer
	b.must(report.Text(&said, report.Report{Site: b.Site, Plan: &planned.Plan, Notices: planned.Notices()}, report.TextOptions{}))
	for _, want := range append(neighbors, "replaces what raiz did not put there", "--take-over") {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the plan does not say %q:\n%s", want, said.String())
		}
	}

	j, _, err := b.apply(b.Site)
	if j.Outcome != apply.NotTried || !errors.Is(err, provision.ErrTakeOver) {
		t.Fatalf("not allowed: outcome %q, %v", j.Outcome, err)
	}
	if diff := cmp.Diff(before, b.live()); diff != "" {
		t.Fatalf("a refused apply has changed something (-before +after):\n%s", diff)
	}

	b.o.TakeOver = true
	b.mustApply(b.Site)
	b.verifyUntil(b.Site, allInOrder())
	planned, _ = b.plan(b.Site)
	if !planned.Plan.Empty() || len(planned.Plan.Standing.Sessions) > 0 || planned.Refusal() != nil {
		t.Errorf("afterwards: %+v %+v", planned.Plan.Changes, planned.Plan.Standing)
	}
	// One that raiz has built is changed without a word more.
	b.o.TakeOver = false
	s := *b.Site
	s.BGP.RouterID = netip.MustParseAddr("192.0.2.21")
	b.mustApply(&s)
}

// buildByHand does on the server what people do.
func (b *bed) buildByHand() {
	b.t.Helper()
	for name, path := range map[string]string{
		"mgmt.network": "/etc/systemd/network/10-hand-management.network",
		"svc.network":  "/etc/systemd/network/10-hand-service.network",
		"lo.network":   "/etc/systemd/network/10-hand-lo.network",
		"bird.conf":    "/etc/bird/bird.conf",
		"nsd.conf":     "/etc/nsd/nsd.conf",
		"empty.zone":   "/etc/nsd/empty.zone",
		"chrony.conf":  "/etc/chrony/chrony.conf",
	} {
		text, err := os.ReadFile(filepath.Join("rehearse", "testdata", "server", name))
		b.must(err)
		password := b.Site.BGP.Neighbors[0].Password.Reveal()
		b.must(b.Server.Write(path, 0o644, strings.ReplaceAll(string(text), "PASSWORD", password)))
	}
	b.on(b.Server, "networkctl", "reload")
	b.on(b.Server, "networkctl", "reconfigure", "lo", "eno1", "eno2")
	b.wait("service address", time.Minute, func() bool {
		out, _ := b.Server.Run(b.t.Context(), "ip", "-br", "address")
		return strings.Contains(out, "192.175.48.1/32") && strings.Contains(out, "192.0.2.20/28") && strings.Contains(out, "198.51.100.1/31")
	})
	b.on(b.Server, "systemctl", "enable", "--now", "nsd.service", "bird.service", "chrony.service")
	b.wait("announcement", time.Minute, func() bool {
		all, err := b.Router.Routes(context.Background())
		return err == nil && len(all) == 2
	})
}

// live is what a refused apply has to leave as it is: every file below /etc,
// the units, and the sessions with the time since which they are up.
// BIRD reckons anew each time since when a session is up: a thousandth of a
// second is none.
func (b *bed) live() string {
	b.t.Helper()
	return b.on(b.Server, "sh", "-c", `find /etc -type f -exec sha256sum {} + | sort
		systemctl show -p ActiveEnterTimestampMonotonic,MainPID bird.service nsd.service chrony.service
		birdc -r show protocols | grep BGP | sed 's/\.[0-9][0-9][0-9] / /'; ip -o address; ls /var/lib/raiz 2>&1 | grep -v lock; true`)
}
