package bmc

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// Diagnosis is what a look at a controller has found, and why it was read so.
type Diagnosis struct {
	Endpoint string // where, and as whom
	Identity Identity
	Quirks   []Quirk
	Licences []string // as the controller names them
	Settings []state.Fact
	Stats    redfish.Stats
}

// Diagnose reads every setting that raiz knows.
func (c *Controller) Diagnose(ctx context.Context) (Diagnosis, error) {
	id, err := c.Identity(ctx)
	if err != nil {
		return Diagnosis{}, err
	}
	var all []state.Item
	for _, name := range order() {
		all = append(all, state.Item{Key: state.Key{Kind: state.Setting, Name: name}})
	}
	return Diagnosis{
		Endpoint: fmt.Sprintf("%s at %s (%s)", c.session.At.Username, c.session.At.Address, c.session.At.Origin),
		Identity: id, Settings: c.Read(ctx, all), Quirks: c.Quirks(), Licences: c.Licences(ctx), Stats: c.Stats(),
	}, nil
}

// Licences names what is licensed, as far as the controller tells: some
// settings depend on it, and none says so until it is asked to change one.
func (c *Controller) Licences(ctx context.Context) []string {
	if c.survey(ctx) != nil {
		return nil
	}
	m, err := c.load(ctx, inManager)
	if err != nil {
		return nil
	}
	if s := m.Text("Oem", "Hpe", "License", "LicenseString"); s != "" {
		return []string{redfish.Short(s)}
	}
	service, err := c.session.Get(ctx, c.session.Root.Link("LicenseService"))
	if c.session.Root.Link("LicenseService") == "" || err != nil {
		return nil
	}
	var out []string
	room := maxMembers
	_ = c.each(ctx, service.Link("Licenses"), &room, func(d redfish.Document) error {
		if s := strings.TrimSpace(d.Text("Name") + " " + d.Text("LicenseType")); s != "" {
			out = append(out, redfish.Short(s))
		}
		return nil
	})
	return out
}

// Serials says whether a capture shows which machine it is of.
type Serials string

// The ways.
const (
	SerialsHidden Serials = "hidden"
	SerialsShown  Serials = "shown"
)

// Capture returns the resources that were read last, by URI, without anything
// that lets somebody in. It is for showing to others.
func (c *Controller) Capture(serials Serials) map[string]any {
	out := map[string]any{}
	if c.where == nil {
		return out
	}
	r := redactor{serials: serials}
	for _, e := range c.session.Target.Endpoints {
		r.secrets = append(r.secrets, e.Password.Reveal())
	}
	r.secrets = append(r.secrets, c.session.Token())
	out["/redfish/v1"] = r.value("", c.session.Root.Props)
	for _, d := range c.where.docs {
		out[d.URI] = r.value("", d.Props)
	}
	return out
}

// redactor takes out what is nobody's business.
type redactor struct {
	serials Serials
	secrets []string
}

const redacted = "(redacted)"

func (r redactor) value(name string, v any) any {
	switch v := v.(type) {
	case redfish.Object:
		out := redfish.Object{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out[k] = r.value(k, v[k])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = r.value(name, e)
		}
		return out
	case nil, bool:
		return v
	}
	if r.hides(name) {
		return redacted
	}
	if s, ok := v.(string); ok {
		for _, secret := range r.secrets {
			if secret != "" {
				s = strings.ReplaceAll(s, secret, redacted)
			}
		}
		return s
	}
	return v
}

// hides goes by the name of a property, or of an attribute of iDRAC and of a
// BIOS: "Users.2.Password", "SNMP.1.AgentCommunity", "LDAP.1.BindPassword".
func (r redactor) hides(name string) bool {
	name = strings.ToLower(name)
	for _, s := range []string{"password", "passwd", "passphrase", "secret", "token", "community", "credential", "privatekey", "authkey", "encryptionkey", "licensekey", "certificatestring", "hash", "salt"} {
		if strings.Contains(name, s) {
			return true
		}
	}
	if r.serials == SerialsShown {
		return false
	}
	for _, s := range []string{"serial", "uuid", "servicetag", "assettag", "macaddress", "partnumber", "sku", "engineid"} {
		if strings.Contains(name, s) && !strings.Contains(name, "serialconsole") && !strings.Contains(name, "serialredirection") {
			return true
		}
	}
	return false
}
