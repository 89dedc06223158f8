package templates_test

import (
	"bytes"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/raiz-dns/raiz/templates"
)

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
		f.Add(text)
	}
	f.Add([]byte("component \"p\" {\n kind = \"system\"\n file \"/etc/{{ .Item }}\" {\n template = \"a.tmpl\"\n each = \".List\"\n when = \"true\"\n check = [\"x\", \"{}\"]\n bad = \"a.bad\"\n }\n}\n"))
	f.Add(bytes.Repeat([]byte("["), 100_000))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, kind := range templates.Kinds() {
			fsys := packOf(kind, "")
			fsys[kind+"/p/component.hcl"] = &fstest.MapFile{Data: text}
			c, err := templates.Load(fsys, kind, "p")
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
