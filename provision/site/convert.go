package site

import (
	"fmt"
	"math/big"
	"net/netip"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// converter turns the raw structs of one site into typed values and collects
// what is wrong with them. Each accessor reports what it refuses, and says by
// ok whether there is a value to go on with.
type converter struct {
	*loader
	src    *source
	lab    bool
	claims []claim
	comers []given[netip.Prefix] // networks that something is let in from
	places map[string]Pos        // where things are written, for rules between blocks
	kept   map[string]spot       // and for what is only missed after Load
	diags  Diagnostics
	broken bool // a value has a problem that is reported elsewhere
	vague  Diagnostics
	nulls  map[null]hcl.Range // arguments that are null
	// siteName is whose secrets are looked up.
	siteName   string
	references []spotted
	// decoded is what was wrong with the shape of the file: a block that was
	// misspelt is not called missing as well.
	decoded Diagnostics
}

// spot is a place in a file that outlives Load.
type spot struct {
	pos  Pos
	line string
}

// spotted is a reference and the name of the place that it is for.
type spotted struct {
	spot string
	ref  *reference
}

// given is a value together with where it was written.
type given[T any] struct {
	val T
	at  hcl.Range
	ok  bool
}

// problem is what a check has to say about one value.
type problem struct {
	rule    string
	summary string
	detail  string
}

// newConverter returns a converter for one site of a file.
func newConverter(src *source, l *loader) *converter {
	return &converter{loader: l, src: src, places: map[string]Pos{}, kept: map[string]spot{}}
}

func (c *converter) report(sev Severity, at hcl.Range, p problem) {
	if len(c.diags) > maxProblems {
		c.broken = true // and all that is to be told of this site was
		return
	}
	pos := position(at)
	c.diags = append(c.diags, Diagnostic{
		Severity: sev, Rule: p.rule, Summary: p.summary, Detail: p.detail, Pos: pos, Source: c.src.line(pos),
	})
}

func (c *converter) fail(at hcl.Range, p problem) { c.report(Error, at, p) }

func (c *converter) warn(at hcl.Range, p problem) { c.report(Warning, at, p) }

// mark remembers where something is written.
func (c *converter) mark(name string, at hcl.Range) { c.places[name] = position(at) }

// keep remembers it beyond Load, together with the line.
func (c *converter) keep(name string, at hcl.Range) {
	pos := position(at)
	c.kept[name] = spot{pos, c.src.line(pos)}
}

// need reports a missing argument; example is what to write.
func (c *converter) need(attr *hcl.Attribute, block hcl.Range, name, example string) bool {
	if attr != nil {
		return true
	}
	at, detail := block, fmt.Sprintf("%s is needed here, for example: %s", name, example)
	if written, ok := c.nulls[null{block.Start, name}]; ok {
		at, detail = written, fmt.Sprintf("%s is needed here, and null is no value. Write, for example: %s", name, example)
	}
	c.fail(at, problem{"required", "missing argument", detail})
	return false
}

// value evaluates an argument that is printed. An argument that is not set, or
// null, has no value. The text of a file in the site folder is no secret here,
// and may then be none elsewhere.
func (c *converter) value(attr *hcl.Attribute, want cty.Type, what string) (cty.Value, bool) {
	val, from, ok := c.evaluate(attr, want, what)
	if !ok {
		return val, false
	}
	at := attr.Expr.Range()
	if o := failed(from); o != nil {
		c.fail(at, problem{"lookup", "value not found", fmt.Sprintf("%s: %s.", o.source, o.err)})
		return val, false
	}
	if i := slices.IndexFunc(from, isPrivateKey); i >= 0 {
		c.fail(at, printed(attr.Name, from[i].source+", which holds a private key"))
		return val, false
	}
	c.looked.note(c.looked.printed, from...)
	return val, c.known(attr, val)
}

func (c *converter) known(attr *hcl.Attribute, val cty.Value) bool {
	if !val.IsWhollyKnown() {
		c.unknown(attr)
		return false
	}
	return true
}

// unknown marks the site as broken. What makes a value unknown is reported
// where it is declared; should it not be, this is said.
func (c *converter) unknown(attr *hcl.Attribute) {
	c.broken = true
	pos := position(attr.Expr.Range())
	c.vague = append(c.vague, Diagnostic{
		Severity: Error, Rule: "lookup", Summary: "value not known", Pos: pos, Source: c.src.line(pos),
		Detail: fmt.Sprintf("%s has no value yet. A file that it is made from may be missing.", attr.Name),
	})
}

// evaluate returns the value without marks, and where it comes from.
func (c *converter) evaluate(attr *hcl.Attribute, want cty.Type, what string) (cty.Value, []*origin, bool) {
	if attr == nil || len(c.diags) > maxProblems {
		return cty.NilVal, nil, false
	}
	raw, diags := attr.Expr.Value(c.ctx)
	if diags.HasErrors() && c.namesNoLocal(attr.Expr) {
		return cty.NilVal, nil, false
	}
	c.diags = append(c.diags, fromHCL(c.src, diags)...)
	if diags.HasErrors() {
		return cty.NilVal, nil, false
	}
	val, from := raw, []*origin(nil)
	if raw.ContainsMarked() {
		if refs := referencesIn(raw); len(refs) > 0 {
			c.fail(attr.Expr.Range(), printed(attr.Name, refs[0].source()))
			return cty.NilVal, nil, false
		}
		val, from = originsOf(raw)
	}
	val, err := convert.Convert(val, want)
	if err != nil {
		c.fail(attr.Expr.Range(), problem{"type", "wrong type", fmt.Sprintf("%s has to be %s.", attr.Name, what)})
		return cty.NilVal, nil, false
	}
	if val.IsNull() {
		return cty.NilVal, nil, false
	}
	return val, from, true
}

// namesNoLocal reports a reference to a local that nobody declares; hcl would
// only say that there is no such attribute.
func (c *converter) namesNoLocal(expr hcl.Expression) bool {
	if c.ctx == nil {
		return false // operator profiles have no locals
	}
	have := localNames(c.ctx)
	found := false
	for _, ref := range expr.Variables() {
		if name := memberOf(ref); ref.RootName() == "local" && name != "" && !slices.Contains(have, name) {
			c.fail(ref.SourceRange(), problem{"locals", "unknown local value", noSuchLocal(name, have)})
			found = true
		}
	}
	return found
}

// text returns a string that passes the check.
func (c *converter) text(attr *hcl.Attribute, check func(string) *problem) given[string] {
	val, ok := c.value(attr, cty.String, "a string")
	if !ok {
		return given[string]{}
	}
	s, at := val.AsString(), attr.Expr.Range()
	return given[string]{s, at, c.passes(at, s, check)}
}

func (c *converter) passes(at hcl.Range, s string, check func(string) *problem) bool {
	if p := check(s); p != nil {
		c.fail(at, *p)
		return false
	}
	return true
}

// label checks the label of a block.
func (c *converter) label(s string, at hcl.Range, check func(string) *problem) given[string] {
	return given[string]{s, at, c.passes(at, s, check)}
}

// maxList bounds a list: each of its elements is compared with each.
const maxList = 1000

// texts returns the strings of a list, each with its own position where the
// list is written out. It is nil when there is no list, and empty when the
// list is.
func (c *converter) texts(attr *hcl.Attribute) []given[string] {
	val, ok := c.value(attr, cty.List(cty.String), "a list of strings")
	if !ok {
		return nil
	}
	if n := val.LengthInt(); n > maxList {
		c.fail(attr.Expr.Range(), problem{"list-length", "list too long", fmt.Sprintf("%s has %d elements; at most %d are read.", attr.Name, n, maxList)})
		return nil
	}
	places := elementRanges(attr.Expr, val.LengthInt())
	out := []given[string]{}
	for i, v := range val.AsValueSlice() {
		if v.IsNull() {
			c.fail(places[i], problem{"type", "wrong type", fmt.Sprintf("%s has to be a list of strings, without null.", attr.Name)})
			continue
		}
		out = append(out, given[string]{v.AsString(), places[i], true})
	}
	return out
}

// elementRanges returns where the n elements of a list are written; one that
// is computed has the place of the whole.
func elementRanges(expr hcl.Expression, n int) []hcl.Range {
	places := slices.Repeat([]hcl.Range{expr.Range()}, n)
	elements, diags := hcl.ExprList(expr)
	if diags.HasErrors() || len(elements) != n {
		return places
	}
	for i, e := range elements {
		places[i] = e.Range()
	}
	return places
}

// flag returns a bool.
func (c *converter) flag(attr *hcl.Attribute) bool {
	val, ok := c.value(attr, cty.Bool, "true or false")
	return ok && val.True()
}

// number returns a whole number between two bounds, or otherwise when it is
// not set.
func (c *converter) number(attr *hcl.Attribute, low, high, otherwise int64) int64 {
	val, ok := c.value(attr, cty.Number, "a number")
	if !ok {
		return otherwise
	}
	n, ok := wholeNumber(val)
	if !ok || n < low || n > high {
		c.fail(attr.Expr.Range(), problem{"number-range", "number out of range",
			fmt.Sprintf("%s has to be a whole number from %d to %d.", attr.Name, low, high)})
		return otherwise
	}
	return n
}

func wholeNumber(val cty.Value) (int64, bool) {
	n, acc := val.AsBigFloat().Int64()
	return n, acc == big.Exact
}

// oneOf returns a word out of a few.
func (c *converter) oneOf(attr *hcl.Attribute, otherwise string, words ...string) string {
	got := c.text(attr, func(s string) *problem {
		if slices.Contains(words, s) {
			return nil
		}
		return &problem{"choice", "unknown word", fmt.Sprintf("%s is %q.%s", attr.Name, s, didYouMean(s, words))}
	})
	if !got.ok {
		return otherwise
	}
	return got.val
}

// keyed returns the strings of an object such as { name = "eno1" }.
func (c *converter) keyed(attr *hcl.Attribute, known ...string) (map[string]given[string], bool) {
	val, ok := c.value(attr, cty.Map(cty.String), "an object with strings")
	if !ok {
		return nil, false
	}
	out, places := map[string]given[string]{}, keyRanges(attr.Expr)
	for name, v := range val.AsValueMap() {
		at, found := places[name]
		if !found {
			at = attr.Expr.Range()
		}
		if !slices.Contains(known, name) {
			c.fail(at, problem{"choice", "unknown word", fmt.Sprintf("%s has no %q.%s", attr.Name, name, didYouMean(name, known))})
			ok = false
			continue
		}
		if !v.IsNull() {
			out[name] = given[string]{v.AsString(), at, true}
		}
	}
	return out, ok
}

// keyRanges returns where the values of an object are written.
func keyRanges(expr hcl.Expression) map[string]hcl.Range {
	pairs, _ := hcl.ExprMap(expr)
	places := map[string]hcl.Range{}
	for _, p := range pairs {
		if key, diags := p.Key.Value(nil); !diags.HasErrors() && key.Type() == cty.String && key.IsKnown() && !key.IsNull() {
			places[key.AsString()] = p.Value.Range()
		}
	}
	return places
}
