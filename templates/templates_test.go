package templates_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/templates"
)

// pack is a folder with one pack "p", made of the text inside of its block.
func pack(body string) fstest.MapFS {
	return fstest.MapFS{
		"p/component.hcl": {Data: []byte("component \"p\" {\n" + body + "\n}\n")},
		"p/a.tmpl":        {Data: []byte("text of a")},
	}
}

// file is a pack with one file, made of the text inside of its block.
func file(body string) fstest.MapFS {
	return pack("kind = \"dns\"\nfile \"/etc/a\" {\n" + body + "\n}")
}

func TestLoad(t *testing.T) {
	fsys := pack(`
  kind     = "dns"
  packages = ["one", "two"]
  unit     = "a.service"
  file "/etc/a" {
    template = "a.tmpl"
    mode     = "0640"
    owner    = "u"
    group    = "g"
    secret   = true
    when     = "as112"
    check    = ["check", "{}"]
    unit     = "a.service"
    how      = "reload"
    risk     = "service-gap"
    note     = "a gap"
  }
  file "/etc/b" {
    template = "a.tmpl"
    command  = ["run", "it"]
  }
  service "a.service" {}
  service "b.service" {}`)
	have, err := templates.Load(fsys, "p")
	if err != nil {
		t.Fatal(err)
	}
	want := templates.Component{
		Name: "p", Kind: "dns", Packages: []string{"one", "two"}, Unit: "a.service", Services: []string{"a.service", "b.service"},
		Files: []templates.File{{
			Path: "/etc/a", Template: "text of a", Mode: 0o640, Owner: "u", Group: "g", Secret: true, When: "as112",
			Effect: state.Effect{Component: "p", Order: 4, Unit: "a.service", How: state.Reload, Check: []string{"check", "{}"}, Risk: state.ServiceGap, Note: "a gap"},
		}, {
			Path: "/etc/b", Template: "text of a", Mode: 0o644, Owner: "root", Group: "root",
			Effect: state.Effect{Component: "p", Order: 4, How: state.Command, Command: []string{"run", "it"}},
		}},
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLoadRefuses(t *testing.T) {
	const template = "template = \"a.tmpl\"\n"
	tests := []struct {
		name string
		fsys fs.FS
		want string
	}{
		{"no pack", fstest.MapFS{}, `no component pack "p": there is no p/component.hcl`},
		{"not readable", fstest.MapFS{"p/component.hcl": {Mode: fs.ModeDir}}, "read component pack: read p/component.hcl: invalid argument"},
		{"not HCL", fstest.MapFS{"p/component.hcl": {Data: []byte("component {{")}}, "component pack: p/component.hcl:1,12-13: "},
		{"no component", fstest.MapFS{"p/component.hcl": {Data: []byte("")}}, "component pack: p/component.hcl:1,1-1: Missing component block; "},
		{"a word that is none", pack("kind = \"dns\"\nkimd = 1"), "component pack: p/component.hcl:3,1-5: Unsupported argument; An argument named \"kimd\" is not expected here."},
		{"no kind", pack(""), "component pack: p/component.hcl:1,15-15: Missing required argument; The argument \"kind\" is required, but no definition was found."},
		{"a variable", pack("kind = local.kind"), "component pack: p/component.hcl:2,8-13: Variables not allowed; Variables may not be used here."},
		{"another name", fstest.MapFS{"p/component.hcl": {Data: []byte("component \"q\" {\n  kind = \"dns\"\n}\n")}}, `component pack p: calls itself "q"`},
		{"another kind", pack(`kind = "mail"`), `component pack p: kind "mail" is none of system, network, firewall, time, dns, bgp`},
		{"no template", file(`template = "b.tmpl"`), "component pack p: file /etc/a: read template: open p/b.tmpl: file does not exist"},
		{"template out of the folder", file(`template = "../../etc/passwd"`), "component pack p: file /etc/a: read template: open ../etc/passwd: file does not exist"},
		{"mode in words", file(template + `mode = "rw-r--r--"`), `component pack p: file /etc/a: mode "rw-r--r--" is not an octal mode such as "0644"`},
		{"mode not octal", file(template + `mode = "0698"`), `component pack p: file /etc/a: mode "0698" is not an octal mode such as "0644"`},
		{"set-user-ID", file(template + `mode = "4755"`), `component pack p: file /etc/a: mode "4755" is not an octal mode such as "0644"`},
		{"secret, open to all", file(template + "secret = true\nmode = \"0644\""), "component pack p: file /etc/a: mode 0644 is too open for a secret: 0640 at most"},
		{"secret, executable for all", file(template + "secret = true\nmode = \"0641\""), "component pack p: file /etc/a: mode 0641 is too open for a secret: 0640 at most"},
		{"secret, group may write", file(template + "secret = true\nmode = \"0660\""), "component pack p: file /etc/a: mode 0660 is too open for a secret: 0640 at most"},
		{"secret, without a mode", file(template + "secret = true"), `component pack p: file /etc/a: mode 0644 is too open for a secret: 0640 at most`},
		{"reload of nothing", file(template + `how = "reload"`), `component pack p: file /etc/a: how = "reload" needs a unit`},
		{"restart of nothing", file(template + `how = "restart"`), `component pack p: file /etc/a: how = "restart" needs a unit`},
		{"a unit and nothing to do", file(template + `unit = "a.service"`), `component pack p: file /etc/a: unit = "a.service" needs how = "reload" or "restart"`},
		{"a command and a unit", file(template + "command = [\"x\"]\nunit = \"a.service\""), "component pack p: file /etc/a: a command stands alone, without unit or how"},
		{"a command and how", file(template + "command = [\"x\"]\nhow = \"reload\""), "component pack p: file /etc/a: a command stands alone, without unit or how"},
		{"a command that is none", file(template + `how = "command"`), `component pack p: file /etc/a: how = "command" is neither "reload" nor "restart"`},
		{"how in other words", file(template + "unit = \"a.service\"\nhow = \"hup\""), `component pack p: file /etc/a: how = "hup" is neither "reload" nor "restart"`},
		{"risk in other words", file(template + `risk = "high"`), `component pack p: file /etc/a: risk = "high" is none of "session-reset", "service-gap", "may-cut-access"`},
		{"no absolute path", pack("kind = \"dns\"\nfile \"etc/a\" {\n" + template + "}"), `component pack p: file etc/a: the path is not absolute and clean`},
		{"a path with steps", pack("kind = \"dns\"\nfile \"/etc/../a\" {\n" + template + "}"), `component pack p: file /etc/../a: the path is not absolute and clean`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have, err := templates.Load(tt.fsys, "p")
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got error %v\nwant %s", err, tt.want)
			}
			if diff := cmp.Diff(templates.Component{}, have); diff != "" {
				t.Errorf("a refused pack gives (-want +got):\n%s", diff)
			}
		})
	}
}

