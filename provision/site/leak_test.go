package site_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

// Whatever an expression does with a secret, neither the site nor a problem
// with it shows the text: the messages of the evaluator quote values.
func TestSecretsAreNotShown(t *testing.T) {
	base, err := os.ReadFile("testdata/base.hcl")
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{`env("X")`, `local.inside.a`, `local.list[0]`, `lower(local.direct)`}
	uses := []string{
		"%s", "\"a-${%s}\"", "tonumber(%s)", "{ a = 1 }[%s]", "[1][%s]", "%s.x", "%s + 1", "-(%s)", "!(%s)",
		"%s ? 1 : 2", "range(%s)", "cidrhost(%s, 1)", "cidrsubnet(%s, 1, 1)", "cidrnetmask(%s)", "format(\"%%d\", %s)",
		"format(%s, 1)", "element([1], %s)", "lookup({ a = 1 }, %s)", "{ (%s) = 1 }.x", "[for k, v in { a = %s } : v.x]",
		"{ for v in [%s] : v => v }[1]", "merge(%s)", "length(%s)", "join(%s, 1)", "slice([1], %s, 2)", "tolist(%s)[0]",
		"env(%s)", "file(%s)", "exec(%s)", "nosuch(%s)", "local.nosuch[%s]", "toset([%s])[0]", "zipmap([%s], [1, 2])",
		"<<-EOT\n%%{ for x in %s }x%%{ endfor }\nEOT\n",
	}
	const head = "locals {\n  direct = env(\"X\")\n  inside = { a = file(\"~/X\") }\n  list   = [exec(\"X\", \"Y\")]\n}\n"
	places := map[string]func(string) []byte{
		"printed": func(expr string) []byte {
			return bytes.Replace(base, []byte(`"gru1.example.net"`), []byte(expr), 1)
		},
		"secret": func(expr string) []byte { return bytes.Replace(base, []byte(`env("BGP")`), []byte(expr), 1) },
		"list":   func(expr string) []byte { return bytes.Replace(base, []byte(`["192.0.2.2"]`), []byte("["+expr+"]"), 1) },
		"object": func(expr string) []byte { return bytes.Replace(base, []byte(`"eno1"`), []byte(expr), 1) },
		"number": func(expr string) []byte { return bytes.Replace(base, []byte(`112`), []byte(expr), 1) },
		"local":  func(expr string) []byte { return append([]byte("locals {\n  y = "+expr+"\n}\n"), base...) },
		"for_each": func(expr string) []byte {
			return bytes.Replace(base, []byte(`zone "."`), []byte("dynamic \"zone\" {\n for_each = "+expr+
				"\n labels = [zone.value]\n content {\n source = \"as112\"\n}\n}\nzone \".\""), 1)
		},
		"in dynamic": func(expr string) []byte {
			return bytes.Replace(base, []byte(`zone "."`), []byte("dynamic \"zone\" {\n for_each = [\"a\"]\n labels = [zone.value]\n content {\n source = "+
				expr+"\n}\n}\nzone \".\""), 1)
		},
		"label": func(expr string) []byte {
			return bytes.Replace(base, []byte(`zone "."`), []byte("dynamic \"zone\" {\n for_each = [\"a\"]\n labels = ["+expr+
				"]\n content {\n source = \"as112\"\n}\n}\nzone \".\""), 1)
		},
	}
	profiles := oneOperator(t).Operators
	for place, put := range places {
		t.Run(place, func(t *testing.T) {
			for _, use := range uses {
				for _, reference := range secrets {
					expr := fmt.Sprintf(use, reference)
					opt := site.Options{Operators: profiles}
					opt.Lookup = func(string) secret.Lookup { return everything{} }
					folder := fstest.MapFS{"in.hcl": {Data: append([]byte(head), put(expr)...)}}
					sites, diags := site.Load(folder, "in.hcl", opt)
					have := text(diags) + asJSON(t, sites)
					if strings.Contains(strings.ToLower(have), canary) {
						t.Errorf("%s:\n%s", expr, have)
					}
				}
			}
		})
	}
}
