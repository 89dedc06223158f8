package templates

import (
	"fmt"
	"io/fs"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/raiz-dns/raiz/provision/nesting"
	"github.com/raiz-dns/raiz/provision/secret"
)

// ReadFile reads a file of a pack whole. One that is no regular file, or
// larger than 1 MiB, is an error with its name.
func ReadFile(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := secret.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return text, nil
}

// parsePack is component.hcl as it stands there.
func parsePack(src []byte, file string) (raw rawPack, err error) {
	tokens, _ := hclsyntax.LexConfig(src, file, hcl.InitialPos)
	if at, deep := nesting.TooDeep(tokens); deep {
		return raw, fmt.Errorf("%s:%d: more than %d levels of brackets or more than %d operators in one expression", file, at.Start.Line, nesting.MaxDepth, nesting.MaxOperators)
	}
	parsed, diags := hclparse.NewParser().ParseHCL(src, file)
	if body, ok := parsed.Body.(*hclsyntax.Body); ok && !diags.HasErrors() {
		diags = hclsyntax.VisitAll(body, noLoop)
	}
	if !diags.HasErrors() {
		diags = gohcl.DecodeBody(parsed.Body, nil, &raw)
	}
	if diags.HasErrors() {
		return raw, diags
	}
	return raw, nil
}

// noLoop refuses a "for": a pack is data, and loops in one another never end.
func noLoop(node hclsyntax.Node) hcl.Diagnostics {
	if _, loop := node.(*hclsyntax.ForExpr); !loop {
		return nil
	}
	at := node.Range()
	return hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "No loops", Detail: "A component pack has no \"for\": write the values out.", Subject: &at}}
}
