package shell_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

func named(mode fs.FileMode, owner, group, text string, secrecy state.Secrecy) state.File {
	return state.NewFile(mode, owner, group, []byte(text), secrecy)
}

// unpack lists the entries of a bundle in their order.
func unpack(t *testing.T, b shell.Bundle) (names []string, content map[string]string) {
	t.Helper()
	content = map[string]string{}
	r := tar.NewReader(bytes.NewReader(b.Tar))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names, content
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Mode != 0o600 || h.Typeflag != tar.TypeReg || !h.ModTime.IsZero() && h.ModTime.Unix() != 0 {
			t.Errorf("%s: mode %o, type %c, time %v", h.Name, h.Mode, h.Typeflag, h.ModTime)
		}
		names = append(names, h.Name)
		content[h.Name] = string(data)
	}
}

func example() shell.Generation {
	return shell.Generation{
		Plan: "0123456789abcdef",
		Puts: []shell.Put{
			{Path: "/etc/a.conf", File: named(0o644, "root", "root", "a\n", state.Public), Check: []string{"check", "-c", "{}", "it's; $HOME"}, Effect: shell.Action{Verb: "reload", Unit: "a@1.service"}, Order: 20},
			{Path: "/etc/b.conf", File: named(0o40, "_b", "b-group", "b\n", state.Confidential), Effect: shell.Action{Run: []string{"b", "re load"}}, Order: 30},
			{Path: "/etc/c.conf", File: named(0o755, "root", "root", "", state.Public)},
		},
		Deletes: []string{"/etc/old.conf"},
		Actions: []shell.Action{{Verb: "enable", Unit: "a@1.service"}, {Run: []string{"say", "two words"}}},
	}
}

func TestPackWritesTheManifest(t *testing.T) {
	b, err := shell.Pack(example())
	if err != nil {
		t.Fatal(err)
	}
	names, content := unpack(t, b)
	if diff := cmp.Diff([]string{"raiz.sh", "manifest", "plan", "files/etc/a.conf", "files/etc/b.conf", "files/etc/c.conf"}, names); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	want := map[string]string{
		"raiz.sh": shell.Script(), "plan": "0123456789ab\n", "files/etc/a.conf": "a\n", "files/etc/b.conf": "b\n", "files/etc/c.conf": "",
		"manifest": `put 0644 root root 87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7 /etc/a.conf
check /etc/a.conf check -c '{}' 'it'\''s; $HOME'
effect 20 0 /etc/a.conf reload a@1.service
put 0040 _b b-group 0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f /etc/b.conf
secret /etc/b.conf
effect 30 1 /etc/b.conf run b 're load'
put 0755 root root e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 /etc/c.conf
del /etc/old.conf
unit enable a@1.service
run say 'two words'
`,
	}
	if diff := cmp.Diff(want, content); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
	again, err := shell.Pack(example())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Tar, again.Tar) || b.Sum != again.Sum {
		t.Error("the same generation gives other bytes")
	}
}