// packs are the folders that have a component.hcl.
func packs(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(templates.FS(), "*/component.hcl")
	if err != nil || len(names) < len(templates.Kinds()) {
		t.Fatalf("%v, %v", names, err)
	}
	for i, n := range names {
		names[i] = strings.TrimSuffix(n, "/component.hcl")
	}
	return names
}

func TestEveryPackLoads(t *testing.T) {
	kinds := map[string]bool{}
	for _, name := range packs(t) {
		t.Run(name, func(t *testing.T) {
			c, err := templates.Load(templates.FS(), name)
			if err != nil {
				t.Fatal(err)
			}
			kinds[c.Kind] = true
			if c.Kind != templates.Kinds()[c.Order()] {
				t.Errorf("kind %s has place %d", c.Kind, c.Order())
			}
			if c.Kind == "dns" && c.Unit == "" {
				t.Error("a name server without its unit: what announces could not follow it")
			}
			for _, f := range c.Files {
				switch {
				case f.Effect.Risk != state.NoRisk && f.Effect.Note == "":
					t.Errorf("%s has a risk that nobody explains", f.Path)
				case f.Effect.Check != nil && !slices.ContainsFunc(f.Effect.Check, func(w string) bool { return strings.Contains(w, "{}") }):
					t.Errorf("the check of %s does not look at it: %q", f.Path, f.Effect.Check)
				}
			}
		})
	}
	for _, k := range templates.Kinds() {
		if !kinds[k] {
			t.Errorf("no pack for %s", k)
		}
	}
}

// No template lies about that no pack uses.
func TestEveryTemplateIsUsed(t *testing.T) {
	for _, name := range packs(t) {
		text, err := fs.ReadFile(templates.FS(), name+"/component.hcl")
		if err != nil {
			t.Fatal(err)
		}
		files, err := fs.Glob(templates.FS(), name+"/*.tmpl")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if !strings.Contains(string(text), `"`+strings.TrimPrefix(f, name+"/")+`"`) {
				t.Errorf("%s is used by nothing", f)
			}
		}
	}
}

func TestOver(t *testing.T) {
	lower := fstest.MapFS{"a/x": {Data: []byte("lower")}, "a/y": {Data: []byte("lower")}, "b/x": {Data: []byte("lower")}, "c/x": {Data: []byte("lower")}}
	upper := fstest.MapFS{"a/x": {Data: []byte("upper")}, "d/x": {Data: []byte("upper")}, "c": {Data: []byte("a file")}}
	tests := []struct{ name, path, want, err string }{
		{"replaced", "a/x", "upper", ""},
		{"hidden: a pack is taken whole", "a/y", "", "open a/y: file does not exist"},
		{"not replaced", "b/x", "lower", ""},
		{"a file replaces no pack", "c/x", "lower", ""},
		{"added", "d/x", "upper", ""},
		{"in none", "e/x", "", "open e/x: file does not exist"},
		{"no path", "../a/x", "", "open ../a/x: file does not exist"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have, err := fs.ReadFile(templates.Over(lower, upper), tt.path)
			if string(have) != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("got %q, %v; want %q, %s", have, err, tt.want, tt.err)
			}
		})
	}
}

// locked is a folder whose packs are there and cannot be looked at.
type locked struct{}

func (locked) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}

// A pack that cannot be read is not absent: the built-in one would be used in
// its place without a word.
func TestOverDoesNotPassWhatItCannotRead(t *testing.T) {
	_, err := templates.Load(templates.Over(templates.FS(), locked{}), "nsd")
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}
