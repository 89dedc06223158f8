package bmc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// factoryLink names the account of the factory among the remembered links.
const factoryLink = "factory"

// factory is the account that the controller was delivered with; zero where it has
// none. Where it was seen before it takes one look, while it is the same account.
func (c *Controller) factory(ctx context.Context) (redfish.Document, error) {
	door, _ := c.way(redfish.Factory)
	if uri := c.where.links[factoryLink]; uri != "" {
		d, err := c.session.Get(ctx, uri)
		if err == nil && d.Text("UserName") == door.Username || err != nil && !gone(err) {
			return d, err
		}
		delete(c.where.links, factoryLink)
		c.where.dirty = true
	}
	found, err := c.findAccount(ctx, door.Username)
	if err == nil && found.account.URI != "" {
		c.where.links[factoryLink], c.where.dirty = found.account.URI, true
	}
	return found.account, err
}

// shut is the account of a way in that opens nothing. Its name is part of what is
// wanted: a plan that was reviewed ends no other.
func shut(door redfish.Endpoint) *state.Attr { return attr(door.Username + ": off") }

// readFactory tells whether the account of the factory may log in. Where it is a
// user's own there is none besides.
func (c *Controller) readFactory(ctx context.Context) (*state.Attr, error) {
	door, ok := c.way(redfish.Factory)
	switch {
	case !ok:
		return nil, errors.New("no account of the factory is known")
	case strings.EqualFold(door.Username, c.declaredUser()):
		return shut(door), nil
	case strings.EqualFold(door.Username, c.session.At.Username):
		return attr(door.Username + ": on"), nil // it let us in
	}
	d, err := c.factory(ctx)
	switch {
	case err != nil:
		return nil, err
	case d.URI == "" || d.At("Enabled") == false:
		return shut(door), nil
	}
	return attr(door.Username + ": on"), nil
}

// closeFactory ends the account that the controller was delivered with: it is
// disabled, or deleted where accounts cannot be. That is done as the declared
// user, whose own login is thereby shown, and proven by logins of the factory's
// that fail.
func (c *Controller) closeFactory(ctx context.Context, ch Change) error {
	own, ok := c.way(redfish.Declared)
	door, known := c.way(redfish.Factory)
	if want, is := ch.Value.(state.Attr); !is || !want.Equal(*shut(door)) {
		return fmt.Errorf("%w: the account of the factory can only be switched off, and it is %q", errValue, door.Username)
	}
	if !ok || !known || strings.EqualFold(own.Username, door.Username) {
		return fmt.Errorf("%w: no account of the factory besides the declared user is known", errValue)
	}
	if c.session.At.Username != own.Username {
		if err := c.session.Become(ctx, own.Username, own.Password); err != nil {
			return fmt.Errorf("the account of the factory stays, because nobody else can log in: %w", err)
		}
	}
	c.refresh()
	d, err := c.factory(ctx)
	switch {
	case err != nil:
		return err
	case d.URI == "" || d.At("Enabled") == false:
	default:
		if err := c.end(ctx, d); err != nil && redfish.StatusOf(err) != 0 {
			return refusal(err) // a lost answer may have been carried out: the logins tell
		}
	}
	return c.proveShut(ctx, door)
}

// end disables an account, or deletes it, the way its document has it: that of
// iLO 5 2.46 has no Enabled.
func (c *Controller) end(ctx context.Context, d redfish.Document) error {
	if !d.Has("Enabled") {
		return c.session.Delete(ctx, d.URI)
	}
	_, err := c.session.Patch(ctx, d, redfish.Confidential, func(redfish.Document) (redfish.Object, error) {
		return redfish.Object{"Enabled": false}, nil
	})
	if s := redfish.StatusOf(err); s == http.StatusBadRequest || s == http.StatusMethodNotAllowed {
		if gone := c.session.Delete(ctx, d.URI); gone == nil {
			return nil
		}
	}
	return err
}

// proveShut sees that no password of the factory's account opens a session, and
// that it reads so.
func (c *Controller) proveShut(ctx context.Context, door redfish.Endpoint) error {
	for _, e := range c.session.Target.Endpoints {
		if e.Origin != redfish.Factory || e.Password.IsZero() || e.Password.Err() != nil {
			continue
		}
		in, err := c.session.LetsIn(ctx, e.Username, e.Password)
		switch {
		case err != nil:
			return &unprovenError{fmt.Errorf("prove that %s can no longer log in: %w", e.Username, err)}
		case in:
			return fmt.Errorf("%w: %s still logs in", redfish.ErrRefused, e.Username)
		}
	}
	c.refresh()
	switch have, err := c.readFactory(ctx); {
	case err != nil:
		return &unprovenError{err}
	case !same(have, *shut(door)):
		return fmt.Errorf("%w: the account of the factory reads back as enabled", redfish.ErrRefused)
	}
	return nil
}

// Administrators are the names of enabled accounts that may change settings, or make
// one that may; at most those of a collection of 64.
func (c *Controller) Administrators(ctx context.Context) ([]string, error) {
	c.refresh()
	out, err := c.administrators(ctx)
	if err != nil {
		return nil, fmt.Errorf("read accounts of %s: %w", c.session.At.Address, err)
	}
	return out, nil
}

func (c *Controller) administrators(ctx context.Context) ([]string, error) {
	var all []redfish.Document
	at, err := c.eachAccount(ctx, func(_ int, d redfish.Document) bool {
		all = append(all, d)
		return true
	})
	if err != nil {
		return nil, err
	}
	var out []string
	known := roles{c: c, collection: at.roles}
	for _, d := range all {
		name := d.Text("UserName")
		if name == "" || d.At("Enabled") == false {
			continue
		}
		may, err := known.standing(ctx, d)
		if err != nil {
			return nil, err
		}
		if may != mayLess { // one of a role that nobody can look at may do anything
			out = append(out, name)
		}
	}
	return out, nil
}
