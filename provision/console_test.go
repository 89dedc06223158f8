//go:build linux

package provision_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// TestConsole is somebody at the serial console of a server, in each state that
// one is called in for: what is said is short, true, and says what to type.
func TestConsole(t *testing.T) {
	t.Parallel()
	b := newBed(t, "../sites/as112-gru1.hcl")
	b.plan(b.Site) // which sends the helper
	program := strings.TrimSpace(b.on(b.Server, "sh", "-c", "echo /usr/local/lib/raiz/*/raiz-helper"))
	b.says([]string{program, "status"}, "no generation of raiz's was ever confirmed here", "nothing is pending")
	b.says([]string{program, "revert"}, "nothing is pending")
	b.says([]string{program, "release"}, "nothing is pending")
	b.mustApply(b.Site)
	if is := b.on(b.Server, "stat", "-c", "%F %U:%G %N", helper.Name); is != "symbolic link root:root '"+helper.Name+"' -> '"+program+"'\n" {
		t.Errorf("the name for people is %q", is)
	}
	b.says([]string{"raiz-helper", "status"}, "generation 1 of test from ", "was confirmed at ", "nothing is pending")
	if out, err := b.Server.Run(t.Context(), "setpriv", "--reuid=nobody", "--", "raiz-helper", "status"); err == nil || !strings.Contains(err.Error(), "type: sudo raiz-helper status") {
		t.Errorf("to anybody it says %q, %v", out, err)
	}
	t.Run("active", func(t *testing.T) { b.t = t; b.consoleReverts() })
	t.Run("cannot be put back", func(t *testing.T) { b.t = t; b.consoleReadOnly() })
	t.Run("released from afar", func(t *testing.T) { b.t = t; b.releases() })
	t.Run("a check hangs", func(t *testing.T) { b.t = t; b.consoleLocked() })
	b.t = t
	if planned, _ := b.plan(b.Site); !planned.Plan.Empty() {
		t.Errorf("at the end the plan is not empty: %+v", planned.Plan.Changes)
	}
}

// says has a command say these words.
func (b *bed) says(argv []string, words ...string) {
	b.t.Helper()
	out, err := b.Server.Run(b.t.Context(), argv...)
	if err != nil {
		out += err.Error() + "\n"
	}
	b.t.Logf("%s:\n%s", strings.Join(argv, " "), out)
	for _, w := range words {
		if !strings.Contains(out, w) {
			b.t.Errorf("%s does not say %q", strings.Join(argv, " "), w)
		}
	}
	if n := strings.Count(out, "\n"); n > 10 { // it fits the smallest console, with what is at work just then
		b.t.Errorf("%s says %d lines", strings.Join(argv, " "), n)
	}
}

// strand applies wrong gateways, and returns once they are active. What is
// returned tells how the apply has ended.
func (b *bed) strand(gateways ...string) <-chan apply.Outcome {
	b.t.Helper()
	s := *b.Site
	s.Server.Management.Gateways = addrs(gateways...)
	ended := b.applying(&s, b.o)
	b.wait("active generation", settle, func() bool { return strings.HasSuffix(strings.TrimSpace(b.lastLog()), " is active") })
	return ended
}

func (b *bed) applying(s *site.Site, o provision.Options) <-chan apply.Outcome {
	o.RevertAfter = 2 * time.Minute
	ended := make(chan apply.Outcome, 1)
	go func() {
		run := provision.New(s, o)
		defer run.Close(context.Background())
		planned, err := run.Plan(b.t.Context())
		if err != nil {
			b.t.Error(err)
		}
		j, err := run.Apply(b.t.Context(), planned, "")
		b.t.Logf("the apply ends: %v", err)
		ended <- j.Outcome
	}()
	return ended
}

func (b *bed) lastLog() string { return b.on(b.Server, "tail", "-n1", "/var/lib/raiz/log") }

func (b *bed) isBack(ended <-chan apply.Outcome) {
	b.t.Helper()
	routes := b.on(b.Server, "sh", "-c", "ip route show default; ip -6 route show default")
	if !strings.Contains(routes, "via 192.0.2.17 ") || !strings.Contains(routes, "via 2001:db8:0:2::1 ") {
		b.t.Errorf("the default routes are %q", routes)
	}
	if how := <-ended; how != apply.Reverted {
		b.t.Errorf("the apply ended %q", how)
	}
}

func (b *bed) consoleReverts() {
	b.t.Helper()
	ended := b.strand("192.0.2.18", "2001:db8:0:2::99")
	b.says([]string{"raiz-helper", "status"}, "generation 1 of test from ", "generation 2 of test from ", " is active since ",
		"it is not confirmed, and reverts by itself at ", "in 1m", "to put back what stood before at once type: raiz-helper revert")
	b.says([]string{"raiz-helper", "revert"}, "generation 2 of test from ", "is reverted: by somebody at a console")
	b.isBack(ended)
	b.says([]string{"raiz-helper", "status"}, "nothing is pending")
}

func (b *bed) consoleReadOnly() {
	b.t.Helper()
	ended := b.strand("192.0.2.18", "2001:db8:0:2::99")
	b.on(b.Server, "sh", "-c", "mount --bind /etc /etc && mount -o remount,bind,ro /etc")
	b.says([]string{"raiz-helper", "revert"}, "cannot be put back yet: ", "read-only file system", "it is tried again in 5s")
	b.says([]string{"raiz-helper", "status"}, " is reverting since ", "what stood before cannot be put back: ", "read-only file system",
		"and again by itself within 5s of the last time; mend that, then type: raiz-helper revert", "to give up what cannot be put back type: raiz-helper release")
	b.on(b.Server, "umount", "-l", "/etc")
	b.says([]string{"raiz-helper", "revert"}, "is reverted: by somebody at a console")
	b.isBack(ended)
}

// releases ends somebody else's change over SSH.
func (b *bed) releases() {
	b.t.Helper()
	ended := b.strand("192.0.2.17", "2001:db8:0:2::99") // IPv4 works
	o := b.o
	o.Who = "another"
	run := provision.New(b.Site, o)
	defer run.Close(context.Background())
	pending, err := run.Pending(b.t.Context())
	b.must(err)
	if pending == nil || pending.State != server.Active {
		b.t.Fatalf("pending is %+v", pending)
	}
	s, err := run.Release(b.t.Context(), *pending)
	if err != nil || s.Number != pending.Number || s.State != server.Reverted || !strings.Contains(s.Reason, "released by another") {
		b.t.Errorf("released: %+v, %v", s, err)
	}
	b.isBack(ended)
	if pending, err := run.Pending(b.t.Context()); err != nil || pending != nil {
		b.t.Errorf("pending after that is %+v, %v", pending, err)
	}
}

func (b *bed) consoleLocked() {
	b.t.Helper()
	o := b.o
	o.Packs = withUnitAnd("ExecStart=/bin/sleep infinity", `check = ["sh", "-c", "sleep infinity", "{}"]
    bad = "extra.service.bad"`)
	ended := b.applying(b.Site, o)
	b.wait("check", settle, func() bool { return b.on(b.Server, "sh", "-c", "pgrep -x sleep -a | grep infinity || true") != "" })
	b.says([]string{"raiz-helper", "status"}, "nothing is pending", "at work here, so that others wait: ", "by test from ", "(process ", "a check after 30 s")
	b.says([]string{"raiz-helper", "release"}, "nothing is pending")
	if how := <-ended; how != apply.Failed {
		b.t.Errorf("the apply ended %q", how)
	}
	b.o.Packs = templates.FS()
}
