// Package templates holds the component packs, each a component.hcl and its
// templates, the operator profiles, and the loader that reads a pack.
//
// A pack fills one kind: network, firewall, time, dns, bgp or system. It says
// which packages, files and services it needs, what checks a file before it is
// put in place, and what it takes for a change to have an effect. Packs are
// data: a folder with one of the same name replaces a pack without any Go.
//
// Templates substitute and loop; what they are given is made in
// provision/render. Start reading at bird/component.hcl.
package templates

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/raiz-dns/raiz/provision/state"
)

//go:embed */component.hcl */*.tmpl operators/*.hcl
var embedded embed.FS

// FS returns the packs and profiles that are part of the binary.
func FS() fs.FS { return embedded }

// Kinds returns every kind of component in the order in which their units are
// acted on: first the addresses, then what protects them, DNS, and BGP last.
func Kinds() []string {
	return []string{"system", "network", "firewall", "time", "dns", "bgp"}
}

// Component is one pack.
type Component struct {
	Name     string
	Kind     string
	Packages []string
	Unit     string // main unit, where other packs need to name it
	Files    []File
	Services []string // units that are to be enabled and running
}

// File is one file of a pack.
type File struct {
	Path     string
	Template string // text of the template
	Mode     fs.FileMode
	Owner    string
	Group    string
	Secret   bool
	When     string // name of what must be there for the file to be wanted
	Effect   state.Effect
}

type rawPack struct {
	Component rawComponent `hcl:"component,block"`
}

type rawComponent struct {
	Name     string       `hcl:"name,label"`
	Kind     string       `hcl:"kind"`
	Packages []string     `hcl:"packages,optional"`
	Unit     string       `hcl:"unit,optional"`
	Files    []rawFile    `hcl:"file,block"`
	Services []rawService `hcl:"service,block"`
}

type rawFile struct {
	Path     string   `hcl:"path,label"`
	Template string   `hcl:"template"`
	Mode     string   `hcl:"mode,optional"`
	Owner    string   `hcl:"owner,optional"`
	Group    string   `hcl:"group,optional"`
	Secret   bool     `hcl:"secret,optional"`
	When     string   `hcl:"when,optional"`
	Check    []string `hcl:"check,optional"`
	Unit     string   `hcl:"unit,optional"`
	How      string   `hcl:"how,optional"`
	Command  []string `hcl:"command,optional"`
	Risk     string   `hcl:"risk,optional"`
	Note     string   `hcl:"note,optional"`
}

type rawService struct {
	Unit string `hcl:"unit,label"`
}

// Load reads the pack of that name from fsys.
func Load(fsys fs.FS, name string) (Component, error) {
	file := path.Join(name, "component.hcl")
	src, err := fs.ReadFile(fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return Component{}, fmt.Errorf("no component pack %q: there is no %s", name, file)
	}
	if err != nil {
		return Component{}, fmt.Errorf("read component pack: %w", err)
	}
	parsed, diags := hclparse.NewParser().ParseHCL(src, file)
	if diags.HasErrors() {
		return Component{}, fmt.Errorf("component pack: %w", diags)
	}
	var raw rawPack
	if diags := gohcl.DecodeBody(parsed.Body, nil, &raw); diags.HasErrors() {
		return Component{}, fmt.Errorf("component pack: %w", diags)
	}
	return convert(fsys, name, raw.Component)
}

// Names returns the packs of fsys, by kind, sorted.
func Names(fsys fs.FS) (map[string][]string, error) {
	files, err := fs.Glob(fsys, "*/component.hcl")
	if err != nil {
		return nil, err
	}
	names := map[string][]string{}
	for _, file := range files {
		c, err := Load(fsys, path.Dir(file))
		if err != nil {
			return nil, err
		}
		names[c.Kind] = append(names[c.Kind], c.Name)
	}
	return names, nil
}

func convert(fsys fs.FS, name string, raw rawComponent) (Component, error) {
	if raw.Name != name {
		return Component{}, fmt.Errorf("component pack %s: calls itself %q", name, raw.Name)
	}
	c := Component{Name: raw.Name, Kind: raw.Kind, Packages: raw.Packages, Unit: raw.Unit}
	order := orderOf(raw.Kind)
	if order < 0 {
		return Component{}, fmt.Errorf("component pack %s: kind %q is none of %s", name, raw.Kind, strings.Join(Kinds(), ", "))
	}
	for _, f := range raw.Files {
		file, err := convertFile(fsys, name, f)
		if err != nil {
			return Component{}, fmt.Errorf("component pack %s: file %s: %w", name, f.Path, err)
		}
		file.Effect.Component, file.Effect.Order = name, order
		c.Files = append(c.Files, file)
	}
	for _, s := range raw.Services {
		c.Services = append(c.Services, s.Unit)
	}
	return c, nil
}

// Order is the place of a kind among Kinds.
func (c Component) Order() int { return orderOf(c.Kind) }

func orderOf(kind string) int {
	for i, k := range Kinds() {
		if k == kind {
			return i
		}
	}
	return -1
}

func convertFile(fsys fs.FS, pack string, raw rawFile) (File, error) {
	if !path.IsAbs(raw.Path) || path.Clean(raw.Path) != raw.Path {
		return File{}, errors.New("the path is not absolute and clean")
	}
	text, err := fs.ReadFile(fsys, path.Join(pack, raw.Template))
	if err != nil {
		return File{}, fmt.Errorf("read template: %w", err)
	}
	raw.Mode = orElse(raw.Mode, "0644")
	mode, err := strconv.ParseUint(raw.Mode, 8, 9)
	if err != nil {
		return File{}, fmt.Errorf("mode %q is not an octal mode such as \"0644\"", raw.Mode)
	}
	if raw.Secret && mode&0o027 != 0 {
		return File{}, fmt.Errorf("mode %s is too open for a secret: 0640 at most", raw.Mode)
	}
	effect, err := convertEffect(raw)
	return File{
		Path: raw.Path, Template: string(text), Mode: fs.FileMode(mode),
		Owner: orElse(raw.Owner, "root"), Group: orElse(raw.Group, "root"),
		Secret: raw.Secret, When: raw.When, Effect: effect,
	}, err
}

func convertEffect(raw rawFile) (state.Effect, error) {
	e := state.Effect{Unit: raw.Unit, How: state.How(raw.How), Command: raw.Command, Check: raw.Check, Risk: state.Risk(raw.Risk), Note: raw.Note}
	switch {
	case len(raw.Command) > 0 && (raw.Unit != "" || raw.How != ""):
		return e, errors.New("a command stands alone, without unit or how")
	case len(raw.Command) > 0:
		e.How = state.Command
	case e.How == state.Nothing && e.Unit != "":
		return e, fmt.Errorf("unit = %q needs how = \"reload\" or \"restart\"", raw.Unit)
	case e.How != state.Nothing && e.How != state.Reload && e.How != state.Restart:
		return e, fmt.Errorf("how = %q is neither \"reload\" nor \"restart\"", raw.How)
	case e.How != state.Nothing && e.Unit == "":
		return e, fmt.Errorf("how = %q needs a unit", raw.How)
	}
	switch e.Risk {
	case state.NoRisk, state.SessionReset, state.ServiceGap, state.MayCutAccess:
		return e, nil
	}
	return e, fmt.Errorf("risk = %q is none of \"session-reset\", \"service-gap\", \"may-cut-access\"", raw.Risk)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
