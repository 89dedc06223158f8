package provision_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/raiz-dns/raiz/"

// listed is what `go list -json` tells of a package.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

// mayImport is which rooms of this module a room may import. A room that is
// not in it is a violation: it has to be given its place first.
func mayImport() map[string][]string {
	rooms := func(names ...string) []string {
		for i, n := range names {
			if n != "templates" && n != "provision" {
				names[i] = "provision/" + n
			}
		}
		return names
	}
	below := rooms("site", "state", "render", "bmc", "redfish", "remote", "observe", "plan", "apply", "server", "helper", "invoke",
		"verify", "verdict", "report", "report/messages", "printable", "redact", "watch", "await", "observation", "rehearse", "simbmc", "secret", "nesting", "templates")
	return map[string][]string{
		"cmd/raiz":                  append(append(rooms("provision", "fleet"), below...), "docs"),
		"cmd/raiz-sbom":             nil,
		"docs":                      nil,
		"provision":                 append(rooms("fleet"), below...),
		"provision/fleet":           append(rooms("provision"), below...),
		"provision/site":            rooms("secret", "nesting"),
		"provision/nesting":         nil,
		"provision/state":           rooms("verdict"),
		"provision/secret":          nil,
		"provision/verdict":         rooms("printable"),
		"provision/simbmc":          nil,
		"provision/render":          rooms("site", "state", "secret", "watch", "templates"),
		"provision/watch":           rooms("observation", "printable"),
		"provision/observation":     nil,
		"provision/await":           nil,
		"provision/printable":       nil,
		"provision/redact":          nil,
		"provision/bmc":             rooms("state", "secret", "redfish", "redact", "await"),
		"provision/redfish":         rooms("secret", "await", "printable"),
		"provision/remote":          rooms("state", "secret", "await"),
		"provision/server":          rooms("state", "watch", "printable"),
		"provision/helper":          rooms("server", "state", "watch", "printable"),
		"provision/helper/guard":    rooms("helper", "server", "observation", "watch"),
		"provision/helper/linux":    rooms("helper", "server", "state", "printable"),
		"provision/helper/contract": rooms("helper", "server"),
		"provision/helper/apart":    nil,
		"provision/helper/promise":  nil,
		"provision/helper/blackbox": nil,            // tests alone
		"provision/hostile":         nil,            // tests alone
		"provision/harm":            rooms("state"), // tests alone
		"provision/helper/sim":      rooms("helper", "helper/promise", "server", "state"),
		"cmd/raiz-helper":           rooms("helper", "helper/guard", "helper/linux", "server", "printable"),
		"provision/invoke":          rooms("remote", "server"),
		"provision/observe":         rooms("state", "server"),
		"provision/plan":            rooms("state", "verdict"),
		"provision/apply":           rooms("plan", "state", "bmc", "remote", "server", "secret", "verdict", "await"),
		"provision/verify":          rooms("site", "state", "bmc", "observation", "redfish", "remote", "server", "verdict", "watch"),
		"provision/report":          rooms("site", "state", "plan", "apply", "verify", "verdict", "observation", "report/messages", "printable"),
		"provision/report/messages": rooms("verdict"),
		"provision/rehearse":        rooms("site", "simbmc", "secret", "await", "observation", "templates"),
		"templates":                 rooms("state", "observation", "secret", "nesting"),
	}
}

// onlyIn is which rooms may import what is not ours. Everything below a path
// goes with it.
func onlyIn() map[string][]string {
	return map[string][]string{
		"github.com/hashicorp/hcl":  {"provision/site", "provision/nesting", "templates"},
		"github.com/zclconf/go-cty": {"provision/site", "templates"},
		// httptest is for tests, which are not looked at here.
		"net/http":                {"provision/bmc", "provision/redfish", "provision/simbmc"},
		"github.com/stmcginnis":   {"provision/redfish"},
		"golang.org/x/crypto/ssh": {"provision/remote", "provision/rehearse"},
		"github.com/pkg/sftp":     {"provision/remote"},
		"github.com/spf13":        {"cmd/raiz"},
		"os/signal":               {"cmd/raiz", "cmd/raiz-helper"},
		"github.com/vishvananda":  {"provision/helper/linux"},
		// A contract is held by the tests of several rooms.
		"testing": {"provision/helper/contract", "provision/helper/apart"},
	}
}

