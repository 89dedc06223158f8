package main

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/raiz-dns/raiz/provision/invoke"
)

// embedded holds the programs for servers, one for each architecture, where
// they were built before raiz was (make raiz).
//
//go:embed embedded
var embedded embed.FS

// helpers are the programs for servers that this binary carries, with their
// sums: to unpack them for that takes longer than a plan. A server sums what it
// has unpacked.
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
		sum, err := embedded.ReadFile(path.Join("embedded", arch+".sum"))
		if err != nil {
			return nil, fmt.Errorf("the embedded helper for %s: %w; build raiz with make raiz", arch, err)
		}
		out[arch] = invoke.Image{Packed: packed, Sum: strings.TrimSpace(string(sum))}
	}
	return out, nil
}
