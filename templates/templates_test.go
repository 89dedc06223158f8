package templates_test

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/observation"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/templates"
)

// pack is a folder with one pack "p" of kind system, made of the text inside
// of its block.
func pack(body string) fstest.MapFS { return packOf("system", body) }

func packOf(kind, body string) fstest.MapFS {
	return fstest.MapFS{
		kind + "/p/component.hcl": {Data: []byte("component \"p\" {\n" + body + "\n}\n")},
		kind + "/p/a.tmpl":        {Data: []byte("text of a")},
		kind + "/p/a.bad":         {Data: []byte("bad a")},
	}
}

// file is a pack with one file, made of the text inside of its block.
func file(body string) fstest.MapFS {
	return pack("kind = \"system\"\nfile \"/etc/a\" {\n" + body + "\n}")
}

func TestLoad(t *testing.T) {
	fsys := packOf("bgp", `
  kind     = "bgp"
  default  = true
  packages = ["one", "two"]
  release "trixie" {
    packages = ["three"]
  }
  unit = "a.service"
  file "/etc/a-{{ .Item }}" {
    template = "a.tmpl"
    mode     = "0640"
    owner    = "u"
    group    = "g"
    secret   = true
    when     = ".DNS.Verified"
    each     = ".NTP"
    check    = ["check", "{}"]
    bad      = "a.bad"
    unit     = "a.service"
    how      = "reload"
    effect   = "service-gap.announce-anew"
  }
  file "/etc/b" {
    template = "a.tmpl"
    command  = ["run", "it"]
  }
  option "count" {
    default = 7
    doc     = "how many"
  }
  option "words" {
    default = ["a", "b"]
    doc     = "which"
  }
  service "a.service" {}
  service "b.service" {}
  guard {
    address = "127.0.0.1"
    groups  = ["g"]
  }
  observe "sessions" {
    command = ["show", "sessions"]
    alive   = "^hello"
    begin   = ["^(?P<name>.*)$"]
  }
  observe "exports" {
    command = ["show", "exports", "{session}"]
    json {
      records = "routes.*"
      fields  = { prefix = "@key" }
    }
  }
  rehearsal_file "/lib/a" {
    template = "a.tmpl"
  }`)
	have, err := templates.Load(fsys, "bgp", "p")
	if err != nil {
		t.Fatal(err)
	}
	want := templates.Component{
		Name: "p", Kind: "bgp", Default: true, Packages: map[string][]string{"": {"one", "two"}, "trixie": {"three"}},
		Unit: "a.service", Services: []string{"a.service", "b.service"},
		Files: []templates.File{{
			Path: "/etc/a-{{ .Item }}", Template: "text of a", Source: "bgp/p/a.tmpl", Mode: 0o640, Owner: "u", Group: "g", Secret: true, When: ".DNS.Verified", Each: ".NTP", Bad: "bad a",
			Effect: state.Effect{Component: "p", Order: 5, Unit: "a.service", How: state.Reload, Check: []string{"check", "{}"}, Name: state.AnnouncesAnew},
		}, {
			Path: "/etc/b", Template: "text of a", Source: "bgp/p/a.tmpl", Mode: 0o644, Owner: "root", Group: "root",
			Effect: state.Effect{Component: "p", Order: 5, How: state.Command, Command: []string{"run", "it"}},
		}},
		Options: []templates.Option{{Name: "count", Default: int64(7), Doc: "how many"}, {Name: "words", Default: []string{"a", "b"}, Doc: "which"}},
		Guarded: &templates.Guarded{Address: "127.0.0.1", Groups: []string{"g"}},
		Observations: map[string]observation.Observation{
			"sessions": {Command: []string{"show", "sessions"}, Alive: regexp.MustCompile("^hello"), Lines: observation.Lines{Begin: []*regexp.Regexp{regexp.MustCompile("^(?P<name>.*)$")}}},
			"exports":  {Command: []string{"show", "exports", "{session}"}, JSON: &observation.JSON{Records: "routes.*", Fields: map[string]string{"prefix": "@key"}}},
		},
		Rehearsal: []templates.File{{Path: "/lib/a", Template: "text of a", Source: "bgp/p/a.tmpl", Mode: 0o644, Owner: "root", Group: "root", Effect: state.Effect{}}},
	}
	same := cmp.Comparer(func(a, b *regexp.Regexp) bool {
		return (a == nil) == (b == nil) && (a == nil || a.String() == b.String())
	})
	if diff := cmp.Diff(want, have, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"one", "two", "three"}, have.PackagesOn("trixie")); diff != "" {
		t.Errorf("packages on trixie (-want +got):\n%s", diff)
	}
}

