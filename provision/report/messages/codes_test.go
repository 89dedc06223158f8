package messages_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

var update = flag.Bool("update", false, "rewrite docs/codes.md")

const top = "../../.."

// definitions are those of every room that has codes.
func definitions() []verdict.Definition {
	return slices.Concat(verdict.Codes(), state.Codes(), apply.Codes(), verify.Codes(), report.Codes(), provision.Codes())
}

func byCode() map[verdict.Code]verdict.Definition {
	out := map[verdict.Code]verdict.Definition{}
	for _, d := range definitions() {
		out[d.Code] = d
	}
	return out
}

// constructors are the functions that make an argument, with its type.
func constructors() map[string]verdict.Type {
	return map[string]verdict.Type{
		"Address": verdict.TypeAddress, "Prefix": verdict.TypePrefix, "ASN": verdict.TypeASN, "Path": verdict.TypePath,
		"Count": verdict.TypeCount, "Duration": verdict.TypeDuration, "Time": verdict.TypeTime, "Zone": verdict.TypeZone,
		"Unit": verdict.TypeUnit, "Word": verdict.TypeWord, "Seen": verdict.TypeSeen, "Error": verdict.TypeError,
		"Inner": verdict.TypeMessage, "Addresses": verdict.TypeAddresses, "Prefixes": verdict.TypePrefixes, "Units": verdict.TypeUnits,
		"Words": verdict.TypeWords, "AllSeen": verdict.TypeAllSeen, "Messages": verdict.TypeMessages,
	}
}

// said is a call of verdict.New in the source.
type said struct {
	where string
	code  verdict.Code
	args  []verdict.Param
	err   string // why it cannot be read
}

// sayings are the calls of verdict.New in a file.
func sayings(name string, src any) ([]said, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var out []said
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		local := locals(f)
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && of(call) == "New" {
				s := reading(call, local)
				s.where = fmt.Sprintf("%s:%d", name, fset.Position(call.Pos()).Line)
				out = append(out, s)
			}
			return true
		})
	}
	return out, nil
}

// of is the function of the package verdict that is called.
func of(call *ast.CallExpr) string {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if x, ok := sel.X.(*ast.Ident); ok && x.Name == "verdict" {
		return sel.Sel.Name
	}
	return ""
}

// locals are the arguments that a function gives a name of its own.
func locals(f *ast.FuncDecl) map[string]verdict.Param {
	out := map[string]verdict.Param{}
	ast.Inspect(f, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Lhs) == len(a.Rhs) {
			for i := range a.Lhs {
				if name, ok := a.Lhs[i].(*ast.Ident); ok {
					if p, ok := param(a.Rhs[i], nil); ok {
						out[name.Name] = p
					}
				}
			}
		}
		return true
	})
	return out
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

func param(e ast.Expr, local map[string]verdict.Param) (verdict.Param, bool) {
	if name, ok := e.(*ast.Ident); ok {
		p, ok := local[name.Name]
		return p, ok
	}
	call, ok := e.(*ast.CallExpr)
	if !ok || len(call.Args) == 0 {
		return verdict.Param{}, false
	}
	typ, ok := constructors()[of(call)]
	name, isText := literal(call.Args[0])
	return verdict.Param{Name: name, Type: typ}, ok && isText
}

func reading(call *ast.CallExpr, local map[string]verdict.Param) said {
	var s said
	code, ok := literal(call.Args[0])
	if !ok || call.Ellipsis.IsValid() {
		s.err = "the code and the arguments have to be written out"
		return s
	}
	s.code = verdict.Code(code)
	for _, e := range call.Args[1:] {
		p, ok := param(e, local)
		if !ok {
			s.err = code + ": its arguments have to be written out, or be a variable of the function"
		}
		s.args = append(s.args, p)
	}
	return s
}

