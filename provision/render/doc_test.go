package render

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/templates"
)

var updateDocs = flag.Bool("update-docs", false, "write the tables of docs/packs.md anew")

type noSecrets struct{}

func (noSecrets) Env(string) (string, error)    { return "", fs.ErrNotExist }
func (noSecrets) File(string) (string, error)   { return "", fs.ErrNotExist }
func (noSecrets) Exec([]string) (string, error) { return "", fs.ErrNotExist }

// TestPacksDoc holds the tables of docs/packs.md to the types: every field that
// a template may substitute is there, with what it means and one example.
func TestPacksDoc(t *testing.T) {
	const file = "../../docs/packs.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, table := range map[string]string{"values": valueTable(t), "observations": observationTable(), "effects": effectTable()} {
		open, end := "<!-- "+name+" -->\n", "<!-- end -->"
		before, rest, ok := strings.Cut(want, open)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			t.Fatalf("%s has no place for %s", file, name)
		}
		want = before + open + table + end + after
	}
	if *updateDocs {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("docs/packs.md is not what the types say: go test ./provision/render -run PacksDoc -update-docs (-want +got):\n%s", diff)
	}
}

// effectTable are the names that a pack may say of a file.
func effectTable() string {
	var b strings.Builder
	b.WriteString("| effect | what it means | in a plan |\n|---|---|---|\n")
	words := messages.English()
	for _, d := range state.Codes() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", d.Code, d.Means, words[d.Code])
	}
	return b.String()
}

func observationTable() string {
	var b strings.Builder
	b.WriteString("| observation | field | meaning |\n|---|---|---|\n")
	all := templates.Fields()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, field := range slices.Sorted(maps.Keys(all[name])) {
			fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", name, field, all[name][field])
		}
	}
	return b.String()
}

// valueTable is a line for each field that is a value, in the order in which
// the types declare them.
func valueTable(t *testing.T) string {
	w := valueWalk{t: t, comments: comments(t), shown: map[string]bool{}}
	for _, name := range []string{"root-example", "as112-gru1", "f-root-example", "reference", "root-tagged"} {
		w.roots = append(w.roots, reflect.ValueOf(exampleValues(t, "../../sites/"+name+".hcl")))
	}
	w.b.WriteString("| value | type | meaning | example |\n|---|---|---|---|\n")
	w.walk("", reflect.TypeFor[Values](), w.roots)
	for field, shown := range w.shown {
		// Only a site that tags one of two on the same port has VLANs on a link.
		if !shown && field != "Link.VLANs" && field != "Values.Options" && field != "Values.Item" {
			t.Errorf("no example site has %s", field)
		}
	}
	return w.b.String()
}

// exampleValues are the values of a site for a secret file, as who has no
// secret sees them.
func exampleValues(t *testing.T, file string) Values {
	t.Helper()
	packs, err := Packs(templates.FS())
	if err != nil {
		t.Fatal(err)
	}
	operators, err := fs.Sub(templates.FS(), "operators")
	if err != nil {
		t.Fatal(err)
	}
	sites, diags := site.Load(os.DirFS("../../sites"), strings.TrimPrefix(file, "../../sites/"), site.Options{
		Packs: packs, Operators: operators, Lookup: func(string) secret.Lookup { return noSecrets{} },
	})
	if diags.HasErrors() || len(sites) != 1 {
		t.Fatalf("%s: %v", file, diags)
	}
	components, err := load(sites[0], templates.FS())
	if err != nil {
		t.Fatal(err)
	}
	_, closed, err := values(sites[0], templates.FS(), components, Withheld)
	if err != nil {
		t.Fatal(err)
	}
	return closed
}

type valueWalk struct {
	t        *testing.T
	comments map[string]string // "Type.Field" to what is said of it
	roots    []reflect.Value
	shown    map[string]bool // "Type.Field" to whether there was an example
	b        strings.Builder
}

