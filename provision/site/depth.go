package site

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/raiz-dns/raiz/provision/nesting"
)

// inspect looks at a file before it is parsed: it notes the lines that may
// hold a secret, and returns where the file nests deeper than raiz parses.
func inspect(src *source) *Diagnostic {
	tokens, _ := hclsyntax.LexConfig(src.text, src.name, hcl.InitialPos)
	src.hidden = typedSecrets(tokens)
	if at, ok := tooManyPieces(tokens); ok {
		d := fileProblem(src.name, "text too long", "The texts of this file are too long, or hold too many lines. Keep them in files of their own: file(\"PATH\").")
		d.Pos = position(at)
		return &d
	}
	at, ok := nesting.TooDeep(tokens)
	if !ok {
		return nil
	}
	d := fileProblem(src.name, "nested too deeply", fmt.Sprintf(
		"Here are more than %d levels of brackets or more than %d operators in one expression. Use locals.", nesting.MaxDepth, nesting.MaxOperators))
	d.Pos = position(at)
	d.Source = src.line(d.Pos)
	return &d
}

// maxPieces bounds the pieces of a text times their bytes, of all texts of a
// file together. The parser joins the pieces one by one; a line is a piece, and
// so is each percent sign.
const maxPieces = 1 << 28

// tooManyPieces finds where the texts get too long.
func tooManyPieces(tokens hclsyntax.Tokens) (hcl.Range, bool) {
	total, pieces, size := 0, 0, 0
	for _, tok := range tokens {
		if tok.Type != hclsyntax.TokenQuotedLit && tok.Type != hclsyntax.TokenStringLit {
			pieces, size = 0, 0
			continue
		}
		pieces, size = pieces+1, size+len(tok.Bytes)
		if pieces > 1 {
			total += size
		}
		if total > maxPieces {
			return tok.Range, true
		}
	}
	return hcl.Range{}, false
}
