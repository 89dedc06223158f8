//go:build unix

package shell_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

// There are three ways back, and each leads to the same place.
func TestWaysBack(t *testing.T) {
	const lost = "the server started again before generation 1 was confirmed"
	for _, c := range []struct {
		name   string
		hold   bool // keep the activation from running
		back   func(*testing.T, *box) answer
		says   string
		reason string
	}{
		{name: "asked", back: func(t *testing.T, b *box) answer { return b.revert(t, "1", "the gate says no") }, says: "reverted 1 the gate says no", reason: "the gate says no"},
		{name: "timer", back: func(t *testing.T, b *box) answer { return b.fire(t) }, says: "reverted 1 not confirmed within 2 s", reason: "not confirmed within 2 s"},
		{name: "boot when active", back: func(t *testing.T, b *box) answer { return b.boot(t) }, says: "reverted 1 " + lost, reason: lost},
		{name: "boot when armed", hold: true, back: func(t *testing.T, b *box) answer { return b.boot(t) }, says: "reverted 1 " + lost, reason: lost},
		{name: "timer when armed", hold: true, back: func(t *testing.T, b *box) answer { return b.fire(t) }, says: "reverted 1 not confirmed within 2 s", reason: "not confirmed within 2 s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, b *box) {
				b.stand(t)
				old := b.effect(t)
				if c.hold {
					b.touch(t, "hold")
				}
				b.apply(t, change(t)).has(t, "armed 1 2")
				a := c.back(t, b)
				a.has(t, c.says)
				if a.code != 0 {
					t.Errorf("exit %d:\n%s", a.code, a.out)
				}
				b.same(t, old)
				b.clean(t)
				tr := b.status(t)
				number, rest, _ := strings.Cut(tr.Reverted, " ")
				_, reason, _ := strings.Cut(rest, " ")
				if number != "1" || reason != c.reason || tr.Pending != "" || tr.Current != "" {
					t.Errorf("status %+v, want generation 1 reverted: %s", tr, c.reason)
				}
				a = b.confirm(t, "1")
				a.has(t, "error generation 1 is reverted, nothing to confirm: 1 2", c.reason)
				if a.code != 1 {
					t.Errorf("late confirm: exit %d, want 1", a.code)
				}
				if diff := cmp.Diff("nothing to revert: generation 1 is reverted\n", b.revert(t, "1", "again").out); diff != "" {
					t.Errorf("second revert (-want +got):\n%s", diff)
				}
				if a := b.boot(t); a.out != "" || a.code != 0 {
					t.Errorf("boot with nothing pending: exit %d: %s", a.code, a.out)
				}
				b.same(t, old)
				b.remove(t, b.stub("hold"))
				b.apply(t, change(t)).has(t, "active 2")
			})
		})
	}
}

func TestFailedActivationRevertsAtOnce(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*testing.T, *shell.Generation)
		says   string
	}{
		{
			name: "a unit does not start",
			change: func(t *testing.T, g *shell.Generation) {
				g.Puts[1].File = file(t, 0o640, "BROKEN\n", state.Public)
			},
			says: "activation failed: restart bgp.service: Job for bgp.service failed. See its log.; it says: line one of the log line two of the log",
		},
		{
			name: "a command fails",
			change: func(_ *testing.T, g *shell.Generation) {
				g.Actions = append(g.Actions, shell.Action{Run: []string{"sh", "-c", "echo no way; echo out; exit 3"}})
			},
			says: "activation failed: sh: no way out",
		},
		{
			name: "a unit is missing",
			change: func(_ *testing.T, g *shell.Generation) {
				g.Actions = append(g.Actions, shell.Action{Verb: "enable", Unit: "ghost.service"})
			},
			says: "activation failed: enable ghost.service: Failed to enable unit: Unit file ghost.service does not exist.",
		},
		{
			name: "a parent is a file",
			change: func(t *testing.T, g *shell.Generation) {
				g.Puts = append(g.Puts, shell.Put{Path: "/etc/plain/below", File: file(t, 0o644, "x\n", state.Public)})
			},
			says: "activation failed: cannot write /etc/plain/below",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, b *box) {
				b.stand(t)
				b.write(t, "/etc/plain", "no directory\n", 0o644)
				old := b.effect(t)
				g := change(t)
				c.change(t, &g)
				a := b.apply(t, g)
				a.has(t, "armed 1 2\n", c.says)
				if a.code != 5 {
					t.Errorf("exit %d, want 5", a.code)
				}
				// What the server says is one line, whatever systemctl said.
				if n := strings.Count(a.out, "\n"); n != 3 {
					t.Errorf("%d lines, want 3:\n%s", n, a.out)
				}
				b.same(t, old)
				b.clean(t)
				b.status(t)
			})
		})
	}
}

