package bmc

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/state"
)

// declaredUser is the user the site declares, or "".
func (c *Controller) declaredUser() string {
	for _, e := range c.target.Endpoints {
		if e.Origin == Declared {
			return e.Username
		}
	}
	return ""
}

// readAccount tells whether the declared user can log in. A session of that
// user is the proof; else the account service is asked. An account whose
// declared password was refused in this run is as good as absent: setting it
// is what has to happen.
func (c *Controller) readAccount(ctx context.Context) (*state.Attr, error) {
	user := c.declaredUser()
	switch {
	case user == "":
		return nil, errors.New("no declared user is known")
	case c.at.Username == user && (c.at.Origin == Declared || c.proven == user):
		return attr(user), nil
	case c.refused[user]:
		return nil, nil
	}
	found, err := c.findAccount(ctx, user)
	if err != nil {
		return nil, err
	}
	if found.account.text("RoleId") != "Administrator" || found.account.at("Enabled") == false {
		return nil, nil
	}
	return attr(user), nil
}

// accounts is what findAccount found.
type accounts struct {
	collection string
	account    document // zero when the user has none
	free       string   // the first empty slot, where there are slots
}

// findAccount looks a user up among the accounts.
func (c *Controller) findAccount(ctx context.Context, user string) (accounts, error) {
	uri := c.root.link("AccountService")
	if uri == "" {
		return accounts{}, unsupported("the controller has no account service")
	}
	service, err := c.get(ctx, uri)
	if gone(err) {
		return accounts{}, unsupported("the controller lists %s but does not have it", uri)
	} else if err != nil {
		return accounts{}, err
	}
	out := accounts{collection: service.link("Accounts")}
	if out.collection == "" {
		return out, unsupported("the account service lists no accounts")
	}
	query := out.collection
	expand := c.root.at("ProtocolFeaturesSupported", "ExpandQuery", "NoLinks") == true
	if expand {
		query += "?$expand=.($levels=1)"
	}
	list, err := c.get(ctx, query)
	if expand && statusOf(err) >= 400 {
		list, err = c.get(ctx, out.collection)
	}
	if err != nil {
		return out, err
	}
	for i, e := range list.list("Members") {
		d, err := c.member(ctx, e)
		if gone(err) {
			continue
		} else if err != nil {
			return out, err
		}
		switch name := d.text("UserName"); {
		case name == user:
			out.account = d
			return out, nil
		case name == "" && out.free == "" && i >= c.firstSlot():
			out.free = d.uri
		}
	}
	return out, nil
}

func (c *Controller) firstSlot() int {
	if c.where == nil {
		return 0
	}
	return c.where.profile.firstSlot
}

// member reads one member of a collection, unless it was expanded.
func (c *Controller) member(ctx context.Context, e any) (document, error) {
	uri := target(e)
	if uri == "" {
		return document{}, &statusError{method: http.MethodGet, path: "a member without a link", status: http.StatusNotFound}
	}
	if o, _ := e.(object); o["UserName"] != nil {
		return document{uri: uri, props: o}, nil
	}
	d, err := c.get(ctx, uri)
	if err != nil {
		return d, fmt.Errorf("look through accounts: %w", err)
	}
	return d, nil
}

// setAccount makes sure that a user is an administrator with this password.
// The proof is a login of that user, tried once.
func (c *Controller) setAccount(ctx context.Context, ch Change) error {
	want, ok := ch.Value.(state.Attr)
	if !ok || len(want.Values) != 1 {
		return fmt.Errorf("%w: an account is exactly one name", errValue)
	}
	user, password := want.Values[0], ch.Secret
	if password.IsZero() || password.Err() != nil {
		return fmt.Errorf("%w: the password of %s is not known", errValue, user)
	}
	if user == c.at.Username && password.Equal(c.at.Password) {
		return nil // this session is the proof
	}
	c.refresh()
	found, err := c.findAccount(ctx, user)
	if err != nil {
		return err
	}
	body := object{"Password": password.Reveal(), "RoleId": "Administrator"}
	if !c.where.profile.noEnabled {
		body["Enabled"] = true
	}
	switch {
	case found.account.uri != "":
		_, err = c.patchAccount(ctx, found.account.uri, body)
	case c.where.profile.accountSlots:
		err = c.fillSlot(ctx, found, user, body)
	default:
		body["UserName"] = user
		_, err = c.writeWhenReady(ctx, http.MethodPost, found.collection, body, "", confidential)
		if s := statusOf(err); s == http.StatusMethodNotAllowed || s == http.StatusNotImplemented {
			err = c.fillSlot(ctx, found, user, body)
		}
	}
	// A lost answer may have been carried out: the login tells.
	if err != nil && (statusOf(err) != 0 || errors.Is(err, state.ErrUnsupported) || errors.Is(err, errRefused)) {
		return refusal(err)
	}
	return c.proveAccount(ctx, user, password)
}

func (c *Controller) fillSlot(ctx context.Context, found accounts, user string, body object) error {
	if found.free == "" {
		return fmt.Errorf("%w: every account slot is taken", errRefused)
	}
	body["UserName"] = user
	_, err := c.patchAccount(ctx, found.free, body)
	return err
}

func (c *Controller) patchAccount(ctx context.Context, uri string, body object) (answer, error) {
	d, err := c.get(ctx, uri)
	if err != nil {
		return answer{}, err
	}
	return c.patchDocument(ctx, d, confidential, func(document) (object, error) { return body, nil })
}

// proveAccount logs in as the user on the connection that stands, and deletes
// that session. When the user is our own, whose sessions end with the old
// password, the new session becomes ours.
func (c *Controller) proveAccount(ctx context.Context, user string, password secret.Value) error {
	there := *c
	there.at.Username, there.at.Password = user, password
	if err := there.openSession(ctx); err != nil {
		return fmt.Errorf("prove the account: %w", err)
	}
	delete(c.refused, user)
	c.proven = user
	if user == c.at.Username {
		c.at.Password = password
		_ = c.dropSession(ctx)
		c.api, c.relogins = there.api, 0
		return nil
	}
	if err := there.dropSession(ctx); err != nil {
		c.log.Warn("bmc session left behind", "user", user, "err", err)
	}
	return nil
}
