//go:build linux

package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"github.com/raiz-dns/raiz/provision/invoke"
)

// What is embedded has the sum of what it unpacks to.
func TestHelpersHaveTheirSums(t *testing.T) {
	images, err := helpers()
	if err != nil {
		t.Fatal(err)
	}
	need(t, "there is no helper in this build (make raiz)", len(images) == 0)
	for arch, image := range images {
		z, err := gzip.NewReader(bytes.NewReader(image.Packed))
		if err != nil {
			t.Fatal(err)
		}
		program, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		if want := invoke.NewImage(image.Packed, program).Sum; image.Sum != want {
			t.Errorf("%s: sum %q, want %q", arch, image.Sum, want)
		}
	}
}
