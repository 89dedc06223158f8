package templates_test

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/templates"
)

// FuzzPacks reads what a program prints as each pack that there is does: bird,
// frr, nsd, knot, chrony. It ends, and what is made of it is bounded.
func FuzzPacks(f *testing.F) {
	names, err := fs.Glob(templates.FS(), "*/*/component.hcl")
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	var packs []templates.Component
	for _, name := range names {
		dir := path.Dir(name)
		c, err := templates.Load(templates.FS(), path.Dir(dir), path.Base(dir))
		if err != nil {
			f.Fatal(err)
		}
		packs = append(packs, c)
	}
	f.Add("BIRD 2.0.12 ready.\nName Proto Table State Since Info\nedge1_v4 BGP --- up 10:00:00 Established\n  Neighbor AS: 64500\n")
	f.Add(`{"neighbors":{"192.0.2.1":{"state":"Established","remoteAs":64500}}}`)
	f.Add("zone: .\n\tstate: ok\n\tserved-serial: \"2024010100 since 2024\"\n")
	f.Add("Reference ID    : C0000201\nLeap status     : Normal\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range packs {
			for name, o := range c.Observations {
				records, _ := o.Read(strings.Split(text, "\n"))
				size := 0
				for _, r := range records {
					for _, values := range r {
						for _, v := range values {
							size += len(v)
						}
					}
				}
				if len(records) > 10_000 || size > 16*(len(text)+1)*8+1<<20 {
					t.Errorf("%s of %s: %d records, %d bytes", name, c.Name, len(records), size)
				}
			}
		}
	})
}