func TestLoadRefuses(t *testing.T) {
	const template = "template = \"a.tmpl\"\n"
	tests := []struct {
		name string
		fsys fs.FS
		want string
	}{
		{"no pack", fstest.MapFS{}, `no component pack "p" of kind system: there is no system/p/component.hcl`},
		{"not readable", fstest.MapFS{"system/p/component.hcl": {Mode: fs.ModeDir}}, "component pack: read system/p/component.hcl: not a regular file"},
		{"too deep for the parser", fstest.MapFS{"system/p/component.hcl": {Data: []byte("component \"p\" {\n  kind = " + strings.Repeat("[", 200_000))}}, "component pack: system/p/component.hcl:2: more than 48 levels of brackets"},
		{"loops in one another", pack("kind = \"system\"\npackages = " + strings.Repeat("[for a in [1, 2, 3, 4, 5, 6, 7, 8, 9] : ", 20) + "a" + strings.Repeat("]", 20)), "component pack: system/p/component.hcl:3,12-"},
		{"a loop of text", pack("kind = \"%{ for a in [1] }x%{ endfor }\""), "component pack: system/p/component.hcl:2,9-"},
		{"many times one template", pack("kind = \"system\"\n" + strings.Repeat("file \"/etc/a\" {\n template = \"a.tmpl\"\n when = \"true\"\n}\n", 300)), "component pack system/p: it has 300 files: 200 at most"},
		{"too large", fstest.MapFS{"system/p/component.hcl": {Data: make([]byte, 1<<20+1)}}, "component pack: read system/p/component.hcl: larger than 1048576 bytes"},
		{"a template that is a folder", fstest.MapFS{"system/p/component.hcl": file(`template = "t"`)["system/p/component.hcl"], "system/p/t/x": {}}, "component pack system/p: line 3: file /etc/a: read template: read system/p/t: not a regular file"},
		{"a template that is too large", fstest.MapFS{"system/p/component.hcl": file(`template = "t"`)["system/p/component.hcl"], "system/p/t": {Data: make([]byte, 1<<20+1)}}, "component pack system/p: line 3: file /etc/a: read template: read system/p/t: larger than 1048576 bytes"},
		{"a template that is a device", fstest.MapFS{"system/p/component.hcl": file(`template = "t"`)["system/p/component.hcl"], "system/p/t": {Mode: fs.ModeDevice}}, "component pack system/p: line 3: file /etc/a: read template: read system/p/t: not a regular file"},
		{"not HCL", fstest.MapFS{"system/p/component.hcl": {Data: []byte("component {{")}}, "component pack: system/p/component.hcl:1,12-13: "},
		{"no component", fstest.MapFS{"system/p/component.hcl": {Data: []byte("")}}, "component pack: system/p/component.hcl:1,1-1: Missing component block; "},
		{"a word that is none", pack("kind = \"system\"\nkimd = 1"), "component pack: system/p/component.hcl:3,1-5: Unsupported argument; An argument named \"kimd\" is not expected here."},
		{"no kind", pack(""), "component pack: system/p/component.hcl:1,15-15: Missing required argument; The argument \"kind\" is required, but no definition was found."},
		{"a variable", pack("kind = local.kind"), "component pack: system/p/component.hcl:2,8-13: Variables not allowed; Variables may not be used here."},
		{"another name", fstest.MapFS{"system/p/component.hcl": {Data: []byte("component \"q\" {\n  kind = \"system\"\n}\n")}}, `component pack system/p: calls itself "q"`},
		{"another kind", pack(`kind = "mail"`), `component pack system/p: kind = "mail", and it lies in the folder of system`},
		{"no template", file(`template = "b.tmpl"`), "component pack system/p: line 3: file /etc/a: read template: open system/p/b.tmpl: file does not exist"},
		{"template out of the folder", file(`template = "../../etc/passwd"`), `component pack system/p: line 3: file /etc/a: read template: "../../etc/passwd" is no file of the pack`},
		{"mode in words", file(template + `mode = "rw-r--r--"`), `component pack system/p: line 3: file /etc/a: mode "rw-r--r--" is not an octal mode such as "0644"`},
		{"mode not octal", file(template + `mode = "0698"`), `component pack system/p: line 3: file /etc/a: mode "0698" is not an octal mode such as "0644"`},
		{"set-user-ID", file(template + `mode = "4755"`), `component pack system/p: line 3: file /etc/a: mode "4755": only permission bits are allowed`},
		{"secret, open to all", file(template + "secret = true\nmode = \"0644\""), "component pack system/p: line 3: file /etc/a: mode 0644 is too open for a secret: 0640 at most"},
		{"secret, executable for all", file(template + "secret = true\nmode = \"0641\""), "component pack system/p: line 3: file /etc/a: mode 0641 is too open for a secret: 0640 at most"},
		{"secret, group may write", file(template + "secret = true\nmode = \"0660\""), "component pack system/p: line 3: file /etc/a: mode 0660 is too open for a secret: 0640 at most"},
		{"secret, without a mode", file(template + "secret = true"), `component pack system/p: line 3: file /etc/a: mode 0644 is too open for a secret: 0640 at most`},
		{"reload of nothing", file(template + `how = "reload"`), `component pack system/p: line 3: file /etc/a: how = "reload" needs a unit`},
		{"restart of nothing", file(template + `how = "restart"`), `component pack system/p: line 3: file /etc/a: how = "restart" needs a unit`},
		{"a unit and nothing to do", file(template + `unit = "a.service"`), `component pack system/p: line 3: file /etc/a: unit = "a.service" needs how = "reload" or "restart"`},
		{"a command and a unit", file(template + "command = [\"x\"]\nunit = \"a.service\""), "component pack system/p: line 3: file /etc/a: a command stands alone, without unit or how"},
		{"a command and how", file(template + "command = [\"x\"]\nhow = \"reload\""), "component pack system/p: line 3: file /etc/a: a command stands alone, without unit or how"},
		{"a command that is none", file(template + `how = "command"`), `component pack system/p: line 3: file /etc/a: how = "command" is neither "reload" nor "restart"`},
		{"how in other words", file(template + "unit = \"a.service\"\nhow = \"hup\""), `component pack system/p: line 3: file /etc/a: how = "hup" is neither "reload" nor "restart"`},
		{"an effect that there is not", file(template + `effect = "service-gap.high"`), `component pack system/p: line 3: file /etc/a: there is no effect = "service-gap.high": there are ["session-reset.password" "session-reset.parameters" `},
		{"a restart of nothing", file(template + `effect = "service-gap.restart"`), `component pack system/p: line 3: file /etc/a: effect = "service-gap.restart" needs a unit, and how = "restart"`},
		{"check without a bad example", file(template + `check = ["true", "{}"]`), `component pack system/p: line 3: file /etc/a: a check needs bad = "FILE": an example that it refuses`},
		{"bad example without a check", file(template + `bad = "a.bad"`), "component pack system/p: line 3: file /etc/a: bad = ... is there for a check, and there is none"},
		{"bad example that is not there", file(template + "check = [\"true\", \"{}\"]\nbad = \"b.bad\""), "component pack system/p: line 3: file /etc/a: read the bad example: open system/p/b.bad: file does not exist"},
		{"check of nothing", file(template + "check = [\"true\"]\nbad = \"a.bad\""), `component pack system/p: line 3: file /etc/a: check has no "{}", which stands for the file that is to be checked`},
		{"option of no type", pack("kind = \"system\"\noption \"x\" {\n  default = {}\n  doc = \"x\"\n}"), `component pack system/p: option "x": default: it is no string, whole number, boolean or list of strings`},
		{"option of a broken number", pack("kind = \"system\"\noption \"x\" {\n  default = 1.5\n  doc = \"x\"\n}"), `component pack system/p: option "x": default: it is no string`},
		{"option without a value", pack("kind = \"system\"\noption \"x\" {\n  default = null\n  doc = \"x\"\n}"), `component pack system/p: option "x": default: it has no value`},
		{"option that no template could name", pack("kind = \"system\"\noption \"x-y\" {\n  default = 1\n  doc = \"x\"\n}"), `component pack system/p: option "x-y": a name has small letters, digits and underscores`},
		{"observation of nothing known", pack("kind = \"system\"\nobserve \"moon\" {\n  command = [\"x\"]\n}"), `component pack system/p: observe "moon" is none of clock, exports, imports, refused, routes, sessions, zones`},
		{"observation without a record", pack("kind = \"system\"\nobserve \"clock\" {\n  command = [\"x\"]\n}"), `component pack system/p: observe "clock": it needs begin`},
		{"observation of a field that is none", pack("kind = \"system\"\nobserve \"clock\" {\n  command = [\"x\"]\n  begin = [\"(?P<stratun>.)\"]\n}"), `component pack system/p: observe "clock": field "stratun" is none of offset, stratum, synced`},
		{"observation with a pattern that is none", pack("kind = \"system\"\nobserve \"clock\" {\n  command = [\"x\"]\n  begin = [\"(\"]\n}"), `component pack system/p: observe "clock": begin: error parsing regexp`},
		{"no absolute path", pack("kind = \"system\"\nfile \"etc/a\" {\n" + template + "}"), `component pack system/p: line 3: file etc/a: path "etc/a" is not absolute and clean`},
		{"a path with steps", pack("kind = \"system\"\nfile \"/etc/../a\" {\n" + template + "}"), `component pack system/p: line 3: file /etc/../a: path "/etc/../a" is not absolute and clean`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have, err := templates.Load(tt.fsys, "system", "p")
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got error %v\nwant %s", err, tt.want)
			}
			if diff := cmp.Diff(templates.Component{}, have); diff != "" {
				t.Errorf("a refused pack gives (-want +got):\n%s", diff)
			}
		})
	}
}

