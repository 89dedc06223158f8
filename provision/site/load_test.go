package site_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/site"
)

// operators returns the options with the profiles that raiz ships.
func operators() site.Options { return site.Options{Operators: os.DirFS("../../templates/operators")} }

// oneOperator is the profile that the reference takes alone: a test that loads
// a thousand sites need not read all of them each time.
func oneOperator(t *testing.T) site.Options {
	t.Helper()
	const name = "raices.hcl"
	data, err := os.ReadFile("../../templates/operators/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return site.Options{Operators: fstest.MapFS{name: {Data: data}}}
}

func TestExamplesAreValid(t *testing.T) {
	sites, diags := site.Load(os.DirFS("../.."), "sites", operators())
	if len(diags) > 0 {
		t.Errorf("diagnostics:\n%s", text(diags))
	}
	var have []string
	for _, s := range sites {
		have = append(have, s.Name)
	}
	if diff := cmp.Diff([]string{"as112-gru1", "f-root-example", "reference", "root-example", "root-tagged"}, have); diff != "" {
		t.Errorf("sites (-want +got):\n%s", diff)
	}
}

// The reference has to name every word of the language: each one that a
// struct of the raw file knows.
func TestReferenceIsComplete(t *testing.T) {
	reference, err := os.ReadFile("../../sites/reference.hcl")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("raw.go")
	if err != nil {
		t.Fatal(err)
	}
	siteWords, _, _ := bytes.Cut(raw, []byte("operator profile"))
	for line := range strings.Lines(string(siteWords)) {
		_, tag, ok := strings.Cut(line, `hcl:"`)
		if !ok {
			continue
		}
		word, kind, _ := strings.Cut(tag, ",")
		if kind = kind[:strings.IndexByte(kind, '"')]; kind != "optional" && kind != "block" {
			continue
		}
		if !strings.Contains(string(reference), word+" ") {
			t.Errorf("sites/reference.hcl does not say what %q is", word)
		}
	}
}

func TestFunctionsAreDocumented(t *testing.T) {
	reference, err := os.ReadFile("../../sites/reference.hcl")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(reference), "# Functions: ")
	list, _, _ = strings.Cut(list, ".\n")
	for _, name := range strings.Fields(strings.ReplaceAll(list, "#", " ")) {
		// Called without arguments, each known function complains about those.
		folder := fstest.MapFS{"in.hcl": {Data: []byte("locals {\n  x = " + name + "(\"x\", \"x\", \"x\", \"x\", \"x\")\n}\n")}}
		_, diags := site.Load(folder, "in.hcl", operators())
		if all := text(diags); strings.Contains(all, "unknown function") {
			t.Errorf("sites/reference.hcl names a function that does not exist:\n%s", all)
		}
	}
}

func TestLoadRefusesFiles(t *testing.T) {
	large := bytes.Repeat([]byte("# nothing\n"), 200_000)
	many := fstest.MapFS{}
	for i := range 20_001 {
		many[fmt.Sprintf("s%05d.hcl", i)] = &fstest.MapFile{}
	}
	heavy := fstest.MapFS{}
	for i := range 65 {
		heavy[fmt.Sprintf("s%02d.hcl", i)] = &fstest.MapFile{Data: large[:1<<20]}
	}
	tests := []struct {
		name  string
		fsys  fs.FS
		entry string
		want  string
	}{
		{"no folder", nil, "in.hcl", "in.hcl:0:0: error: no such site file [file]\n\tThe name has to be a path below the folder that is read, without \"..\".\n"},
		{"outside", fstest.MapFS{}, "../in.hcl", "../in.hcl:0:0: error: no such site file [file]\n\tThe name has to be a path below the folder that is read, without \"..\".\n"},
		{"missing", fstest.MapFS{}, "in.hcl", "in.hcl:0:0: error: no such site file [file]\n\tThere is no file or folder of this name.\n"},
		{"too large", fstest.MapFS{"in.hcl": {Data: large}}, "in.hcl", "in.hcl:0:0: error: site file too large [file]\n\tThe file is larger than 1 MiB; a site file has a few KiB.\n"},
		{"too many", many, ".", ".:0:0: error: too many site files [file]\n\tThe folder holds 20001 files; at most 20000 are read at once.\n"},
		{"too large together", heavy, ".", ".:0:0: error: site files too large [file]\n\tTogether the files are larger than 64 MiB.\n"},
		{"not text", fstest.MapFS{"in.hcl": {Data: []byte("# a\n# b\xff\n")}}, "in.hcl", "in.hcl:2:4: error: not a text file [file]\n\tHere is something that is not UTF-8 text. Save the file as UTF-8.\n"},
		{"UTF-16", fstest.MapFS{"in.hcl": {Data: []byte("s\x00i\x00")}}, "in.hcl", "in.hcl:1:2: error: not a text file [file]\n\tHere is something that is not UTF-8 text. Save the file as UTF-8.\n"},
		{"no regular file", fstest.MapFS{"in.hcl": {Mode: fs.ModeNamedPipe}}, "in.hcl", "in.hcl:0:0: error: not a regular file [file]\n\tA site file has to be a regular file.\n"},
		{"not readable", broken{}, "in.hcl", "in.hcl:0:0: error: site file not readable [file]\n\tReading it gave: input/output error.\n"},
		{"folder not readable", broken{dir: true}, ".", ".:0:0: error: site file not readable [file]\n\tReading it gave: input/output error.\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sites, diags := site.Load(tt.fsys, tt.entry, operators())
			if diff := cmp.Diff(tt.want, text(diags)); diff != "" || len(sites) > 0 {
				t.Errorf("%d sites (-want +got):\n%s", len(sites), diff)
			}
		})
	}
}

