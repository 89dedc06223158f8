package site

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// What the locals of one Load may cost. Doubling a list forty times takes
// forty short lines.
const (
	maxLocals        = 10_000
	maxLocalElements = 1 << 16 // of one value
	maxLocalText     = 1 << 20 // bytes of one value
)

// locals evaluates the named values that all files of one Load share.
type locals struct {
	ctx    *hcl.EvalContext // functions only
	attrs  map[string]*hcl.Attribute
	src    map[string]*source
	meters map[string]*meter
	values map[string]cty.Value
	busy   map[string]bool
	diags  Diagnostics
}

func newLocals(ctx *hcl.EvalContext) *locals {
	return &locals{
		ctx: ctx, attrs: map[string]*hcl.Attribute{}, src: map[string]*source{}, meters: map[string]*meter{},
		values: map[string]cty.Value{}, busy: map[string]bool{},
	}
}

// add takes the locals blocks of one file.
func (l *locals) add(src *source, file parsedFile) {
	content, _, diags := file.body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "locals"}}})
	l.diags = append(l.diags, fromHCL(src, diags)...)
	for _, block := range content.Blocks {
		attrs, diags := block.Body.JustAttributes()
		l.diags = append(l.diags, fromHCL(src, diags)...)
		for _, name := range slices.Sorted(maps.Keys(attrs)) {
			if first, ok := l.attrs[name]; ok {
				l.report(src, attrs[name].NameRange, "locals", "local value declared twice",
					fmt.Sprintf("local.%s is already declared at %s.", name, where(first.NameRange)))
				continue
			}
			l.attrs[name], l.src[name], l.meters[name] = attrs[name], src, file.meter
		}
	}
}

// where names a place in a Detail.
func where(r hcl.Range) string { return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line) }

func (l *locals) report(src *source, at hcl.Range, rule, summary, detail string) {
	if len(l.diags) > maxTotalProblems {
		return
	}
	pos := position(at)
	l.diags = append(l.diags, Diagnostic{Severity: Error, Rule: rule, Summary: summary, Detail: detail, Pos: pos, Source: src.line(pos)})
}

// evaluate returns the object that site files see as local.
func (l *locals) evaluate() cty.Value {
	names := slices.Sorted(maps.Keys(l.attrs))
	if len(names) > maxLocals {
		last := names[len(names)-1]
		l.report(l.src[last], l.attrs[last].NameRange, "locals", "too many local values",
			fmt.Sprintf("There are %d local values; at most %d are read.", len(names), maxLocals))
		return cty.EmptyObjectVal
	}
	for _, name := range names {
		l.value(name)
	}
	return cty.ObjectVal(l.values)
}

// value evaluates one local after those it refers to. A local with a problem
// is an unknown value: what uses it is not reported again.
func (l *locals) value(name string) cty.Value {
	if val, ok := l.values[name]; ok {
		return val
	}
	attr, src := l.attrs[name], l.src[name]
	if l.busy[name] {
		l.report(src, attr.NameRange, "locals", "local value depends on itself",
			fmt.Sprintf("local.%s needs its own value, maybe by way of other locals.", name))
		return cty.DynamicVal
	}
	l.busy[name] = true
	needs, ok := l.needs(src, attr.Expr)
	val := cty.DynamicVal
	if ok {
		ctx := l.meters[name].context(l.ctx).NewChild()
		ctx.Variables = map[string]cty.Value{"local": cty.ObjectVal(needs)}
		var diags hcl.Diagnostics
		val, diags = attr.Expr.Value(ctx)
		l.diags = append(l.diags, fromHCL(src, diags)...)
		if !fits(val) {
			l.report(src, attr.NameRange, "locals", "local value too large",
				fmt.Sprintf("local.%s holds more than %d elements or %d bytes of text.", name, maxLocalElements, maxLocalText))
			val = cty.DynamicVal
		}
	}
	l.values[name] = val
	return val
}

// needs evaluates the locals that an expression refers to.
func (l *locals) needs(src *source, expr hcl.Expression) (map[string]cty.Value, bool) {
	vals, ok := map[string]cty.Value{}, true
	for _, ref := range expr.Variables() {
		if ref.RootName() != "local" {
			continue // hcl says that there is no such variable
		}
		name := memberOf(ref)
		if _, known := l.attrs[name]; !known && len(l.diags) > maxProblems {
			ok = false // enough of them are told
			continue
		} else if !known {
			l.report(src, ref.SourceRange(), "locals", "unknown local value", noSuchLocal(name, slices.Sorted(maps.Keys(l.attrs))))
			ok = false
			continue
		}
		vals[name] = l.value(name)
	}
	return vals, ok
}

func noSuchLocal(name string, have []string) string {
	if name == "" {
		return "Write local.NAME: the locals as a whole cannot be used."
	}
	return fmt.Sprintf("No locals block declares %q.%s", name, didYouMean(name, have))
}

// memberOf returns NAME of local.NAME or local["NAME"].
func memberOf(ref hcl.Traversal) string {
	if len(ref) < 2 {
		return ""
	}
	switch step := ref[1].(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString()
		}
	}
	return ""
}

// fits reports whether a value stays within the bounds.
func fits(val cty.Value) bool {
	elements, text := 0, 0
	bare, _ := val.UnmarkDeep()
	_ = cty.Walk(bare, func(_ cty.Path, v cty.Value) (bool, error) {
		elements++
		if v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
			text += len(v.AsString())
		}
		return elements <= maxLocalElements, nil
	})
	return elements <= maxLocalElements && text <= maxLocalText
}
