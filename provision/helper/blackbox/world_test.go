//go:build linux

package blackbox_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/user"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

const who = "ana@laptop sites/gru1.hcl"

const (
	secretOld = "password old-and-secret\n"
	secretNew = "password new-and-secret\n"
)

// stand puts a server into the box that has a name server, a router daemon
// that is off, and files of every kind that a change can meet. Its generation 1
// is what manages the file and the unit that the change does not have.
func (b *box) stand(t *testing.T) {
	t.Helper()
	b.write(t, "/etc/dns.conf", "dns old\n", 0o644)
	b.write(t, "/etc/secret.conf", secretOld, 0o640)
	b.write(t, "/etc/gone.conf", "to be deleted\n", 0o604)
	b.write(t, "/etc/same.conf", "the same\n", 0o644)
	b.write(t, "/etc/mode.conf", "only the mode\n", 0o600)
	b.write(t, "/etc/systemd/system/old.service", "[Service]\n", 0o644)
	if err := os.Symlink("elsewhere/resolv.conf", b.root("/etc/link.conf")); err != nil {
		t.Fatal(err)
	}
	b.touch(t, "log", "vendor/dns.service", "vendor/bgp.service", "enabled/dns.service", "active/dns.service", "enabled/old.service", "active/old.service")
	if err := os.WriteFile(b.stub("running/dns.service"), []byte("dns old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.keepGeneration(t, 1, server.Manifest{Plan: "base", Files: []server.File{
		file("/etc/gone.conf", 0o604, "to be deleted\n"), file("/etc/systemd/system/old.service", 0o644, "[Service]\n"),
	}})
	if got := b.acted(t); len(got) > 0 {
		t.Fatalf("a generation that changes nothing has %q", got)
	}
}

func file(path string, mode uint32, text string) server.File {
	sum := sha256.Sum256([]byte(text))
	return server.File{Path: path, Mode: mode, Owner: "root", Group: "root", Data: []byte(text), Sum: hex.EncodeToString(sum[:])}
}

// with gives a file what has to be done when it changes.
func with(f server.File, order int, verb, unit string) server.File {
	f.Effect = &server.Action{Order: order, Verb: verb, Unit: unit}
	return f
}

func checked(f server.File, argv ...string) server.File {
	f.Check = argv
	return f
}

func secret(f server.File) server.File {
	f.Secret = true
	return f
}

// change touches every one of those files and units.
func change() server.Manifest {
	deep := file("/etc/deep/er/new.conf", 0o644, "new\n")
	deep.Effect = &server.Action{Order: 40, Run: []string{"true", "it's", "quoted"}}
	return server.Manifest{
		Plan: "0123456789ab",
		Files: []server.File{
			with(checked(file("/etc/dns.conf", 0o644, "dns new\n"), "grep", "-q", "dns", "{}"), 20, "reload", "dns.service"),
			with(file("/etc/bgp.conf", 0o640, "bgp new\n"), 30, "restart", "bgp.service"),
			with(secret(file("/etc/secret.conf", 0o600, secretNew)), 30, "restart", "bgp.service"),
			file("/etc/same.conf", 0o644, "the same\n"),
			file("/etc/mode.conf", 0o755, "only the mode\n"),
			file("/etc/link.conf", 0o644, "a file in place of a link\n"),
			deep,
		},
		Deletes: []string{"/etc/gone.conf", "/etc/systemd/system/old.service"},
		Units: []server.Unit{
			{Name: "dns.service", Enabled: true, Active: true, Order: 20},
			{Name: "bgp.service", Enabled: true, Active: true, Order: 30},
		},
	}
}

// then is the same generation with other bytes of some files.
func then(m server.Manifest, files ...server.File) server.Manifest {
	m.Files = slices.Clone(m.Files)
	for _, f := range files {
		i := slices.IndexFunc(m.Files, func(have server.File) bool { return have.Path == f.Path })
		if i < 0 {
			m.Files = append(m.Files, f)
			continue
		}
		f.Secret, f.Effect, f.Mode = m.Files[i].Secret, m.Files[i].Effect, m.Files[i].Mode
		m.Files[i] = f
	}
	return m
}

// changed is the effect of a change on the server that stands.
func (b *box) changed(t *testing.T, m server.Manifest, old map[string]string) map[string]string {
	t.Helper()
	want := maps.Clone(old)
	for _, gone := range append(slices.Clone(m.Deletes), "enabled/old.service", "active/old.service") {
		delete(want, gone)
	}
	for _, f := range m.Files {
		want[f.Path] = shown(t, f)
	}
	for _, u := range m.Units {
		want["enabled/"+u.Name], want["active/"+u.Name] = "", ""
		want["running/"+u.Name] = strings.TrimSuffix(u.Name, ".service") + " new\n"
	}
	return want
}

// shown is how effect shows a file once it stands.
func shown(t *testing.T, f server.File) string {
	t.Helper()
	u, err := user.Lookup(f.Owner)
	if err != nil {
		t.Fatal(err)
	}
	g, err := user.LookupGroup(f.Group)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%v %s:%s %q", fs.FileMode(f.Mode), u.Uid, g.Gid, f.Data)
}

// again is a generation whose deletions have been done.
func again(m server.Manifest) server.Manifest {
	m.Deletes = nil
	return m
}
