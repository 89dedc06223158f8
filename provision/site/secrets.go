package site

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/raiz-dns/raiz/provision/secret"
)

// origin is the mark that a value carries which was looked up. It says where
// the value comes from and, when the lookup failed, why.
type origin struct {
	source string // as a site file writes it: env("NAME")
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

// failed returns the first origin whose lookup failed, or nil.
func failed(from []*origin) *origin {
	for _, o := range from {
		if o.err != nil {
			return o
		}
	}
	return nil
}

func sourcesOf(from []*origin) string {
	names := make([]string, len(from))
	for i, o := range from {
		names[i] = o.source
	}
	return strings.Join(slices.Compact(names), ", ")
}

// lookups asks a Lookup once for each reference of one Load: a site file may
// name the same password ten times, and a program runs once.
type lookups struct {
	from secret.Lookup
	mu   sync.Mutex
	seen map[string]func() cty.Value
}

func newLookups(from secret.Lookup) *lookups {
	return &lookups{from: from, seen: map[string]func() cty.Value{}}
}

func (l *lookups) get(source string, find func(secret.Lookup) (string, error)) cty.Value {
	l.mu.Lock()
	once, ok := l.seen[source]
	if !ok {
		once = sync.OnceValue(func() cty.Value { return look(l.from, source, find) })
		l.seen[source] = once
	}
	l.mu.Unlock()
	return once()
}

// look returns the text, marked; a failed lookup gives an unknown value whose
// mark holds the reason, because most verbs need no secret to be there.
func look(from secret.Lookup, source string, find func(secret.Lookup) (string, error)) cty.Value {
	if from == nil {
		return cty.UnknownVal(cty.String).Mark(&origin{source, fmt.Errorf("nothing is looked up here")})
	}
	text, err := find(from)
	if err != nil {
		return cty.UnknownVal(cty.String).Mark(&origin{source, err})
	}
	return cty.StringVal(text).Mark(&origin{source: source})
}

// reference makes a function that looks something up by its arguments.
func (l *lookups) reference(name string, find func(secret.Lookup, []string) (string, error), spec function.Spec) function.Function {
	spec.Type = function.StaticReturnType(cty.String)
	spec.Impl = func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		words := make([]string, len(args))
		for i, arg := range args {
			// The reference is printed, so it may not be a secret itself.
			if arg.IsMarked() {
				return cty.NilVal, function.NewArgErrorf(i, "what %s looks up may not come from a secret itself", name)
			}
			words[i] = arg.AsString()
		}
		return l.get(writeCall(name, words), func(from secret.Lookup) (string, error) { return find(from, words) }), nil
	}
	return function.New(&spec)
}

func writeCall(name string, words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	return name + "(" + strings.Join(quoted, ", ") + ")"
}

func (l *lookups) functions() map[string]function.Function {
	one := func(name string) function.Spec {
		return function.Spec{Params: []function.Parameter{{Name: name, Type: cty.String, AllowMarked: true}}}
	}
	argv := function.Spec{
		Params:   []function.Parameter{{Name: "program", Type: cty.String, AllowMarked: true}},
		VarParam: &function.Parameter{Name: "argument", Type: cty.String, AllowMarked: true},
	}
	return map[string]function.Function{
		"env":  l.reference("env", func(s secret.Lookup, w []string) (string, error) { return s.Env(w[0]) }, one("name")),
		"file": l.reference("file", func(s secret.Lookup, w []string) (string, error) { return s.File(w[0]) }, one("path")),
		"exec": l.reference("exec", func(s secret.Lookup, w []string) (string, error) { return s.Exec(w) }, argv),
	}
}

// nonsensitiveFunc lets a looked-up value be printed. What could not be looked
// up keeps its mark, so that the reason reaches the place that needs it.
func nonsensitiveFunc() function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{
			Name: "value", Type: cty.DynamicPseudoType,
			AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true,
		}},
		Type: func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			bare, from := originsOf(args[0])
			if o := failed(from); o != nil {
				return bare.Mark(o), nil
			}
			return bare, nil
		},
	})
}
