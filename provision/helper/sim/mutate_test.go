package sim_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// switchboard is put beside the mutated sources: one program holds all mutants,
// and RAIZ_MUTANT says which one it is.
const switchboard = `package helper

import (
	"os"
	"strconv"
	"time"
)

var mutant, _ = strconv.Atoi(os.Getenv("RAIZ_MUTANT"))

var matters = map[int]bool{}

// Mattered are the mutants that would have done something else since it was
// asked last.
func Mattered() map[int]bool {
	m := matters
	matters = map[int]bool{}
	return m
}

// is reports whether this is mutant n, which would do something else here.
func mutantIs(n int) bool {
	if mutant == 0 && !matters[n] {
		matters[n] = true
	}
	return mutant == n
}

func mutantIf(n int, c bool) bool {
	if c {
		return !mutantIs(n + 1)
	}
	return mutantIs(n)
}

func mutantLimit(n int, d time.Duration) time.Duration {
	if mutantIs(n) {
		return d * 100000
	}
	return d
}

func mutantCall(n int, f func() error) error {
	if mutantIs(n) {
		return nil
	}
	return f()
}
`

// matteredSource is put in the place of the file that says that nothing mattered.
const matteredSource = `package sim_test

import "github.com/raiz-dns/raiz/provision/helper"

func mattered() map[int]bool { return helper.Mattered() }
`

// mutator changes sources so that each of its mutants can be switched on.
type mutator struct {
	set  *token.FileSet
	src  []byte
	file string
	in   string   // function that is walked
	what []string // of each mutant; the first is number 1
}

// add names a mutant and returns its number. The name has no number of a line,
// which the next change above it would make another.
func (m *mutator) add(what string, n ast.Node) int {
	p := m.set.Position(n.Pos())
	text := string(m.src[p.Offset:m.set.Position(n.End()).Offset])
	name := fmt.Sprintf("%s %s: %s: %s", m.file, m.in, what, firstLine(text))
	unique := name
	for i := 2; slices.Contains(m.what, unique); i++ {
		unique = fmt.Sprintf("%s (%d)", name, i)
	}
	m.what = append(m.what, unique)
	return len(m.what)
}

// mutate returns a source with its mutants: what is flushed is not, a condition
// always holds or never, a limit is none, two statements change places.
func (m *mutator) mutate(file string, src []byte) ([]byte, error) {
	m.set, m.src, m.file = token.NewFileSet(), src, file
	f, err := parser.ParseFile(m.set, file, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var all []edit
	ast.Inspect(f, func(n ast.Node) bool {
		if d, ok := n.(*ast.FuncDecl); ok {
			m.in = d.Name.Name
		}
		if e, ok := m.edit(n); ok {
			all = append(all, e)
		}
		return true
	})
	// From the innermost to the outermost: what is longer holds what is shorter.
	slices.SortStableFunc(all, func(a, b edit) int { return (a.to - a.from) - (b.to - b.from) })
	return format.Source(apply(src, all))
}

// edit puts text before and after some bytes of a source.
type edit struct {
	from, to      int
	before, after string
}

// apply makes all edits. Of those at one place the outer begins first and ends
// last.
func apply(src []byte, inner []edit) []byte {
	open, shut := map[int]string{}, map[int]string{}
	for _, e := range inner {
		open[e.from] = e.before + open[e.from]
		shut[e.to] += e.after
	}
	var out bytes.Buffer
	for i := 0; i <= len(src); i++ {
		out.WriteString(shut[i])
		out.WriteString(open[i])
		if i < len(src) {
			out.WriteByte(src[i])
		}
	}
	return out.Bytes()
}

func (m *mutator) edit(n ast.Node) (edit, bool) {
	at := func(p token.Pos) int { return m.set.Position(p).Offset }
	around := func(n ast.Node, before, after string) (edit, bool) {
		return edit{at(n.Pos()), at(n.End()), before, after}, true
	}
	condition := func(c ast.Expr) (edit, bool) {
		first := m.add("always", c)
		m.add("never", c)
		return around(c, "mutantIf("+strconv.Itoa(first)+", bool(", "))")
	}
	switch n := n.(type) {
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Flush", "flushLinks", "flushDirs"}, f.Sel.Name) {
			return around(n, "mutantCall("+strconv.Itoa(m.add("not flushed", n))+", func() error { return ", "})")
		}
		for _, a := range n.Args {
			if id, ok := a.(*ast.Ident); ok && strings.HasSuffix(id.Name, "Limit") {
				return around(a, "mutantLimit("+strconv.Itoa(m.add("no limit", n))+", ", ")")
			}
		}
	case *ast.IfStmt:
		return condition(n.Cond)
	case *ast.SwitchStmt:
		if n.Tag == nil {
			return edit{}, false // its clauses follow
		}
	case *ast.CaseClause:
		if len(n.List) == 1 {
			if isCondition(n.List[0]) {
				return condition(n.List[0])
			}
		}
	case *ast.BlockStmt:
		if len(n.List) > 0 {
			if _, clauses := n.List[0].(*ast.CaseClause); !clauses {
				return m.swaps(n.List)
			}
		}
	}
	return edit{}, false
}

// isCondition reports whether an expression of a clause is one of a switch
// without a tag.
func isCondition(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return slices.Contains([]token.Token{token.LAND, token.LOR, token.EQL, token.NEQ, token.LSS, token.GTR, token.LEQ, token.GEQ}, e.Op)
	case *ast.UnaryExpr:
		return e.Op == token.NOT
	case *ast.CallExpr:
		f, ok := e.Fun.(*ast.SelectorExpr)
		return ok && slices.Contains([]string{"Is", "HasPrefix", "Contains", "Ended", "over"}, f.Sel.Name)
	}
	return false
}

// swaps puts before a block what it is with two neighbours changed, as it stood
// without other mutants.
func (m *mutator) swaps(list []ast.Stmt) (edit, bool) {
	at := func(p token.Pos) int { return m.set.Position(p).Offset }
	text := func(s ast.Stmt) string { return string(m.src[at(s.Pos()):at(s.End())]) }
	var before strings.Builder
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		if !m.acts(a) || !m.acts(b) {
			continue
		}
		n := m.add("swapped with the next", a)
		fmt.Fprintf(&before, "if mutantIs(%d) {\n", n)
		for j := range list {
			switch j {
			case i - 1:
				before.WriteString(text(b) + "\n")
			case i:
				before.WriteString(text(a) + "\n")
			default:
				before.WriteString(text(list[j]) + "\n")
			}
		}
		before.WriteString("} else ")
	}
	if before.Len() == 0 {
		return edit{}, false
	}
	return edit{at(list[0].Pos()), at(list[len(list)-1].End()), before.String() + "{\n", "\n}"}, true
}

// acts reports whether a statement has the helper, or what is below it, do
// something, and only that: order is no matter of others, and without what is
// declared the source would not be built.
func (m *mutator) acts(s ast.Stmt) bool {
	var of ast.Node = s
	switch s := s.(type) {
	case *ast.IfStmt:
		of = s.Init
		if s.Init == nil {
			of = s.Cond
		}
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			return false
		}
	case *ast.ExprStmt, *ast.RangeStmt:
	default:
		return false
	}
	found := false
	ast.Inspect(of, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok {
			f, method := c.Fun.(*ast.SelectorExpr)
			found = found || method && strings.HasPrefix(string(m.src[m.set.Position(f.Pos()).Offset:]), "h.")
		}
		return !found
	})
	return found
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
