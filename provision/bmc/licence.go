package bmc

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// Licence is one that is installed.
type Licence struct {
	Text string    // what the controller calls it, with type and description
	Off  string    // its state, where that is not Enabled
	Ends time.Time // zero is never, or not told
	// EndsErr is why nobody can tell when it ends, though the controller does.
	EndsErr error
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
			err = notThere(d.URI)
		}
		if err != nil {
			return out, err
		}
		l := Licence{Text: redfish.Short(strings.Join([]string{d.Text("Name"), d.Text("LicenseType"), d.Text("Description")}, " "))}
		if s := d.Text("Status", "State"); s != "" && s != "Enabled" {
			l.Off = redfish.Short(s)
		}
		l.Ends, l.EndsErr = ends(d)
		out = append(out, l)
	}
	return out, nil
}

// ends is when a licence does, zero where it does not. A day alone is its first
// moment.
func ends(d redfish.Document) (time.Time, error) {
	v := d.At("ExpirationDate")
	text, is := v.(string)
	if v == nil || is && placeholder(strings.TrimSpace(text)) {
		return time.Time{}, nil
	}
	t, ok := moment(strings.TrimSpace(text))
	if !ok {
		return t, fmt.Errorf("read %s: its ExpirationDate %q is no time", d.URI, redfish.Short(fmt.Sprint(v)))
	}
	return t, nil
}
