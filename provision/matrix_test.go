//go:build linux

package provision_test

import (
	"maps"
	"os"
	"testing"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/templates"
)

// TestMatrix rehearses each example with each release of Debian, each name
// server and each routing daemon: apply, verify, and a second plan that is
// empty. It builds a tree for each, which takes minutes: `make matrix`.
func TestMatrix(t *testing.T) {
	if os.Getenv("RAIZ_MATRIX") == "" {
		t.Skip("set RAIZ_MATRIX, or use make matrix")
	}
	catalog, err := templates.Catalog(templates.FS())
	if err != nil {
		t.Fatal(err)
	}
	for _, example := range []string{"root-example", "f-root-example", "as112-gru1"} {
		for _, release := range []string{"bookworm", "trixie"} {
			for _, dns := range catalog["dns"] {
				for _, bgp := range catalog["bgp"] {
					t.Run(example+"/"+release+"/"+dns.Name+"/"+bgp.Name, func(t *testing.T) {
						s := *loadSite(t, "../sites/"+example+".hcl")
						s.Server.Release, s.Components = release, maps.Clone(s.Components)
						s.Components["dns"], s.Components["bgp"] = dns.Name, bgp.Name
						b := newBedOf(t, &s, rehearse.Options{})
						b.healthy()
					})
				}
			}
		}
	}
}
