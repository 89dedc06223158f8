package render

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/template"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/templates"
)

// Secrets says what secret files are made with.
type Secrets uint8

const (
	// Revealed puts the texts in: for plan and apply. Every secret of the
	// site has to be there.
	Revealed Secrets = iota + 1
	// Withheld puts "(secret)" in their place: for people to read, and for
	// sites whose secrets are elsewhere.
	Withheld
)

// Desired returns everything that is wanted of a site. packs is the folder of
// component packs, as templates.FS gives it.
func Desired(s *site.Site, packs fs.FS, secrets Secrets) (*state.Set, error) {
	components, err := load(s, packs)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", s.Name, err)
	}
	items := append(settings(s), live(s)...)
	open, closed, err := views(s, components, secrets)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", s.Name, err)
	}
	for _, c := range components {
		for _, f := range c.Files {
			if holds, err := open.has(f.When); err != nil {
				return nil, fmt.Errorf("render %s: component pack %s: file %s: %w", s.Name, c.Name, f.Path, err)
			} else if !holds {
				continue
			}
			v := open
			if f.Secret {
				v = closed
			}
			item, err := file(f, v)
			if err != nil {
				return nil, fmt.Errorf("render %s: %w", s.Name, err)
			}
			items = append(items, item)
		}
		items = append(items, unitsAndPackages(c)...)
	}
	set, err := state.NewSet(s.Name, items)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", s.Name, err)
	}
	return set, nil
}

// load reads the packs of a site in the order in which they take effect.
func load(s *site.Site, packs fs.FS) ([]templates.Component, error) {
	var out []templates.Component
	for _, kind := range templates.Kinds() {
		name := s.Components[kind]
		if name == "" {
			return nil, fmt.Errorf("no component pack for %s", kind)
		}
		c, err := templates.Load(packs, name)
		if err != nil {
			return nil, err
		}
		if c.Kind != kind {
			return nil, fmt.Errorf("component pack %s is of kind %s, wanted for %s", name, c.Kind, kind)
		}
		out = append(out, c)
	}
	return out, nil
}

// Units are the units of each kind of component of a site, as its packs name
// them.
func Units(s *site.Site, packs fs.FS) (map[string][]string, error) {
	components, err := load(s, packs)
	if err != nil {
		return nil, fmt.Errorf("units of %s: %w", s.Name, err)
	}
	out := map[string][]string{}
	for _, c := range components {
		out[c.Kind] = c.Services
	}
	return out, nil
}

func file(f templates.File, v view) (state.Item, error) {
	t, err := template.New(f.Path).Option("missingkey=error").Parse(f.Template)
	if err != nil {
		return state.Item{}, fmt.Errorf("template of %s: %w", f.Path, err)
	}
	var buf bytes.Buffer
	if err := t.Execute(&buf, v); err != nil {
		return state.Item{}, fmt.Errorf("template of %s: %w", f.Path, err)
	}
	value := state.NewFile(f.Mode, f.Owner, f.Group, buf.Bytes(), state.Secrecy(f.Secret))
	return state.Item{Key: state.Key{Kind: state.Path, Name: f.Path}, Value: value, Effect: f.Effect}, nil
}

func unitsAndPackages(c templates.Component) []state.Item {
	var items []state.Item
	for _, p := range c.Packages {
		items = append(items, state.Item{
			Key:    state.Key{Kind: state.Package, Name: p},
			Value:  state.Text("installed"),
			Effect: state.Effect{Component: c.Name, Order: c.Order()},
		})
	}
	for _, u := range c.Services {
		items = append(items, state.Item{
			Key:    state.Key{Kind: state.Unit, Name: u},
			Value:  state.Service{Enabled: true, Active: true},
			Effect: state.Effect{Component: c.Name, Order: c.Order(), Unit: u},
		})
	}
	return items
}

// live are the addresses that the kernel must have, whatever the files say.
func live(s *site.Site) []state.Item {
	effect := state.Effect{Component: s.Components["network"], Order: slices.Index(templates.Kinds(), "network"), How: state.Command}
	var items []state.Item
	add := func(iface, address string, e state.Effect) {
		e.Command = reconfigure(iface)
		k := state.Key{Kind: state.Live, Name: "address " + iface + " " + address}
		items = append(items, state.Item{Key: k, Value: state.Text("present"), Effect: e})
	}
	for _, i := range []site.Interface{s.Server.Management, s.Server.Service} {
		e := effect
		if i.Role == "management" {
			e.Risk, e.Note = state.MayCutAccess, "may cut management access"
		}
		for _, a := range i.Addresses {
			add(i.Device(), a.String(), e)
		}
	}
	for _, a := range s.ServiceAddresses() {
		add("lo", hostPrefix(a).String(), effect)
	}
	return items
}

// reconfigure makes networkd set one interface up anew. A reload passes by a
// link whose file has not changed, and a restart of networkd leaves addresses
// in place that are declared no more (systemd 252).
func reconfigure(iface string) []string {
	if !strings.Contains(iface, ":") {
		return []string{"networkctl", "reconfigure", iface}
	}
	const byMAC = `networkctl reconfigure "$(ip -o link show | awk -v mac="$1" 'index($0, mac) { sub("[@:].*", "", $2); print $2; exit }')"`
	return []string{"sh", "-c", byMAC, "sh", iface}
}

// errSecret is what a missing secret becomes when it is needed.
var errSecret = errors.New("a secret is missing")
