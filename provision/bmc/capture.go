package bmc

import (
	"context"
	"fmt"
	"strings"

	"github.com/raiz-dns/raiz/provision/redact"
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

// Capture returns the resources that were read last, by URI, redacted. It is
// for showing to others.
func (c *Controller) Capture(serials redact.Serials) map[string]any {
	if c.where == nil {
		return map[string]any{}
	}
	var secrets []string
	for _, e := range c.session.Target.Endpoints {
		secrets = append(secrets, e.Password.Reveal())
	}
	docs := map[string]redact.Object{"/redfish/v1": c.session.Root.Props}
	for _, d := range c.where.docs {
		docs[d.URI] = d.Props
	}
	return redact.New(serials, append(secrets, c.session.Token())...).Tree(docs)
}
