//go:build unix

package shell_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

// refusal is a change that must not begin.
type refusal struct {
	name   string
	spoil  func(*testing.T, *box)
	change func(*testing.T, *shell.Generation)
	says   []string
	silent []string // what it must not say
}

func refusals() []refusal {
	put := func(path, text string, check ...string) func(*testing.T, *shell.Generation) {
		return func(t *testing.T, g *shell.Generation) {
			g.Puts = append(g.Puts, shell.Put{Path: path, File: file(t, 0o644, text, state.Public), Check: check})
		}
	}
	return []refusal{
		{
			name:   "a check says no",
			change: put("/etc/a.conf", "x\n", "sh", "-c", "echo line 7 of $1 is bad; exit 1", "-", "{}"),
			says:   []string{"check-failed /etc/a.conf line 7 of /etc/a.conf is bad", "error a check command refuses the new configuration"},
		},
		{
			name:   "a check is not installed",
			change: put("/etc/a.conf", "x\n", "no-such-checker", "{}"),
			says:   []string{"check-failed /etc/a.conf", "no-such-checker"},
		},
		{
			name:   "a directory where a file should be",
			spoil:  func(t *testing.T, b *box) { b.write(t, "/etc/a.conf/inside", "x\n", 0o644) },
			change: put("/etc/a.conf", "x\n"),
			says:   []string{"error /etc/a.conf is neither a file nor a link to one"},
			silent: []string{"disk"},
		},
		{
			name: "a link to a directory where a file should be",
			spoil: func(t *testing.T, b *box) {
				b.write(t, "/etc/d/inside", "x\n", 0o644)
				if err := os.Symlink("d", b.root("/etc/a.conf")); err != nil {
					t.Fatal(err)
				}
			},
			change: put("/etc/a.conf", "x\n"),
			says:   []string{"error /etc/a.conf is neither a file nor a link to one"},
			silent: []string{"disk"},
		},
		{
			name:   "a directory where a file should be deleted",
			spoil:  func(t *testing.T, b *box) { b.write(t, "/etc/a.conf/inside", "x\n", 0o644) },
			change: func(_ *testing.T, g *shell.Generation) { g.Deletes = append(g.Deletes, "/etc/a.conf") },
			says:   []string{"error /etc/a.conf is neither a file nor a link to one"},
			silent: []string{"disk"},
		},
		{
			name:  "the timer cannot be armed",
			spoil: func(t *testing.T, b *box) { b.touch(t, "fail-systemd-run") },
			says:  []string{"error cannot arm the way back"},
		},
		{
			name: "the boot unit cannot be installed",
			spoil: func(t *testing.T, b *box) {
				if err := os.Remove(b.root("/etc/systemd/system")); err != nil {
					t.Fatal(err)
				}
			},
			says: []string{"error cannot install the boot-time way back"},
		},
	}
}

func TestRefusedChangesNothing(t *testing.T) {
	for _, c := range refusals() {
		t.Run(c.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, b *box) {
				b.stand(t)
				if c.spoil != nil {
					c.spoil(t, b)
				}
				old := b.effect(t)
				g := change(t)
				if c.change != nil {
					c.change(t, &g)
				}
				a := b.apply(t, g)
				a.has(t, c.says...)
				for _, word := range append(c.silent, "armed") {
					if strings.Contains(a.out, word) {
						t.Errorf("answer says %q:\n%s", word, a.out)
					}
				}
				if a.code != 1 {
					t.Errorf("exit %d, want 1", a.code)
				}
				b.same(t, old)
				b.clean(t)
				if got := strings.TrimSpace(b.read(t, b.home("generations/1/state"))); got != "refused" {
					t.Errorf("generation 1 is %s, want refused", got)
				}
			})
		})
	}
}

// Files that include one another are checked as they will stand together,
// also where the name of one begins with the name of another.
func TestChecksSeeTheFilesTogether(t *testing.T) {
	include := []string{"sh", "-c", `for f in $(sed -n 's/^include //p' "$1"); do grep -q good "$f" || { echo "$f is not good"; exit 1; }; done`, "-", "{}"}
	put := func(t *testing.T, path, text string, check ...string) shell.Put {
		return shell.Put{Path: path, File: file(t, 0o644, text, state.Public), Check: check}
	}
	for _, c := range []struct {
		name, text string
		want       string
	}{
		{name: "all good", text: "good\n", want: "active 1"},
		{name: "an included one is bad", text: "bad\n", want: "check-failed /etc/inc/main /etc/inc/main.d/part is not good"},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, b *box) {
				b.write(t, "/etc/inc/main.d/part", "bad\n", 0o644)
				main := put(t, "/etc/inc/main", "include /etc/inc/main.d/part\ninclude /etc/inc/main.d/part2\n", include...)
				a := b.apply(t, shell.Generation{Puts: []shell.Put{
					main, put(t, "/etc/inc/main.d/part", c.text), put(t, "/etc/inc/main.d/part2", "good\n"), put(t, "/etc/inc/main.d", "x\n"),
				}[:3]})
				a.has(t, c.want)
			})
		})
	}
}

