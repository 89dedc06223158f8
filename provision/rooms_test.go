package provision_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What keeps the rooms of a controller readable, beside their reading order: no
// type that nobody can hold in his head, and nothing exported that the program
// has no use for.

// maxMethods is how many methods a type of these rooms may have.
const maxMethods = 25

// laidOut are the rooms that are held to it.
func laidOut() []string { return []string{"provision/bmc", "provision/redfish"} }

// grown lists the types of files that have more methods than limit.
func grown(files map[string]*ast.File, limit int) []string {
	count := map[string]int{}
	for _, f := range files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv != nil {
				count[receiver(fn.Recv.List[0].Type)]++
			}
		}
	}
	var bad []string
	for name, n := range count {
		if n > limit {
			bad = append(bad, fmt.Sprintf("%s has %d methods", name, n))
		}
	}
	slices.Sort(bad)
	return bad
}

// receiver names the type of a receiver.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// program is the packages of this module without their tests, with what each
// name in them means. What is not ours is empty.
type program struct {
	set    *token.FileSet
	listed map[string]listed
	done   map[string]*types.Package
	info   *types.Info
}

func newProgram(packages []listed) *program {
	p := &program{
		set: token.NewFileSet(), listed: map[string]listed{}, done: map[string]*types.Package{},
		info: &types.Info{Uses: map[*ast.Ident]types.Object{}},
	}
	for _, l := range packages {
		p.listed[l.ImportPath] = l
	}
	return p
}

// Import implements types.Importer.
func (p *program) Import(path string) (*types.Package, error) {
	l, ours := p.listed[path]
	if !ours {
		return nothing{}.Import(path)
	}
	if pkg := p.done[path]; pkg != nil {
		return pkg, nil
	}
	var files []*ast.File
	for _, name := range l.GoFiles {
		f, err := parser.ParseFile(p.set, filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	conf := types.Config{Importer: p, Error: func(error) {}}
	pkg, _ := conf.Check(path, p.set, files, p.info)
	p.done[path] = pkg
	return pkg, nil
}

// needless lists what a room exports and no file of the program uses: neither by
// its name nor, of a method, through an interface of ours.
func (p *program) needless(t *testing.T, room string) []string {
	t.Helper()
	for path := range p.listed {
		if _, err := p.Import(path); err != nil {
			t.Fatal(err)
		}
	}
	used, called := map[types.Object]bool{}, map[string][]*types.Interface{}
	for _, o := range p.info.Uses {
		used[origin(o)] = true
		if f, ok := o.(*types.Func); ok && f.Signature().Recv() != nil {
			if i, ok := f.Signature().Recv().Type().Underlying().(*types.Interface); ok {
				called[f.Name()] = append(called[f.Name()], i)
			}
		}
	}
	var bad []string
	for _, o := range exported(p.done[room]) {
		through := func(i *types.Interface) bool { return o.of != nil && types.Implements(types.NewPointer(o.of), i) }
		if !used[o.Object] && !slices.ContainsFunc(called[o.Name()], through) && !calledByOthers(o.Name()) {
			bad = append(bad, o.path)
		}
	}
	slices.Sort(bad)
	return bad
}

// calledByOthers are methods that the standard library calls.
func calledByOthers(name string) bool {
	return slices.Contains([]string{"Error", "Is", "Unwrap", "RoundTrip"}, name)
}

// origin is what a generic function, method or field was made from.
func origin(o types.Object) types.Object {
	switch o := o.(type) {
	case *types.Func:
		return o.Origin()
	case *types.Var:
		return o.Origin()
	}
	return o
}

// name is something exported, and how one gets at it.
type name struct {
	types.Object
	path string
	of   types.Type // whose method it is; nil without one
}

// exported lists the exported names of a package, with the methods and fields of its
// types.
func exported(pkg *types.Package) []name {
	var out []name
	add := func(o types.Object, path string, of types.Type) {
		if o.Exported() {
			out = append(out, name{o, path, of})
		}
	}
	for _, n := range pkg.Scope().Names() {
		o := pkg.Scope().Lookup(n)
		add(o, n, nil)
		named, ok := o.Type().(*types.Named)
		if _, is := o.(*types.TypeName); !is || !ok {
			continue
		}
		for m := range named.Methods() {
			add(m, n+"."+m.Name(), named)
		}
		switch u := named.Underlying().(type) {
		case *types.Struct:
			for f := range u.Fields() {
				add(f, n+"."+f.Name(), nil)
			}
		case *types.Interface:
			for m := range u.ExplicitMethods() {
				add(m, n+"."+m.Name(), nil)
			}
		}
	}
	return out
}

func TestRoomsStaySmall(t *testing.T) {
	for _, room := range laidOut() {
		t.Run(room, func(t *testing.T) {
			for _, b := range grown(parsed(t, token.NewFileSet(), filepath.Join("..", room)), maxMethods) {
				t.Errorf("%s, more than %d: is it one thing?", b, maxMethods)
			}
		})
	}
}

func TestRoomsExportWhatIsUsed(t *testing.T) {
	p := newProgram(listPackages(t))
	for _, room := range laidOut() {
		t.Run(room, func(t *testing.T) {
			for _, b := range p.needless(t, module+room) {
				t.Errorf("%s is exported and no program uses it", b)
			}
		})
	}
}

// TestRoomsSee plants a type that has grown, and exported names of each kind.
func TestRoomsSee(t *testing.T) {
	dir := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("room/a.go", `package room

import "errors"

type Big[T any] struct{ Kept, Left int }

func (Big[T]) One() {}
func (*Big[T]) two() {}

type Seen interface { Look(); Stay() }

type fault struct{}

func (fault) Error() string { return "" }
func (fault) Code() int { return 0 }
func (fault) Far(string) {}

type road struct{}

func (*road) Far(int) {}

func Open() Big[int] { return Big[int]{Kept: 1} }

var Gone = errors.New("gone")
`)
	write("room/b.go", "package room\n\nfunc (Big[T]) Three() {}\nfunc (Big[T]) four() {}\n\nconst Most = 3\n")
	write("room/a_test.go", "package room\n\nvar _, _ = Gone, Most\n")
	write("user/a.go", `package user

import "example.org/room"

type way interface{ Far(int) }

func use(s room.Seen, w way) { b := room.Open(); b.Three(); s.Look(); w.Far(1) }
`)
	if got, want := grown(parsed(t, token.NewFileSet(), filepath.Join(dir, "room")), 3), []string{"Big has 4 methods"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if got := grown(parsed(t, token.NewFileSet(), filepath.Join(dir, "room")), 4); len(got) > 0 {
		t.Errorf("got %q", got)
	}
	p := newProgram([]listed{
		{ImportPath: "example.org/room", Dir: filepath.Join(dir, "room"), GoFiles: []string{"a.go", "b.go"}},
		{ImportPath: "example.org/user", Dir: filepath.Join(dir, "user"), GoFiles: []string{"a.go"}},
	})
	want := []string{"Big.Left", "Big.One", "Gone", "Most", "Seen.Stay", "fault.Code", "fault.Far"}
	if got := p.needless(t, "example.org/room"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
