package bmc

import (
	"context"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// Licence is one that is installed.
type Licence struct {
	Text string    // what the controller calls it, with type and description
	Off  string    // its state, where that is not Enabled
	Ends time.Time // zero is never, or not told
}

// licences are those that the controller names. Dell has the edition in the
// Description alone, iLO all of it in its manager.
func (r *inspector) licences(ctx context.Context, manager redfish.Document) ([]Licence, error) {
	if s := manager.Text("Oem", "Hpe", "License", "LicenseString"); s != "" {
		return []Licence{{Text: redfish.Short(s)}}, nil
	}
	uri := r.session.Root.Link("LicenseService")
	if uri == "" {
		return nil, unsupported("the controller has no license service")
	}
	service, err := r.get(ctx, uri)
	if err != nil {
		return nil, err
	}
	var out []Licence
	for d, err := range r.members(ctx, service.Link("Licenses")) {
		if err == nil && d.Props == nil {
			err = unsupported("the controller lists %s but does not have it", d.URI)
		}
		if err != nil {
			return out, err
		}
		l := Licence{Text: redfish.Short(strings.Join([]string{d.Text("Name"), d.Text("LicenseType"), d.Text("Description")}, " "))}
		if s := d.Text("Status", "State"); s != "" && s != "Enabled" {
			l.Off = redfish.Short(s)
		}
		l.Ends, _ = time.Parse(time.RFC3339, d.Text("ExpirationDate"))
		out = append(out, l)
	}
	return out, nil
}
