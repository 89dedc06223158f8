package bmc

import (
	"context"
	"net/netip"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// Target is a controller and all that is needed to trust it.
type Target struct {
	redfish.Target
	// HTTPS is what the setting HTTPSCertificate imports. It is trusted where
	// Fingerprint is, because once imported it is what the controller shows.
	HTTPS KeyPair
	// Links remembers found links between runs; nil remembers nothing.
	Links LinkCache
}

// Controller is an open session with one management controller. It is not
// safe for several goroutines: a BMC serves one request at a time.
type Controller struct {
	session redfish.Session
	https   KeyPair
	links   LinkCache

	where    *resourceMap     // where things are; nil until looked for
	distrust bool             // the cache was wrong in this run
	maybe    []netip.AddrPort // where an unproven change may have moved it
	proven   string           // user whose login Set has proven
}

// Open logs in to a controller. It tries each endpoint's password at most
// once. Its error is ErrUnreachable, ErrCertificate, ErrAuth or
// ErrPasswordChange by errors.Is, whichever tells most, or one of use. The
// caller closes the Controller.
func Open(ctx context.Context, t Target) (*Controller, error) {
	at := t.Target
	at.AlsoTrust = t.HTTPS.leaf()
	s, err := redfish.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	return &Controller{session: *s, https: t.HTTPS, links: t.Links}, nil
}

// Close deletes the session at the address that answers, and hangs up. It
// works on a cancelled context too, within Timing.Logout, and may be called
// twice.
func (c *Controller) Close(ctx context.Context) error { return c.session.Close(ctx, c.maybe) }

// Stats returns what the run has cost so far.
func (c *Controller) Stats() redfish.Stats { return c.session.Spent() }

// Endpoint returns where, and as whom, the controller is logged in to.
func (c *Controller) Endpoint() redfish.Endpoint { return c.session.At }

// Certificate returns the fingerprint of the certificate it shows.
func (c *Controller) Certificate() string { return c.session.Peer }
