package site_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

// No text makes Load panic, return a site next to an error about it, or
// repeat what it looked up.
func FuzzLoad(f *testing.F) {
	for _, name := range []string{"../../sites/as112-gru1.hcl", "../../sites/reference.hcl", "testdata/base.hcl"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if strings.HasSuffix(file.Name, ".hcl") {
				f.Add(string(file.Data))
			}
		}
	}
	f.Add("site \"a\" {\n  lab = env(\"X\")[env(\"X\")].x\n}\n")
	f.Add("locals {\n  a = { (env(\"X\")) = 1 }\n  b = [for k, v in { a = env(\"X\") } : v if v != \"\"]\n  c = nonsensitive(env(\"X\"))\n}\n")
	f.Fuzz(func(t *testing.T, text string) {
		opt := operators()
		opt.Lookup = func(string) secret.Lookup { return everything{} }
		sites, diags := site.Load(fstest.MapFS{"in.hcl": {Data: []byte(text)}}, "in.hcl", opt)
		if len(sites) == 0 && !diags.HasErrors() {
			t.Error("neither a site nor an error")
		}
		for _, s := range sites {
			s.MissingSecrets()
		}
		if strings.Contains(text, canary) {
			return
		}
		for _, d := range diags {
			if strings.Contains(d.Summary+d.Detail+d.Source, canary) {
				t.Errorf("a secret is in: %s %s %s", d.Summary, d.Detail, d.Source)
			}
		}
	})
}

const canary = "looked-up-7391"

// everything is a Lookup that finds whatever is asked for.
type everything struct{}

func (everything) Env(string) (string, error)    { return canary, nil }
func (everything) File(string) (string, error)   { return canary, nil }
func (everything) Exec([]string) (string, error) { return canary, nil }