// A kind wants what others need of it.
func TestKindsAreComplete(t *testing.T) {
	tests := []struct{ kind, body, want string }{
		{"dns", "", `a pack of kind dns needs unit = "...", bad_zone = "refuses", "withdraws" or "serves", service "..." {}`},
		{"dns", "unit = \"a.service\"\nbad_zone = \"eats\"\nservice \"a.service\" {}", `bad_zone = "eats" is none of "refuses", "withdraws", "serves"`},
		{"bgp", "", `a pack of kind bgp needs unit = "...", guard { ... }, observe "sessions", observe "exports", service "..." {}`},
		{"time", "", `a pack of kind time needs observe "clock", file "/etc/systemd/system/raiz-clock.service" {}, service "..." {}`},
		{"guard", "", `a pack of kind guard needs unit = "...", service "..." {}`},
		{"firewall", "", `a pack of kind firewall needs service "..." {}`},
		{"bgp", "guard {\n address = \"own\"\n groups = []\n}", `guard: groups = [] names nobody`},
		{"bgp", "guard {\n address = \"192.0.2.1\"\n groups = [\"g\"]\n}", `guard: address = "192.0.2.1" is neither an IPv4 address of the loopback nor "own"`},
		{"dns", "guard {\n address = \"own\"\n groups = [\"g\"]\n}", `guard: address is for a pack of kind bgp`},
	}
	for _, tt := range tests {
		_, err := templates.Load(packOf(tt.kind, "kind = \""+tt.kind+"\"\n"+tt.body), tt.kind, "p")
		if want := "component pack " + tt.kind + "/p: " + tt.want; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}

func TestCatalog(t *testing.T) {
	all, err := templates.Catalog(templates.FS())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range templates.Kinds() {
		defaults := 0
		for _, c := range all[kind] {
			if c.Default {
				defaults++
			}
			if c.Kind != templates.Kinds()[c.Order()] {
				t.Errorf("kind %s has place %d", c.Kind, c.Order())
			}
		}
		if defaults != 1 {
			t.Errorf("%d packs of kind %s call themselves the default", defaults, kind)
		}
	}
	second := packOf("system", "kind = \"system\"\ndefault = true")
	for _, tt := range []struct {
		fsys fs.FS
		want string
	}{
		{fstest.MapFS{"p/component.hcl": {}}, "p/component.hcl: a pack lies at KIND/NAME/component.hcl, where KIND is one of system, network,"},
		{fstest.MapFS{"mail/p/component.hcl": {}}, `component pack mail/p: kind "mail" is none of system, network,`},
		{templates.Over(templates.FS(), second), "component packs system/debian and system/p both call themselves the default"},
	} {
		if _, err := templates.Catalog(tt.fsys); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("got %v\nwant %s", err, tt.want)
		}
	}
}

