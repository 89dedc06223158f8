package site_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/raiz-dns/raiz/provision/site"
)

// written is an argument of a site file.
type written struct {
	name       string // with its blocks
	attr, expr hcl.Range
}

// arguments are all of a text that are in a site.
func arguments(t *testing.T, text []byte) []written {
	t.Helper()
	file, diags := hclsyntax.ParseConfig(text, "in.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	var out []written
	var walk func(string, *hclsyntax.Block)
	walk = func(path string, b *hclsyntax.Block) {
		path += b.Type + "."
		for _, name := range slices.Sorted(maps.Keys(b.Body.Attributes)) {
			a := b.Body.Attributes[name]
			out = append(out, written{fmt.Sprintf("%s%s:%d", path, name, a.SrcRange.Start.Line), a.SrcRange, a.Expr.Range()})
		}
		for _, inner := range b.Body.Blocks {
			walk(path, inner)
		}
	}
	for _, b := range file.Body.(*hclsyntax.Body).Blocks {
		if b.Type == "site" {
			walk("", b)
		}
	}
	return out
}

// instead puts something in place of a part of a text.
func instead(text []byte, r hcl.Range, with string) []byte {
	return slices.Concat(text[:r.Start.Byte], []byte(with), text[r.End.Byte:])
}

// TestNull: null is as if the argument were not written, for every argument of
// the language. Where one is needed, that is said at the null itself; where a
// rule asks for something that is missed then, it says what it says without it.
func TestNull(t *testing.T) {
	text0, err := os.ReadFile("../../sites/reference.hcl")
	if err != nil {
		t.Fatal(err)
	}
	opt := oneOperator(t)
	load := func(data []byte) ([]*site.Site, site.Diagnostics) {
		return site.Load(fstest.MapFS{"in.hcl": {Data: data}}, "in.hcl", opt)
	}
	all := arguments(t, text0)
	if len(all) < 80 {
		t.Fatalf("%d arguments only", len(all))
	}
	refused, there := 0, 0
	// Behind the site, so that no line moves.
	nothing := []byte("\nlocals {\n  nothing = null\n}\n")
	for _, a := range all {
		// Its lines stay, so that positions do.
		gone := strings.Repeat("\n", a.attr.End.Line-a.attr.Start.Line)
		bare, want := load(append(instead(text0, a.attr, gone), nothing...))
		for way, null := range map[string]string{"literal": "null", "computed": "true ? null : null", "by a local": "local.nothing"} {
			t.Run(a.name+" "+way, func(t *testing.T) {
				sites, diags := load(append(instead(text0, a.expr, null+gone), nothing...))
				if diags.HasErrors() != want.HasErrors() {
					t.Fatalf("null gives\n%swithout it\n%s", text(diags), text(want))
				}
				if !diags.HasErrors() {
					blind := func(s string) string { return strings.ReplaceAll(s, "\n", " ") }
					if diff := cmp.Diff(blind(asJSON(t, bare)), blind(asJSON(t, sites))); diff != "" {
						t.Errorf("it makes another site (-without +null):\n%s", diff)
					}
					return
				}
				refused++
				if at := (site.Pos{File: "in.hcl", Line: a.expr.Start.Line, Column: a.expr.Start.Column}); slices.ContainsFunc(diags, func(d site.Diagnostic) bool { return d.Pos == at }) {
					there++
				} else if diff := cmp.Diff(words(want), words(diags)); diff != "" {
					t.Errorf("nothing is said at the null, and not the same as without it (-without +null):\n%s", diff)
				}
			})
		}
	}
	if refused < 60 || there < 50 {
		t.Errorf("only %d were refused, %d of them at the null", refused, there)
	}
}

// words are problems without their places.
func words(diags site.Diagnostics) []string {
	var out []string
	for _, d := range diags {
		out = append(out, d.Rule+" "+d.Summary+" "+d.Detail)
	}
	slices.Sort(out)
	return out
}
