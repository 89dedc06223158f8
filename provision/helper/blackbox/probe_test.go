//go:build linux

package blackbox_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/raiz-dns/raiz/provision/server"
)

// paths puts what can stand where a file is wanted, and returns what has to be
// answered for each.
func paths(t *testing.T, b *box) map[string]server.FileFact {
	t.Helper()
	long := strings.Repeat("0123456789abcdef", 16385) // 256 KiB and 16 bytes
	want := map[string]server.FileFact{
		"/etc/dir": {Kind: "other"}, "/etc/fifo": {Kind: "other"},
		"/etc/link.conf": {Kind: "link", Link: "equal.conf"}, "/etc/dangling.conf": {Kind: "link", Link: "/no/where else"},
		"/etc/none.conf": {Kind: "absent"}, "/no/such/dir/none.conf": {Kind: "absent"},
	}
	for _, f := range []struct {
		path, text string
		mode       os.FileMode
		shown      bool
	}{
		{"/etc/equal.conf", "equal\n", 0o644, false}, {"/etc/differs.conf", "here\n", 0o600, true},
		{"/etc/long.conf", long, 0o644, false}, {"/etc/fits.conf", long[:262144], 0o644, true},
		{"/etc/empty.conf", "", 0o400, true}, {"/etc/binary.conf", "\x00\xff\n\r\n no end", 0o644, true},
	} {
		b.write(t, f.path, f.text, f.mode)
		is := file(f.path, uint32(f.mode), f.text)
		fact := server.FileFact{Kind: "file", Mode: is.Mode, Owner: "root", Group: "root", Sum: is.Sum}
		if f.shown {
			fact.Data = []byte(f.text)
		}
		want[f.path] = fact
	}
	b.write(t, "/etc/dir/inside", "x\n", 0o644)
	for name, target := range map[string]string{"link.conf": "equal.conf", "dangling.conf": "/no/where else"} {
		if err := os.Symlink(target, b.root("/etc/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(b.root("/etc/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	return want
}

func TestProbeOfPaths(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		want := paths(t, b)
		var q server.ProbeRequest
		for path := range want {
			sum := file(path, 0, "wanted\n").Sum
			if path == "/etc/equal.conf" {
				sum = file(path, 0, "equal\n").Sum
			}
			q.Files = append(q.Files, server.FileQuestion{Path: path, Sum: sum})
		}
		got := b.probe(t, q)
		if diff := cmp.Diff(want, got.Files, cmpopts.IgnoreFields(server.FileFact{}, "Standing"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
		// A probe changes nothing, not even on a server that is new to it.
		if there(b.home("")) {
			t.Error("the probe has made its home")
		}
	})
}

// A set-user-ID bit must not compare as equal to a mode without one.
func TestProbeOfOddModes(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.write(t, "/etc/all@bits:+x-1_.conf", "bits\n", 0o644|os.ModeSetuid|os.ModeSticky)
		got := b.probe(t, server.ProbeRequest{Files: []server.FileQuestion{{Path: "/etc/all@bits:+x-1_.conf", Sum: file("", 0, "x").Sum}}})
		if f := got.Files["/etc/all@bits:+x-1_.conf"]; f.Kind != server.IsFile || f.Mode&0o7000 == 0 {
			t.Errorf("answer %+v", f)
		}
	})
}

// Of a secret neither the bytes nor what they could be guessed by is said.
func TestProbeOfASecret(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.write(t, "/etc/secret.conf", secretOld, 0o640)
		key := []byte(strings.Repeat("k", 32))
		f := b.probe(t, server.ProbeRequest{Key: key, Files: []server.FileQuestion{{Path: "/etc/secret.conf", Secret: true}}}).Files["/etc/secret.conf"]
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(secretOld))
		if f.Sum != hex.EncodeToString(mac.Sum(nil)) || len(f.Data) > 0 || strings.Contains(f.Standing, file("", 0, secretOld).Sum) {
			t.Errorf("answer %+v", f)
		}
	})
}

// What cannot be looked at is denied; it is never absent.
func TestProbeDenied(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.write(t, "/etc/d/a.conf", "x\n", 0o644)
		if err := os.Symlink("d", b.root("/etc/way")); err != nil {
			t.Fatal(err)
		}
		b.write(t, "/closed/deep/er.conf", "x\n", 0o644)
		b.write(t, "/etc/closed.conf", "x\n", 0o600)
		if err := os.Chmod(b.root("/closed"), 0o700); err != nil {
			t.Fatal(err)
		}
		h := b.helperSide
		h.as = []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"}
		var q server.ProbeRequest
		want := map[string]server.Kind{"/etc/d/a.conf": "file", "/etc/way/a.conf": "denied", "/etc/closed.conf": "denied",
			"/closed/deep/er.conf": "denied", "/closed/none.conf": "denied", "/etc/none.conf": "absent"}
		for path := range want {
			q.Files = append(q.Files, server.FileQuestion{Path: path, Sum: file("", 0, "x").Sum})
		}
		got := map[string]server.Kind{}
		for path, f := range b.probe(t, q).Files {
			got[path] = f.Kind
			if f.Kind == server.IsDenied && f.Why == "" {
				t.Errorf("%s is denied, and nobody says why", path)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestProbeOfTheRest(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.stand(t)
		if err := os.WriteFile(b.stub("packages"), []byte("nsd installed 4.6.1-1\nbird2 config-files 2.0.12-7\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p := b.probe(t, server.ProbeRequest{Units: []string{"dns.service", "bgp.service", "ghost.service"}, Packages: []string{"nsd", "bird2", "ghost"}})
		if p.Hostname == "" || p.BootID == "" || p.Clock.IsZero() {
			t.Errorf("system: %+v", p)
		}
		units := map[string]server.UnitFact{
			"dns.service":   {Load: "loaded", Active: "active", Sub: "running", File: "enabled"},
			"bgp.service":   {Load: "loaded", Active: "inactive", Sub: "dead", File: "disabled"},
			"ghost.service": {Load: "not-found", Active: "inactive", Sub: "dead"},
		}
		if diff := cmp.Diff(units, p.Units); diff != "" {
			t.Errorf("units (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]string{"nsd": "4.6.1-1"}, p.Packages); diff != "" {
			t.Errorf("packages (-want +got):\n%s", diff)
		}
	})
}

func TestProbeOfTheTransaction(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		see := func(when string, current, pending int, managed ...string) {
			t.Helper()
			p := b.probe(t, server.ProbeRequest{})
			have := 0
			if p.Pending != nil {
				have = p.Pending.Number
			}
			if p.Current != current || have != pending {
				t.Errorf("%s: %d is current, %d pending, want %d and %d", when, p.Current, have, current, pending)
			}
			if diff := cmp.Diff(managed, p.Managed, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		see("at first", 0, 0)
		b.stand(t)
		base := []string{"/etc/gone.conf", "/etc/systemd/system/old.service"}
		b.apply(t, change()).is(t, 2, server.Active)
		see("when active", 1, 2) // its own deletions are gone
		b.revert(t, 2, "a reason").is(t, 2, server.Reverted)
		see("when reverted", 1, 0, base...)
		b.keepGeneration(t, 3, change())
		var managed []string
		for _, f := range change().Files {
			managed = append(managed, f.Path)
		}
		see("when confirmed", 3, 0, managed...)
		remove(t, b.root("/etc/bgp.conf"))
		see("without a file", 3, 0, slices.Delete(managed, 1, 2)...)
	})
}
