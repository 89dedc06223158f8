//go:build unix

package shell_test

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

// wanted is a set of things as a site would want them.
func wanted(t *testing.T, files map[string]state.File, units, packages []string) *state.Set {
	t.Helper()
	var items []state.Item
	for path, f := range files {
		items = append(items, state.Item{Key: state.Key{Kind: state.Path, Name: path}, Value: f})
	}
	for _, u := range units {
		items = append(items, state.Item{Key: state.Key{Kind: state.Unit, Name: u}, Value: state.Service{Enabled: true, Active: true}})
	}
	for _, p := range packages {
		items = append(items, state.Item{Key: state.Key{Kind: state.Package, Name: p}, Value: state.Text("installed")})
	}
	set, err := state.NewSet("gru1", items)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func (b *box) probe(t *testing.T, want *state.Set) shell.Probe {
	t.Helper()
	request, err := shell.ProbeRequest(by(), want)
	if err != nil {
		t.Fatal(err)
	}
	a := b.send(t, request.Text)
	p, err := shell.ParseProbe([]byte(a.out))
	if err != nil {
		t.Fatalf("%v:\n%s%s", err, a.out, a.err)
	}
	return p
}

// paths are what can stand where a file is wanted, and the answer to each.
func paths(t *testing.T, b *box) (map[string]state.File, map[string]shell.FileAnswer) {
	t.Helper()
	long := strings.Repeat("0123456789abcdef", 16385) // 256 KiB and 16 bytes
	b.write(t, "/etc/equal.conf", "equal\n", 0o644)
	b.write(t, "/etc/differs.conf", "here\n", 0o600)
	b.write(t, "/etc/secret.conf", secretOld, 0o640)
	b.write(t, "/etc/long.conf", long, 0o644)
	b.write(t, "/etc/fits.conf", long[:262144], 0o644)
	b.write(t, "/etc/empty.conf", "", 0o400)
	b.write(t, "/etc/binary.conf", "\x00\xff\n\r\n no end", 0o644)
	b.write(t, "/etc/all@bits:+x-1_.conf", "bits\n", 0o644|os.ModeSetuid|os.ModeSticky)
	b.write(t, "/etc/dir/inside", "x\n", 0o644)
	for name, target := range map[string]string{"link.conf": "equal.conf", "dangling.conf": "/no/where else"} {
		if err := os.Symlink(target, b.root("/etc/"+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(b.root("/etc/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := func(f state.File, withData bool) shell.FileAnswer {
		if !withData {
			f.Data = nil
		}
		return shell.FileAnswer{Kind: "file", File: f}
	}
	other := file(t, 0o644, "wanted\n", state.Public)
	wanted := map[string]state.File{}
	answers := map[string]shell.FileAnswer{
		"/etc/equal.conf":          got(file(t, 0o644, "equal\n", state.Public), false),
		"/etc/differs.conf":        got(file(t, 0o600, "here\n", state.Public), true),
		"/etc/secret.conf":         got(file(t, 0o640, secretOld, state.Public), false),
		"/etc/long.conf":           got(file(t, 0o644, long, state.Public), false),
		"/etc/fits.conf":           got(file(t, 0o644, long[:262144], state.Public), true),
		"/etc/empty.conf":          got(file(t, 0o400, "", state.Public), true),
		"/etc/binary.conf":         got(file(t, 0o644, "\x00\xff\n\r\n no end", state.Public), true),
		"/etc/all@bits:+x-1_.conf": got(file(t, 0o644, "bits\n", state.Public), true),
		"/etc/dir":                 {Kind: "other"},
		"/etc/fifo":                {Kind: "other"},
		"/etc/link.conf":           {Kind: "link", Link: "equal.conf"},
		"/etc/dangling.conf":       {Kind: "link", Link: "/no/where else"},
		"/etc/none.conf":           {Kind: "absent"},
		"/no/such/dir/none.conf":   {Kind: "absent"},
	}
	// A set-user-ID bit must not compare as equal to a mode without one.
	odd := answers["/etc/all@bits:+x-1_.conf"]
	odd.File.Mode = 0o5644
	answers["/etc/all@bits:+x-1_.conf"] = odd
	for path := range answers {
		wanted[path] = other
	}
	wanted["/etc/equal.conf"] = file(t, 0o600, "equal\n", state.Public)
	wanted["/etc/secret.conf"] = file(t, 0o600, secretNew, state.Confidential)
	return wanted, answers
}

func TestProbeOfPaths(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		want, answers := paths(t, b)
		p := b.probe(t, wanted(t, want, nil, nil))
		if diff := cmp.Diff(answers, p.Files, cmpopts.IgnoreFields(state.File{}, "Token"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
		for path, f := range p.Files {
			if f.Kind == "file" && strings.Count(f.File.Token, "-") != 2 {
				t.Errorf("%s has the token %q, want size, inode and time", path, f.File.Token)
			}
		}
		// A probe changes nothing, not even on a server that is new to it.
		if _, err := os.Stat(b.home("")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the probe has made its home: %v", err)
		}
	})
}

// What a login without rights cannot see is denied; it is never absent.
func TestProbeDenied(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become nobody")
	}
	need(t, "setpriv")
	eachShell(t, func(t *testing.T, b *box) {
		b.write(t, "/etc/open.conf", "open\n", 0o644)
		b.write(t, "/etc/closed.conf", "closed\n", 0o600)
		b.write(t, "/closed/deep/er.conf", "x\n", 0o644)
		if err := os.Chmod(b.root("/closed"), 0o700); err != nil {
			t.Fatal(err)
		}
		for dir := b.dir; dir != "/"; dir = filepath.Dir(dir) {
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o005 == 0 && dir != b.dir && filepath.Dir(dir) != os.TempDir() {
				t.Skipf("nobody cannot enter %s", dir)
			}
		}
		for _, dir := range []string{b.dir, filepath.Dir(b.dir)} {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		other := file(t, 0o644, "wanted\n", state.Public)
		request, err := shell.ProbeRequest(by(), wanted(t, map[string]state.File{
			"/etc/open.conf": other, "/etc/closed.conf": other, "/closed/deep/er.conf": other, "/closed/none.conf": other, "/etc/none.conf": other,
		}, nil, nil))
		if err != nil {
			t.Fatal(err)
		}
		c := exec.Command("setpriv", append([]string{"--reuid=65534", "--regid=65534", "--clear-groups"}, append(b.shell.argv, "-s")...)...)
		c.Env, c.Stdin = b.env, strings.NewReader(request.Text)
		c.Stdout, c.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
		if err := c.Run(); err != nil {
			t.Fatalf("%v: %+v", err, said(c))
		}
		p, err := shell.ParseProbe([]byte(said(c).out))
		if err != nil {
			t.Fatalf("%v: %+v", err, said(c))
		}
		got := map[string]string{}
		for path, f := range p.Files {
			got[path] = f.Kind
		}
		want := map[string]string{
			"/etc/open.conf": "file", "/etc/closed.conf": "denied", "/closed/deep/er.conf": "denied", "/closed/none.conf": "denied", "/etc/none.conf": "absent",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestProbeOfTheRest(t *testing.T) {
	const links = `[{"ifname":"eno1","flags":["UP","LOWER_UP"],"mtu":1500,"address":"02:00:00:00:00:0A","addr_info":[
		{"local":"192.0.2.20","prefixlen":28},{"local":"2001:db8::20","prefixlen":64,"tentative":true},{"local":"2001:db8::21","prefixlen":64,"dadfailed":true}]},
		{"ifname":"eno2","flags":["UP"],"mtu":9000,"address":"02:00:00:00:00:0b"}]` + "\n"
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		for name, text := range map[string]string{"ip": links, "packages": "nsd installed 4.6.1-1\nbird2 config-files 2.0.12-7\n"} {
			if err := os.WriteFile(b.stub(name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want := wanted(t, nil, []string{"dns.service", "bgp.service", "ghost.service"}, []string{"nsd", "bird2", "ghost"})
		p := b.probe(t, want)
		if p.Hostname == "" || p.BootID == "" || p.OS == "" || p.Clock.IsZero() {
			t.Errorf("system: %+v", p)
		}
		units := map[string]shell.UnitAnswer{
			"dns.service":   {Load: "loaded", Active: "active", Sub: "running", UnitFile: "enabled"},
			"bgp.service":   {Load: "loaded", Active: "inactive", Sub: "dead", UnitFile: "disabled"},
			"ghost.service": {Load: "not-found", Active: "inactive", Sub: "dead"},
		}
		if diff := cmp.Diff(units, p.Units); diff != "" {
			t.Errorf("units (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]string{"nsd": "4.6.1-1"}, p.Packages); diff != "" {
			t.Errorf("packages (-want +got):\n%s", diff)
		}
		interfaces := []shell.Interface{
			{Name: "eno1", MAC: "02:00:00:00:00:0a", Up: true, MTU: 1500, Addresses: []shell.Address{
				{Prefix: netip.MustParsePrefix("192.0.2.20/28"), Usable: true},
				{Prefix: netip.MustParsePrefix("2001:db8::20/64")}, {Prefix: netip.MustParsePrefix("2001:db8::21/64")},
			}},
			{Name: "eno2", MAC: "02:00:00:00:00:0b", MTU: 9000},
		}
		if diff := cmp.Diff(interfaces, p.Interfaces, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
			t.Errorf("interfaces (-want +got):\n%s", diff)
		}
		// Addresses that could not be read are not the same as none.
		b.remove(t, b.stub("ip"))
		if p := b.probe(t, want); p.NetworkErr == nil {
			t.Error("addresses that could not be read are no error")
		}
	})
}

func TestProbeOfTheTransaction(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		b.stand(t)
		none := wanted(t, nil, nil, nil)
		type told struct {
			Current, Pending, Is, Reverted string
			Managed                        []string
		}
		tell := func() told {
			p := b.probe(t, none)
			is, _, _ := strings.Cut(p.PendingIs, " ")
			return told{Current: p.Current, Pending: p.Pending, Is: is, Reverted: p.Reverted, Managed: p.Managed}
		}
		see := func(when string, want told) {
			t.Helper()
			if diff := cmp.Diff(want, tell()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		see("at first", told{})
		b.apply(t, change(t)).has(t, "active 1")
		see("when active", told{Pending: "1", Is: "active"})
		b.confirm(t, "1").has(t, "confirmed 1")
		managed := []string{"/etc/dns.conf", "/etc/bgp.conf", "/etc/secret.conf", "/etc/same.conf", "/etc/mode.conf", "/etc/link.conf", "/etc/deep/er/new.conf"}
		see("when confirmed", told{Current: "1", Managed: managed})
		b.apply(t, shell.Generation{Puts: change(t).Puts[:1]}).has(t, "active 2")
		b.revert(t, "2", "a reason").has(t, "reverted 2")
		p := b.probe(t, none)
		if !strings.HasPrefix(p.Reverted, "2 2") || !strings.HasSuffix(p.Reverted, "Z a reason") {
			t.Errorf("reverted is %q", p.Reverted)
		}
		b.apply(t, shell.Generation{Puts: change(t).Puts[:1]}).has(t, "active 3")
		see("after the next apply", told{Current: "1", Pending: "3", Is: "active", Managed: managed})
		b.remove(t, b.root("/etc/bgp.conf"))
		see("without a file", told{Current: "1", Pending: "3", Is: "active", Managed: slices.Delete(managed, 1, 2)})
	})
}
