package templates_test

import (
	"bytes"
	"io/fs"
	"path"
	"regexp"
	"testing"
	"testing/fstest"

	"github.com/raiz-dns/raiz/templates"
)

// fuzzed is a folder with one pack of this text.
func fuzzed(kind string, text []byte) fstest.MapFS {
	fsys := packOf(kind, "")
	fsys[kind+"/p/component.hcl"] = &fstest.MapFile{Data: text}
	return fsys
}

// No component.hcl makes Load panic, or gives a pack next to an error; what a
// pack holds can be made without a panic.
func FuzzLoad(f *testing.F) {
	names, err := fs.Glob(templates.FS(), "*/*/component.hcl")
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(templates.FS(), name)
		if err != nil {
			f.Fatal(err)
		}
		// As a pack of the folder that every text is tried in.
		text = regexp.MustCompile(`component "[^"]*"`).ReplaceAll(text, []byte(`component "p"`))
		text = regexp.MustCompile(`(template +=) "[^"]*"`).ReplaceAll(text, []byte(`$1 "a.tmpl"`))
		text = regexp.MustCompile(`(bad +=) "[^"]*"`).ReplaceAll(text, []byte(`$1 "a.bad"`))
		if _, err := templates.Load(fuzzed(path.Dir(path.Dir(name)), text), path.Dir(path.Dir(name)), "p"); err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("component \"p\" {\n kind = \"system\"\n file \"/etc/{{ .Item }}\" {\n template = \"a.tmpl\"\n each = \".List\"\n when = \"true\"\n check = [\"x\", \"{}\"]\n bad = \"a.bad\"\n }\n}\n"))
	f.Add(bytes.Repeat([]byte("["), 100))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, kind := range templates.Kinds() {
			if !bytes.Contains(text, []byte(`"`+kind+`"`)) && kind != "system" {
				continue
			}
			c, err := templates.Load(fuzzed(kind, text), kind, "p")
			if err != nil {
				if c.Name != "" || len(c.Files) > 0 {
					t.Errorf("a refused pack gives %+v", c)
				}
				continue
			}
			with := func(item any) any { return map[string]any{"Item": item, "List": []string{"a", "b"}} }
			for _, file := range c.Files {
				_, _ = file.Make(with, with) // whether it is wanted says the site
			}
		}
	})
}