func TestPackRefuses(t *testing.T) {
	put := func(edit func(*shell.Put)) func(*shell.Generation) {
		return func(g *shell.Generation) { edit(&g.Puts[0]) }
	}
	for _, c := range []struct {
		name  string
		spoil func(*shell.Generation)
		says  string
	}{
		{name: "path with a space", spoil: put(func(p *shell.Put) { p.Path = "/etc/a b" }), says: `path "/etc/a b"`},
		{name: "path with a line", spoil: put(func(p *shell.Put) { p.Path = "/etc/a\nput" }), says: `path "/etc/a\nput"`},
		{name: "path with a pattern", spoil: put(func(p *shell.Put) { p.Path = "/etc/*" }), says: `path "/etc/*"`},
		{name: "path with a separator of sed", spoil: put(func(p *shell.Put) { p.Path = "/etc/a|b" }), says: `path "/etc/a|b"`},
		{name: "relative path", spoil: put(func(p *shell.Put) { p.Path = "etc/a" }), says: "not absolute and clean"},
		{name: "path up", spoil: put(func(p *shell.Put) { p.Path = "/etc/../a" }), says: "not absolute and clean"},
		{name: "path up at the end", spoil: put(func(p *shell.Put) { p.Path = "/etc/.." }), says: "not absolute and clean"},
		{name: "path that stays", spoil: put(func(p *shell.Put) { p.Path = "/etc/./a" }), says: "not absolute and clean"},
		{name: "path with two slashes", spoil: put(func(p *shell.Put) { p.Path = "/etc//a" }), says: "not absolute and clean"},
		{name: "path of a directory", spoil: put(func(p *shell.Put) { p.Path = "/etc/a/" }), says: "not absolute and clean"},
		{name: "the root", spoil: put(func(p *shell.Put) { p.Path = "/" }), says: "not absolute and clean"},
		{name: "no path", spoil: put(func(p *shell.Put) { p.Path = "" }), says: "not absolute and clean"},
		{name: "path of a second name", spoil: put(func(p *shell.Put) { p.Path = "/etc/a.raiz-old" }), says: "raiz keeps that name for itself"},
		{name: "path of the kernel", spoil: put(func(p *shell.Put) { p.Path = "/proc/sysrq-trigger" }), says: `path "/proc/sysrq-trigger": what is in /proc`},
		{name: "path of a boot", spoil: put(func(p *shell.Put) { p.Path = "/run/a" }), says: `path "/run/a": what is in /run`},
		{name: "path of raiz", spoil: put(func(p *shell.Put) { p.Path = "/var/lib/raiz/raiz.sh" }), says: "raiz keeps /var/lib/raiz for itself"},
		{name: "path above raiz", spoil: put(func(p *shell.Put) { p.Path = "/var/lib" }), says: "raiz keeps /var/lib/raiz for itself"},
		{name: "unit of raiz", spoil: put(func(p *shell.Put) { p.Path = "/etc/systemd/system/raiz-boot.service" }), says: "that unit is one of raiz itself"},
		{name: "drop-in of a unit of raiz", spoil: put(func(p *shell.Put) { p.Path = "/etc/systemd/system/raiz-revert.timer.d/a.conf" }), says: "that unit is one of raiz itself"},
		{name: "action on a unit of raiz", spoil: func(g *shell.Generation) { g.Actions = []shell.Action{{Verb: "restart", Unit: "raiz-revert.timer"}} }, says: `unit "raiz-revert.timer" is one of raiz itself`},
		{name: "unit with a slash", spoil: func(g *shell.Generation) { g.Actions = []shell.Action{{Verb: "restart", Unit: "/etc/a.service"}} }, says: `unit "/etc/a.service": a unit has`},
		{name: "unit of no kind", spoil: func(g *shell.Generation) { g.Actions = []shell.Action{{Verb: "restart", Unit: "a"}} }, says: `unit "a": a unit has`},
		{name: "the same path twice", spoil: func(g *shell.Generation) { g.Puts = append(g.Puts, g.Puts[0]) }, says: `path "/etc/a.conf" is in it twice`},
		{name: "written and deleted", spoil: func(g *shell.Generation) { g.Deletes = []string{"/etc/a.conf"} }, says: `path "/etc/a.conf" is in it twice`},
		{name: "deleted path", spoil: func(g *shell.Generation) { g.Deletes = []string{"/etc/a b"} }, says: `path "/etc/a b"`},
		{name: "no owner", spoil: put(func(p *shell.Put) { p.File.Owner = "" }), says: `/etc/a.conf: owner ""`},
		{name: "owner with a space", spoil: put(func(p *shell.Put) { p.File.Owner = "a b" }), says: `/etc/a.conf: owner "a b"`},
		{name: "owner with a line", spoil: put(func(p *shell.Put) { p.File.Owner = "root\nrun reboot" }), says: `/etc/a.conf: owner "root\nrun reboot"`},
		{name: "owner that is an option", spoil: put(func(p *shell.Put) { p.File.Owner = "--reference=x" }), says: `owner "--reference=x"`},
		{name: "owner with a group", spoil: put(func(p *shell.Put) { p.File.Owner = "a:b" }), says: `owner "a:b"`},
		{name: "group with a space", spoil: put(func(p *shell.Put) { p.File.Group = "a b" }), says: `/etc/a.conf: group "a b"`},
		{name: "group with a line", spoil: put(func(p *shell.Put) { p.File.Group = "a\n" }), says: `/etc/a.conf: group "a\n"`},
		{name: "mode with more than permissions", spoil: put(func(p *shell.Put) { p.File.Mode = 0o644 | fs.ModeSetuid }), says: "/etc/a.conf: mode"},
		{name: "content that is not its sum", spoil: put(func(p *shell.Put) { p.File.Data = []byte("other") }), says: "/etc/a.conf: its bytes are not those of its sum"},
		{name: "check with a line", spoil: put(func(p *shell.Put) { p.Check = []string{"sh", "-c", "a\nrun reboot"} }), says: "/etc/a.conf: check"},
		{name: "effect on an odd unit", spoil: put(func(p *shell.Put) { p.Effect = shell.Action{Verb: "reload", Unit: "a b"} }), says: `unit "a b"`},
		{name: "effect of an odd verb", spoil: put(func(p *shell.Put) { p.Effect = shell.Action{Verb: "kill", Unit: "a.service"} }), says: `unit "a.service": no such action "kill"`},
		{name: "effect command with a line", spoil: put(func(p *shell.Put) { p.Effect = shell.Action{Run: []string{"a\nb"}} }), says: "command"},
		{name: "unit with a space", spoil: func(g *shell.Generation) { g.Actions[0].Unit = "a b" }, says: `unit "a b"`},
		{name: "unit that is an option", spoil: func(g *shell.Generation) { g.Actions[0].Unit = "--now" }, says: `unit "--now"`},
		{name: "no unit", spoil: func(g *shell.Generation) { g.Actions[0].Unit = "" }, says: `unit ""`},
		{name: "odd verb", spoil: func(g *shell.Generation) { g.Actions[0].Verb = "mask" }, says: `no such action "mask"`},
		{name: "command with a line", spoil: func(g *shell.Generation) { g.Actions[1].Run = []string{"say", "a\nput"} }, says: "command"},
		{name: "plan with a line", spoil: func(g *shell.Generation) { g.Plan = "a\nb" }, says: `plan "a\nb"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := example()
			c.spoil(&g)
			_, err := shell.Pack(g)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want one that says %q", err, c.says)
			}
		})
	}
}
