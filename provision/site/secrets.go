package site

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/raiz-dns/raiz/provision/secret"
)

// reference is what env, exec, and a file outside of the site folder evaluate
// to: not the text but where it would be found. No expression can look into
// it, so that none can take a secret apart, join it with anything, or choose by
// it; the only thing to do with a reference is to pass it on whole. The text is
// looked up when a site that holds it is about to be planned.
type reference struct {
	call  string // env, file or exec
	words []string
}

// referenceType shows up in the messages of the evaluator: "string required,
// but have a secret".
var referenceType = cty.Capsule("a secret", reflect.TypeFor[reference]())

func (r *reference) source() string { return writeCall(r.call, r.words) }

func (r *reference) find(from secret.Lookup) (string, error) {
	switch r.call {
	case "env":
		return from.Env(r.words[0])
	case "file":
		return from.File(r.words[0])
	}
	return from.Exec(r.words)
}

// value is the reference in the hands of the evaluator. It is its own mark, so
// that whatever is decided by it, a comparison too, is known to be.
func (r *reference) value() cty.Value { return cty.CapsuleVal(referenceType, r).Mark(r) }

// referencesIn returns the references that a value holds or was made with, in
// a fixed order.
func referencesIn(val cty.Value) []*reference {
	if val == cty.NilVal {
		return nil
	}
	_, marks := val.UnmarkDeep()
	return referencesAmong(marks)
}

func referencesAmong(marks cty.ValueMarks) []*reference {
	var found []*reference
	for mark := range marks {
		if r, ok := mark.(*reference); ok {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *reference) int { return strings.Compare(a.source(), b.source()) })
	return found
}

// origin is the mark of the text of a file in the site folder. It says which
// file, what is in it and, when it could not be read, why.
type origin struct {
	source string // as a site file writes it: file("NAME")
	text   string
	err    error
}

// originsOf returns the value without its marks, and where it comes from, in
// a fixed order.
func originsOf(val cty.Value) (cty.Value, []*origin) {
	bare, marks := val.UnmarkDeep()
	var from []*origin
	for mark := range marks {
		if o, ok := mark.(*origin); ok {
			from = append(from, o)
		}
	}
	slices.SortFunc(from, func(a, b *origin) int { return strings.Compare(a.source, b.source) })
	return bare, from
}

// failed returns the first origin that could not be read, or nil.
func failed(from []*origin) *origin {
	for _, o := range from {
		if o.err != nil {
			return o
		}
	}
	return nil
}

// isPrivateKey knows a file that is nobody's to print, whatever it is used for.
func isPrivateKey(o *origin) bool { return strings.Contains(o.text, "PRIVATE KEY-----") }

// lookups are what the files of one Load refer to.
type lookups struct {
	folder fs.FS  // holds the site files
	dir    string // which folder of it

	mu      sync.Mutex
	files   map[string]*origin
	kept    map[string]bool // files that are a secret somewhere
	printed map[string]bool // files whose text goes where it is printed
	texts   map[string]func() (string, error)
}

func newLookups(folder fs.FS, dir string) *lookups {
	return &lookups{
		folder: folder, dir: dir, files: map[string]*origin{},
		kept: map[string]bool{}, printed: map[string]bool{}, texts: map[string]func() (string, error){},
	}
}

// text looks a reference up once for each site: a site may name the same
// password ten times, and a program runs once.
func (l *lookups) text(site string, r *reference, from secret.Lookup) (string, error) {
	if from == nil {
		return "", errors.New("nothing is looked up here")
	}
	key := site + " " + r.source()
	l.mu.Lock()
	once, ok := l.texts[key]
	if !ok {
		once = sync.OnceValues(func() (string, error) { return r.find(from) })
		l.texts[key] = once
	}
	l.mu.Unlock()
	return once()
}

func (l *lookups) note(uses map[string]bool, from ...*origin) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range from {
		uses[o.source] = true
	}
}

// both returns the files that are used as a secret and in a printed place.
func (l *lookups) both() []string {
	var out []string
	for source := range l.kept {
		if l.printed[source] {
			out = append(out, source)
		}
	}
	slices.Sort(out)
	return out
}

// within returns where a name is in the site folder; ok is false when it leads
// out of it by its spelling.
func (l *lookups) within(name string) (string, bool) {
	clean := path.Clean(name)
	if filepath.IsAbs(name) || path.IsAbs(name) || strings.ContainsAny(name, `\:`) || strings.HasPrefix(name, "~") || !fs.ValidPath(clean) {
		return "", false
	}
	return path.Join(l.dir, clean), true
}