func TestRevertAfterConfirmDoesNothing(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		b.apply(t, change(t)).has(t, "active 1")
		b.confirm(t, "1").has(t, "confirmed 1")
		after := b.effect(t)
		if diff := cmp.Diff("nothing to revert: generation 1 is confirmed\n", b.revert(t, "1", "late").out); diff != "" {
			t.Errorf("revert (-want +got):\n%s", diff)
		}
		b.boot(t)
		b.same(t, after)
		if tr := b.status(t); tr.Current != "1" || tr.Reverted != "" {
			t.Errorf("status %+v, want generation 1 current", tr)
		}
		// A client whose answer was lost asks again, and is told the same.
		if diff := cmp.Diff("confirmed 1\n", b.confirm(t, "1").out); diff != "" {
			t.Errorf("second confirm (-want +got):\n%s", diff)
		}
	})
}

func TestConfirmRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		hold  bool
		spoil string
		n     string
		says  string
	}{
		{name: "a unit has died", spoil: "active/bgp.service", n: "1", says: "error bgp.service is inactive; it says: line one of the log line two of the log; generation 1 stays unconfirmed and reverts"},
		{name: "not active yet", hold: true, n: "1", says: "early 1"},
		{name: "never heard of", n: "7", says: "error generation 7 is none, nothing to confirm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, b *box) {
				b.stand(t)
				old := b.effect(t)
				if c.hold {
					b.touch(t, "hold")
				}
				b.apply(t, change(t)).has(t, "armed 1 2")
				if c.spoil != "" {
					b.remove(t, b.stub(c.spoil))
				}
				a := b.confirm(t, c.n, "dns.service", "bgp.service")
				a.has(t, c.says)
				if a.code != 1 {
					t.Errorf("exit %d, want 1", a.code)
				}
				b.fire(t).has(t, "reverted 1")
				b.same(t, old)
			})
		})
	}
}

// A power cut inside confirm leaves the state "confirmed" with "pending"
// still there; whoever comes next finishes it, and nobody undoes it.
func TestInterruptedConfirmIsFinished(t *testing.T) {
	for _, c := range []struct {
		name string
		next func(*testing.T, *box) answer
		says string
	}{
		{name: "boot", next: func(t *testing.T, b *box) answer { return b.boot(t) }},
		{name: "timer", next: func(t *testing.T, b *box) answer { return b.fire(t) }, says: "nothing to revert: generation 1 is confirmed"},
		{name: "asked to revert", next: func(t *testing.T, b *box) answer { return b.revert(t, "1", "why") }, says: "nothing to revert: generation 1 is confirmed"},
		{name: "asked to confirm again", next: func(t *testing.T, b *box) answer { return b.confirm(t, "1") }, says: "confirmed 1"},
		{name: "next apply", next: func(t *testing.T, b *box) answer {
			g := change(t)
			g.Deletes, g.Actions = nil, nil
			a := b.apply(t, g)
			b.confirm(t, "2").has(t, "confirmed 2")
			return a
		}, says: "active 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, b *box) {
				b.stand(t)
				old := b.effect(t)
				b.apply(t, change(t)).has(t, "active 1")
				if err := os.WriteFile(b.home("generations/1/state"), []byte("confirmed\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				c.next(t, b).has(t, c.says)
				b.same(t, b.changed(t, change(t), old))
				b.noSecrets(t)
				if tr := b.status(t); tr.Pending != "" || tr.Current == "" {
					t.Errorf("status %+v, want generation 1 kept", tr)
				}
			})
		})
	}
}

// One who takes a change back may be killed half way. The confirmation that
// arrives then must not keep the mixture: the timer ends what was begun.
func TestHalfRevertedIsNotConfirmed(t *testing.T) {
	tr := newTracer(t)
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		old := b.effect(t)
		b.apply(t, small(t)).has(t, "active 1")
		lines, _ := tr.run(t, b.copyTo(t, t.TempDir()), 0, "revert", "1", "why")
		text := strings.Split(shell.Script(), "\n")
		step := 1 + slices.IndexFunc(lines, func(l int) bool { return strings.HasPrefix(text[l-1], "\tenable_old_units") })
		if step == 0 {
			t.Fatal("a revert does not reach the units")
		}
		tr.run(t, b, step, "revert", "1", "why")
		b.confirm(t, "1").has(t, "error generation 1 is reverting, not active")
		b.fire(t).has(t, "reverted 1")
		b.same(t, old)
		b.clean(t)
	})
}

// After a boot that cannot put everything back the services run with what there
// is, and a whole revert follows.
func TestFailedBootIsTriedAgain(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		old := b.effect(t)
		b.apply(t, change(t)).has(t, "active 1")
		copied := b.home("generations/1/before/files/etc/dns.conf")
		away := filepath.Join(b.dir, "away")
		if err := errors.Join(os.Rename(copied, away), os.Remove(b.root("/etc/dns.conf.raiz-old"))); err != nil {
			t.Fatal(err)
		}
		b.powerOn(t)
		if a := b.sh(t, "", b.home("raiz.sh"), "boot"); a.code != 1 {
			t.Errorf("boot: exit %d, want 1: %s", a.code, a.out)
		}
		b.startQueued(t)
		if tr := b.status(t); tr.Pending != "1" {
			t.Errorf("status %+v, want generation 1 pending", tr)
		}
		if err := os.Rename(away, copied); err != nil {
			t.Fatal(err)
		}
		b.fire(t).has(t, "reverted 1 the server started again")
		b.same(t, old)
		b.clean(t)
	})
}
