package site

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format returns the text of a site file in the canonical layout. A text with
// a syntax error is returned as it is, with the errors; their positions name
// no file.
func Format(text []byte) ([]byte, Diagnostics) {
	src := &source{text: text}
	if pos, ok := firstUnreadable("", text); !ok {
		d := fileProblem("", "not a text file", "Here is something that is not UTF-8 text.")
		d.Pos = pos
		return text, Diagnostics{d}
	}
	if d := inspect(src); d != nil {
		return text, Diagnostics{*d}
	}
	if _, diags := hclsyntax.ParseConfig(text, "", hcl.InitialPos); diags.HasErrors() {
		return text, tidy(syntax(src, diags))
	}
	return hclwrite.Format(text), nil
}