// unfit says which calls do not fit the definitions.
func unfit(all []said, defined map[verdict.Code]verdict.Definition) []string {
	var bad []string
	for _, s := range all {
		d, ok := defined[s.code]
		switch {
		case s.err != "":
			bad = append(bad, s.where+": "+s.err)
		case !ok:
			bad = append(bad, s.where+": "+string(s.code)+" is not defined")
		case !slices.Equal(d.Args, s.args):
			bad = append(bad, fmt.Sprintf("%s: %s is said with %v, and defined with %v", s.where, s.code, s.args, d.Args))
		}
	}
	return bad
}

// allSayings are those of the whole program.
func allSayings(t *testing.T) []said {
	t.Helper()
	var all []said
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != top) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		some, err := sayings(path, nil)
		all = append(all, some...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// What is said anywhere in the program is defined, fits its definition, and
// what is defined is said somewhere.
func TestEveryCodeIsDefined(t *testing.T) {
	all := allSayings(t)
	for _, problem := range unfit(all, byCode()) {
		t.Error(problem)
	}
	heard := map[verdict.Code]bool{}
	for _, s := range all {
		heard[s.code] = true
	}
	seen := map[verdict.Code]bool{}
	for _, d := range definitions() {
		if seen[d.Code] {
			t.Errorf("%s is defined twice", d.Code)
		}
		if seen[d.Code] = true; !heard[d.Code] {
			t.Errorf("%s is never said", d.Code)
		}
		if d.Means == "" || strings.Contains(d.Means, "\n") {
			t.Errorf("%s does not say in one line what it means", d.Code)
		}
	}
}

func TestSayingsAreRefused(t *testing.T) {
	const src = `package x
import "github.com/raiz-dns/raiz/provision/verdict"
func f(code verdict.Code, args ...verdict.Arg) {
	verdict.New("known", verdict.Zone("zone", "."))
	zone := verdict.Zone("zone", ".")
	verdict.New("known", zone)
	verdict.New(code)
	verdict.New("known", args...)
	verdict.New("known", args[0])
	verdict.New("unknown")
	verdict.New("known")
	verdict.New("known", verdict.Word("zone", "."))
	verdict.New("known", verdict.Zone("other", "."))
}
`
	all, err := sayings("x.go", src)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, problem := range unfit(all, map[verdict.Code]verdict.Definition{"known": verdict.Define("known", "x", verdict.TypeZone.Named("zone"))}) {
		line, _, _ := strings.Cut(problem, ": ")
		lines = append(lines, line)
	}
	if diff := cmp.Diff([]string{"x.go:7", "x.go:8", "x.go:9", "x.go:10", "x.go:11", "x.go:12", "x.go:13"}, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// document is docs/codes.md.
func document() string {
	var b strings.Builder
	b.WriteString(`# What raiz says, as codes

Made by a test (` + "`go test ./provision/report/messages -update`" + `). ` + "`--json`" + ` gives each message as a code with
its arguments, besides the English text. A code never changes its meaning; there may be new ones. The types of
arguments, and their form in JSON, are in provision/verdict. Text of somebody else (` + "`seen`, `error`" + `) is cut and cleaned.

| code | arguments | what it means | in English |
|---|---|---|---|
`)
	words := messages.English()
	all := definitions()
	slices.SortFunc(all, func(a, b verdict.Definition) int { return strings.Compare(string(a.Code), string(b.Code)) })
	for _, d := range all {
		var args []string
		for _, p := range d.Args {
			args = append(args, "`"+p.Name+"` "+string(p.Type))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Code, strings.Join(args, ", "), d.Means, strings.ReplaceAll(words[d.Code], "|", `\|`))
	}
	return b.String()
}

func TestDocument(t *testing.T) {
	path := filepath.Join(top, "docs", "codes.md")
	if *update {
		if err := os.WriteFile(path, []byte(document()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(document(), "\n"), strings.Split(string(have), "\n")); diff != "" {
		t.Errorf("docs/codes.md is stale: go test ./provision/report/messages -update (-want +got):\n%s", diff)
	}
}