// A folder that stands in front of the built-in packs and is none is said when
// packs are read: what it hides would be missed by the first site that takes it.
func TestCatalogRefusesWhatHides(t *testing.T) {
	none := &fstest.MapFile{}
	tests := []struct {
		name string
		fsys fstest.MapFS
		want string
	}{
		{"no pack in place of one", fstest.MapFS{"firewall/nftables/README": none}, "firewall/nftables hides the built-in pack and has no component.hcl"},
		{"a file in place of one", fstest.MapFS{"firewall/nftables": none}, "firewall/nftables hides the built-in pack and has no component.hcl"},
		{"no pack", fstest.MapFS{"firewall/mine/README": none}, "firewall/mine has no component.hcl"},
		{"a kind that is a file", fstest.MapFS{"firewall": none}, "firewall has to be a folder of packs: "},
		{"a router", fstest.MapFS{"lab/router/README": none}, "lab/router: one of its 0 packs has to say default = true, and 0 do"},
		{"a profile", fstest.MapFS{"operators/as112.hcl/README": none}, "operators/as112.hcl is in the place of the built-in one: read operators/as112.hcl: not a regular file"},
		{"data of zones", fstest.MapFS{"zones/static/README": none}, "zones/static is in the place of the built-in one: open zones/static/as112-"},
		{"a kind that is misspelt", fstest.MapFS{"dnss/knot/component.hcl": none}, "dnss is no folder that packs are looked for in: lab, operators,"},
		{"words about the folder", fstest.MapFS{"README": none, ".git/x": none}, ""},
		{"words about the packs", fstest.MapFS{"firewall/README": none, "firewall/.git/x": none}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := templates.Catalog(templates.Over(templates.FS(), tt.fsys))
			if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// A link that leads nowhere is not absent: the built-in profile would be used
// in its place without a word.
func TestDanglingProfile(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "operators"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "operators/as112.hcl")); err != nil {
		t.Skip(err) // a system without links
	}
	if _, err := templates.Catalog(templates.Over(templates.FS(), os.DirFS(dir))); err == nil || !strings.Contains(err.Error(), "operators/as112.hcl") {
		t.Errorf("got %v", err)
	}
}

// No template lies about that no pack uses.
func TestEveryFileOfAPackIsUsed(t *testing.T) {
	for _, pattern := range []string{"*/*/component.hcl"} {
		names, err := fs.Glob(templates.FS(), pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%v, %v", names, err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(templates.FS(), name)
			if err != nil {
				t.Fatal(err)
			}
			folder := path.Dir(name)
			files, err := fs.Glob(templates.FS(), folder+"/*")
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if f != name && !strings.Contains(string(text), `"`+path.Base(f)+`"`) {
					t.Errorf("%s is used by nothing", f)
				}
			}
		}
	}
}

