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

// factory is the account that the controller was delivered with.
type factory struct {
	*resources
	accounts *accounts
}

// account is its document; zero where there is none. Where it was seen before it
// takes one look, while it is the same account. Some controllers write a name in
// another case than the one that logs in by it, and others have two users then: one
// alike is found where there is none of that name, and is not the declared user.
func (f factory) account(ctx context.Context) (redfish.Document, error) {
	door, _ := f.accounts.way(redfish.Factory)
	if uri := f.where.links[factoryLink]; uri != "" {
		d, err := f.session.Get(ctx, uri)
		if err == nil && d.Text("UserName") == door.Username || err != nil && !gone(err) {
			return d, err
		}
		delete(f.where.links, factoryLink)
		f.where.dirty = true
	}
	found, err := f.accounts.findAccount(ctx, door.Username)
	switch {
	case err != nil:
		return redfish.Document{}, err
	case found.account.URI != "":
		f.where.links[factoryLink], f.where.dirty = found.account.URI, true
		return found.account, nil
	case found.lost != "":
		return redfish.Document{}, notThere(found.lost)
	}
	return found.alike, nil
}

// shut is the account of a way in that opens nothing. Its name is part of what is
// wanted: a plan that was reviewed ends no other.
func shut(door redfish.Endpoint) *state.Attr { return attr(door.Username + ": off") }

// read tells whether it may log in. Where it is a user's own there is none besides.
func (f factory) read(ctx context.Context) (*state.Attr, error) {
	door, ok := f.accounts.way(redfish.Factory)
	switch {
	case !ok:
		return nil, errors.New("no account of the factory is known")
	case strings.EqualFold(door.Username, f.accounts.declaredUser()):
		return shut(door), nil
	case strings.EqualFold(door.Username, f.session.At.Username):
		return attr(door.Username + ": on"), nil // it let us in
	}
	d, err := f.account(ctx)
	switch {
	case err != nil:
		return nil, err
	case d.URI == "" || d.At("Enabled") == false:
		return shut(door), nil
	}
	return attr(redfish.Short(d.Text("UserName")) + ": on"), nil
}

// close ends the account: it is disabled, or deleted where accounts cannot be. That
// is done as the declared user, whose own login is thereby shown, and proven by
// logins of the factory's that fail.
func (f factory) close(ctx context.Context, ch Change) error {
	own, ok := f.accounts.way(redfish.Declared)
	door, known := f.accounts.way(redfish.Factory)
	if want, is := ch.Value.(state.Attr); !is || !want.Equal(*shut(door)) {
		return fmt.Errorf("%w: the account of the factory can only be switched off, and it is %q", errValue, door.Username)
	}
	if !ok || !known || strings.EqualFold(own.Username, door.Username) {
		return fmt.Errorf("%w: no account of the factory besides the declared user is known", errValue)
	}
	if f.session.At.Username != own.Username {
		if err := f.session.Become(ctx, own.Username, own.Password); err != nil {
			return fmt.Errorf("the account of the factory stays, because nobody else can log in: %w", err)
		}
	}
	f.refresh()
	d, err := f.account(ctx)
	switch {
	case err != nil:
		return err
	case d.URI == "" || d.At("Enabled") == false:
	case d.Text("UserName") != door.Username:
		return fmt.Errorf("%w: its name is %q here, and the site's %q; declare it as it is written here", redfish.ErrRefused, redfish.Short(d.Text("UserName")), door.Username)
	default:
		if err := f.end(ctx, d); err != nil && redfish.StatusOf(err) != 0 {
			return refusal(err) // a lost answer may have been carried out: the logins tell
		}
	}
	return f.proveShut(ctx, door)
}

// end disables an account, or deletes it, the way its document has it: that of
// iLO 5 2.46 has no Enabled.
func (f factory) end(ctx context.Context, d redfish.Document) error {
	if !d.Has("Enabled") {
		return f.session.Delete(ctx, d.URI)
	}
	_, err := f.session.Patch(ctx, d, redfish.Confidential, func(redfish.Document) (redfish.Object, error) {
		return redfish.Object{"Enabled": false}, nil
	})
	if s := redfish.StatusOf(err); s == http.StatusBadRequest || s == http.StatusMethodNotAllowed {
		if gone := f.session.Delete(ctx, d.URI); gone == nil {
			return nil
		}
	}
	return err
}

// proveShut sees that no password of the factory's account opens a session, and
// that it reads so.
func (f factory) proveShut(ctx context.Context, door redfish.Endpoint) error {
	for _, e := range f.session.Target.Endpoints {
		if e.Origin != redfish.Factory || e.Password.IsZero() || e.Password.Err() != nil {
			continue
		}
		in, err := f.session.LetsIn(ctx, e.Username, e.Password)
		switch {
		case err != nil:
			return &unprovenError{fmt.Errorf("prove that %s can no longer log in: %w", e.Username, err)}
		case in:
			return fmt.Errorf("%w: %s still logs in", redfish.ErrRefused, e.Username)
		}
	}
	f.refresh()
	switch have, err := f.read(ctx); {
	case err != nil:
		return &unprovenError{err}
	case !same(have, *shut(door)):
		return fmt.Errorf("%w: the account of the factory reads back as enabled", redfish.ErrRefused)
	}
	return nil
}
