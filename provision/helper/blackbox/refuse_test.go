//go:build linux

package blackbox_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/server"
)

// refusal is a change that must not begin.
type refusal struct {
	name   string
	spoil  func(*testing.T, *box)
	change func(*server.Manifest)
	says   []string
	silent bool // of the disk
}

func refusals() []refusal {
	put := func(f server.File) func(*server.Manifest) {
		return func(m *server.Manifest) { m.Files = append(m.Files, f) }
	}
	plain := file("/etc/a.conf", 0o644, "x\n")
	return []refusal{
		{
			name:   "a check says no",
			change: put(checked(plain, "sh", "-c", "echo line 7 of $1 is bad; exit 1", "-", "{}")),
			says:   []string{"/etc/a.conf", "line 7 of /etc/a.conf is bad"}, silent: true,
		},
		{
			name:   "a check is not installed",
			change: put(checked(plain, "no-such-checker", "{}")),
			says:   []string{"/etc/a.conf", "no-such-checker"},
		},
		{
			name:   "a directory where a file should be",
			spoil:  func(t *testing.T, b *box) { b.write(t, "/etc/a.conf/inside", "x\n", 0o644) },
			change: put(plain), says: []string{"/etc/a.conf is neither a file nor a link"}, silent: true,
		},
		{
			name: "a directory where a file should be deleted",
			spoil: func(t *testing.T, b *box) {
				remove(t, b.root("/etc/gone.conf"))
				b.write(t, "/etc/gone.conf/inside", "x\n", 0o644)
			},
			says: []string{"/etc/gone.conf is neither a file nor a link"}, silent: true,
		},
		{
			name:   "a parent is a file",
			spoil:  func(t *testing.T, b *box) { b.write(t, "/etc/plain", "no directory\n", 0o644) },
			change: put(file("/etc/plain/below", 0o644, "x\n")), says: []string{"/etc/plain is no directory"}, silent: true,
		},
		{
			name:  "the timer cannot be armed",
			spoil: func(t *testing.T, b *box) { b.touch(t, "fail-timer") },
			says:  []string{"arm the way back"},
		},
		{
			name: "somebody's file changes the unit of the way back",
			spoil: func(t *testing.T, b *box) {
				b.write(t, "/etc/systemd/system/raiz-revert.service.d/own.conf", "[Service]\nExecStart=\nExecStart=/bin/true\n", 0o644)
			},
			says: []string{"/etc/systemd/system/raiz-revert.service.d/own.conf changes raiz-revert.service", "move it away"}, silent: true,
		},
		{
			name: "somebody's file changes the timer of the way back",
			spoil: func(t *testing.T, b *box) {
				b.write(t, "/etc/systemd/system/raiz-.timer.d/slow.conf", "[Timer]\n", 0o644)
			},
			says: []string{"/etc/systemd/system/raiz-.timer.d/slow.conf changes raiz-revert.timer"}, silent: true,
		},
		{
			name: "the timer is masked",
			spoil: func(t *testing.T, b *box) {
				if err := os.WriteFile(b.stub("fail-timer"), []byte("Failed to restart raiz-revert.timer: Unit raiz-revert.timer is masked.\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			says: []string{"arm the way back", "on the server type: systemctl unmask raiz-revert.timer"}, silent: true,
		},
		{
			name:  "the boot unit cannot be installed",
			spoil: func(t *testing.T, b *box) { remove(t, b.stub("enabled/raiz-boot.service")); b.touch(t, "fail-enable") },
			says:  []string{"way back"},
		},
	}
}

func TestRefusedChangesNothing(t *testing.T) {
	for _, c := range refusals() {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, b *box) {
				b.stand(t)
				if c.spoil != nil {
					c.spoil(t, b)
				}
				old := b.effect(t)
				m := change()
				if c.change != nil {
					c.change(&m)
				}
				r := b.apply(t, m)
				r.not(t, server.ErrRefused, c.says...)
				if c.silent && strings.Contains(r.text, "disk") {
					t.Errorf("answer %q speaks of the disk", r.text)
				}
				b.same(t, old)
				b.clean(t)
				if got := b.last(t); got.Number != 2 || got.State != server.Refused {
					t.Errorf("history says %+v, want generation 2 refused", got)
				}
				if got := b.acted(t); len(got) > 0 {
					t.Errorf("units were acted on: %q", got)
				}
			})
		})
	}
}

// Files that include one another are checked as they will stand together,
// also where the name of one begins with the name of another.
func TestChecksSeeTheFilesTogether(t *testing.T) {
	include := []string{"sh", "-c", `for f in $(sed -n 's/^include //p' "$1"); do grep -q good "$f" || { echo "$f is not good"; exit 1; }; done`, "-", "{}"}
	for _, text := range []string{"good\n", "bad\n"} {
		t.Run(strings.TrimSpace(text), func(t *testing.T) {
			each(t, func(t *testing.T, b *box) {
				b.write(t, "/etc/inc/main.d/part", "bad\n", 0o644)
				r := b.apply(t, server.Manifest{Files: []server.File{
					checked(file("/etc/inc/main", 0o644, "include /etc/inc/main.d/part\ninclude /etc/inc/main.d/part2\n"), include...),
					file("/etc/inc/main.d/part", 0o644, text), file("/etc/inc/main.d/part2", 0o644, "good\n"),
				}})
				if text == "good\n" {
					r.is(t, 1, server.Active)
				} else {
					r.not(t, server.ErrRefused, "/etc/inc/main", "/etc/inc/main.d/part is not good")
				}
			})
		})
	}
}

