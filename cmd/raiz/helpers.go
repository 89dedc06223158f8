package main

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/raiz-dns/raiz/provision/invoke"
)

// embedded holds the programs for servers, one for each architecture, where
// they were built before raiz was (make raiz).
//
//go:embed embedded
var embedded embed.FS

// maxHelper bounds the size of one, unpacked.
const maxHelper = 32 << 20

// helpers are the programs for servers that this binary carries.
func helpers() (invoke.Images, error) {
	out := invoke.Images{}
	files, err := embedded.ReadDir("embedded")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		arch, ok := strings.CutSuffix(f.Name(), ".gz")
		if !ok {
			continue
		}
		packed, err := embedded.ReadFile(path.Join("embedded", f.Name()))
		if err != nil {
			return nil, err
		}
		z, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			return nil, fmt.Errorf("the embedded helper for %s: %w", arch, err)
		}
		program, err := io.ReadAll(io.LimitReader(z, maxHelper))
		if err != nil {
			return nil, fmt.Errorf("the embedded helper for %s: %w", arch, err)
		}
		out[arch] = invoke.NewImage(packed, program)
	}
	return out, nil
}
