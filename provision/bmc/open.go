package bmc

import (
	"context"
	"fmt"

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
	// Patience bounds the proofs; zero fields take the defaults.
	Patience Patience
}

// Controller is an open session with one management controller. It is not
// safe for several goroutines: a BMC serves one request at a time.
type Controller struct {
	*resources
	values   values    // the settings as they read
	accounts *accounts // and those that are groups of their own
	factory  factory
	https    https
	network  network
	setter   setter   // all others, one at a time
	witness  *witness // of what has changed
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
	r := &resources{reader: reader{s}, links: t.Links}
	v, a := values{r}, &accounts{resources: r}
	w := &witness{values: v, patience: t.Patience.withDefaults()}
	return &Controller{
		resources: r, values: v, accounts: a, factory: factory{r, a}, https: https{r, t.HTTPS, w}, network: network{v, w},
		setter: setter{v, stager{v, w.patience}, w}, witness: w,
	}, nil
}

// Close deletes the session at the address that answers, and hangs up. It
// works on a cancelled context too, within Timing.Logout, and may be called
// twice.
func (c *Controller) Close(ctx context.Context) error { return c.session.Close(ctx, c.witness.maybe) }

// Stats returns what the run has cost so far.
func (c *Controller) Stats() redfish.Stats { return c.session.Spent() }

// Endpoint returns where, and as whom, the controller is logged in to.
func (c *Controller) Endpoint() redfish.Endpoint { return c.session.At }

// Certificate returns the fingerprint of the certificate it shows.
func (c *Controller) Certificate() string { return c.session.Peer }

// Alive shows with one fresh request that the controller still answers this
// session: a BMC that was read minutes ago is no way in that was proven now.
func (c *Controller) Alive(ctx context.Context) error {
	if _, err := c.fresh(ctx, inManager); err != nil {
		return fmt.Errorf("reach bmc at %s: %w", c.session.At.Address, err)
	}
	return nil
}
