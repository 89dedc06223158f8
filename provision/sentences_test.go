package provision_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// unworded are the rooms that say what they have to say as codes.
func unworded() []string { return []string{".", "plan", "apply", "state", "report"} }

// forPeople says which text of a file somebody would read: text with two words,
// outside of definitions, Go errors, the log, and what is written in back
// quotes, which is for a shell. exempt counts the calls that were passed by.
func forPeople(name string, src any) (bad []string, exempt int, err error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, 0, err
	}
	twoWords := regexp.MustCompile(`\p{L}\S* +\S*\p{L}`)
	verb := regexp.MustCompile(`%[-+#.0-9]*[a-zA-Z]`)
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Define", "New", "Errorf", "Debug", "Info", "Warn"}, f.Sel.Name) {
				exempt++
				return false
			}
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "panic" {
				exempt++
				return false
			}
		case *ast.BasicLit:
			text, quoted := strconv.Unquote(n.Value)
			if n.Kind == token.STRING && n.Value[0] == '"' && (quoted != nil || twoWords.MatchString(verb.ReplaceAllString(text, ""))) {
				bad = append(bad, fset.Position(n.Pos()).String()+": "+n.Value)
			}
		}
		return true
	})
	return bad, exempt, nil
}

// TestNothingIsWorded: a sentence for people is in provision/report/messages,
// whatever is said. What digest.go has is hashed.
func TestNothingIsWorded(t *testing.T) {
	seen := 0
	for _, room := range unworded() {
		files, err := filepath.Glob(filepath.Join(room, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v, %v", room, files, err)
		}
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") || f == filepath.Join("plan", "digest.go") {
				continue
			}
			bad, exempt, err := forPeople(f, nil)
			if err != nil {
				t.Fatal(err)
			}
			seen += exempt
			for _, b := range bad {
				t.Error(b)
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d definitions and errors: this test looks at nothing", seen)
	}
}

func TestWordsForPeopleAreFound(t *testing.T) {
	const src = `package x
func f(s string) {
	f("it went well")
	f("one")
	verdict.Define("a.b", "what it means")
	errors.New("no answer")
	f(fmt.Sprintf("%s is there", "x"))
}
`
	bad, exempt, err := forPeople("x.go", src)
	if err != nil || exempt != 2 || len(bad) != 2 || !strings.HasPrefix(bad[0], "x.go:3:") || !strings.HasPrefix(bad[1], "x.go:7:") {
		t.Errorf("%q, %d, %v", bad, exempt, err)
	}
}
