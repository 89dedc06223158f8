package site

import (
	"fmt"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// What evaluating may cost, in steps: a step is a node that is evaluated, an
// element that it results in, or textStep bytes of text. The largest example
// takes 300 for its dearest expression.
const (
	maxSteps      = 1 << 20 // of one expression
	maxTotalSteps = 1 << 25 // of all expressions of one Load
	textStep      = 16
	callSteps     = 20 // a call of a function takes as long as so many nodes
	turnSteps     = 8  // and so does one turn of a for
	lookSteps     = 1 << 12
	maxExponent   = 1100 // of a number, in bits: 1e300 has 997
)

// budget is what the expressions of one Load share. The evaluator itself has no
// limits: four short lines of nested for spin for a year.
type budget struct {
	spent atomic.Int64
	done  <-chan struct{} // closed when nobody waits for the result any more
}

// over reports that nothing more is evaluated.
func (b *budget) over() bool { return b.spent.Load() > maxTotalSteps || b.interrupted() }

func (b *budget) interrupted() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// problems are what is to be said of a Load that did not come to its end.
func (b *budget) problems(name string) Diagnostics {
	switch {
	case b.interrupted():
		return Diagnostics{fileProblem(name, "interrupted", "Reading the site files was interrupted.")}
	case b.over():
		return Diagnostics{fileProblem(name, "site files too costly", fmt.Sprintf(
			"The expressions of these files together take more than %d steps. Have fewer of them, and keep what all sites share in short locals.", maxTotalSteps))}
	}
	return nil
}

// meter counts what the expressions of one file cost. They are evaluated one
// after another.
type meter struct {
	shared *budget
	depth  int
	spent  int64 // by the expression that is being evaluated
	told   int64 // of that, what shared knows of
	why    string
	halted bool // all files together are over, or nobody waits any more
}

// charge counts steps and reports whether to go on.
func (m *meter) charge(steps int64) bool {
	if m.why != "" || m.halted {
		return false
	}
	if m.spent += min(steps, maxSteps+1); m.spent > maxSteps {
		m.why = fmt.Sprintf("This expression takes more than %d steps: a for in a for, or text that grows. Write the values out, or make fewer.", maxSteps)
		return false
	}
	if m.spent-m.told >= lookSteps {
		m.tell()
	}
	return !m.halted
}

// tell adds what was spent to what all files have.
func (m *meter) tell() {
	m.shared.spent.Add(m.spent - m.told)
	m.told, m.halted = m.spent, m.shared.over()
}

// take charges for a value, in the hands of whoever made it.
func (m *meter) take(val cty.Value) bool {
	if val == cty.NilVal {
		return true
	}
	bare, _ := val.Unmark()
	if !bare.IsKnown() || bare.IsNull() {
		return m.charge(1)
	}
	switch t := bare.Type(); {
	case t == cty.String:
		return m.charge(1 + int64(len(bare.AsString())/textStep))
	case t == cty.Number:
		if isHuge(bare) {
			m.why = numberTooLarge
			return false
		}
	case t.IsCollectionType() || t.IsTupleType() || t.IsObjectType():
		if !m.charge(1) {
			return false
		}
		for it := bare.ElementIterator(); it.Next(); {
			_, v := it.Element()
			if !m.take(v) {
				return false
			}
		}
		return true
	}
	return m.charge(1)
}

// kinds is what it takes to find the one type of the elements of a tuple, in
// which each is compared with each (cty's convert.unify).
func kinds(val cty.Value) int64 {
	if val, _ = val.Unmark(); !val.IsKnown() || val.IsNull() || !val.Type().IsTupleType() {
		return 0
	}
	n := int64(val.LengthInt())
	return n * n / 256
}

// isHuge knows 1e600000000, which is short as a number and endless as text.
func isHuge(n cty.Value) bool {
	f := n.AsBigFloat()
	if f.IsInf() || f.Sign() == 0 {
		return false
	}
	exp := f.MantExp(nil)
	return exp > maxExponent || exp < -maxExponent
}

// metered is an expression that is counted. It is a pair of parentheses for the
// evaluator, which sees through them wherever it looks at what is written.
type metered struct {
	hclsyntax.ParenthesesExpr
	m     *meter
	steps int64 // of the node itself
	given bool  // to a function
}

// Range implements hcl.Expression.
func (e *metered) Range() hcl.Range { return e.Expression.Range() }

// UnwrapExpression lets hcl see what is inside.
func (e *metered) UnwrapExpression() hcl.Expression { return e.Expression }

// Value implements hcl.Expression. What is over its bounds is an unknown value,
// and the outermost expression says why, alone: what went wrong inside is a
// consequence.
func (e *metered) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	m := e.m
	if m.depth == 0 {
		m.spent, m.told, m.why, m.halted = 0, 0, "", m.shared.over()
	}
	if !m.charge(e.steps) {
		return e.ended(cty.DynamicVal, nil)
	}
	m.depth++
	val, diags := e.Expression.Value(ctx)
	m.depth--
	if m.take(val) && e.given {
		m.charge(kinds(val))
	}
	return e.ended(val, diags)
}

func (e *metered) ended(val cty.Value, diags hcl.Diagnostics) (cty.Value, hcl.Diagnostics) {
	m := e.m
	if m.depth == 0 {
		m.tell()
	}
	if m.why == "" && !m.halted {
		return val, diags
	}
	if m.depth > 0 || m.why == "" {
		return cty.DynamicVal, nil
	}
	at, summary := e.Range(), "Expression too costly"
	if m.why == numberTooLarge {
		summary = "Number out of range"
	}
	return cty.DynamicVal, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: summary, Detail: m.why, Subject: &at}}
}

const numberTooLarge = "The number is too large, or too close to zero, to be written out."