// neverIn is what the pure rooms import none of: no clock, context,
// environment, network, chance or logger.
func neverIn() map[string][]string {
	impure := []string{"context", "os", "net/http", "time", "log", "math/rand", "crypto/rand", "syscall"}
	return map[string][]string{"provision/state": impure, "provision/render": impure, "provision/plan": impure}
}

// blind are rooms that never reach the site, not even through another room.
func blind() []string { return []string{"provision/plan", "provision/observe", "provision/apply"} }

// importViolations says which imports break the rules, sorted.
func importViolations(packages []listed) []string {
	var bad []string
	graph := map[string][]string{}
	for _, p := range packages {
		room := strings.TrimPrefix(p.ImportPath, module)
		graph[room] = p.Imports
		allowed, known := mayImport()[room]
		if !known {
			bad = append(bad, room+" has no place in the table of rooms")
		}
		for _, imported := range p.Imports {
			if other, ours := strings.CutPrefix(imported, module); ours {
				if known && !slices.Contains(allowed, other) {
					bad = append(bad, room+" imports "+other)
				}
				continue
			}
			bad = append(bad, foreignViolations(room, imported)...)
		}
	}
	for _, room := range blind() {
		if way := wayTo(graph, room, "provision/site"); len(way) > 0 {
			bad = append(bad, room+" reaches the site: "+strings.Join(way, " -> "))
		}
	}
	slices.Sort(bad)
	return bad
}

func foreignViolations(room, imported string) []string {
	var bad []string
	for path, rooms := range onlyIn() {
		if within(imported, path) && !slices.Contains(rooms, room) {
			bad = append(bad, room+" imports "+imported)
		}
	}
	for _, path := range neverIn()[room] {
		if within(imported, path) && len(bad) == 0 {
			bad = append(bad, room+" imports "+imported)
		}
	}
	return bad
}

func within(path, parent string) bool { return path == parent || strings.HasPrefix(path, parent+"/") }

// wayTo returns the rooms from one to another, or nothing.
func wayTo(graph map[string][]string, from, to string) []string {
	seen := map[string]bool{}
	var walk func(string) []string
	walk = func(room string) []string {
		if room == to {
			return []string{room}
		}
		seen[room] = true
		for _, imported := range graph[room] {
			next, ours := strings.CutPrefix(imported, module)
			if !ours || seen[next] {
				continue
			}
			if way := walk(next); way != nil {
				return append([]string{room}, way...)
			}
		}
		return nil
	}
	return walk(from)
}

// processViolations says where a file takes hold of the process it runs in:
// its streams, its arguments, its end. That is for main alone.
func processViolations(name string, src any) ([]string, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	forbidden := map[string][]string{
		"os":  {"Stdin", "Stdout", "Stderr", "Exit", "Args"},
		"fmt": {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"},
		"log": {"Fatal", "Fatalf", "Fatalln", "Print", "Printf", "Println"},
	}
	var bad []string
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(forbidden[x.Name], sel.Sel.Name) {
				bad = append(bad, fmt.Sprintf("%s:%d: %s.%s", name, fset.Position(n.Pos()).Line, x.Name, sel.Sel.Name))
			}
		}
		if f, ok := n.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			bad = append(bad, fmt.Sprintf("%s:%d: init", name, fset.Position(n.Pos()).Line))
		}
		return true
	})
	return bad, nil
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) < 15 {
		t.Fatalf("go list names %d packages only", len(packages))
	}
	return packages
}

func TestImportsGoOneWay(t *testing.T) {
	if bad := importViolations(listPackages(t)); len(bad) > 0 {
		t.Errorf("imports against the rules:\n%s", strings.Join(bad, "\n"))
	}
}

func TestOnlyMainHoldsTheProcess(t *testing.T) {
	for _, p := range listPackages(t) {
		for _, f := range p.GoFiles {
			bad, err := processViolations(filepath.Join(p.Dir, f), nil)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(p.ImportPath, module+"cmd/") && f == "main.go" {
				if len(bad) == 0 {
					t.Error("main.go takes hold of nothing: this test looks at nothing")
				}
				continue
			}
			for _, b := range bad {
				t.Error(b)
			}
		}
	}
}

