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
