//go:build linux

package blackbox_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// told is the history in lines.
func (b *box) told(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, s := range b.history(t) {
		if s.Changed.IsZero() {
			t.Errorf("%+v has no time", s)
		}
		is := string(s.State)
		if s.Current {
			is = "current"
		}
		out = append(out, fmt.Sprintf("%d %s %s %s", s.Number, is, s.Plan, s.Who))
	}
	return out
}

func TestHistory(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		if got := b.history(t); len(got) > 0 {
			t.Errorf("history of nothing: %+v", got)
		}
		b.stand(t)
		bad := change()
		bad.Plan, bad.Files[0].Check = "badbadbadbad", []string{"false"}
		b.apply(t, bad).not(t, server.ErrRefused)
		b.keepGeneration(t, 3, change())
		m := again(change())
		m.Plan = "cafe"
		b.apply(t, m).is(t, 4, server.Active)
		b.revert(t, 4, "no").is(t, 4, server.Reverted)
		b.apply(t, m).is(t, 5, server.Active)
		const by = " " + who + " from 192.0.2.99"
		want := []string{"1 confirmed base" + by, "2 refused badbadbadbad" + by, "3 current 0123456789ab" + by, "4 reverted cafe" + by, "5 active cafe" + by}
		if diff := cmp.Diff(want, b.told(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestPruneKeepsTheCurrentOne(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.keep(2)
		one := server.Manifest{Files: []server.File{file("/etc/a.conf", 0o644, "a\n")}}
		refused := then(one)
		refused.Files[0].Check = []string{"false"}
		for i := range 4 {
			b.keepGeneration(t, i+1, one)
		}
		for range 5 {
			b.apply(t, refused).not(t, server.ErrRefused)
		}
		b.keepGeneration(t, 10, one)
		b.keepGeneration(t, 11, one)
		b.apply(t, refused).not(t, server.ErrRefused)
		kinds := map[bool]int{}
		for _, s := range b.history(t) {
			kinds[s.State == server.Confirmed]++
			if s.Current != (s.Number == 11) {
				t.Errorf("history says %+v", s)
			}
		}
		// Refused ones are counted by themselves: they push out nothing that
		// could be gone back to. One more may be there until the next change.
		for confirmed, n := range kinds {
			if n < 2 || n > 3 {
				t.Errorf("%d are kept (confirmed: %v), want 2", n, confirmed)
			}
		}
	})
}

// past makes two generations that differ in every way that a rollback has to
// undo. It returns the effect of the first, which has number 2.
func (b *box) past(t *testing.T) map[string]string {
	t.Helper()
	b.stand(t)
	b.keepGeneration(t, 2, change())
	first := b.effect(t)
	m := then(again(change()), file("/etc/dns.conf", 0, "dns newer\n"), file("/etc/bgp.conf", 0, "bgp newer\n"),
		file("/etc/secret.conf", 0, "password newer-and-secret\n"), file("/etc/deepxer/new.conf", 0o644, "added\n"),
		file("/etc/added.conf", 0o644, "added\n"), file("/etc/systemd/system/added.service", 0o644, "[Service]\n"))
	m.Units = append(m.Units, server.Unit{Name: "added.service", Enabled: true, Active: true, Order: 50})
	b.keepGeneration(t, 3, m)
	return first
}

func TestRollback(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		want := b.past(t)
		b.acted(t)
		b.rollback(t, 2).is(t, 4, server.Active)
		// A secret is kept in no generation: the one that stands stays.
		want["/etc/secret.conf"] = strings.Replace(want["/etc/secret.conf"], "password new-", "password newer-", 1)
		b.same(t, want)
		order := []string{"disable added.service", "reload-or-restart dns.service", "restart bgp.service"}
		if diff := cmp.Diff(order, b.acted(t)); diff != "" {
			t.Errorf("units (-want +got):\n%s", diff)
		}
		b.confirm(t, 4).is(t, 4, server.Confirmed)
		b.same(t, want)
		b.clean(t)
		b.rollback(t, 4).is(t, 5, server.Active) // and what it made is a generation like any other
	})
}

