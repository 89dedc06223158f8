package render_test

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/templates"
)

// A site file becomes what its server is to have.
func ExampleDesired() {
	packs, err := render.Packs(templates.FS())
	if err != nil {
		fmt.Println(err)
		return
	}
	operators, err := fs.Sub(templates.FS(), "operators")
	if err != nil {
		fmt.Println(err)
		return
	}
	sites, diags := site.Load(os.DirFS("../../sites"), "root-example.hcl", site.Options{Packs: packs, Operators: operators})
	if diags.HasErrors() {
		fmt.Println(diags)
		return
	}
	set, err := render.Desired(sites[0], templates.FS(), render.With{Secrets: render.Withheld})
	if err != nil {
		fmt.Println(err)
		return
	}
	item, _ := set.Get(state.Key{Kind: state.Unit, Name: "nsd.service"})
	fmt.Println(set.Site(), item.Effect.Component, item.Value)
	// Output: root-example nsd {true true}
}
