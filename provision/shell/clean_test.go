//go:build unix

package shell_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/shell"
)

func TestApplyAndConfirm(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		old := b.effect(t)
		start := time.Now()
		a := b.apply(t, change(t))
		t.Log(time.Since(start))
		if diff := cmp.Diff(answer{out: "generation 1\narmed 1 2\nactive 1\n"}, a, cmp.AllowUnexported(answer{})); diff != "" {
			t.Fatalf("apply (-want +got):\n%s", diff)
		}
		a = b.confirm(t, "1", "dns.service", "bgp.service")
		if diff := cmp.Diff(answer{out: "confirmed 1\n"}, a, cmp.AllowUnexported(answer{})); diff != "" {
			t.Fatalf("confirm (-want +got):\n%s", diff)
		}
		b.same(t, b.changed(t, change(t), old))
		b.clean(t)
	})
}

// clean fails where a transaction that is over has left something behind.
func (b *box) clean(t *testing.T) {
	t.Helper()
	for _, path := range []string{b.home("pending"), b.home("incoming"), b.stub("timer")} {
		if _, err := os.Lstat(path); err == nil {
			t.Errorf("%s is still there", path)
		}
	}
	b.noSecrets(t)
}

// noSecrets fails where a secret stands anywhere but in its own file.
func (b *box) noSecrets(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(b.home(""), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if data := b.read(t, path); strings.Contains(data, "-and-secret") {
			t.Errorf("%s holds a secret", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A client that died between its upload and its call has left a bundle; the
// next change takes it away, but not the one that somebody else has just made.
func TestOldUploadsGo(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		long := time.Now().Add(-61 * time.Minute)
		for name, at := range map[string]time.Time{"raiz-old.tar": long, "raiz-new.tar": time.Now(), "other.tar": long} {
			b.write(t, "/tmp/"+name, "x", 0o600)
			if err := os.Chtimes(b.root("/tmp/"+name), at, at); err != nil {
				t.Fatal(err)
			}
		}
		b.apply(t, change(t)).has(t, "active 1")
		entries, err := os.ReadDir(b.root("/tmp"))
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, e := range entries {
			left = append(left, e.Name())
		}
		if diff := cmp.Diff([]string{"other.tar", "raiz-new.tar"}, left); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
	})
}

// What is gone already, unit file and all, need not be disabled.
func TestDisableWhatIsGone(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		b.apply(t, shell.Generation{Actions: []shell.Action{{Verb: "disable", Unit: "ghost.service"}}}).has(t, "active 1")
		b.confirm(t, "1").has(t, "confirmed 1")
	})
}
