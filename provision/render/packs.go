package render

import (
	"io/fs"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// Packs are the component packs of a folder as site files may name them.
func Packs(fsys fs.FS) (map[string][]site.Pack, error) {
	catalog, err := templates.Catalog(fsys)
	if err != nil {
		return nil, err
	}
	all := map[string][]site.Pack{}
	for kind, components := range catalog {
		for _, c := range components {
			all[kind] = append(all[kind], site.Pack{
				Name: c.Name, Default: c.Default, Options: optionsOf(c, nil), ServesBadZones: c.BadZone == templates.ServesBadZone, ChecksAnchors: c.Anchors,
			})
		}
	}
	return all, nil
}
