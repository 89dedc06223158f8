//go:build linux

package blackbox_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

// in puts something in the place of a part of raiz's home.
func (b *box) in(t *testing.T, name string, put func(path string) error) {
	t.Helper()
	path := filepath.Clean(b.home(name))
	if err := errors.Join(os.RemoveAll(path), put(path)); err != nil {
		t.Fatal(err)
	}
}

// A server that cannot take a change says so when it is looked at, and refuses
// the change as one that has never begun: neither costs the time of a revert.
func TestUnableToTakeAChange(t *testing.T) {
	dir := func(path string) error { return os.Mkdir(path, 0o700) }
	link := func(path string) error { return os.Symlink("/tmp", path) }
	plain := func(path string) error { return os.WriteFile(path, nil, 0o600) }
	for _, c := range []struct {
		name, part string
		put        func(string) error
		says       []string
	}{
		{"a directory for the lock", "lock", dir, []string{"/var/lib/raiz/lock", "directory"}},
		{"a link for the lock", "lock", link, []string{"/var/lib/raiz/lock", "link"}},
		{"a link for the generations", "generations", link, []string{"/var/lib/raiz/generations", "link"}},
		{"a file for the generations", "generations", plain, []string{"/var/lib/raiz/generations"}},
		{"a file for the fences", "fences", plain, []string{"/var/lib/raiz/fences"}},
		{"a directory for what is pending", "pending", dir, []string{"/var/lib/raiz/pending"}},
		{"a directory for what is current", "current", dir, []string{"/var/lib/raiz/current"}},
		{"a file for all of it", ".", plain, []string{"/var/lib/raiz"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, b *box) {
				b.stand(t)
				q := b.request(t, change())
				b.in(t, c.part, c.put)
				old := b.effect(t)
				for what, text := range map[string]string{"plan": b.probe(t, server.ProbeRequest{}).Problems["transaction"], "apply": refusedFor(t, b, q)} {
					for _, w := range c.says {
						if !strings.Contains(text, w) {
							t.Errorf("%s says %q, and nothing of %q", what, text, w)
						}
					}
					if strings.Contains(text, "disk") {
						t.Errorf("%s says %q: that is not the disk", what, text)
					}
				}
				b.same(t, old)
			})
		})
	}
}

// refusedFor is why a change was refused.
func refusedFor(t *testing.T, b *box, q server.Request) string {
	t.Helper()
	r := b.reply(t, q)
	r.not(t, server.ErrRefused)
	return r.text
}

// Where all is as it should be nothing is said, also on a server that is new.
func TestAbleToTakeAChange(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		see := func(when string) {
			t.Helper()
			if got := b.probe(t, server.ProbeRequest{}).Problems["transaction"]; got != "" {
				t.Errorf("%s: %q", when, got)
			}
		}
		see("at first")
		b.stand(t)
		see("with a generation")
		b.apply(t, change()).is(t, 2, server.Active)
		see("with one that is pending")
	})
}