// broken is a file system that can say what there is, but not read it.
type broken struct{ dir bool }

func (b broken) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: errors.New("input/output error")}
}

func (b broken) Stat(string) (fs.FileInfo, error) {
	name, fsys := "x", fstest.MapFS{"x": {}}
	if b.dir {
		name = "."
	}
	return fs.Stat(fsys, name)
}

func TestNesting(t *testing.T) {
	deep := func(open, inner, closing string, n int) string {
		return "locals {\n  x = " + strings.Repeat(open, n) + inner + strings.Repeat(closing, n) + "\n}\n"
	}
	tests := []struct {
		name string
		text string
	}{
		{"lists", deep("[", "1", "]", 100_000)},
		{"parentheses", deep("(", "1", ")", 100_000)},
		{"objects", deep("{a=", "1", "}", 100_000)},
		{"blocks", strings.Repeat("site \"a\" {\n", 50_000)},
		{"templates", deep(`"${`, "1", `}"`, 50_000)},
		{"conditions in templates", "locals {\n  x = \"" + strings.Repeat("%{if true}", 50_000) + "\"\n}\n"},
		{"minus", deep("-", "1", "", 100_000)},
		{"not", deep("!", "true", "", 100_000)},
		{"sum", deep("1+", "1", "", 100_000)},
		{"sum over lines", deep("(1+\n", "1", ")", 1) + deep("", "("+strings.Repeat("1+\n", 100_000)+"1)", "", 1)},
		{"sum after newlines", deep("", "("+strings.Repeat("1\n+", 100_000)+"1)", "", 1)},
		{"conditions", deep("true ? 1 : ", "1", "", 50_000)},
		{"indexes", deep("", "a"+strings.Repeat("[0]", 100_000), "", 1)},
		{"splats", deep("", "a"+strings.Repeat(".*.b", 100_000), "", 1)},
		{"calls", deep("lower(", `"x"`, ")", 100_000)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, diags := site.Load(fstest.MapFS{"in.hcl": {Data: []byte(tt.text)}}, "in.hcl", operators())
			if len(diags) != 1 || diags[0].Summary != "nested too deeply" {
				t.Errorf("got: %s", text(diags))
			}
		})
	}
}

func TestManyItemsAreNotDeep(t *testing.T) {
	var b strings.Builder
	b.WriteString("locals {\n  a = 1\n  list = [")
	for range 5000 {
		b.WriteString("-1 + 2,\n")
	}
	b.WriteString("]\n")
	for i := range 500 {
		fmt.Fprintf(&b, "  x%d = local.a > 0 ? \"a-${local.a}\" : -1\n", i)
	}
	b.WriteString("}\n")
	_, diags := site.Load(fstest.MapFS{"in.hcl": {Data: []byte(b.String())}}, "in.hcl", operators())
	if want := "in.hcl:0:0: error: no site [file]\n\tThere is no site block. A site begins with: site \"gru1\" {\n"; text(diags) != want {
		t.Errorf("got: %s", text(diags))
	}
}

func TestTooManyLocals(t *testing.T) {
	var b strings.Builder
	b.WriteString("locals {\n")
	for i := range 10_001 {
		fmt.Fprintf(&b, "  x%05d = 1\n", i)
	}
	b.WriteString("}\n")
	_, diags := site.Load(fstest.MapFS{"in.hcl": {Data: []byte(b.String())}}, "in.hcl", operators())
	want := "in.hcl:10002:3: error: too many local values [locals]\n\tThere are 10001 local values; at most 10000 are read.\n\t| x10000 = 1\n"
	if diff := cmp.Diff(want, text(diags)); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
}

func TestFolder(t *testing.T) {
	folder := manySites(t, 3)
	folder[".#s0000.hcl"] = &fstest.MapFile{Data: []byte("not HCL")}
	folder["README.md"] = &fstest.MapFile{Data: []byte("not HCL")}
	folder["old/s9.hcl"] = &fstest.MapFile{Data: []byte("not HCL")}
	sites, diags := site.Load(folder, ".", operators())
	var have []string
	for _, s := range sites {
		have = append(have, s.Name+" "+s.Pos.File)
	}
	want := []string{"as112-s0 s0000.hcl", "as112-s1 s0001.hcl", "as112-s2 s0002.hcl"}
	if diff := cmp.Diff(want, have); diff != "" || len(diags) > 0 {
		t.Errorf("%s sites (-want +got):\n%s", text(diags), diff)
	}
}

