//go:build unix

package shell_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

func (b *box) rollback(t *testing.T, n string) answer {
	t.Helper()
	return b.send(t, shell.Rollback(by(), n, 2*time.Second).Text)
}

func (b *box) history(t *testing.T) []string {
	t.Helper()
	all, err := shell.ParseHistory([]byte(b.send(t, shell.History(by()).Text).out))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range all {
		if _, err := time.Parse(time.RFC3339, p.Time); err != nil {
			t.Error(err)
		}
		who, _, _ := strings.Cut(p.Who, " from 192.0.2.99 at 2")
		out = append(out, fmt.Sprintf("%s %s %s %s", p.Number, p.State, p.Plan, who))
	}
	return out
}

// keepGeneration applies and confirms.
func (b *box) keepGeneration(t *testing.T, n string, g shell.Generation) {
	t.Helper()
	b.apply(t, g).has(t, "active "+n)
	b.confirm(t, n).has(t, "confirmed "+n)
}

func TestHistory(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		if got := b.history(t); got != nil {
			t.Errorf("history of nothing: %q", got)
		}
		b.keepGeneration(t, "1", small(t))
		bad := small(t)
		bad.Plan, bad.Puts[0].Check = "badbadbadbad", []string{"false"}
		b.apply(t, bad).has(t, "check-failed")
		b.keepGeneration(t, "3", shell.Generation{Plan: "cafe", Puts: small(t).Puts[:1]})
		b.apply(t, small(t)).has(t, "active 4")
		b.revert(t, "4", "no").has(t, "reverted 4")
		b.apply(t, small(t)).has(t, "active 5")
		const who = "ana@laptop sites/gru1.hcl"
		want := []string{
			"1 confirmed 0123456789ab " + who, "2 refused badbadbadbad " + who, "3 current cafe " + who,
			"4 reverted 0123456789ab " + who, "5 active 0123456789ab " + who,
		}
		if diff := cmp.Diff(want, b.history(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestPruneKeepsTheCurrentOne(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.env = append(b.env, "RAIZ_KEEP=2")
		one := shell.Generation{Puts: []shell.Put{{Path: "/etc/a.conf", File: file(t, 0o644, "a\n", state.Public)}}}
		for i := range 3 {
			b.keepGeneration(t, fmt.Sprint(i+1), one)
		}
		numbers := func() (out []string) {
			dirs, err := os.ReadDir(b.home("generations"))
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range dirs {
				out = append(out, d.Name())
			}
			return out
		}
		if diff := cmp.Diff([]string{"2", "3"}, numbers()); diff != "" {
			t.Errorf("after three (-want +got):\n%s", diff)
		}
		// Refused ones are counted by themselves: they push out nothing that
		// could be gone back to.
		one.Puts[0].Check = []string{"false"}
		for range 12 {
			b.apply(t, one).has(t, "check-failed")
		}
		if diff := cmp.Diff([]string{"13", "14", "15", "2", "3"}, numbers()); diff != "" {
			t.Errorf("after twelve refusals (-want +got):\n%s", diff)
		}
		one.Puts[0].Check = nil
		b.keepGeneration(t, "16", one)
		if diff := cmp.Diff([]string{"14", "15", "16", "3"}, numbers()); diff != "" {
			t.Errorf("after all (-want +got):\n%s", diff)
		}
	})
}

// past makes two generations that differ in every way that a rollback has to
// undo.
func (b *box) past(t *testing.T) map[string]string {
	t.Helper()
	b.stand(t)
	b.keepGeneration(t, "1", change(t))
	first := b.effect(t)
	g := change(t)
	g.Puts[0].File = file(t, 0o644, "dns newer\n", state.Public)
	g.Puts[1].File = file(t, 0o640, "bgp newer\n", state.Public)
	g.Puts[2].File = file(t, 0o600, "password newer-and-secret\n", state.Confidential)
	g.Puts = append(g.Puts,
		shell.Put{Path: "/etc/deepxer/new.conf", File: file(t, 0o644, "added\n", state.Public)},
		shell.Put{Path: "/etc/added.conf", File: file(t, 0o644, "added\n", state.Public)},
		shell.Put{Path: "/etc/systemd/system/added.service", File: file(t, 0o644, "[Service]\n", state.Public)})
	g.Deletes = nil
	g.Actions = append(g.Actions, shell.Action{Verb: "enable", Unit: "added.service"}, shell.Action{Verb: "start", Unit: "added.service"})
	g.Actions = g.Actions[1:]
	b.keepGeneration(t, "2", g)
	return first
}

func TestRollback(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		want := b.past(t)
		if err := os.Truncate(b.stub("log"), 0); err != nil {
			t.Fatal(err)
		}
		b.rollback(t, "1").has(t, "generation 3\n", "armed 3 2\n", "active 3\n")
		// A secret is kept in no generation: the one that stands stays.
		secret := "root/etc/secret.conf"
		want[secret] = strings.Replace(want[secret], "password new-", "password newer-", 1)
		second := b.effect(t)
		for path := range second {
			if strings.HasSuffix(path, ".raiz-old") {
				delete(second, path)
			}
		}
		if diff := cmp.Diff(want, second); diff != "" {
			t.Errorf("effect (-want +got):\n%s", diff)
		}
		var acted []string
		for l := range strings.Lines(b.read(t, b.stub("log"))) {
			for _, verb := range []string{"--quiet disable --now", "reload-or-restart", "restart"} {
				if rest, ok := strings.CutPrefix(l, "systemctl "+verb+" "); ok {
					acted = append(acted, verb+" "+strings.TrimSpace(rest))
				}
			}
		}
		order := []string{"--quiet disable --now added.service", "reload-or-restart dns.service", "restart bgp.service"}
		if diff := cmp.Diff(order, acted); diff != "" {
			t.Errorf("units (-want +got):\n%s", diff)
		}
		b.confirm(t, "3").has(t, "confirmed 3")
		b.same(t, want)
		b.clean(t)
		b.rollback(t, "3").has(t, "active 4") // and what it made is a generation like any other
	})
}

