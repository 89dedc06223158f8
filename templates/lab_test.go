package templates_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/templates"
)

// labPack is a folder with one pack "p" of a role, made of the text inside of
// its block.
func labPack(role, body string) fstest.MapFS {
	return packOf("lab/"+role, "kind = \""+role+"\"\n"+body)
}

const router = `
default = true
observe "routes" {
  command = ["show"]
  begin   = ["^(?P<prefix>.*)"]
}
observe "refused" {
  command = ["show", "refused"]
  begin   = ["^(?P<prefix>.*)"]
}
`

func TestLab(t *testing.T) {
	c, err := templates.DefaultLab(labPack("router", router), templates.Router)
	if err != nil || c.Name != "p" || len(c.Observations) != 2 {
		t.Errorf("pack = %+v, %v", c, err)
	}
	c, err = templates.DefaultLab(templates.FS(), templates.Primary)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("{zone}", c.Commands["reload"][len(c.Commands["reload"])-1]); diff != "" {
		t.Errorf("last word of reload (-want +got):\n%s", diff)
	}
}

func TestLabRefuses(t *testing.T) {
	two := labPack("router", router)
	two["lab/router/q/component.hcl"] = &fstest.MapFile{Data: []byte(strings.Replace(string(two["lab/router/p/component.hcl"].Data), `"p"`, `"q"`, 1))}
	const command = "command \"reload\" {\n argv = [\"a\"]\n}\n"
	tests := []struct {
		name string
		fsys fs.FS
		role templates.Role
		want string
	}{
		{"none", fstest.MapFS{}, templates.Router, "lab/router: one of its 0 packs has to say default = true, and 0 do"},
		{"two", two, templates.Router, "lab/router: one of its 2 packs has to say default = true, and 2 do"},
		{"no routes", labPack("router", "default = true"), templates.Router, `the pack of the router needs observe "refused", observe "routes"`},
		{"a command too many", labPack("router", router+command), templates.Router, `command "reload" is none that the router is asked for`},
		{"commands", labPack("primary", command), templates.Primary, `the pack of the primary needs command "ksk", command "prepare", {zone} in command "reload", command "serve", command "sign", command "zsk"`},
		{"empty command", labPack("router", router+"command \"a\" {\n argv = []\n}"), templates.Router, `command "a": argv is empty`},
		{"twice", labPack("primary", command+command), templates.Primary, `command "reload" is there twice`},
		{"checked", labPack("router", router+"file \"/a\" {\n template = \"a.tmpl\"\n check = [\"{}\"]\n bad = \"a.bad\"\n}"), templates.Router, "nothing else is looked at"},
		{"service", labPack("router", router+"service \"a.service\" {}"), templates.Router, "nothing else is looked at"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := templates.DefaultLab(tt.fsys, tt.role)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("pack = %+v, error = %v, want %q", c, err, tt.want)
			}
		})
	}
	if _, err := templates.LoadLab(fstest.MapFS{}, "moon", "p"); err == nil || !strings.Contains(err.Error(), "there are roles router and primary") {
		t.Errorf("error = %v", err)
	}
	if _, err := templates.Load(pack("kind = \"system\"\n"+command), "system", "p"); err == nil || !strings.Contains(err.Error(), "command blocks are for packs of the lab alone") {
		t.Errorf("error = %v", err)
	}
}

func TestMake(t *testing.T) {
	type values struct {
		Names []string
		Item  any
	}
	with := func(item any) any { return values{[]string{"a", "b", ""}, item} }
	f := templates.File{Path: "/etc/{{ .Item }}", Template: "of {{ .Item }} in {{ join \" \" .Names }}", Each: ".Names", When: ".Item"}
	f.Effect.Check = []string{"check", "{}", "{{ .Item }}"}
	got, err := f.Make(with, with)
	if err != nil {
		t.Fatal(err)
	}
	want := []templates.Made{
		{Path: "/etc/a", Text: "of a in a b ", Check: []string{"check", "{}", "a"}},
		{Path: "/etc/b", Text: "of b in a b ", Check: []string{"check", "{}", "b"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f.Path, f.When = "/etc/../{{ .Item }}", ""
	if _, err := f.Make(with, with); err == nil || !strings.Contains(err.Error(), `the path becomes none for a file: path "/etc/../a" is not absolute and clean`) {
		t.Errorf("error = %v", err)
	}
}