func TestTwoSitesWithOneName(t *testing.T) {
	folder := manySites(t, 2)
	folder["again.hcl"] = folder["s0001.hcl"]
	sites, diags := site.Load(folder, ".", operators())
	want := "s0001.hcl:1:1: error: site declared twice [site-unique]\n" +
		"\tSite \"as112-s1\" is already declared at again.hcl:1. Give one of them another name.\n\t| site \"as112-s1\" {\n"
	if diff := cmp.Diff(want, text(diags)); diff != "" || len(sites) != 2 {
		t.Errorf("%d sites, diagnostics (-want +got):\n%s", len(sites), diff)
	}
}

// The same input gives the same bytes, whatever goroutine comes first.
func TestLoadIsDeterministic(t *testing.T) {
	folder := manySites(t, 20)
	folder["bad.hcl"] = &fstest.MapFile{Data: []byte("site \"bad\" {\n  a = 1\n  b = 2\n  c = evn(\"X\")\n  host \"x\" {\n    d = 1\n    e = 2\n  }\n}\n")}
	first := ""
	for i := range 20 {
		sites, diags := site.Load(folder, ".", operators())
		out, err := json.Marshal(sites)
		if err != nil {
			t.Fatal(err)
		}
		if have := text(diags) + string(out); i == 0 {
			first = have
		} else if diff := cmp.Diff(first, have); diff != "" {
			t.Fatalf("run %d (-first +got):\n%s", i, diff)
		}
	}
}

func TestNoOperators(t *testing.T) {
	for name, fsys := range map[string]fs.FS{"none": nil, "empty": fstest.MapFS{}} {
		t.Run(name, func(t *testing.T) {
			_, diags := site.Load(manySites(t, 1), ".", site.Options{Operators: fsys})
			want := "s0000.hcl:2:14: error: unknown operator [operator]\n\tThere is no profile for the operator \"as112\".\n\t| operator = \"as112\"\n"
			if diff := cmp.Diff(want, text(diags)); diff != "" {
				t.Errorf("diagnostics (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOperatorsNotReadable(t *testing.T) {
	_, diags := site.Load(manySites(t, 1), ".", site.Options{Operators: broken{dir: true}})
	if !strings.Contains(text(diags), "operators:0:0: error: site file not readable [file]") {
		t.Errorf("got: %s", text(diags))
	}
	_, diags = site.Load(manySites(t, 1), ".", site.Options{Operators: fstest.MapFS{"as112.hcl": {Data: []byte{0}}}})
	want := "operators/as112.hcl:1:1: error: not a text file [file]\n\tHere is something that is not UTF-8 text. Save the file as UTF-8.\n"
	if diff := cmp.Diff(want, text(diags)); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
}

func TestNothingIsLookedUp(t *testing.T) {
	sites, _ := site.Load(manySites(t, 1), ".", operators())
	if len(sites) != 1 {
		t.Fatal("no site")
	}
	for _, d := range sites[0].MissingSecrets() {
		if !strings.Contains(d.Detail, "nothing is looked up here") {
			t.Errorf("got: %s", d.Detail)
		}
	}
}

func TestFormat(t *testing.T) {
	tests := []struct {
		name, in, want, diags string
	}{
		{"layout", "site \"a\" {\nlab=true\n  operator   =  \"lab\"\n}\n", "site \"a\" {\n  lab      = true\n  operator = \"lab\"\n}\n", ""},
		{"syntax error", "site {\n", "site {\n", ":1:6: error: unclosed configuration block []\n\tThere is no closing brace for this block before the end of the file. This may be caused by incorrect brace nesting elsewhere in this file.\n\t| site {\n"},
		{"not text", "\xff", "\xff", ":1:1: error: not a text file [file]\n\tHere is something that is not UTF-8 text.\n"},
		{"too deep", strings.Repeat("[", 99), strings.Repeat("[", 99), ":1:48: error: nested too deeply [file]\n\tHere are more than 48 levels of brackets or more than 200 operators in one expression. Use locals.\n\t| " + strings.Repeat("[", 99) + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, diags := site.Format([]byte(tt.in))
			if diff := cmp.Diff(tt.want, string(out)); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.diags, text(diags)); diff != "" {
				t.Errorf("diagnostics (-want +got):\n%s", diff)
			}
		})
	}
}

// What raiz ships is in the layout that it asks for.
func TestShippedFilesAreFormatted(t *testing.T) {
	for _, pattern := range []string{"sites/*.hcl", "templates/operators/*.hcl"} {
		names, err := fs.Glob(os.DirFS("../.."), pattern)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, name := range names {
			have, err := os.ReadFile("../../" + name)
			if err != nil {
				t.Fatal(err)
			}
			want, _ := site.Format(have)
			if diff := cmp.Diff(string(want), string(have)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
}
