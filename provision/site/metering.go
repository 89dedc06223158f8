package site

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// body has each expression of a file counted, and returns how many blocks there
// are.
func (m *meter) body(b *hclsyntax.Body) int {
	for _, attr := range b.Attributes {
		attr.Expr = m.counted(attr.Expr)
	}
	n := len(b.Blocks)
	for _, block := range b.Blocks {
		n += m.body(block.Body)
	}
	return n
}

// counted puts the counters into an expression. What is written out costs no
// more than its text, and stays as it is: most of a site file.
func (m *meter) counted(e hclsyntax.Expression) hclsyntax.Expression {
	if m.into(e) {
		return m.around(e, stepsOf(e))
	}
	return e
}

func (m *meter) around(e hclsyntax.Expression, steps int64) *metered {
	out := &metered{m: m, steps: steps}
	out.Expression = e
	return out
}

func stepsOf(e hclsyntax.Expression) int64 {
	if _, call := e.(*hclsyntax.FunctionCallExpr); call {
		return callSteps
	}
	return 1
}

// into puts counters into the parts of an expression, and reports whether it
// needs one itself.
func (m *meter) into(e hclsyntax.Expression) bool {
	needs := false
	part := func(p *hclsyntax.Expression) {
		if *p != nil && m.into(*p) {
			*p, needs = m.around(*p, stepsOf(*p)), true
		}
	}
	each := func(parts []hclsyntax.Expression) {
		for i := range parts {
			part(&parts[i])
		}
	}
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return e.Val.Type() == cty.Number && isHuge(e.Val)
	case *hclsyntax.AnonSymbolExpr:
		return false
	case *hclsyntax.ParenthesesExpr:
		part(&e.Expression)
	case *hclsyntax.ObjectConsKeyExpr:
		// A bare word is its own name, which is seen by what it is made of.
		if _, bare := e.Wrapped.(*hclsyntax.ScopeTraversalExpr); e.ForceNonLiteral || !bare {
			part(&e.Wrapped)
		}
	case *hclsyntax.TupleConsExpr:
		each(e.Exprs)
	case *hclsyntax.ObjectConsExpr:
		for i := range e.Items {
			needs = m.into(e.Items[i].KeyExpr) || needs
			part(&e.Items[i].ValueExpr)
		}
	case *hclsyntax.TemplateExpr:
		each(e.Parts)
	case *hclsyntax.TemplateWrapExpr:
		part(&e.Wrapped)
	case *hclsyntax.TemplateJoinExpr:
		part(&e.Tuple)
		return true
	case *hclsyntax.UnaryOpExpr:
		part(&e.Val)
	case *hclsyntax.BinaryOpExpr:
		part(&e.LHS)
		part(&e.RHS)
		return true
	case *hclsyntax.ConditionalExpr:
		part(&e.Condition)
		part(&e.TrueResult)
		part(&e.FalseResult)
	default:
		m.intoLoops(e, part)
		return true
	}
	return needs
}

// intoLoops is into for what takes many steps, or looks into other values.
func (m *meter) intoLoops(e hclsyntax.Expression, part func(*hclsyntax.Expression)) {
	turn := func(p *hclsyntax.Expression) {
		if *p != nil {
			m.into(*p)
			*p = m.around(*p, turnSteps)
		}
	}
	// What is looked into by name or number costs no more for its size.
	within := func(p *hclsyntax.Expression) {
		if _, named := (*p).(*hclsyntax.ScopeTraversalExpr); !named {
			part(p)
		}
	}
	switch e := e.(type) {
	case *hclsyntax.ForExpr:
		within(&e.CollExpr)
		turn(&e.CondExpr)
		turn(&e.KeyExpr)
		turn(&e.ValExpr)
	case *hclsyntax.SplatExpr:
		within(&e.Source)
		turn(&e.Each)
	case *hclsyntax.FunctionCallExpr:
		for i := range e.Args {
			m.into(e.Args[i])
			arg := m.around(e.Args[i], stepsOf(e.Args[i]))
			arg.given, e.Args[i] = true, arg
		}
	case *hclsyntax.RelativeTraversalExpr:
		within(&e.Source)
	case *hclsyntax.IndexExpr:
		within(&e.Collection)
		part(&e.Key)
	}
}
