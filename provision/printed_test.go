package provision_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ways are what leads to a terminal or a log past provision/printable.
func ways() map[string][]string {
	return map[string][]string{
		"os":      {"Stdout", "Stderr"},
		"fmt":     {"Print", "Printf", "Println"},
		"log":     {"Print", "Printf", "Println", "Fatal", "Fatalf", "Fatalln", "Panic", "Panicf", "Panicln", "SetOutput", "Default", "Writer", "Output"},
		"slog":    {"Debug", "DebugContext", "Info", "InfoContext", "Warn", "WarnContext", "Error", "ErrorContext", "Log", "LogAttrs", "Default", "SetDefault", "With"},
		"syscall": {"Stdout", "Stderr"},
		"debug":   {"PrintStack"},
		"unicode": {"IsControl", "IsPrint", "IsGraphic"},
	}
}

// programs are what runs at an operator's and on a server; what makes a release
// reads nothing of others.
func programs() []string { return []string{"cmd/raiz", "cmd/raiz-helper"} }

// mayLead are the places that may: where a process begins, and what refuses a
// text instead of showing it.
func mayLead(room, file, what string) bool {
	if strings.HasPrefix(what, "unicode.") {
		return room == "provision/printable" || slices.Contains([]string{"templates/words.go", "provision/site/text.go", "provision/site/unmanaged.go"}, room+"/"+file)
	}
	main := strings.HasPrefix(room, "cmd/") && file == "main.go"
	return main && slices.Contains([]string{"os.Stdout", "os.Stderr"}, what)
}

// waysPast says where a file leads around the one way. What speaks to people
// formats by printable alone, so that each text in it stays in its line.
func waysPast(room, name string, src any) (bad, allowed []string, err error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, err
	}
	base := filepath.Base(name)
	speaks := slices.Contains(programs(), room) || room+"/"+base == "provision/helper/console.go"
	found := func(n ast.Node, what string) {
		if mayLead(room, base, what) {
			allowed = append(allowed, what)
			return
		}
		bad = append(bad, fmt.Sprintf("%s:%d: %s", base, fset.Position(n.Pos()).Line, what))
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			x, is := n.X.(*ast.Ident)
			switch {
			case !is:
			case slices.Contains(ways()[x.Name], n.Sel.Name), speaks && x.Name == "fmt" && strings.HasPrefix(n.Sel.Name, "Fprint"):
				found(n, x.Name+"."+n.Sel.Name)
			case x.Name == "g" && n.Sel.Name == "raw" && base != "main.go" && base != "rehearse.go":
				found(n, "g.raw")
			}
		case *ast.CallExpr:
			if f, is := n.Fun.(*ast.Ident); is && (f.Name == "print" || f.Name == "println") {
				found(n, f.Name)
			}
		case *ast.BasicLit:
			if text, _ := strconv.Unquote(n.Value); n.Kind == token.STRING && slices.Contains([]string{"/dev/tty", "/dev/stdout", "/dev/stderr", "/dev/console"}, text) {
				found(n, text)
			}
		}
		return true
	})
	return bad, allowed, nil
}

// TestOneWayToATerminal: no file but that of main names a stream, and none
// formats for people but by printable.
func TestOneWayToATerminal(t *testing.T) {
	var allowed []string
	for _, p := range listPackages(t) {
		for _, f := range p.GoFiles {
			bad, some, err := waysPast(strings.TrimPrefix(p.ImportPath, module), filepath.Join(p.Dir, f), nil)
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(programs(), strings.TrimPrefix(p.ImportPath, module)) {
				allowed = append(allowed, some...)
			}
			for _, b := range bad {
				t.Errorf("%s: %s", p.ImportPath, b)
			}
		}
	}
	streams := slices.DeleteFunc(allowed, func(what string) bool { return !strings.HasPrefix(what, "os.") })
	if len(streams) != 4 {
		t.Errorf("the streams of two programs are named as %v", streams)
	}
}

func TestWaysPastAreFound(t *testing.T) {
	const src = `package x
func f() {
	fmt.Fprintln(os.Stderr, "x")
	println("x")
	slog.Info("x")
	log.Printf("x")
	_ = strings.ContainsFunc("x", unicode.IsControl)
	open("/dev/tty")
	c.Stdout = g.raw.out
}
`
	all := []string{"x.go:3: fmt.Fprintln", "x.go:3: os.Stderr", "x.go:4: println", "x.go:5: slog.Info", "x.go:6: log.Printf", "x.go:7: unicode.IsControl", "x.go:8: /dev/tty", "x.go:9: g.raw"}
	for room, want := range map[string][]string{"cmd/raiz": all, "provision/remote": all[1:]} {
		have, _, err := waysPast(room, "x.go", src)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-want +got):\n%s", room, diff)
		}
	}
}
