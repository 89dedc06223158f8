//go:build linux

package blackbox_test

import (
	"os"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

// There are three ways back, and each leads to the same place.
func TestWaysBack(t *testing.T) {
	const lost = "the server started again before "
	for _, c := range []struct {
		name   string
		hold   bool // keep the activation from running
		back   func(*testing.T, *box)
		reason string
	}{
		{name: "asked", back: func(t *testing.T, b *box) { b.revert(t, 2, "the gate says no").is(t, 2, server.Reverted) }, reason: "the gate says no"},
		{name: "timer", back: fireIt, reason: "not confirmed "},
		{name: "boot when active", back: bootIt, reason: lost},
		{name: "boot when armed", hold: true, back: bootIt, reason: lost},
		{name: "timer when armed", hold: true, back: fireIt, reason: "not confirmed "},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, b *box) {
				b.stand(t)
				old := b.effect(t)
				b.begin(t, change(), c.hold)
				c.back(t, b)
				b.same(t, old)
				b.clean(t)
				if got := b.last(t); got.Number != 2 || got.State != server.Reverted || !strings.Contains(got.Reason, c.reason) {
					t.Errorf("history says %+v, want generation 2 reverted: %s", got, c.reason)
				}
				b.acted(t)
				b.confirm(t, 2).not(t, server.ErrLate, "generation 2 is reverted", c.reason)
				if r := b.revert(t, 2, "again"); r.number != 2 || r.state != server.Reverted {
					t.Errorf("a second revert says %+v", r)
				}
				if got := b.acted(t); len(got) > 0 {
					t.Errorf("what was over has %q", got)
				}
				b.boot(t)
				b.same(t, old)
				remove(t, b.stub("hold"))
				b.apply(t, change()).is(t, 3, server.Active)
			})
		})
	}
}

func fireIt(t *testing.T, b *box) { t.Helper(); b.fire(t) }

func bootIt(t *testing.T, b *box) { t.Helper(); b.boot(t) }

// begin applies; with hold the activation that was asked for does not run, and
// the one who asked goes away.
func (b *box) begin(t *testing.T, m server.Manifest, hold bool) {
	t.Helper()
	if !hold {
		b.apply(t, m).is(t, 2, server.Active)
		return
	}
	b.touch(t, "hold")
	b.applyUnwatched(t, m)
	if got := b.last(t); got.State != server.Armed {
		t.Fatalf("history says %+v, want it armed", got)
	}
}

func TestFailedActivationRevertsAtOnce(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(m *server.Manifest)
		says   []string
	}{
		{
			name:   "a unit does not start",
			change: func(m *server.Manifest) { *m = then(*m, file("/etc/bgp.conf", 0o640, "BROKEN\n")) },
			says:   []string{"activation failed: restart bgp.service: ", "Job for bgp.service failed. See its log.; it says: line one of the log line two of the log"},
		},
		{
			name: "a command fails",
			change: func(m *server.Manifest) {
				f := file("/etc/z.conf", 0o644, "z\n")
				f.Effect = &server.Action{Order: 50, Run: []string{"sh", "-c", "[ ! -e /etc/z.conf ] || { echo no way; echo out; exit 3; }"}}
				m.Files = append(m.Files, f)
			},
			says: []string{"activation failed: sh: ", "no way out"},
		},
		{
			name: "a command comes with it",
			change: func(m *server.Manifest) {
				tool := file("/etc/tool", 0o755, "#!/bin/sh\necho came along\nexit 3\n")
				tool.Effect = &server.Action{Order: 50, Run: []string{"/etc/tool"}}
				m.Files = append(m.Files, tool)
			},
			says: []string{"activation failed: /etc/tool: ", "came along"},
		},
		{
			name: "a unit is missing",
			change: func(m *server.Manifest) {
				m.Units = append(m.Units, server.Unit{Name: "ghost.service", Enabled: true})
			},
			says: []string{"activation failed: enable ghost.service: ", "Failed to enable unit: Unit file ghost.service does not exist."},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, b *box) {
				b.stand(t)
				old := b.effect(t)
				m := change()
				c.change(&m)
				r := b.apply(t, m)
				r.not(t, server.ErrReverted, c.says...)
				if r.number != 2 || r.state != server.Reverted || strings.Contains(r.text, "\n") {
					t.Errorf("answer %+v, want generation 2 reverted and one line", r)
				}
				b.same(t, old)
				b.clean(t)
			})
		})
	}
}