func TestOver(t *testing.T) {
	lower := fstest.MapFS{"k/a/x": {Data: []byte("lower")}, "k/a/y": {Data: []byte("lower")}, "k/b/x": {Data: []byte("lower")}, "operators/o.hcl": {Data: []byte("lower")}, "operators/p.hcl": {Data: []byte("lower")}}
	upper := fstest.MapFS{"k/a/x": {Data: []byte("upper")}, "k/d/x": {Data: []byte("upper")}, "operators/o.hcl": {Data: []byte("upper")}}
	tests := []struct{ name, path, want, err string }{
		{"replaced", "k/a/x", "upper", ""},
		{"hidden: a pack is taken whole", "k/a/y", "", "open k/a/y: file does not exist"},
		{"not replaced", "k/b/x", "lower", ""},
		{"added", "k/d/x", "upper", ""},
		{"in none", "k/e/x", "", "open k/e/x: file does not exist"},
		{"a profile is one file", "operators/o.hcl", "upper", ""},
		{"and hides no other", "operators/p.hcl", "lower", ""},
		{"no path", "../a/x", "", "open ../a/x: invalid argument"},
	}
	both := templates.Over(lower, upper)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have, err := fs.ReadFile(both, tt.path)
			if string(have) != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.HasPrefix(err.Error(), "open "+tt.path) {
				t.Errorf("got %q, %v; want %q, %s", have, err, tt.want, tt.err)
			}
		})
	}
	names, err := fs.Glob(both, "k/*/x")
	if diff := cmp.Diff([]string{"k/a/x", "k/b/x", "k/d/x"}, names); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
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
	_, err := templates.Load(templates.Over(templates.FS(), locked{}), "dns", "nsd")
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

// docs/packs.md has every word that component.hcl may hold.
func TestEveryWordIsDocumented(t *testing.T) {
	raw, err := os.ReadFile("raw.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/packs.md")
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile(`hcl:"([a-z_]+)`).FindAllStringSubmatch(string(raw), -1)
	if len(words) < 30 {
		t.Fatalf("%d words", len(words))
	}
	for _, w := range words {
		if w[1] == "path" { // a label
			continue
		}
		if !regexp.MustCompile("`[^`\n]*\\b" + w[1] + "\\b[^`\n]*`").Match(page) {
			t.Errorf("docs/packs.md does not say what %s is", w[1])
		}
	}
}
