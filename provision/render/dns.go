package render

import (
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

type dnsView struct {
	Unit            string // of the name server
	Identity        string
	NotifyAddresses []string // of the server, where primaries send NOTIFY
	TrustAnchors    []string // DS records
	Verified        bool     // whether any zone is checked before it is served
	RateLimit       site.RateLimit
	Cookies         bool
	Cookie          string // only in the view of secret files
	CookieStaging   string // only in the view of secret files
	Where           string
	Keys            []tsigView
	Zones           []zoneView

	cookie site.Cookie
}

type tsigView struct {
	Name      string
	Algorithm string
	Text      string // only in the view of secret files
	secret    secret.Value
}

type zoneView struct {
	Name      string
	Static    string // static data, a file of the pack: "as112-empty" and its like
	File      string // where data from primaries is kept
	Verified  bool
	MaxBytes  int // of one transfer
	MaxMiB    int
	Primaries []primaryView
}

// maxZone bounds a transferred zone. The root has 2 MiB as text.
const maxZone = 64 << 20

type primaryView struct{ Address, Key string }

func newDNS(s *site.Site, components []templates.Component) dnsView {
	v := dnsView{
		Identity: s.DNS.Identity, RateLimit: s.DNS.RateLimit, Where: s.Host.Name + ", " + s.Host.Location.City,
		Cookies: !s.DNS.Cookie.Secret.IsZero(), cookie: s.DNS.Cookie,
	}
	for _, a := range s.DNS.TrustAnchors {
		v.TrustAnchors = append(v.TrustAnchors, a.String())
	}
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
		v.Verified = v.Verified || z.Verified()
	}
	for _, n := range notifySources(s) {
		v.NotifyAddresses = append(v.NotifyAddresses, n.to...)
	}
	return v
}

func newZone(z site.Zone) zoneView {
	v := zoneView{Name: z.Name, Verified: z.Verified(), MaxBytes: maxZone, MaxMiB: maxZone >> 20}
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
		v.Primaries = append(v.Primaries, primaryView{Address: p.String(), Key: z.Key})
	}
	return v
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
