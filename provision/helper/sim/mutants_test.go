package sim_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mutant is one change of a source.
type mutant struct {
	what     string
	from, to int // bytes of the source
	text     string
}

// mutants are the changes of a source that a test has to see: what is flushed is
// not, a condition always holds or never, a limit is none, two statements change
// places.
func mutants(t *testing.T, name string, src []byte) []mutant {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, src, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var out []mutant
	at := func(p token.Pos) int { return set.Position(p).Offset }
	text := func(n ast.Node) string { return string(src[at(n.Pos()):at(n.End())]) }
	add := func(what string, n ast.Node, to string) {
		out = append(out, mutant{fmt.Sprintf("%s:%d %s: %s", name, set.Position(n.Pos()).Line, what, firstLine(text(n))), at(n.Pos()), at(n.End()), to})
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Flush", "flushLinks", "flushDirs"}, f.Sel.Name) {
				add("not flushed", n, "error(nil)")
			}
		case *ast.IfStmt:
			// A condition that is always so may leave a variable unused.
			add("always", n.Cond, "("+text(n.Cond)+" || true)")
			add("never", n.Cond, "("+text(n.Cond)+" && false)")
		case *ast.Ident:
			if strings.HasSuffix(n.Name, "Limit") {
				add("no limit", n, "("+n.Name+" * 100000)")
			}
		case *ast.BlockStmt:
			for i := 1; i < len(n.List); i++ {
				a, b := n.List[i-1], n.List[i]
				if _, declares := a.(*ast.AssignStmt); declares {
					continue
				}
				out = append(out, mutant{fmt.Sprintf("%s:%d swapped: %s", name, set.Position(a.Pos()).Line, firstLine(text(a))), at(a.Pos()), at(b.End()), text(b) + "\n" + text(a)})
			}
		}
		return true
	})
	return out
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// TestMutants runs the exploration over each mutant of the transaction. It is
// for `make mutants`, and names those that nobody has noticed. RAIZ_MUTANTS is 1
// or part of a name of a file and a line.
func TestMutants(t *testing.T) {
	only := os.Getenv("RAIZ_MUTANTS")
	if only == "" {
		t.Log("this is for make mutants")
		return
	}
	lived, run := 0, 0
	for _, name := range []string{"activate.go", "apply.go", "before.go", "boot.go", "confirm.go", "difference.go", "giveback.go", "links.go", "owner.go", "revert.go", "rollback.go", "stage.go", "store.go"} {
		path, err := filepath.Abs("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mutants(t, name, src) {
			if only != "1" && !strings.Contains(m.what, only) {
				continue
			}
			verdict := try(t, path, slices.Concat(src[:m.from], []byte(m.text), src[m.to:]))
			run++
			if verdict == "lived" {
				lived++
				t.Errorf("lived: %s", m.what)
				continue
			}
			t.Logf("%s: %s", verdict, m.what)
		}
	}
	t.Logf("%d mutants, %d lived", run, lived)
	if run == 0 {
		t.Error("no mutant was run")
	}
}

// try runs the exploration with another source in the place of one.
func try(t *testing.T, path string, src []byte) string {
	dir := t.TempDir()
	other, overlay := filepath.Join(dir, "mutant.go"), filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]map[string]string{"Replace": {path: other}})
	if err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string][]byte{other: src, overlay: text} {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-overlay", overlay, "-run", "TestExplore$", "-count=1", "-failfast", "-timeout", "5m", ".")
	cmd.Env = append(os.Environ(), "RAIZ_EXPLORE=10000", "RAIZ_FIRST=1", "RAIZ_MUTANTS=")
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return "lived"
	case strings.Contains(string(out), "[build failed]"):
		return "not built"
	}
	return "killed"
}