func TestRollbackThatIsReverted(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.past(t)
		before := b.effect(t)
		b.rollback(t, "1").has(t, "active 3")
		b.fire(t).has(t, "reverted 3")
		b.same(t, before)
		b.clean(t)
		if tr := b.status(t); tr.Current != "2" {
			t.Errorf("generation %q is current, want 2", tr.Current)
		}
	})
}

func TestRollbackRefused(t *testing.T) {
	for _, c := range []struct {
		name, n string
		spoil   func(*testing.T, *box)
		says    string
	}{
		{name: "never confirmed", n: "3", says: "error generation 3 is reverted; raiz history lists those that were confirmed"},
		{name: "never heard of", n: "9", says: "error generation 9 is none; raiz history lists those that were confirmed"},
		{name: "its secret is gone", n: "1", spoil: func(t *testing.T, b *box) { b.remove(t, b.root("/etc/secret.conf")) }, says: "error cannot make a generation of generation 1"},
		{name: "its files have rotted", n: "1", spoil: func(t *testing.T, b *box) {
			if err := os.WriteFile(b.home("generations/1/files/etc/dns.conf"), []byte("rot"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, says: "error a staged file is not what the manifest says"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, b *box) {
				b.past(t)
				b.apply(t, small(t)).has(t, "active 3")
				b.revert(t, "3", "why").has(t, "reverted 3")
				if c.spoil != nil {
					c.spoil(t, b)
				}
				before := b.effect(t)
				a := b.rollback(t, c.n)
				a.has(t, c.says)
				if a.code != 1 {
					t.Errorf("exit %d, want 1", a.code)
				}
				b.same(t, before)
				b.clean(t)
			})
		})
	}
}

// The script and its boot unit are renewed by each generation that brings
// newer ones.
func TestInstallsItself(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		b.keepGeneration(t, "1", small(t))
		unit := b.root("/etc/systemd/system/raiz-boot.service")
		text := b.read(t, unit)
		for _, path := range []string{b.home("raiz.sh"), unit} {
			if err := os.WriteFile(path, []byte("exit 9 # an older one\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b.remove(t, b.stub("enabled/raiz-boot.service"))
		b.keepGeneration(t, "2", shell.Generation{Puts: small(t).Puts[:1]})
		if diff := cmp.Diff(shell.Script(), b.read(t, b.home("raiz.sh"))); diff != "" {
			t.Errorf("script (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(text, b.read(t, unit)); diff != "" {
			t.Errorf("boot unit (-want +got):\n%s", diff)
		}
		info, err := os.Stat(unit)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o644 {
			t.Errorf("boot unit has mode %v", info.Mode())
		}
		if _, err := os.Stat(b.stub("enabled/raiz-boot.service")); err != nil {
			t.Error("the boot unit is not enabled")
		}
		if left, err := filepath.Glob(unit + ".*"); err != nil || left != nil {
			t.Errorf("left behind: %q %v", left, err)
		}
	})
}
