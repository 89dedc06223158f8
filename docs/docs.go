// Package docs has what is published as a file and printed by raiz as well.
package docs

import (
	"bytes"
	_ "embed"
)

//go:embed schema.json
var schema []byte

// Schema is the JSON Schema (draft 2020-12) of what --json prints.
func Schema() []byte { return bytes.Clone(schema) }
