//go:build linux

package provision_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/templates"
)

// TestFirstDay brings a root copy up on a day on which nothing else is ready:
// its clock says 1980, no time server answers, and the primaries have not
// opened their door. Nothing is reverted, nothing is announced, and all comes
// by itself once the others are there.
func TestFirstDay(t *testing.T) {
	t.Parallel()
	b := newBedWith(t, "../sites/root-example.hcl", rehearse.Options{Packages: []string{"faketime"}})
	b.nineteenEighty()
	b.on(b.Router.Machine, "systemctl", "stop", "chrony")
	b.must(b.Primary.Stop(t.Context()))
	j, _, err := b.apply(b.Site)
	if err != nil || j.Outcome != apply.Done || j.Generation == "" {
		t.Fatalf("%s: %v; want the generation confirmed", j.Outcome, err)
	}
	if said := messages.English().All(j.Missing); len(j.Missing) != 2 || !strings.Contains(said, "zone . is not there yet: its primaries are 203.0.113.53") {
		t.Errorf("says that this is missing:\n%s", said)
	}
	b.must(b.announced(false)())
	t.Run("primaries without time", func(t *testing.T) { b.t = t; b.noTime() })
	t.Run("time", func(t *testing.T) { b.t = t; b.timeComes() })
	t.Run("a start without time", func(t *testing.T) { b.t = t; b.startWithoutTime() })
	t.Run("a change that loses a zone", func(t *testing.T) { b.t = t; b.losesZone() })
	b.t = t
}

// nineteenEighty has the name server, and what it runs, see another time than
// the rest: all namespaces share the machine's clock.
func (b *bed) nineteenEighty() {
	b.must(b.Server.Write("/usr/lib/systemd/system/nsd.service.d/clock.conf", 0o644, "[Service]\n"+
		"Environment=LD_PRELOAD=/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1\n"))
	b.clock("-16800d") // in 1980
}

// clock turns the name server's clock, in faketime's words.
func (b *bed) clock(offset string) { b.must(b.Server.Write("/etc/faketimerc", 0o644, offset+"\n")) }

// noTime: the primaries open their door, and TSIG cannot be right with such a
// clock (RFC 8945 section 5.2.3). No zone is taken, none is judged.
func (b *bed) noTime() {
	b.must(b.Primary.Start(b.t.Context()))
	b.on(b.Server, "nsd-control", "transfer")
	b.until(settle, "a transfer that fails", func() error {
		if log := b.journal("nsd"); !strings.Contains(log, "TSIG") && !strings.Contains(log, "bad tsig") && !strings.Contains(log, "NOTAUTH") {
			return errors.New("NSD tells of none")
		}
		return nil
	})
	if log := b.journal("nsd"); strings.Contains(log, "refused:") {
		b.t.Errorf("a zone was judged by a clock of 1980:\n%s", log)
	}
	b.must(b.announced(false)())
}

// timeComes: with the time server the clock is stepped, which faketime does
// for chrony here; the zones come, and the blocks are announced.
func (b *bed) timeComes() {
	b.on(b.Router.Machine, "systemctl", "start", "chrony")
	b.until(settle, "the clock in sync", func() error {
		_, err := b.Server.Run(b.t.Context(), "test", "-e", "/run/raiz-clock/synced")
		return err
	})
	b.clock("+0d")
	_, err := b.Primary.Bump(b.t.Context(), ".")
	b.must(err)
	b.until(settle, "the announcement", b.announced(true))
	b.verifyUntil(b.Site, allInOrder())
}

// startWithoutTime: the zone that lies on disk is right, whatever a wrong
// clock says of its signatures; a file that is wrong is wrong all the same.
func (b *bed) startWithoutTime() {
	good, err := b.serial()
	b.must(err)
	b.on(b.Server, "nsd-control", "write")
	b.until(20*time.Second, "the file", func() error {
		_, err := b.Server.Run(b.t.Context(), "test", "-s", "/var/lib/nsd/root.zone")
		return err
	})
	b.on(b.Router.Machine, "systemctl", "stop", "chrony")
	b.must(b.Primary.Stop(b.t.Context()))
	b.on(b.Server, "systemctl", "stop", "nsd", "raiz-clock", "chrony")
	b.clock("-16800d")
	b.on(b.Server, "systemctl", "start", "--no-block", "nsd")
	b.until(time.Minute, "the zone of the file", b.serves(good))
	if log := b.journal("nsd"); !strings.Contains(log, "the clock is not in sync: judged at") {
		b.t.Errorf("the file was judged by the clock:\n%s", log)
	}
	b.until(30*time.Second, "the announcement", b.announced(true))

	b.on(b.Server, "sh", "-c", `sed -i '0,/\tDS\t/s/\tDS\t\([0-9]*\)/\tDS\t1\1/' /var/lib/nsd/root.zone && systemctl restart --no-block nsd.service`)
	b.until(time.Minute, "the refusal", func() error {
		_, err := b.Server.Run(b.t.Context(), "test", "-e", "/var/lib/nsd/root.zone.refused")
		return err
	})
	b.clock("+0d")
	b.on(b.Router.Machine, "systemctl", "start", "chrony")
	b.must(b.Primary.Start(b.t.Context()))
	b.on(b.Server, "systemctl", "start", "chrony", "raiz-clock")
	bumped, err := b.Primary.Bump(b.t.Context(), ".")
	b.must(err)
	// The announcement alone may be the one that has not been withdrawn yet.
	b.until(settle, "the new serial", b.serves(bumped.Serial))
	b.until(settle, "the announcement", b.announced(true))
}

// losesZone: what answered before the change has to answer after it.
func (b *bed) losesZone() {
	o := b.o
	o.Packs = templates.Over(templates.FS(), packWith(b.t, "dns/nsd", map[string]string{"zones.conf.tmpl": "# no zone\n"}))
	o.RevertAfter = 30 * time.Second
	run := provision.New(b.Site, o)
	defer run.Close(context.Background())
	planned, err := run.Plan(b.t.Context())
	b.must(err)
	j, err := run.Apply(b.t.Context(), planned, "")
	if j.Outcome != apply.Reverted || err == nil || !strings.Contains(err.Error(), "zone .: ") {
		b.t.Fatalf("%s: %v; want it reverted because of the zone", j.Outcome, err)
	}
	b.until(settle, "the announcement", b.announced(true))
	b.verifyUntil(b.Site, allInOrder())
}