// Each rule can say no.
func TestImportRulesRefuse(t *testing.T) {
	room := func(name string, imports ...string) listed {
		return listed{ImportPath: module + name, Imports: imports}
	}
	tests := []struct {
		name  string
		graph []listed
		want  []string
	}{
		{"all is well", []listed{room("provision/site", "os", "github.com/hashicorp/hcl/v2", module+"provision/secret")}, nil},
		{"a room without a place", []listed{room("provision/attic")}, []string{"provision/attic has no place in the table of rooms"}},
		{"state is at the bottom", []listed{room("provision/state", module+"provision/secret")}, []string{"provision/state imports provision/secret"}},
		{"nobody imports main", []listed{room("provision/site", module+"cmd/raiz")}, []string{"provision/site imports cmd/raiz"}},
		{"verify does not see the rendering", []listed{room("provision/verify", module+"provision/render")}, []string{"provision/verify imports provision/render"}},
		{"simbmc knows nothing of us", []listed{room("provision/simbmc", module+"provision/bmc")}, []string{"provision/simbmc imports provision/bmc"}},
		{"hcl elsewhere", []listed{room("provision/render", "github.com/hashicorp/hcl/v2/hclsyntax")}, []string{"provision/render imports github.com/hashicorp/hcl/v2/hclsyntax"}},
		{"cty elsewhere", []listed{room("cmd/raiz", "github.com/zclconf/go-cty/cty")}, []string{"cmd/raiz imports github.com/zclconf/go-cty/cty"}},
		{"HTTP elsewhere", []listed{room("provision/verify", "net/http")}, []string{"provision/verify imports net/http"}},
		{"HTTP in a pure room is said once", []listed{room("provision/plan", "net/http")}, []string{"provision/plan imports net/http"}},
		{"gofish elsewhere", []listed{room("provision/verify", "github.com/stmcginnis/gofish/redfish")}, []string{"provision/verify imports github.com/stmcginnis/gofish/redfish"}},
		{"SSH elsewhere", []listed{room("provision/apply", "golang.org/x/crypto/ssh/agent")}, []string{"provision/apply imports golang.org/x/crypto/ssh/agent"}},
		{"SFTP elsewhere", []listed{room("provision/rehearse", "github.com/pkg/sftp")}, []string{"provision/rehearse imports github.com/pkg/sftp"}},
		{"keys are made in a rehearsal", []listed{room("provision/rehearse", "golang.org/x/crypto/ssh")}, nil},
		{"rtnetlink elsewhere", []listed{room("provision/helper", "github.com/vishvananda/netlink")}, []string{"provision/helper imports github.com/vishvananda/netlink"}},
		{"a contract", []listed{room("provision/helper/contract", "testing")}, nil},
		{"a clock", []listed{room("provision/render", "time")}, []string{"provision/render imports time"}},
		{"a logger", []listed{room("provision/plan", "log/slog")}, []string{"provision/plan imports log/slog"}},
		{"an environment", []listed{room("provision/state", "os/exec")}, []string{"provision/state imports os/exec"}},
		{"chance", []listed{room("provision/plan", "math/rand/v2")}, []string{"provision/plan imports math/rand/v2"}},
		{"a context", []listed{room("provision/plan", "context")}, []string{"provision/plan imports context"}},
		{"a test library in the program", []listed{room("provision", "testing")}, []string{"provision imports testing"}},
		{"plan sees the site", []listed{room("provision/plan", module+"provision/site"), room("provision/site")}, []string{
			"provision/plan imports provision/site", "provision/plan reaches the site: provision/plan -> provision/site"}},
		{"observe reaches the site", []listed{room("provision/observe", module+"provision/server"), room("provision/server", module+"provision/site")}, []string{
			"provision/observe reaches the site: provision/observe -> provision/server -> provision/site", "provision/server imports provision/site"}},
		{"apply reaches the site", []listed{room("provision/apply", module+"provision/site")}, []string{
			"provision/apply imports provision/site", "provision/apply reaches the site: provision/apply -> provision/site"}},
		{"a longer name is another room", []listed{room("provision/bmc", "net/httptrace")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, importViolations(tt.graph)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestProcessRulesRefuse(t *testing.T) {
	const src = `package x
import ("fmt"; "log"; "os")
func init() {}
func f(in interface{ Exit() }) {
	fmt.Fprintln(os.Stderr, os.Args)
	fmt.Println()
	log.Fatal(os.Getenv("A"))
	in.Exit()
	os.Exit(1)
}
`
	have, err := processViolations("x.go", src)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"x.go:3: init", "x.go:5: os.Stderr", "x.go:5: os.Args", "x.go:6: fmt.Println", "x.go:7: log.Fatal", "x.go:9: os.Exit"}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
