package site

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Pack is what a site has to know of a component pack.
type Pack struct {
	Name    string
	Default bool // taken where neither site nor operator names one
	// Options are what a site may set, with what they are where it does not:
	// a string, int64, bool or []string.
	Options map[string]any
	// ServesBadZones is set for a name server that cannot check a zone.
	ServesBadZones bool
	// ChecksAnchors is set for a name server that looks at the trust anchors
	// of the site, and not at the zone's own keys alone.
	ChecksAnchors bool
}

// packNames are the names of the packs of a kind.
func (l *loader) packNames(kind string) []string {
	var out []string
	for _, p := range l.packs[kind] {
		out = append(out, p.Name)
	}
	return out
}

func (l *loader) findPack(kind, name string) (Pack, bool) {
	i := slices.IndexFunc(l.packs[kind], func(p Pack) bool { return p.Name == name })
	if i < 0 {
		return Pack{}, false
	}
	return l.packs[kind][i], true
}

// components returns the pack of each kind, the site's, or the operator's, or
// the one that calls itself the default; and what the site sets for each.
func (c *converter) components(raw *rawComponents, operators map[string]string) (map[string]string, map[string]map[string]any) {
	chosen := map[string]string{}
	for kind, packs := range c.packs {
		for _, p := range packs {
			if p.Default {
				chosen[kind] = p.Name
			}
		}
	}
	maps.Copy(chosen, operators)
	if raw == nil {
		return chosen, nil
	}
	for _, set := range raw.kinds() {
		if got := c.text(set.attr, c.pack(set.kind)); got.ok {
			chosen[set.kind] = got.val
		}
	}
	return chosen, c.packOptions(raw.Options, chosen)
}

// pack checks the name of a component pack for one kind.
func (c *converter) pack(kind string) func(string) *problem {
	return func(s string) *problem {
		known := c.packNames(kind)
		if c.packs == nil || slices.Contains(known, s) {
			return name("a component")(s)
		}
		for _, other := range slices.Sorted(maps.Keys(c.packs)) {
			if slices.Contains(c.packNames(other), s) {
				return &problem{"component", "component of another kind", fmt.Sprintf("%q is a pack for %s.%s", s, other, didYouMean("", known))}
			}
		}
		return &problem{"component", "unknown component", fmt.Sprintf("There is no pack %q for %s.%s", short(s), kind, didYouMean(s, known))}
	}
}

// packOptions converts the options blocks: each of a kind, with arguments
// that the chosen pack knows.
func (c *converter) packOptions(raw []rawPackOptions, chosen map[string]string) map[string]map[string]any {
	var all map[string]map[string]any
	for _, r := range raw {
		if !slices.ContainsFunc((&rawComponents{}).kinds(), func(k kindAttr) bool { return k.kind == r.Kind }) {
			c.fail(r.KindRange, problem{"component", "unknown kind of component", fmt.Sprintf("There is no kind %q.%s", short(r.Kind), didYouMean(r.Kind, kindNames()))})
			continue
		}
		if _, twice := all[r.Kind]; twice {
			c.fail(r.KindRange, problem{"component", "options declared twice", fmt.Sprintf("options %q is already there.", r.Kind)})
			continue
		}
		if all == nil {
			all = map[string]map[string]any{}
		}
		all[r.Kind] = c.optionsOf(r, chosen[r.Kind])
	}
	return all
}

func (c *converter) optionsOf(raw rawPackOptions, name string) map[string]any {
	out := map[string]any{}
	attrs, diags := raw.Body.JustAttributes()
	for _, d := range diags {
		at := raw.Range
		if d.Subject != nil {
			at = *d.Subject
		}
		c.fail(at, problem{"component", "options are arguments", "Write each as NAME = VALUE."})
	}
	pack, known := c.findPack(raw.Kind, name)
	if !known {
		return nil // said where the pack is named
	}
	for _, attr := range slices.SortedFunc(maps.Values(attrs), func(a, b *hcl.Attribute) int { return strings.Compare(a.Name, b.Name) }) {
		otherwise, ok := pack.Options[attr.Name]
		if !ok {
			c.fail(attr.NameRange, problem{"component", "unknown option", fmt.Sprintf("The pack %q for %s has no option %q.%s",
				name, raw.Kind, short(attr.Name), didYouMean(attr.Name, slices.Sorted(maps.Keys(pack.Options))))})
			continue
		}
		if c.isNull(attr.Expr) {
			continue // as if it were not written
		}
		if v, ok := c.option(attr, otherwise); ok {
			out[attr.Name] = v
		}
	}
	return out
}

// option converts one value to the type that its default has.
func (c *converter) option(attr *hcl.Attribute, otherwise any) (any, bool) {
	safe := ascii("An option", maxIdentity)
	switch otherwise.(type) {
	case string:
		got := c.text(attr, safe)
		return got.val, got.ok
	case int64:
		const most = 1 << 53
		return c.number(attr, 0, most, 0), true
	case bool:
		val, ok := c.value(attr, cty.Bool, "true or false")
		return ok && val.True(), ok
	default:
		var out []string
		for _, w := range c.texts(attr) {
			if c.passes(w.at, w.val, safe) {
				out = append(out, w.val)
			}
		}
		return out, true
	}
}

// zonePack wants a name server that can check the zones which are to be
// checked before they are served.
func (c *converter) zonePack(s *Site, raw *rawDNS) {
	pack, ok := c.findPack("dns", s.Components["dns"])
	if !ok || raw == nil {
		return
	}
	for _, z := range s.DNS.Zones {
		switch {
		case !z.Verified():
		case !pack.ServesBadZones && !pack.ChecksAnchors:
			c.warn(raw.Range, problem{"zone-check", "trust anchors are not looked at", fmt.Sprintf(
				"The pack %q checks zone %s with the zone's own keys: one that is signed anew by somebody else passes. TSIG keeps strangers from handing it out.", pack.Name, z.Name)})
			return
		case pack.ServesBadZones:
			c.fail(raw.Range, problem{"zone-check", "nobody checks the zone", fmt.Sprintf(
				"The pack %q serves zone %s as it comes. Choose another pack for dns, or say in the zone why that may be: unverified = \"...\"", pack.Name, z.Name)})
			return
		}
	}
}

// kindAttr is the argument of one kind of component.
type kindAttr struct {
	kind string
	attr *hcl.Attribute
}

func (r *rawComponents) kinds() []kindAttr {
	return []kindAttr{
		{"network", r.Network}, {"bgp", r.BGP}, {"dns", r.DNS},
		{"firewall", r.Firewall}, {"time", r.Time}, {"system", r.System}, {"guard", r.Guard},
	}
}

func kindNames() []string {
	var out []string
	for _, k := range (&rawComponents{}).kinds() {
		out = append(out, k.kind)
	}
	return out
}
