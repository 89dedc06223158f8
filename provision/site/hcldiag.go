package site

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// position turns the start of a range into a Pos; hcl.Range stops here.
func position(r hcl.Range) Pos {
	return Pos{File: r.Filename, Line: r.Start.Line, Column: r.Start.Column}
}

// fromHCL turns what the parser and the evaluator found into Diagnostics.
func fromHCL(src *source, in hcl.Diagnostics) Diagnostics {
	var out Diagnostics
	for _, d := range in {
		diag := Diagnostic{Severity: Error, Summary: lowerFirst(d.Summary), Detail: d.Detail}
		if d.Severity == hcl.DiagWarning {
			diag.Severity = Warning
		}
		if d.Subject != nil {
			diag.Pos = position(*d.Subject)
		}
		if repeatsValue(d.Summary) && seesSecret(d) {
			diag.Detail = "The value comes from a secret, so the reason is not repeated here."
		}
		diag.Source = src.line(diag.Pos)
		out = append(out, diag)
	}
	return out
}

// repeatsValue reports whether the detail of such a diagnostic of hcl may
// quote the value it is about; the others name only what the file says.
func repeatsValue(summary string) bool {
	switch summary {
	case "Call to unknown function", "Unknown variable", "Unsupported argument", "Unsupported block type",
		"Not enough function arguments", "Too many function arguments":
		return false
	}
	return true
}

// seesSecret reports whether the expression a diagnostic is about can see a
// secret, by calling a lookup or by naming a value that is marked.
func seesSecret(d *hcl.Diagnostic) bool {
	if d.Expression == nil {
		return false
	}
	return callsLookup(d.Expression) || namesMarked(d.Expression, d.EvalContext)
}

func callsLookup(expr hcl.Expression) bool {
	node, ok := expr.(hclsyntax.Node)
	if !ok {
		// Wrapped by a dynamic block: what is inside cannot be seen.
		return true
	}
	found := false
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok {
			switch call.Name {
			case "env", "file", "exec":
				found = true
			}
		}
		return nil
	})
	return found
}

func namesMarked(expr hcl.Expression, ctx *hcl.EvalContext) bool {
	for _, ref := range expr.Variables() {
		// Most of the time the reference names one value; where it does
		// not resolve, the whole variable counts.
		val, diags := ref.TraverseAbs(ctx)
		if diags.HasErrors() {
			val = rootValue(ref.RootName(), ctx)
		}
		if val != cty.NilVal && val.ContainsMarked() {
			return true
		}
	}
	return false
}

func rootValue(name string, ctx *hcl.EvalContext) cty.Value {
	for ; ctx != nil; ctx = ctx.Parent() {
		if val, ok := ctx.Variables[name]; ok {
			return val
		}
	}
	return cty.NilVal
}

func lowerFirst(s string) string {
	if s == "" || strings.HasPrefix(s, "HCL") {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
