package render

import (
	"strings"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

type dnsView struct {
	Unit     string // of the name server
	Identity string
	Servers  int // processes that answer
	Where    string
	Keys     []tsigView
	Zones    []zoneView
}

type tsigView struct {
	Name      string
	Algorithm string
	Text      string // only in the view of secret files
	secret    secret.Value
}

type zoneView struct {
	Name        string
	File        string // static data, a file of the pack
	Transferred string // where data from a primary is kept
	Primaries   []primaryView
}

type primaryView struct{ Address, Key string }

func newDNS(s *site.Site, components []templates.Component) dnsView {
	// Two processes leave one to answer while the other forks for a reload.
	v := dnsView{Identity: s.DNS.Identity, Servers: 2, Where: s.Host.Name + ", " + s.Host.Location.City}
	for _, c := range components {
		if c.Kind == "dns" {
			v.Unit = c.Unit
		}
	}
	for _, k := range s.DNS.Keys {
		v.Keys = append(v.Keys, tsigView{Name: k.Name, Algorithm: k.Algorithm, secret: k.Secret})
	}
	for _, z := range s.DNS.Zones {
		v.Zones = append(v.Zones, newZone(z))
	}
	return v
}

func newZone(z site.Zone) zoneView {
	v := zoneView{Name: z.Name}
	if z.Source == "as112" {
		v.File = "raiz-empty.zone"
		if strings.HasPrefix(z.Name, "hostname.as112.") {
			v.File = "raiz-hostname.zone"
		}
		return v
	}
	v.Transferred = z.Name + ".zone"
	if z.Name == "." {
		v.Transferred = "root.zone"
	}
	for _, p := range z.Primaries {
		key := "NOKEY"
		if z.Key != "" {
			key = z.Key
		}
		v.Primaries = append(v.Primaries, primaryView{Address: p.String(), Key: key})
	}
	return v
}
