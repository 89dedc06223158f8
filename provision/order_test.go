package provision_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// readingOrder is in which order the files of a room are read, from the top:
// each uses what stands below it and nothing that stands above. Files beside
// each other, in one line, use nothing of one another.
func readingOrder() map[string][]string {
	return map[string][]string{
		"provision": {"doc.go", "rehearsal.go", "enroll.go", "notices.go", "reboot.go", "change.go", "pending.go inspect.go gate.go takeover.go drain.go", "drift.go", "run.go", "declared.go codes.go"},
		"provision/bmc": {
			"doc.go", "capture.go", "inventory.go", "eventlog.go secureboot.go licence.go macs.go", "parts.go", "part.go", "hardware.go power.go set.go read.go", "open.go",
			"setter.go", "stage.go", "dellpending.go", "move.go https.go", "proof.go", "pending.go", "jobs.go", "values.go", "factory.go", "account.go", "roles.go", "outcome.go",
			"resources.go", "manager.go links.go", "where.go ethernet.go", "collection.go", "members.go", "quirks.go", "dell.go", "vendors.go profile.go",
			"network.go services.go boot.go", "standard.go", "setting.go", "parse.go",
		},
		"provision/redfish": {
			"doc.go", "password.go scan.go", "patch.go", "request.go", "visit.go", "session.go", "login.go", "dial.go", "transport.go",
			"document.go", "errors.go", "target.go",
		},
		"provision/await": {"await.go race.go"},
	}
}

// upward lists the references of a folder's files that lead up the order.
func upward(t *testing.T, dir string, order []string) []string {
	t.Helper()
	rank := map[string]int{}
	for i, line := range order {
		for _, f := range strings.Fields(line) {
			rank[f] = i
		}
	}
	set := token.NewFileSet()
	files := parsed(t, set, dir)
	var bad []string
	for name := range files {
		if _, ok := rank[name]; !ok {
			bad = append(bad, name+" has no place in the reading order")
		}
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	// What is imported stays unknown; what is declared here does not.
	conf := types.Config{Importer: nothing{}, Error: func(error) {}}
	pkg, _ := conf.Check(dir, set, slices.Collect(maps.Values(files)), info)
	for id, used := range info.Uses {
		if used.Pkg() != pkg {
			continue
		}
		if f, ok := used.(*types.Func); ok {
			used = f.Origin()
		}
		from, home := filepath.Base(set.Position(id.Pos()).Filename), filepath.Base(set.Position(used.Pos()).Filename)
		if from != home && rank[home] <= rank[from] {
			bad = append(bad, from+" uses "+used.Name()+" of "+home)
		}
	}
	slices.Sort(bad)
	return slices.Compact(bad)
}

// nothing imports packages without anything in them.
type nothing struct{}

// Import implements types.Importer.
func (nothing) Import(path string) (*types.Package, error) {
	p := types.NewPackage(path, path[strings.LastIndex(path, "/")+1:])
	p.MarkComplete()
	return p, nil
}

func parsed(t *testing.T, set *token.FileSet, dir string) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*ast.File{}
	for _, path := range names {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = file
	}
	return files
}

// TestReadingOrder: whoever reads a room from the top never has to go back.
func TestReadingOrder(t *testing.T) {
	for room, order := range readingOrder() {
		t.Run(room, func(t *testing.T) {
			for _, b := range upward(t, filepath.Join("..", room), order) {
				t.Error(b)
			}
		})
	}
}

// TestReadingOrderSees plants one arrow of each kind.
func TestReadingOrderSees(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"top.go":    "package p\n\nimport \"strings\"\n\ntype T struct{}\n\nfunc (T) Act() { if false { low() }; _ = strings.ToUpper(\"\") }\n\nconst top = 1\n",
		"beside.go": "package p\n\nfunc beside() { middle() }\n",
		"middle.go": "package p\n\nfunc middle() { top := 2; _ = top }\n",
		"low.go":    "package p\n\nfunc low() { var t T; t.Act(); _ = top; middle() }\n",
		"lost.go":   "package p\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"beside.go uses middle of middle.go", "lost.go has no place in the reading order", "low.go uses Act of top.go",
		"low.go uses T of top.go", "low.go uses middle of middle.go", "low.go uses top of top.go",
	}
	if got := upward(t, dir, []string{"top.go", "middle.go beside.go", "low.go"}); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