// tarOf packs what Pack never would.
func tarOf(t *testing.T, files map[string]string) shell.Bundle {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, name := range []string{"raiz.sh", "manifest", "plan", "files/etc/a.conf"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return bundleOf(buf.Bytes())
}

func bundleOf(data []byte) shell.Bundle {
	sum := sha256.Sum256(data)
	return shell.Bundle{Tar: data, Sum: hex.EncodeToString(sum[:])}
}

func TestDamagedBundle(t *testing.T) {
	whole, err := shell.Pack(change(t))
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole.Tar)
	flipped[len(flipped)/2] ^= 1
	for _, c := range []struct {
		name   string
		bundle shell.Bundle
		says   string
	}{
		{name: "a flipped bit", bundle: shell.Bundle{Tar: flipped, Sum: whole.Sum}, says: "error the bundle arrived damaged"},
		{name: "cut short", bundle: shell.Bundle{Tar: whole.Tar[:len(whole.Tar)/3], Sum: whole.Sum}, says: "error the bundle arrived damaged"},
		{name: "no archive", bundle: bundleOf([]byte("this is no archive\n")), says: "error cannot unpack the bundle"},
		{
			name: "a file that the manifest does not know",
			bundle: tarOf(t, map[string]string{
				"manifest": "put 0644 root root " + strings.Repeat("0", 64) + " /etc/a.conf\n", "files/etc/a.conf": "a-and-secret\n",
			}),
			says: "error a staged file is not what the manifest says",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, b *box) {
				b.stand(t)
				old := b.effect(t)
				path := b.dir + "/raiz-upload.tar"
				if err := os.WriteFile(path, c.bundle.Tar, 0o600); err != nil {
					t.Fatal(err)
				}
				a := b.send(t, shell.Apply(by(), c.bundle, path, time.Second).Text)
				a.has(t, c.says)
				if a.code != 1 {
					t.Errorf("exit %d, want 1", a.code)
				}
				if _, err := os.Stat(path); err == nil {
					t.Error("the bundle was left behind")
				}
				b.same(t, old)
				b.clean(t)
				b.apply(t, change(t)).has(t, "active 1")
			})
		})
	}
}

func TestOneChangeAtATime(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		b.apply(t, change(t)).has(t, "active 1")
		before := b.effect(t)
		a := b.apply(t, change(t))
		a.has(t, "error generation 1 is active and not confirmed: ana@laptop sites/gru1.hcl from 192.0.2.99 at 2")
		b.send(t, shell.Rollback(by(), "1", time.Second).Text).has(t, "error generation 1 is active and not confirmed: ana@")
		b.same(t, before)
		tr := b.status(t)
		if tr.Pending != "1" || !strings.HasPrefix(tr.PendingIs, "active by ana@laptop sites/gru1.hcl from 192.0.2.99 at 2") {
			t.Errorf("pending is %q %q", tr.Pending, tr.PendingIs)
		}
		b.confirm(t, "1").has(t, "confirmed 1")
	})
}

// hold takes the lock in another process, and gives it back when the test is
// over.
func (b *box) hold(t *testing.T) (release func()) {
	t.Helper()
	c := exec.Command("flock", b.home("lock"), "sh", "-c", "echo held; read -r _")
	stdin, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	release = func() {
		_ = stdin.Close() // the second time it is closed already
		_ = c.Wait()
	}
	t.Cleanup(release)
	if _, err := stdout.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	return release
}

func TestLockHeldByAnother(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		b.apply(t, change(t)).has(t, "active 1")
		release := b.hold(t)
		if err := os.WriteFile(b.home("lock.owner"), []byte("bo@desk from 192.0.2.77 since 2026-01-02T03:04:05Z\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		before := b.effect(t)
		const held = "error locked by bo@desk from 192.0.2.77 since 2026-01-02T03:04:05Z"
		for name, a := range map[string]answer{
			"apply": b.apply(t, change(t)), "confirm": b.confirm(t, "1"), "revert": b.revert(t, "1", "why"),
			"rollback": b.send(t, shell.Rollback(by(), "1", time.Second).Text), "boot": b.sh(t, "", b.home("raiz.sh"), "boot"),
		} {
			a.has(t, held)
			if a.code != 1 {
				t.Errorf("%s: exit %d, want 1", name, a.code)
			}
		}
		b.same(t, before)
		release()
		if diff := cmp.Diff("confirmed 1\n", b.confirm(t, "1").out); diff != "" {
			t.Errorf("confirm once the lock is free (-want +got):\n%s", diff)
		}
	})
}