func TestRevertAfterConfirmDoesNothing(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.stand(t)
		b.apply(t, change()).is(t, 2, server.Active)
		b.confirm(t, 2).is(t, 2, server.Confirmed)
		after := b.effect(t)
		b.revert(t, 2, "late").is(t, 2, server.Confirmed)
		b.same(t, after)
		b.boot(t)
		b.same(t, after)
		if got := b.last(t); !got.Current {
			t.Errorf("history says %+v, want generation 2 current", got)
		}
	})
}

func TestConfirmRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		hold  bool
		spoil string
		n     int
		code  server.Code
		says  []string
	}{
		{name: "a unit has died", spoil: "active/bgp.service", n: 2, code: server.ErrUnfit, says: []string{"bgp.service is inactive; it says: line one of the log line two of the log"}},
		{name: "not active yet", hold: true, n: 2, code: server.ErrEarly},
		{name: "never heard of", n: 7, code: server.ErrLate},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, b *box) {
				b.stand(t)
				old := b.effect(t)
				b.begin(t, change(), c.hold)
				if c.spoil != "" {
					remove(t, b.stub(c.spoil))
				}
				b.confirm(t, c.n).not(t, c.code, c.says...)
				b.fire(t)
				b.same(t, old)
				b.clean(t)
			})
		})
	}
}

// Who was away for so long that the time is over does not keep the change, even
// where the timer has not come to it.
func TestConfirmLate(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.stand(t)
		old := b.effect(t)
		b.apply(t, change()).is(t, 2, server.Active)
		b.up += allowed + 1
		b.confirm(t, 2).not(t, server.ErrLate, "the time of generation 2 is over")
		b.fire(t)
		b.same(t, old)
	})
}

// A power cut inside confirm leaves the state "confirmed" with "pending"
// still there; whoever comes next finishes it, and nobody undoes it.
func TestInterruptedConfirmIsFinished(t *testing.T) {
	for _, c := range []struct {
		name string
		next func(*testing.T, *box)
	}{
		{name: "boot", next: bootIt},
		{name: "timer", next: fireIt},
		{name: "asked to revert", next: func(t *testing.T, b *box) { b.revert(t, 2, "why").is(t, 2, server.Confirmed) }},
		{name: "asked to confirm again", next: func(t *testing.T, b *box) { b.confirm(t, 2).is(t, 2, server.Confirmed) }},
		{name: "next apply", next: func(t *testing.T, b *box) {
			// The helper finishes it and finds that the plan is older than that.
			if r := b.apply(t, again(change())); r.code != server.ErrMoved {
				b.revert(t, 3, "only to see").is(t, 3, server.Reverted)
			}
			b.keepGeneration(t, b.last(t).Number+1, again(change()))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, b *box) {
				b.stand(t)
				old := b.effect(t)
				b.apply(t, change()).is(t, 2, server.Active)
				b.cut(t, 2)
				c.next(t, b)
				b.same(t, b.changed(t, change(), old))
				remove(t, b.stub("timer")) // one that fires finds nothing pending
				b.clean(t)
				if got := b.last(t); !got.Current {
					t.Errorf("history says %+v, want it current", got)
				}
			})
		})
	}
}

