package redfish

import (
	"context"
	"errors"
	"fmt"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/stmcginnis/gofish"
)

// ChangePassword gives the user of the first endpoint that answers another
// password, and proves it by a login. It is for ErrPasswordChange, where
// nothing else is allowed, and uses the account the controller names there.
// Keep the new password where it will be found again before calling: when the
// answer is lost, either one may be the right one.
func ChangePassword(ctx context.Context, t Target, to secret.Value) error {
	if to.IsZero() || to.Err() != nil {
		return errors.New("change password: the new one is not known")
	}
	c, err := prepare(t)
	if err != nil {
		return err
	}
	a, failed := c.dialer.race(ctx, t.Endpoints, c.Timing)
	if a.conn == nil {
		return mostTelling(ctx, failed)
	}
	defer func() { c.pipe.close() }()
	err = c.enter(ctx, a.endpoint, a.conn)
	change, forced := errors.AsType[*PasswordChangeError](err)
	switch {
	case err == nil:
		return errors.Join(fmt.Errorf("change password of %s at %s: the controller does not ask for it; set the account instead", c.At.Username, c.At.Address), c.dropSession(ctx))
	case !forced:
		return err
	case change.Account == "":
		return fmt.Errorf("change password of %s at %s: the controller does not say where; change it in its web page", c.At.Username, c.At.Address)
	}
	if err := c.patchPassword(ctx, change.Account, to); err != nil && StatusOf(err) != 0 {
		return fmt.Errorf("change password of %s at %s: %w", c.At.Username, c.At.Address, err)
	}
	c.At.Password = to
	if err := c.openSession(ctx); err != nil {
		return fmt.Errorf("prove the new password: %w", err)
	}
	return c.dropSession(ctx)
}

// patchPassword writes with the password in every request: some controllers
// give no session before the change.
func (c *Session) patchPassword(ctx context.Context, uri string, to secret.Value) error {
	c.attach(c.At.Address, nil)
	cfg := c.config()
	cfg.Username, cfg.Password, cfg.BasicAuth = c.At.Username, c.At.Password.Reveal(), true
	api, err := gofish.ConnectContext(withLogin(ctx), cfg)
	if err != nil {
		return plain(err, Confidential)
	}
	c.api = api
	_, err = c.Patch(withLogin(ctx), Document{URI: uri}, Confidential, func(Document) (Object, error) {
		return Object{"Password": to.Reveal()}, nil
	})
	return err
}
