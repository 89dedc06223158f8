package site

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// dear are the functions whose work, or result, is more than the sum of their
// arguments: their price is known before they are called.
func dear() map[string]func(args []cty.Value) int64 {
	return map[string]func([]cty.Value) int64{
		"distinct": func(args []cty.Value) int64 { return pairs(args[0]) },
		"toset":    func(args []cty.Value) int64 { return pairs(args[0]) },
		"format": func(args []cty.Value) int64 {
			longest := int64(999) // of a width
			for _, arg := range args[1:] {
				longest = max(longest, textOf(arg))
			}
			return times(count(args[0], "%"), longest) / textStep
		},
		"join": func(args []cty.Value) int64 {
			n := int64(0)
			for _, list := range args[1:] {
				n += lengthOf(list)
			}
			return times(n, textOf(args[0])) / textStep
		},
		"replace": replacePrice,
		"split":   func(args []cty.Value) int64 { return count(args[1], wordsOf(args[0])) },
		"trim":    func(args []cty.Value) int64 { return times(textOf(args[0]), textOf(args[1])) / textStep },
	}
}

// replacePrice knows that /…/ is a regular expression, which may repeat a part
// of itself a thousand times.
func replacePrice(args []cty.Value) int64 {
	s, old, by := textOf(args[0])+1, wordsOf(args[1]), textOf(args[2])+1
	if len(old) < 2 || old[0] != '/' || old[len(old)-1] != '/' {
		return times(count(args[0], old), by) / textStep
	}
	program := int64(len(old))
	if strings.Contains(old, "{") {
		program *= 1000
	}
	return (times(s, by) + times(s, program)) / textStep
}

// context is where the expressions of a file are evaluated.
func (m *meter) context(ctx *hcl.EvalContext) *hcl.EvalContext {
	own := ctx.NewChild()
	own.Functions = map[string]function.Function{}
	for name, price := range dear() {
		if f, ok := ctx.Functions[name]; ok {
			own.Functions[name] = m.priced(f, price)
		}
	}
	return own
}

var errDear = errors.New("it takes too many steps")

// priced is a function that is paid for before it is called.
func (m *meter) priced(f function.Function, price func([]cty.Value) int64) function.Function {
	return function.New(&function.Spec{
		Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if wholly(args) && !m.charge(price(args)) {
				return cty.DynamicPseudoType, errDear
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return f.Call(args) },
	})
}

// wholly reports that all arguments are known.
func wholly(args []cty.Value) bool {
	return !slices.ContainsFunc(args, func(v cty.Value) bool { return !v.IsWhollyKnown() })
}

// times multiplies what may be large.
func times(a, b int64) int64 {
	if a > 0 && b > (1<<62)/a {
		return 1 << 62
	}
	return a * b
}

// wordsOf is a text, or "".
func wordsOf(v cty.Value) string {
	v, _ = v.Unmark()
	if v.Type() != cty.String || v.IsNull() || !v.IsKnown() {
		return ""
	}
	return v.AsString()
}

func count(v cty.Value, what string) int64 { return int64(strings.Count(wordsOf(v), what)) + 1 }

func lengthOf(v cty.Value) int64 {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() || !v.CanIterateElements() {
		return 0
	}
	return int64(v.LengthInt())
}

// pairs is the work of comparing each element with each.
func pairs(v cty.Value) int64 {
	n := lengthOf(v)
	return times(n, n+textOf(v)/textStep) / textStep
}

// textOf bounds how long a value is when it is written out.
func textOf(v cty.Value) int64 {
	total := int64(0)
	bare, _ := v.UnmarkDeep()
	_ = cty.Walk(bare, func(_ cty.Path, v cty.Value) (bool, error) {
		total += 16 + 6*int64(len(wordsOf(v))) // JSON writes < as six bytes
		return true, nil
	})
	return total
}