// One who takes a change back may fail half way. The confirmation that arrives
// then must not keep the mixture: the timer ends what was begun.
func TestHalfRevertedIsNotConfirmed(t *testing.T) {
	if testing.Short() {
		t.Skip("the helper waits between its tries for half a minute; TestExplore has units that do not stop")
	}
	each(t, func(t *testing.T, b *box) {
		b.stand(t)
		old := b.effect(t)
		b.apply(t, change()).is(t, 2, server.Active)
		b.touch(t, "fail-stop") // a unit that does not stop
		b.revert(t, 2, "why")
		if got := b.last(t); got.State != server.Reverting {
			t.Errorf("history says %+v, want it reverting", got)
		}
		remove(t, b.stub("fail-stop"))
		b.confirm(t, 2).not(t, server.ErrLate, "generation 2 is reverting")
		b.fire(t)
		b.same(t, old)
		b.clean(t)
	})
}

// A command that fails is tried again, and not for ever: what it can be seen to
// have done is back.
func TestCommandThatFailsForEver(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.stand(t)
		old := b.effect(t)
		m := change()
		f := file("/etc/z.conf", 0o644, "z\n")
		f.Effect = &server.Action{Order: 50, Run: []string{"sh", "-c", "[ ! -e /broken ] || { echo no way; exit 3; }"}}
		m.Files = append(m.Files, f)
		b.apply(t, m).is(t, 2, server.Active)
		b.write(t, "/broken", "", 0o644)
		b.revert(t, 2, "why")
		if got := b.last(t); got.State != server.Reverting {
			t.Errorf("history says %+v, want it reverting", got)
		}
		b.fire(t) // and as often as it is set again
		b.same(t, old)
		b.clean(t)
	})
}

// What names the generation under way is one file of a few bytes. Without it
// there is a way back all the same, and nobody is told that there is nothing.
func TestPendingIsDamaged(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, b *box){
		"empty":   func(t *testing.T, b *box) { b.write(t, "/var/lib/raiz/pending", "", 0o644) },
		"garbage": func(t *testing.T, b *box) { b.write(t, "/var/lib/raiz/pending", "garbage\n", 0o644) },
		"another": func(t *testing.T, b *box) { b.write(t, "/var/lib/raiz/pending", "99\n", 0o644) },
		"a directory": func(t *testing.T, b *box) {
			remove(t, b.home("pending"))
			b.write(t, "/var/lib/raiz/pending/x", "", 0o644)
		},
		"an old generation": func(t *testing.T, b *box) { b.write(t, "/var/lib/raiz/pending", "1\n", 0o644) },
	} {
		for how, back := range map[string]func(t *testing.T, b *box){
			"timer": fireIt, "boot": bootIt, "asked": func(t *testing.T, b *box) { b.revert(t, 2, "why") },
		} {
			t.Run(name+"/"+how, func(t *testing.T) {
				each(t, func(t *testing.T, b *box) {
					b.stand(t)
					old := b.effect(t)
					b.apply(t, change()).is(t, 2, server.Active)
					spoil(t, b)
					if f := b.probe(t, server.ProbeRequest{}); f.Pending == nil || f.Pending.Number != 2 {
						t.Errorf("a probe says that %+v is pending, want generation 2", f.Pending)
					}
					back(t, b)
					b.same(t, old)
					if got := b.last(t); got.State != server.Reverted {
						t.Errorf("history says %+v, want generation 2 reverted", got)
					}
				})
			})
		}
	}
}

// After a boot that cannot put everything back the services run with what there
// is, and a whole revert follows.
func TestFailedBootIsTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.stand(t)
		old := b.effect(t)
		b.apply(t, change()).is(t, 2, server.Active)
		mend := b.cannotPutBack(t)
		b.powerOn(t)
		b.bootUnit(t)
		if got := b.last(t); got.State.Ended() {
			t.Errorf("history says %+v, want it pending", got)
		}
		mend()
		b.startQueued(t)
		if there(b.stub("timer")) {
			b.revertNow(t)
		}
		b.same(t, old)
		b.clean(t)
	})
}

// cannotPutBack takes away both copies of a file that stood.
func (b *box) cannotPutBack(t *testing.T) (mend func()) {
	t.Helper()
	copied, second := b.copies(2)
	text := read(t, copied)
	remove(t, copied)
	remove(t, second)
	return func() {
		if err := os.WriteFile(copied, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
