package provision_test

import (
	"testing"

	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// sitePacks are the packs that are part of the binary.
func sitePacks(t testing.TB) map[string][]site.Pack {
	t.Helper()
	packs, err := render.Packs(templates.FS())
	if err != nil {
		t.Fatal(err)
	}
	return packs
}
