package provision

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/site"
)

// ScanCertificate sees the certificate of the site's BMC, wherever it answers.
// Nothing is sent to it and nothing is believed.
func (r *Run) ScanCertificate(ctx context.Context) (redfish.PeerCertificate, error) {
	b := r.site.BMC
	if b == nil {
		return redfish.PeerCertificate{}, errors.New("the site declares no bmc")
	}
	return redfish.ScanCertificate(ctx, redfish.Target{Endpoints: endpoints(b), Dial: r.o.Dial, Log: r.o.Log})
}

// ScanHostKey sees the host key of the server, wherever it answers. The jump
// hosts on the way are logged in to and have to be pinned.
func (r *Run) ScanHostKey(ctx context.Context) (remote.HostKey, error) {
	return remote.ScanHostKey(ctx, r.sshTarget(r.everywhere()))
}

// Login is how the first login to a BMC went.
type Login struct {
	Identity bmc.Identity
	Username string
	Address  netip.AddrPort // where it answered
	// Changed is true where the controller wanted its password changed before
	// anything else, and that was done and proven: the declared one holds.
	Changed bool
}

// FirstLogin logs in for the first time, to a BMC that shows this certificate.
// Where it wants its password changed first it gets the declared one, which is
// kept where the site looks it up already; it is tried beside the old one by
// every later run.
func FirstLogin(ctx context.Context, s *site.Site, o Options, fingerprint string) (w Login, err error) {
	t := bmc.Target{Target: redfish.Target{Fingerprint: fingerprint, Dial: o.Dial, Log: o.Log}, Links: o.Links}
	var missing []error
	for _, e := range endpoints(s.BMC) {
		if e.Password.Err() != nil {
			missing = append(missing, fmt.Errorf("%s: %w", e.Password.Source(), e.Password.Err()))
			continue
		}
		t.Endpoints = append(t.Endpoints, e)
	}
	if len(t.Endpoints) == 0 {
		return w, fmt.Errorf("no password of the bmc is there: %w", errors.Join(missing...))
	}
	c, err := bmc.Open(ctx, t)
	if change, forced := errors.AsType[*redfish.PasswordChangeError](err); forced {
		if err := changeFirst(ctx, t.Target, change, s.BMC); err != nil {
			return w, err
		}
		w.Changed = true
		t.Endpoints = slices.DeleteFunc(t.Endpoints, func(e redfish.Endpoint) bool {
			return e.Username == change.Username && !e.Password.Equal(s.BMC.Password)
		})
		c, err = bmc.Open(ctx, t)
	}
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, c.Close(ctx)) }()
	e := c.Endpoint()
	w.Username, w.Address = e.Username, e.Address
	w.Identity, err = c.Identity(ctx)
	return w, err
}

// changeFirst gives the user who may do nothing else the declared password.
func changeFirst(ctx context.Context, t redfish.Target, change *redfish.PasswordChangeError, b *site.BMC) error {
	if b.Password.IsZero() || b.Password.Err() != nil {
		return fmt.Errorf("%w; bmc.password, which is to be the new one, is not there: %w", change, b.Password.Err())
	}
	for _, e := range t.Endpoints {
		if e.Address == change.Address && e.Username == change.Username && e.Origin == change.Origin && !e.Password.Equal(b.Password) {
			t.Endpoints = []redfish.Endpoint{e}
			return redfish.ChangePassword(ctx, t, b.Password)
		}
	}
	return fmt.Errorf("%w, and the declared password is the one it has: declare another, with this one as previous_password", change)
}

// Controller logs in to the BMC, once a run.
func (r *Run) Controller(ctx context.Context) (*bmc.Controller, error) { return r.controller(ctx) }
