package redfish

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/secret"
)

// dialTimeout is how long one dial to an address may hang that may not be there
// yet: three tries of TCP.
const dialTimeout = 5 * time.Second

// AnyPeer is for a visit to whoever has the right certificate.
func AnyPeer(string) error { return nil }

// Visit carries the session to another address of what may be the same
// controller; accept looks at the certificate that is shown there. The caller
// leaves.
func (c *Session) Visit(ctx context.Context, to netip.AddrPort, accept func(fingerprint string) error) (*Session, error) {
	dial, stop := context.WithTimeout(ctx, dialTimeout)
	defer stop()
	conn, err := c.dialer.open(dial, to)
	if err != nil {
		return nil, err
	}
	if err := accept(Fingerprint(conn.ConnectionState().PeerCertificates[0])); err != nil {
		_ = conn.Close()
		return nil, err
	}
	there := *c
	there.At.Address = to
	there.attach(to, conn)
	if err := there.adopt(ctx, c.api); err != nil {
		there.HangUp()
		return nil, err
	}
	there.relogins = 0
	return &there, nil
}

// CheckPeer sees who has an address, and sends nothing.
func (c *Session) CheckPeer(ctx context.Context, to netip.AddrPort) error {
	conn, err := c.dialer.open(ctx, to)
	if err == nil {
		_ = conn.Close()
	}
	return err
}

// Leave ends a visit, and the session unless it is that of own.
func (c *Session) Leave(ctx context.Context, own string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Timing.Logout)
	defer cancel()
	if c.SessionID() != own {
		if err := c.dropSession(ctx); err != nil {
			c.Log.Warn("bmc session left behind", "address", c.At.Address, "err", err)
		}
	}
	c.HangUp()
}

// ExpectNewLogin says that the session is about to end, and may be opened anew.
func (c *Session) ExpectNewLogin() { c.relogins = 0 }

// ProveLogin logs in as a user on the connection that stands, and deletes that
// session. When the user is our own, whose sessions end with the old password,
// the new session becomes ours.
func (c *Session) ProveLogin(ctx context.Context, user string, password secret.Value) error {
	if user == c.At.Username {
		return c.Become(ctx, user, password)
	}
	there, err := c.as(ctx, c.wayIn(user, password))
	if err != nil {
		return err
	}
	delete(c.Refused, user)
	there.depart(ctx)
	return nil
}

// Become goes on as a user on the connection that stands, and ends the session
// before.
func (c *Session) Become(ctx context.Context, user string, password secret.Value) error {
	there, err := c.as(ctx, c.wayIn(user, password))
	if err != nil {
		return err
	}
	delete(c.Refused, user)
	_ = c.dropSession(ctx)
	c.At, c.api, c.relogins = there.At, there.api, 0
	return nil
}

// LetsIn tries a login on the connection that stands, and deletes the session
// where it opens one. A password that has to be changed first lets in, too.
func (c *Session) LetsIn(ctx context.Context, user string, password secret.Value) (bool, error) {
	there, err := c.as(ctx, c.wayIn(user, password))
	switch {
	case err == nil:
		there.depart(ctx)
		return true, nil
	case errors.Is(err, ErrPasswordChange):
		return true, nil
	case errors.Is(err, ErrAuth):
		return false, nil
	}
	return false, err
}

// wayIn is a user's on the connection that stands; its origin is that of the first
// endpoint with this user.
func (c *Session) wayIn(user string, password secret.Value) Endpoint {
	e := c.At
	e.Username, e.Password = user, password
	if i := slices.IndexFunc(c.Target.Endpoints, func(o Endpoint) bool { return o.Username == user }); i >= 0 {
		e.Origin = c.Target.Endpoints[i].Origin
	}
	return e
}
