package verify_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestNoDaemonIsNamed: nothing outside a pack knows the name of a daemon or of
// its tools. What is said of one has its unit, by kind.
func TestNoDaemonIsNamed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	names := regexp.MustCompile(`(?i)\b(birdc?|nsd|knotd?|kdig|chronyc?|chronyd|nft|nftables|frr|vtysh|bgpctl)\b`)
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if name := names.FindString(line); name != "" {
				t.Errorf("%s:%d names %s", f, i+1, name)
			}
		}
	}
}

// TestNothingIsWorded: text with a space in it is in a definition, in a Go
// error, or a part of what machines say. Words are provision/report's.
func TestNothingIsWorded(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, f, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && slices.Contains([]string{"verdict.Define", "errors.New", "fmt.Errorf", "panic"}, called(call)) {
				seen++
				return false
			}
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if text, err := strconv.Unquote(l.Value); err != nil || worded(text) && text != "section end\n" {
					t.Errorf("%s: %s", fset.Position(l.Pos()), l.Value)
				}
			}
			return true
		})
	}
	if seen < 100 {
		t.Errorf("only %d definitions and errors: this test looks at nothing", seen)
	}
}

func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

// worded reports whether text has two words: letters on both sides of a space.
func worded(text string) bool {
	return regexp.MustCompile(`\p{L}\S* +\S*\p{L}`).MatchString(text)
}

func TestWorded(t *testing.T) {
	for text, want := range map[string]bool{"no answer": true, "see {x} there": true, " dev ": false, "dns.zone": false, "export ": false, "units=": false} {
		if worded(text) != want {
			t.Errorf("%q: %t", text, !want)
		}
	}
}