func TestRollbackThatIsReverted(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.past(t)
		before := b.effect(t)
		b.rollback(t, 2).is(t, 4, server.Active)
		b.fire(t)
		b.same(t, before)
		b.clean(t)
		if n := b.probe(t, server.ProbeRequest{}).Current; n != 3 {
			t.Errorf("generation %d is current, want 3", n)
		}
	})
}

func TestRollbackRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		n     int
		says  string
		spoil func(*testing.T, *box)
	}{
		{name: "never confirmed", n: 4, says: "was never confirmed"},
		{name: "never heard of", n: 9, says: "was never confirmed"},
		{name: "its secret is gone", n: 2, says: "/etc/secret.conf holds a secret", spoil: func(t *testing.T, b *box) { remove(t, b.root("/etc/secret.conf")) }},
		{name: "its files have rotted", n: 2, says: "/etc/dns.conf of generation 2 is damaged", spoil: func(t *testing.T, b *box) {
			if err := os.WriteFile(b.kept(2), []byte("dns rot"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, b *box) {
				b.past(t)
				m := then(change(), file("/etc/added.conf", 0o644, "more\n"))
				m.Deletes = []string{"/etc/deepxer/new.conf", "/etc/systemd/system/added.service"}
				b.apply(t, m).is(t, 4, server.Active)
				b.revert(t, 4, "why").is(t, 4, server.Reverted)
				if c.spoil != nil {
					c.spoil(t, b)
				}
				before := b.effect(t)
				b.rollback(t, c.n).not(t, server.ErrRefused, c.says)
				b.same(t, before)
				b.clean(t)
			})
		})
	}
}

// Every character that a path may have goes the whole way.
func TestEveryAllowedCharacter(t *testing.T) {
	name := "/etc/"
	for r := rune(1); r < 128; r++ {
		if r != '/' && state.CheckPath("/etc/a"+string(r)+"b") == nil {
			name += string(r)
		}
	}
	if len(name) != len("/etc/")+26+26+10+len("._@:+-") {
		t.Fatalf("allowed are %q", name)
	}
	each(t, func(t *testing.T, b *box) {
		b.write(t, name, "old\n", 0o644)
		old := b.effect(t)
		// The file that is checked speaks of the copy of it that is checked.
		m := server.Manifest{Files: []server.File{checked(file(name, 0o600, "new "+name+"\n"), "grep", "-q", "/check"+name, "{}")}}
		b.apply(t, m).is(t, 1, server.Active)
		b.revert(t, 1, "why").is(t, 1, server.Reverted)
		b.same(t, old)
		b.keepGeneration(t, 2, m)
		b.keepGeneration(t, 3, server.Manifest{Deletes: []string{name}})
		if there(b.root(name)) {
			t.Error("it was not deleted")
		}
		b.rollback(t, 2).is(t, 4, server.Active)
		if got := read(t, b.root(name)); got != "new "+name+"\n" {
			t.Errorf("after the rollback it holds %q", got)
		}
	})
}

func TestOwnersAndModes(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.write(t, "/etc/a.conf", "old\n", 0o640)
		if err := os.Chown(b.root("/etc/a.conf"), 2, 3); err != nil {
			t.Fatal(err)
		}
		old := b.effect(t)
		f := file("/etc/a.conf", 0o4, "new\n")
		f.Owner, f.Group = "daemon", "adm"
		b.apply(t, server.Manifest{Files: []server.File{f}}).is(t, 1, server.Active)
		b.fire(t)
		b.same(t, old)
		far := f
		far.Path = "/new/way/to/b.conf"
		b.keepGeneration(t, 2, server.Manifest{Files: []server.File{f, far}})
		old[f.Path], old[far.Path] = shown(t, f), shown(t, far)
		b.same(t, old)
		for _, dir := range []string{"/new", "/new/way", "/new/way/to"} {
			if info, err := os.Stat(b.root(dir)); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("%s: %v %v, want mode 0755", dir, info, err)
			}
		}
	})
}
