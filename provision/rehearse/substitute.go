//go:build linux

package rehearse

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

// Purposes of made keys; they are the comments of the key files too.
const (
	identityPurpose = "raiz-rehearsal-login"
	hostKeyPurpose  = "raiz-rehearsal-host"
)

// identityFile is the private key that opens the server.
const identityFile = "identity"

// made is where a substituted secret says that it comes from.
const made = "made for this rehearsal"

// Substitution is something that only the real site can have, and what stands
// for it here.
type Substitution struct {
	What string // in the words of the site file, such as `bgp neighbor "edge1" password`
	Why  string
}

// substitute returns a deep copy of a site that a rehearsal can run, and what
// is different in it. The site itself is not touched, nor are its secrets
// looked at.
func (t *Testbed) substitute(s *site.Site) (*site.Site, []Substitution, error) {
	c := clone(s)
	var subs []Substitution
	note := func(why, format string, args ...any) {
		subs = append(subs, Substitution{What: fmt.Sprintf(format, args...), Why: why})
	}
	host, err := t.seed.key(hostKeyPurpose)
	if err != nil {
		return nil, nil, err
	}
	c.Server.SSH.Host = site.HostPin{Key: strings.TrimSpace(strings.TrimSuffix(host.public, hostKeyPurpose))}
	c.Server.SSH.Identity = filepath.Join(t.dir(), identityFile)
	note("the server is a new one here", "server ssh host_key")
	note("the real key opens the real server only", "server ssh identity")
	if len(c.Server.SSH.Jump) > 0 {
		c.Server.SSH.Jump = nil
		note("the controller is next to the router here", "server ssh jump")
	}
	password := func(v *secret.Value, what string) {
		if !v.IsZero() {
			*v = secret.New(made, t.seed.password(what))
			note("a rehearsal needs no real secret", "%s", what)
		}
	}
	if b := c.BMC; b != nil {
		password(&b.Password, "bmc password")
		if e := b.Expect; e.Firmware+e.BIOS+e.SecureBoot+e.TPM != "" || len(e.Licences) > 0 {
			b.Expect = site.Expect{CertificateDays: e.CertificateDays, EventLog: e.EventLog}
			note("the BMC is a simulated one", "bmc expect")
		}
		if b.Factory != nil {
			password(&b.Factory.Password, "bmc factory password")
		}
	}
	for i := range c.BGP.Neighbors {
		n := &c.BGP.Neighbors[i]
		password(&n.Password, fmt.Sprintf("bgp neighbor %q password", n.Name))
	}
	for i := range c.DNS.Keys {
		k := &c.DNS.Keys[i]
		what := fmt.Sprintf("dns key %q secret", k.Name)
		k.Secret = secret.New(made, t.seed.tsig(what))
		note("a rehearsal needs no real secret", "%s", what)
	}
	cookie := func(v *secret.Value, what string) {
		if !v.IsZero() {
			*v = secret.New(made, t.seed.cookie(what))
			note("a rehearsal needs no real secret", "%s", what)
		}
	}
	cookie(&c.DNS.Cookie.Secret, "dns cookie secret")
	cookie(&c.DNS.Cookie.Staging, "dns cookie staging")
	for _, z := range c.DNS.Zones {
		if z.Transferred() {
			note("its primaries are a name server of this rehearsal", "dns zone %q", z.Name)
		}
	}
	return c, subs, nil
}

// pinBMC gives the Site the certificate of the simulated BMC.
func (t *Testbed) pinBMC(fingerprint string) {
	if t.Site.BMC == nil {
		return
	}
	t.Site.BMC.Fingerprint, t.Site.BMC.CA = fingerprint, nil
	t.Substitutions = append(t.Substitutions, Substitution{What: "bmc certificate", Why: "the BMC is a simulated one"})
}

// clone copies a site deeply enough that no slice or pointer is shared that a
// substitution writes to, or that a reader of the copy may sort.
func clone(s *site.Site) *site.Site {
	c := *s
	c.Server.SSH.From = slices.Clone(s.Server.SSH.From)
	c.Server.SSH.Jump = slices.Clone(s.Server.SSH.Jump)
	c.Server.NTP = slices.Clone(s.Server.NTP)
	c.Server.DNS = slices.Clone(s.Server.DNS)
	for _, i := range []*site.Interface{&c.Server.Management, &c.Server.Service} {
		i.Addresses = slices.Clone(i.Addresses)
		i.Gateways = slices.Clone(i.Gateways)
	}
	if s.BMC != nil {
		b := *s.BMC
		b.Addresses, b.Gateways = slices.Clone(b.Addresses), slices.Clone(b.Gateways)
		b.DNS, b.NTP, b.CA = slices.Clone(b.DNS), slices.Clone(b.NTP), slices.Clone(b.CA)
		if b.Factory != nil {
			f := *b.Factory
			b.Factory = &f
		}
		c.BMC = &b
	}
	c.BGP.Neighbors = slices.Clone(s.BGP.Neighbors)
	for i := range c.BGP.Neighbors {
		c.BGP.Neighbors[i].Addresses = slices.Clone(c.BGP.Neighbors[i].Addresses)
	}
	c.Anycast = slices.Clone(s.Anycast)
	c.DNS.Zones = slices.Clone(s.DNS.Zones)
	c.DNS.Keys = slices.Clone(s.DNS.Keys)
	return &c
}
