// Package templates holds the component packs, each a folder KIND/NAME with a
// component.hcl and its templates, the operator profiles, and the loader.
//
// A pack fills one kind: system, network, firewall, time, dns, bgp or guard.
// It says which packages, files and services it needs, what checks a file
// before it is put in place, what it takes for a change to have an effect, and
// how its program is looked at. Packs are data: a folder beside these, or one
// of the same name in front of them, needs no Go. docs/packs.md is the
// contract; start reading at Load.
package templates

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed */*/* operators/*.hcl
var embedded embed.FS

// FS returns the packs and profiles that are part of the binary.
func FS() fs.FS { return embedded }

// Kinds returns every kind of component in the order in which their units are
// acted on: first the addresses, then what protects them, DNS, BGP, and what
// lets it announce last.
func Kinds() []string {
	return []string{"system", "network", "firewall", "time", "dns", "bgp", "guard"}
}

// Load reads the pack NAME of a kind from fsys. The error names the file and,
// where there is one, the place in it.
func Load(fsys fs.FS, kind, name string) (Component, error) {
	if orderOf(kind) < 0 {
		return Component{}, fmt.Errorf("component pack %s/%s: kind %q is none of %s", kind, name, kind, strings.Join(Kinds(), ", "))
	}
	return load(fsys, kind, name)
}

func load(fsys fs.FS, kind, name string) (Component, error) {
	folder := path.Join(kind, name)
	file := path.Join(folder, "component.hcl")
	src, err := ReadFile(fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return Component{}, fmt.Errorf("no component pack %q of kind %s: there is no %s", name, kind, file)
	}
	if err != nil {
		return Component{}, fmt.Errorf("component pack: %w", err)
	}
	raw, err := parsePack(src, file)
	if err != nil {
		return Component{}, fmt.Errorf("component pack: %w", err)
	}
	c, err := reader{fsys: fsys, folder: folder, kind: kind}.component(name, raw.Component)
	if err != nil {
		return Component{}, fmt.Errorf("component pack %s: %w", folder, err)
	}
	return c, nil
}

// Catalog returns every pack of fsys, by kind, sorted by name.
func Catalog(fsys fs.FS) (map[string][]Component, error) {
	if stray, _ := fs.Glob(fsys, "*/component.hcl"); len(stray) > 0 {
		return nil, fmt.Errorf("%s: a pack lies at KIND/NAME/component.hcl, where KIND is one of %s", stray[0], strings.Join(Kinds(), ", "))
	}
	if l, ok := fsys.(layered); ok {
		if err := l.complete(); err != nil {
			return nil, err
		}
	}
	files, err := fs.Glob(fsys, "*/*/component.hcl")
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	all := map[string][]Component{}
	for _, file := range files {
		kind, name := path.Split(path.Dir(file))
		kind = path.Clean(kind)
		c, err := Load(fsys, kind, name)
		if err != nil {
			return nil, err
		}
		for _, other := range all[kind] {
			if c.Default && other.Default {
				return nil, fmt.Errorf("component packs %s/%s and %s/%s both call themselves the default", kind, other.Name, kind, name)
			}
		}
		all[kind] = append(all[kind], c)
	}
	return all, nil
}

func orderOf(kind string) int { return slices.Index(Kinds(), kind) }
