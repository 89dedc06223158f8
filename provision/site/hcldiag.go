package site

import (
	"fmt"
	"maps"
	"slices"
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
	for _, d := range in[:min(len(in), maxProblems)] {
		diag := Diagnostic{Severity: Error, Summary: lowerFirst(d.Summary), Detail: d.Detail}
		if d.Severity == hcl.DiagWarning {
			diag.Severity = Warning
		}
		if d.Subject != nil {
			diag.Pos = position(*d.Subject)
		}
		if call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](d); ok {
			diag.Detail = noSuchFunction(call.CalledFunctionName(), d.EvalContext)
		}
		hint := habit(d)
		if hint != "" {
			diag.Detail = hint
		}
		if hint == "" && repeatsValue(d.Summary) && seesSecret(d) {
			diag.Detail = wholeOnly
		}
		diag.Source = src.line(diag.Pos)
		out = append(out, diag)
	}
	return out
}

// wholeOnly replaces what the evaluator says of a value that may be a secret.
const wholeOnly = `A secret is taken whole, by an argument that is one, such as password = env("NAME"). Nothing can be computed from it.`

// noSuchFunction replaces the detail of hcl, whose suggestion depends on the
// order of a map.
func noSuchFunction(name string, ctx *hcl.EvalContext) string {
	var known []string
	for ; ctx != nil; ctx = ctx.Parent() {
		known = slices.AppendSeq(known, maps.Keys(ctx.Functions))
	}
	slices.Sort(known)
	return fmt.Sprintf("There is no function named %q.%s", name, didYouMean(name, known))
}

// syntax turns what the parser found into Diagnostics. Only the first error of a
// file tells anything: the others come from how the parser went on, which after
// one unclosed quote is to take every string for what is between strings.
func syntax(src *source, in hcl.Diagnostics) Diagnostics {
	out := tidy(fromHCL(src, in))
	first := slices.IndexFunc(out, func(d Diagnostic) bool { return d.Severity == Error })
	if first < 0 {
		return out
	}
	d := out[first]
	if slices.ContainsFunc(out, func(o Diagnostic) bool { return o.Pos.Line == d.Pos.Line && o.Summary == "invalid multi-line string" }) {
		d.Summary = "unclosed quote"
		d.Detail = `On this line a quote (") has no partner. A text of several lines is written <<EOT ... EOT.`
	}
	return append(slices.DeleteFunc(out, func(o Diagnostic) bool { return o.Severity == Error }), d)
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
			found = found || slices.Contains(lookupNames(), call.Name)
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
		if val != cty.NilVal && (val.ContainsMarked() || len(referencesIn(val)) > 0) {
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

// sentence begins a Detail with a capital.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func lowerFirst(s string) string {
	if s == "" || strings.HasPrefix(s, "HCL") {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
