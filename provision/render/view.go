package render

import (
	"fmt"
	"io/fs"
	"slices"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// values returns the values for public files, which hold no secret, and those
// for secret files. Each kind has a file here, which a site enters once.
func values(s *site.Site, packs fs.FS, components []templates.Component, secrets Secrets) (open, closed Values, err error) {
	open = Values{Source: s.Name}
	open.system(s, components)
	open.network(s)
	open.firewall(s)
	open.time(s)
	open.dns(s, components)
	open.bgp(s)
	if err := open.guard(s, components); err != nil {
		return Values{}, Values{}, err
	}
	if open.DNS.Static, err = staticZones(packs, open); err != nil {
		return Values{}, Values{}, err
	}
	closed = open
	if err := closed.reveal(s, secrets); err != nil {
		return Values{}, Values{}, err
	}
	return open, closed, nil
}

// reveal puts the secrets in. What it changes is v's alone.
func (v *Values) reveal(s *site.Site, secrets Secrets) (err error) {
	v.BGP.Neighbors = slices.Clone(v.BGP.Neighbors)
	for i, n := range s.BGP.Neighbors {
		if v.BGP.Neighbors[i].password, err = shown(n.Password, secrets); err != nil {
			return err
		}
	}
	v.BGP.Sessions = slices.Clone(v.BGP.Sessions)
	for i := range v.BGP.Sessions {
		mine := &v.BGP.Sessions[i].Neighbor
		at := slices.IndexFunc(v.BGP.Neighbors, func(n BGPNeighbor) bool { return n.Name == mine.Name })
		*mine = v.BGP.Neighbors[at]
	}
	v.DNS.Keys = slices.Clone(v.DNS.Keys)
	for i, k := range s.DNS.Keys {
		if v.DNS.Keys[i].text, err = shown(k.Secret, secrets); err != nil {
			return err
		}
	}
	if v.DNS.cookie, err = shown(s.DNS.Cookie.Secret, secrets); err != nil {
		return err
	}
	v.DNS.staging, err = shown(s.DNS.Cookie.Staging, secrets)
	return err
}

// shown is the text of a secret; "" for one that a site does not declare.
func shown(v secret.Value, secrets Secrets) (hidden, error) {
	switch {
	case v.IsZero():
		return hidden{shown: true}, nil
	case secrets == Withheld:
		return hidden{v.String(), true}, nil
	}
	if err := v.Err(); err != nil {
		return hidden{}, fmt.Errorf("%w: %s: %w", ErrSecret, v.Source(), err)
	}
	return hidden{v.Reveal(), true}, nil
}

// mainUnit is the main unit of the pack of a kind.
func mainUnit(components []templates.Component, kind string) string {
	return of(components, kind).Unit
}

// of is the pack of a kind.
func of(components []templates.Component, kind string) templates.Component {
	i := slices.IndexFunc(components, func(c templates.Component) bool { return c.Kind == kind })
	return components[i]
}