func TestDamagedRequest(t *testing.T) {
	for how, words := range map[damage]string{flipped: "request", short: "request", nothing: "request", foreign: "arrived damaged"} {
		t.Run(string(how), func(t *testing.T) {
			each(t, func(t *testing.T, b *box) {
				b.stand(t)
				old := b.effect(t)
				if r := b.damaged(t, change(), how); r.code != server.ErrRequest && r.code != server.ErrRefused || !strings.Contains(r.text, words) {
					t.Errorf("answer %+v", r)
				}
				b.same(t, old)
				b.clean(t)
				if r := b.apply(t, change()); r.state != server.Active {
					t.Errorf("the next one: %+v", r)
				}
			})
		})
	}
}

func TestOneChangeAtATime(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.stand(t)
		b.apply(t, change()).is(t, 2, server.Active)
		before := b.effect(t)
		b.acted(t)
		b.apply(t, change()).not(t, server.ErrBusy, "generation 2 ", who+" from 192.0.2.99")
		b.rollback(t, 1).not(t, server.ErrBusy, "generation 2 ", who)
		b.same(t, before)
		if got := b.acted(t); len(got) > 0 {
			t.Errorf("units were acted on: %q", got)
		}
		if got := b.probe(t, server.ProbeRequest{}).Pending; got == nil || got.Number != 2 || got.State != server.Active {
			t.Errorf("pending is %+v", got)
		}
		b.confirm(t, 2).is(t, 2, server.Confirmed)
	})
}

func TestLockHeldByAnother(t *testing.T) {
	if testing.Short() {
		t.Skip("the helper waits for half a minute")
	}
	each(t, func(t *testing.T, b *box) {
		b.stand(t)
		b.apply(t, change()).is(t, 2, server.Active)
		const bo = "bo@desk from 192.0.2.77 since 2026-01-02T03:04:05Z"
		release := b.lock(t, bo)
		before := b.effect(t)
		var all sync.WaitGroup
		for _, call := range []func() reply{
			func() reply { return b.apply(t, change()) }, func() reply { return b.confirm(t, 2) },
			func() reply { return b.rollback(t, 1) }, func() reply { return b.revert(t, 2, "why") },
		} {
			all.Go(func() { call().not(t, server.ErrBusy, "locked by", bo) })
		}
		all.Wait()
		b.same(t, before)
		release()
	})
}

// Who waits gets the lock.
func TestLockIsWaitedFor(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.stand(t)
		b.apply(t, change()).is(t, 2, server.Active)
		release := b.lock(t, "bo@desk")
		done := make(chan reply)
		go func() { done <- b.confirm(t, 2) }()
		release()
		(<-done).is(t, 2, server.Confirmed)
	})
}

// The lock is held while a change goes on, and nothing that it runs keeps it.
func TestLockIsHeldAndNotInherited(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.stand(t)
		lock := "/var/lib/raiz/lock"
		look := fmt.Sprintf("ls -l /proc/self/fd | grep -q raiz/lock && echo inherited; flock -n %s true && echo free; exit 0", lock)
		report := "/var/lib/report"
		m := change()
		m.Files[0].Check = []string{"sh", "-c", "{ echo check; " + look + "; } >>" + report}
		f := file("/etc/z.conf", 0o644, "z\n")
		f.Effect = &server.Action{Order: 50, Run: []string{"sh", "-c", "{ echo run; " + look + "; } >>" + report}}
		m.Files = append(m.Files, f)
		b.apply(t, m).is(t, 2, server.Active)
		b.revert(t, 2, "why").is(t, 2, server.Reverted)
		if got := read(t, b.root("/var/lib/report")); got != "check\nrun\nrun\n" {
			t.Errorf("commands saw %q, want the lock neither free nor inherited", got)
		}
	})
}

// What was edited by hand since the review is not overwritten, and what was
// given up does not begin.
func TestMovedAndFenced(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.stand(t)
		h := b.helperSide
		q := h.request(t, change())
		b.write(t, "/etc/dns.conf", "by hand\n", 0o644)
		old := b.effect(t)
		h.reply(t, q).not(t, server.ErrMoved, "/etc/dns.conf")
		b.same(t, old)
		q = h.request(t, change())
		run := &server.RunRequest{Run: q.Apply.Run, Reason: "the line was cut"}
		if r := h.reply(t, server.Request{Verb: server.VerbRevert, Run: run}); r.code != "" || r.state != server.NoState {
			t.Errorf("a revert of what never came says %+v", r)
		}
		h.reply(t, q).not(t, server.ErrRefused, "given up")
		b.same(t, old)
		b.clean(t)
	})
}

// A link that leads elsewhere is not followed, a set-user-ID bit not lost.
func TestOddFiles(t *testing.T) {
	for name, make := range map[string]func(*box) error{
		"link on the way":  func(b *box) error { return os.Symlink("d", b.root("/etc/way")) },
		"set-user-ID file": func(b *box) error { return os.Chmod(b.root("/etc/d/a.conf"), 0o755|os.ModeSetuid) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b *box) {
				b.stand(t)
				b.write(t, "/etc/d/a.conf", "x\n", 0o644)
				if err := errors.Join(make(b)); err != nil {
					t.Fatal(err)
				}
				old := b.effect(t)
				path := map[string]string{"link on the way": "/etc/way/a.conf"}[name]
				if path == "" {
					path = "/etc/d/a.conf"
				}
				m := change()
				m.Files = append(m.Files, file(path, 0o644, "y\n"))
				if r := b.apply(t, m); r.code == "" || !strings.Contains(r.text, path) {
					t.Errorf("answer %+v", r)
				}
				if diff := cmp.Diff(old, b.effect(t)); diff != "" {
					t.Errorf("effect (-want +got):\n%s", diff)
				}
				b.clean(t)
			})
		})
	}
}