// walk writes the fields of one struct; at are the values that there are of it.
func (w *valueWalk) walk(path string, typ reflect.Type, at []reflect.Value) {
	for i := range typ.NumField() {
		field := typ.Field(i)
		if !field.IsExported() {
			continue
		}
		here := path
		if !field.Anonymous {
			here += "." + field.Name
		}
		var values []reflect.Value
		for _, v := range at {
			values = append(values, v.Field(i))
		}
		meaning := w.comments[typ.Name()+"."+field.Name]
		if meaning == "" && !field.Anonymous && field.Type.Kind() != reflect.Struct {
			w.t.Errorf("%s.%s has no comment", typ.Name(), field.Name)
		}
		inner := field.Type
		if inner.Kind() == reflect.Slice && inner.Elem().Kind() == reflect.Struct {
			here, inner = here+"[]", inner.Elem()
			var all []reflect.Value
			for _, v := range values {
				for j := range v.Len() {
					all = append(all, v.Index(j))
				}
			}
			values = all
		}
		if inner.Kind() == reflect.Struct {
			if meaning != "" {
				fmt.Fprintf(&w.b, "| `%s` | | %s | |\n", here, meaning)
			}
			w.walk(here, inner, values)
			continue
		}
		fmt.Fprintf(&w.b, "| `%s` | %s | %s | %s |\n", here, typeWord(inner), meaning, w.example(typ.Name()+"."+field.Name, values))
	}
	w.methods(path, typ, at)
}

// methods writes what a type tells by a method: secrets.
func (w *valueWalk) methods(path string, typ reflect.Type, at []reflect.Value) {
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		if m.Type.NumIn() != 1 || m.Type.NumOut() != 2 {
			continue
		}
		var values []reflect.Value
		for _, v := range at {
			values = append(values, v.Method(i).Call(nil)[0])
		}
		fmt.Fprintf(&w.b, "| `%s.%s` | string | %s | %s |\n", path, m.Name, w.comments[typ.Name()+"."+m.Name], w.example(typ.Name()+"."+m.Name, values))
	}
}

func typeWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "list of " + typeWord(t.Elem())
	case reflect.Int, reflect.Uint16, reflect.Uint32:
		return "number"
	case reflect.Map:
		return "by name"
	case reflect.Interface:
		return "any"
	}
	return t.Kind().String()
}

// example is the first value that says something.
func (w *valueWalk) example(field string, values []reflect.Value) string {
	for _, v := range values {
		if v.IsZero() || v.Kind() == reflect.Map || v.Kind() == reflect.Slice && v.Len() == 0 {
			continue
		}
		text := fmt.Sprint(v.Interface())
		if v.Kind() == reflect.Slice {
			text = fmt.Sprintf("%v", v.Interface())
		}
		text, _, more := strings.Cut(text, "\n")
		if len(text) > 60 {
			text, more = strings.ToValidUTF8(text[:60], ""), true
		}
		if more {
			text += "…"
		}
		w.shown[field] = true
		return "`" + strings.ReplaceAll(text, "|", "\\|") + "`"
	}
	if !w.shown[field] {
		w.shown[field] = false // a field, and without an example so far
	}
	return ""
}

// comments are the words behind or above each field of values.go.
func comments(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, file := range []string{"values.go", "../site/site.go"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if f, ok := n.(*ast.FuncDecl); ok && f.Recv != nil && file == "values.go" {
				_, words, _ := strings.Cut(strings.Join(strings.Fields(f.Doc.Text()), " "), " is ")
				out[fmt.Sprint(f.Recv.List[0].Type)+"."+f.Name.Name] = strings.TrimSuffix(words, ".")
			}
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			st, ok := spec.Type.(*ast.StructType)
			if _, known := out[spec.Name.Name]; !ok || known {
				return true // what is named first counts: the values of templates
			}
			out[spec.Name.Name] = spec.Doc.Text()
			for _, f := range st.Fields.List {
				text := strings.TrimSpace(f.Comment.Text() + f.Doc.Text())
				for _, name := range f.Names {
					out[spec.Name.Name+"."+name.Name] = strings.Join(strings.Fields(text), " ")
				}
			}
			return true
		})
	}
	return out
}
