package render

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

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

// With is what a site is rendered with, beside its packs.
type With struct {
	Secrets Secrets
	// Program names the helper that is to be the guard, whichever architecture
	// it is of: the guard is restarted for another one. "" names none.
	Program string
}

// Desired returns everything that is wanted of a site. packs is the folder of
// component packs, as templates.FS gives it.
func Desired(s *site.Site, packs fs.FS, with With) (*state.Set, error) {
	set, err := desired(s, packs, with)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", s.Name, err)
	}
	return set, nil
}

func desired(s *site.Site, packs fs.FS, with With) (*state.Set, error) {
	components, err := load(s, packs)
	if err != nil {
		return nil, err
	}
	open, closed, err := values(s, packs, components, with.Secrets)
	if err != nil {
		return nil, err
	}
	open.Guard.watch.Program, closed.Guard.watch.Program = with.Program, with.Program
	items := append(settings(s), live(s)...)
	installed := map[string]bool{}
	for _, c := range components {
		options := optionsOf(c, s.PackOptions[c.Kind])
		open.Options, closed.Options = options, options
		files, err := filesOf(c, open, closed)
		if err != nil {
			return nil, fmt.Errorf("component pack %s/%s: %w", c.Kind, c.Name, err)
		}
		items = append(append(items, files...), services(c)...)
		for _, p := range c.PackagesOn(s.Server.Release) {
			if !installed[p] { // two packs may need the same one
				items = append(items, packageItem(c, p))
			}
			installed[p] = true
		}
	}
	return state.NewSet(s.Name, items)
}

// load reads the packs of a site in the order in which they take effect.
func load(s *site.Site, packs fs.FS) ([]templates.Component, error) {
	var out []templates.Component
	for _, kind := range templates.Kinds() {
		name := s.Components[kind]
		if name == "" {
			return nil, fmt.Errorf("no component pack for %s", kind)
		}
		c, err := templates.Load(packs, kind, name)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// Components are the packs of a site in the order in which they take effect.
func Components(s *site.Site, packs fs.FS) ([]templates.Component, error) {
	components, err := load(s, packs)
	if err != nil {
		return nil, fmt.Errorf("packs of %s: %w", s.Name, err)
	}
	return components, nil
}

// optionsOf are the options of a pack: the site's, and the defaults.
func optionsOf(c templates.Component, chosen map[string]any) map[string]any {
	out := map[string]any{}
	for _, o := range c.Options {
		out[o.Name] = o.Default
		if v, ok := chosen[o.Name]; ok {
			out[o.Name] = v
		}
	}
	return out
}

func packageItem(c templates.Component, name string) state.Item {
	return state.Item{
		Key:    state.Key{Kind: state.Package, Name: name},
		Value:  state.Text("installed"),
		Effect: state.Effect{Component: c.Name, Order: c.Order()},
	}
}

func services(c templates.Component) []state.Item {
	var items []state.Item
	for _, u := range c.Services {
		items = append(items, state.Item{
			Key:    state.Key{Kind: state.Unit, Name: u},
			Value:  state.Service{Enabled: true, Active: true},
			Effect: state.Effect{Component: c.Name, Order: c.Order(), Unit: u},
		})
	}
	return items
}

// live is what the kernel must have, whatever the files say: addresses, default
// routes, and systemd-networkd as the one that manages both links.
func live(s *site.Site) []state.Item {
	effect := state.Effect{Component: s.Components["network"], Order: slices.Index(templates.Kinds(), "network")}
	var items []state.Item
	add := func(key state.Key, value string, e state.Effect) {
		items = append(items, state.Item{Key: key, Value: state.Text(value), Effect: e})
	}
	management, service := links(s)
	mtu := map[string]int{"management": management.MTU, "service": service.MTU}
	for _, i := range []site.Interface{s.Server.Management, s.Server.Service} {
		e := effect
		if i.Role == "management" {
			e.Name = state.MayCutServer
		}
		for _, a := range i.Addresses {
			add(state.AddressKey(i.Device(), a.String()), present, e)
		}
		for _, g := range i.Gateways {
			add(state.DefaultKey(i.Device(), g.String()), present, e)
		}
		add(state.ManagerKey(i.Device()), manager, e)
		if n := mtu[i.Role]; n != 0 {
			add(state.MTUKey(i.Device()), strconv.Itoa(n), e)
		}
	}
	for _, a := range s.ServiceAddresses() {
		add(state.AddressKey("lo", hostPrefix(a).String()), present, effect)
	}
	return items
}

const (
	present = "present"
	manager = "systemd-networkd"
)

// ErrSecret is wrapped by what a missing secret becomes when it is needed.
var ErrSecret = errors.New("a secret is missing")
