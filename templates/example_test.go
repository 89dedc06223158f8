package templates_test

import (
	"fmt"

	"github.com/raiz-dns/raiz/templates"
)

// A pack is read from its folder.
func ExampleLoad() {
	c, err := templates.Load(templates.FS(), "time", "chrony")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Kind, c.Services, c.PackagesOn("bookworm"))
	// Output: time [chrony.service] [chrony]
}
