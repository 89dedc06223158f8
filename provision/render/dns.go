package render

import (
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// maxZone bounds a transferred zone, in bytes. The root has 2 MiB as text.
const maxZone = 64 << 20

// dns is the name service. It comes after firewall, which knows who sends NOTIFY.
func (v *Values) dns(s *site.Site, components []templates.Component) {
	v.DNS = newDNS(s, components)
	for _, n := range v.NotifySources {
		v.DNS.NotifyAddresses = append(v.DNS.NotifyAddresses, n.To...)
	}
}

func newDNS(s *site.Site, components []templates.Component) DNS {
	v := DNS{
		Unit: mainUnit(components, "dns"), Identity: s.DNS.Identity, RateLimit: s.DNS.RateLimit,
		Where: s.Host.Name + ", " + s.Host.Location.City, Cookies: !s.DNS.Cookie.Secret.IsZero(),
	}
	for _, a := range s.DNS.TrustAnchors {
		v.TrustAnchors = append(v.TrustAnchors, a.String())
	}
	for _, k := range s.DNS.Keys {
		v.Keys = append(v.Keys, TSIG{Name: k.Name, Algorithm: k.Algorithm})
	}
	for _, z := range s.DNS.Zones {
		zone := newZone(z)
		v.Zones = append(v.Zones, zone)
		v.Verified = v.Verified || z.Verified()
		for _, p := range zone.Primaries {
			if !slices.Contains(v.Primaries, p) {
				v.Primaries = append(v.Primaries, p)
			}
		}
	}
	return v
}

func newZone(z site.Zone) Zone {
	v := Zone{Name: z.Name, Verified: z.Verified(), MaxBytes: maxZone}
	if z.Source == "as112" {
		v.Static = staticOf(z.Name)
		return v
	}
	v.File = z.Name + ".zone"
	switch z.Name {
	case ".":
		v.File = "root.zone"
	case "root": // would share it; no other zone's name ends in a dot
		v.File = "root..zone"
	}
	for _, p := range z.Primaries {
		v.Primaries = append(v.Primaries, newPrimary(p, z.Key))
	}
	return v
}

// newPrimary names a primary by its address and its key: two zones may share
// the address and not the key.
func newPrimary(a netip.Addr, key string) Primary {
	id := "p_" + a.String()
	if key != "" {
		id += "_" + key
	}
	return Primary{ID: strings.NewReplacer(".", "_", ":", "_", "-", "_").Replace(id), Family: familyOf(a), Address: a.String(), Key: key}
}

// staticOf names the data of a zone of AS112: delegated to it directly (RFC
// 7534), or led to by DNAME (RFC 7535).
func staticOf(zone string) string {
	switch zone {
	case "hostname.as112.net":
		return "as112-hostname"
	case "empty.as112.arpa":
		return "as112-dname-empty"
	case "hostname.as112.arpa":
		return "as112-dname-hostname"
	}
	return "as112-empty"
}

// staticZones are the data of the zones that come from no primary, from
// templates beside the packs: no name server writes them differently.
func staticZones(packs fs.FS, v Values) ([]StaticZone, error) {
	var out []StaticZone
	for _, z := range v.DNS.Zones {
		if z.Static == "" || slices.ContainsFunc(out, func(s StaticZone) bool { return s.Name == z.Static }) {
			continue
		}
		file := "zones/static/" + z.Static + ".zone.tmpl"
		source, err := fs.ReadFile(packs, file)
		if err != nil {
			return nil, fmt.Errorf("data of zone %s: %w", z.Name, err)
		}
		text, err := templates.Execute(file, string(source), v)
		if err != nil {
			return nil, err
		}
		out = append(out, StaticZone{Name: z.Static, Zone: z.Name, Text: text})
	}
	slices.SortFunc(out, func(a, b StaticZone) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