// file is the text of a file in the site folder, marked, or a reference to one
// that is elsewhere.
func (l *lookups) file(name string) cty.Value {
	at, ok := l.within(name)
	if !ok {
		return (&reference{"file", []string{name}}).value()
	}
	source := writeCall("file", []string{name})
	l.mu.Lock()
	defer l.mu.Unlock()
	o, ok := l.files[source]
	if !ok {
		o = &origin{source: source}
		o.text, o.err = l.read(at)
		l.files[source] = o
	}
	if o.err != nil {
		return cty.UnknownVal(cty.String).Mark(o)
	}
	return cty.StringVal(o.text).Mark(o)
}

func (l *lookups) read(at string) (string, error) {
	if l.folder == nil {
		return "", errors.New("nothing is read here")
	}
	f, err := l.folder.Open(at)
	if err == nil {
		defer f.Close()
		var text []byte
		if text, err = secret.ReadAll(f); err == nil {
			return secret.Chomp(text), nil
		}
	}
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return "", err
}

func writeCall(name string, words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	return name + "(" + strings.Join(quoted, ", ") + ")"
}

// lookupNames are the functions that look something up.
func lookupNames() []string { return []string{"env", "exec", "file"} }

func (l *lookups) functions() map[string]function.Function {
	refer := func(call string) func([]string) cty.Value {
		return func(words []string) cty.Value { return (&reference{call, words}).value() }
	}
	one := func(name string) function.Spec {
		return function.Spec{Params: []function.Parameter{{Name: name, Type: cty.String, AllowMarked: true}}}
	}
	argv := function.Spec{
		Params:   []function.Parameter{{Name: "program", Type: cty.String, AllowMarked: true}},
		VarParam: &function.Parameter{Name: "argument", Type: cty.String, AllowMarked: true},
	}
	return map[string]function.Function{
		"env":  lookupFunc("env", referenceType, refer("env"), one("name")),
		"exec": lookupFunc("exec", referenceType, refer("exec"), argv),
		"file": lookupFunc("file", cty.DynamicPseudoType, func(words []string) cty.Value { return l.file(words[0]) }, one("path")),
	}
}

// lookupFunc makes a function that refers to something by its arguments.
func lookupFunc(name string, gives cty.Type, refer func([]string) cty.Value, spec function.Spec) function.Function {
	spec.Type = function.StaticReturnType(gives)
	spec.Impl = func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		words := make([]string, len(args))
		for i, arg := range args {
			// The reference is printed, so it may not come from a file that
			// may be a secret.
			if arg.IsMarked() {
				return cty.NilVal, function.NewArgErrorf(i, "what %s looks up may not come from a file itself", name)
			}
			if words[i] = arg.AsString(); strings.ContainsRune(words[i], 0) {
				return cty.NilVal, function.NewArgErrorf(i, "there is a NUL in it")
			}
		}
		return refer(words), nil
	}
	return function.New(&spec)
}

// nonsensitiveFunc lets the text of a file in the site folder go anywhere.
// What could not be read keeps its mark, so that the reason reaches the place
// that needs it. Nothing else can be had: env and exec have no text here.
func (l *lookups) nonsensitiveFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{
			Name: "value", Type: cty.DynamicPseudoType,
			AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true,
		}},
		Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			bare, from := originsOf(args[0])
			if len(referencesIn(args[0])) > 0 {
				return cty.NilVal, function.NewArgErrorf(0, "what env, exec or a file outside of the site folder gives is always a secret")
			}
			if o := failed(from); o != nil {
				return bare.Mark(o), nil
			}
			if slices.ContainsFunc(from, isPrivateKey) {
				return cty.NilVal, function.NewArgErrorf(0, "a private key is always a secret")
			}
			l.note(l.printed, from...)
			return bare, nil
		},
	})
}

// lookupCall returns the function of an expression that is exactly one call
// of env, exec or file, or "".
func lookupCall(expr hcl.Expression) string {
	for {
		switch e := hcl.UnwrapExpression(expr).(type) {
		case *hclsyntax.ParenthesesExpr:
			expr = e.Expression
		case *hclsyntax.FunctionCallExpr:
			if slices.Contains(lookupNames(), e.Name) {
				return e.Name
			}
			return ""
		default:
			return ""
		}
	}
}
