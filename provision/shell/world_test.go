//go:build unix

package shell_test

import (
	"fmt"
	"os"
	"os/user"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

const (
	secretOld = "password old-and-secret\n"
	secretNew = "password new-and-secret\n"
)

// stand puts a server into the box that has a name server, a router daemon
// that is off, and files of every kind that a change can meet.
func (b *box) stand(t *testing.T) {
	t.Helper()
	b.write(t, "/etc/dns.conf", "dns old\n", 0o644)
	b.write(t, "/etc/secret.conf", secretOld, 0o640)
	b.write(t, "/etc/gone.conf", "to be deleted\n", 0o604)
	b.write(t, "/etc/same.conf", "the same\n", 0o644)
	b.write(t, "/etc/mode.conf", "only the mode\n", 0o600)
	if err := os.Symlink("elsewhere/resolv.conf", b.root("/etc/link.conf")); err != nil {
		t.Fatal(err)
	}
	b.touch(t, "vendor/dns.service", "vendor/bgp.service", "vendor/old.service", "enabled/dns.service", "active/dns.service", "enabled/old.service", "active/old.service")
	if err := os.WriteFile(b.stub("running/dns.service"), []byte("dns old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// change touches every one of those files and units.
func change(t *testing.T) shell.Generation {
	t.Helper()
	return shell.Generation{
		Plan: "0123456789abcdef",
		Puts: []shell.Put{
			{Path: "/etc/dns.conf", File: file(t, 0o644, "dns new\n", state.Public), Check: []string{"grep", "-q", "dns", "{}"}, Effect: shell.Action{Verb: "reload", Unit: "dns.service"}, Order: 20},
			{Path: "/etc/bgp.conf", File: file(t, 0o640, "bgp new\n", state.Public), Effect: shell.Action{Verb: "restart", Unit: "bgp.service"}, Order: 30},
			{Path: "/etc/secret.conf", File: file(t, 0o600, secretNew, state.Confidential), Effect: shell.Action{Verb: "restart", Unit: "bgp.service"}, Order: 30},
			{Path: "/etc/same.conf", File: file(t, 0o644, "the same\n", state.Public)},
			{Path: "/etc/mode.conf", File: file(t, 0o755, "only the mode\n", state.Public)},
			{Path: "/etc/link.conf", File: file(t, 0o644, "a file in place of a link\n", state.Public)},
			{Path: "/etc/deep/er/new.conf", File: file(t, 0o644, "new\n", state.Public), Effect: shell.Action{Run: []string{"true"}}, Order: 40},
		},
		Deletes: []string{"/etc/gone.conf"},
		Actions: []shell.Action{
			{Verb: "disable", Unit: "old.service"},
			{Verb: "reload", Unit: "dns.service"},
			{Verb: "enable", Unit: "bgp.service"},
			{Verb: "restart", Unit: "bgp.service"},
			{Run: []string{"true", "it's", "quoted"}},
		},
	}
}

// changed is the effect of such a change, or of a part of it, on that server.
func (b *box) changed(t *testing.T, g shell.Generation, old map[string]string) map[string]string {
	t.Helper()
	want := map[string]string{}
	for k, v := range old {
		want[k] = v
	}
	for _, gone := range []string{"root/etc/gone.conf", "stub/enabled/old.service", "stub/active/old.service"} {
		delete(want, gone)
	}
	for _, p := range g.Puts {
		want["root"+p.Path] = b.put(t, p.File)
	}
	empty := b.put(t, file(t, 0o600, "", state.Public))
	for _, a := range g.Actions {
		switch a.Verb {
		case "enable":
			want["stub/enabled/"+a.Unit] = empty
		case "restart", "reload":
			name := strings.TrimSuffix(a.Unit, ".service")
			want["stub/active/"+a.Unit] = empty
			want["stub/running/"+a.Unit] = b.put(t, file(t, 0o600, name+" new\n", state.Public))
		}
	}
	return want
}

// put is how effect shows a file once it stands.
func (b *box) put(t *testing.T, f state.File) string {
	t.Helper()
	u, err := user.Lookup(f.Owner)
	if err != nil {
		t.Fatal(err)
	}
	g, err := user.LookupGroup(f.Group)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%v %s:%s %q", f.Mode, u.Uid, g.Gid, f.Data)
}
