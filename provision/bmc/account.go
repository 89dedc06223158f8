package bmc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/state"
)

// accounts are those who may log in.
type accounts struct {
	*resources
	proven string // user whose login set has proven
}

// way returns the first way in of an origin.
func (a *accounts) way(origin string) (redfish.Endpoint, bool) {
	for _, e := range a.session.Target.Endpoints {
		if e.Origin == origin {
			return e, true
		}
	}
	return redfish.Endpoint{}, false
}

// declaredUser is the user the site declares, or "".
func (a *accounts) declaredUser() string {
	e, _ := a.way(redfish.Declared)
	return e.Username
}

// read tells whether the declared user can log in. A session of that user is the
// proof; else the account service is asked. An account whose declared password was
// refused in this run is as good as absent: setting it is what has to happen.
func (a *accounts) read(ctx context.Context) (*state.Attr, error) {
	user := a.declaredUser()
	switch {
	case user == "":
		return nil, errors.New("no declared user is known")
	case a.session.At.Username == user && (a.session.At.Origin == redfish.Declared || a.proven == user):
		return attr(user), nil
	case a.session.Refused[user]:
		return nil, nil
	}
	found, err := a.findAccount(ctx, user)
	if err != nil {
		return nil, err
	}
	if found.account.URI == "" || found.account.At("Enabled") == false {
		return nil, nil
	}
	may, err := found.roles.standing(ctx, found.account)
	if err != nil || may != mayAll {
		return nil, err
	}
	return attr(user), nil
}

// place is where a user's account is, or where one can be made.
type place struct {
	collection string
	roles      roles
	account    redfish.Document // zero when the user has none
	alike      redfish.Document // of a user whose name differs in case alone; zero without
	lost       string           // an account that is listed and not there; "" without
	free       string           // the first empty slot, where there are slots
	seen       int              // how many accounts were looked at
	enabled    bool             // one of them has Enabled
}

// canEnable reports whether a new account is to be sent Enabled. Its document is
// not there yet: it will be like the others (iLO 5 2.46 has none, 3.11 has), and
// like the schema where there are no others (ManagerAccount.v1_0_0).
func (p place) canEnable() bool { return p.enabled || p.seen == 0 }

// role is the one that the account is to have: its own where that makes an
// administrator.
func (p place) role(ctx context.Context) (string, error) {
	if own := p.account.Text("RoleId"); own != "" {
		if may, err := p.roles.standing(ctx, p.account); err != nil || may == mayAll {
			return own, err
		}
	}
	return p.roles.best(ctx)
}

// findAccount looks a user up among the accounts.
func (a *accounts) findAccount(ctx context.Context, user string) (place, error) {
	out := place{}
	at, err := a.eachAccount(ctx, func(i int, d redfish.Document) bool {
		if d.Props == nil {
			out.lost = d.URI
			return true
		}
		out.seen++
		out.enabled = out.enabled || d.Has("Enabled")
		switch name := d.Text("UserName"); {
		case name == user:
			out.account = d
			return false
		case strings.EqualFold(name, user) && name != a.declaredUser():
			out.alike = d
		case name == "" && out.free == "" && i >= a.firstSlot():
			out.free = d.URI
		}
		return true
	})
	out.collection, out.roles = at.accounts, roles{reader: a.reader, collection: at.roles}
	return out, err
}

// accountService is where the collections of an account service are.
type accountService struct{ accounts, roles string }

func (a *accounts) accountService(ctx context.Context) (accountService, error) {
	uri := a.session.Root.Link("AccountService")
	if uri == "" {
		return accountService{}, unsupported("the controller has no account service")
	}
	d, err := a.session.Get(ctx, uri)
	if gone(err) {
		return accountService{}, notThere(uri)
	} else if err != nil {
		return accountService{}, err
	}
	if d.Link("Accounts") == "" {
		return accountService{}, unsupported("the account service lists no accounts")
	}
	return accountService{d.Link("Accounts"), d.Link("Roles")}, nil
}

// eachAccount goes through the accounts, empty slots among them, until see has
// seen enough. One that is listed and not there has its URI and no properties.
func (a *accounts) eachAccount(ctx context.Context, see func(i int, d redfish.Document) bool) (accountService, error) {
	at, err := a.accountService(ctx)
	if err != nil {
		return at, err
	}
	list, err := a.expanded(ctx, at.accounts)
	if err != nil {
		return at, err
	}
	members := list.List("Members")
	if len(members) > maxAccounts {
		return at, fmt.Errorf("%s has %d accounts, more than %d", at.accounts, len(members), maxAccounts)
	}
	for i, e := range members {
		d, err := a.member(ctx, e, "UserName")
		if gone(err) {
			d, err = redfish.Document{URI: cmp.Or(redfish.LinkTarget(e), "a member without a link")}, nil
		}
		if err != nil {
			return at, fmt.Errorf("look through accounts: %w", err)
		}
		if !see(i, d) {
			break
		}
	}
	return at, nil
}

func (a *accounts) firstSlot() int {
	if a.where == nil {
		return 0
	}
	return a.where.profile.firstSlot
}

// set makes sure that a user is an administrator with this password. The proof is a
// login of that user, tried once.
func (a *accounts) set(ctx context.Context, ch Change) error {
	want, ok := ch.Value.(state.Attr)
	if !ok || len(want.Values) != 1 {
		return fmt.Errorf("%w: an account is exactly one name", errValue)
	}
	user, password := want.Values[0], ch.Secret
	if password.IsZero() || password.Err() != nil {
		return fmt.Errorf("%w: the password of %s is not known", errValue, user)
	}
	if user == a.session.At.Username && password.Equal(a.session.At.Password) {
		return nil // this session is the proof
	}
	a.refresh()
	found, err := a.findAccount(ctx, user)
	if err != nil {
		return err
	}
	role, err := found.role(ctx)
	if err != nil {
		return err
	}
	err = a.writeAccount(ctx, found, user, redfish.Object{"Password": password.Reveal(), "RoleId": role})
	// A lost answer may have been carried out: the login tells.
	if err != nil && (redfish.StatusOf(err) != 0 || errors.Is(err, state.ErrUnsupported) || errors.Is(err, redfish.ErrRefused)) {
		return refusal(err)
	}
	return a.proveAccount(ctx, user, password)
}

// writeAccount makes the account of a user like body, and enables it where it can
// be disabled.
func (a *accounts) writeAccount(ctx context.Context, found place, user string, body redfish.Object) error {
	switch {
	case found.account.URI != "":
		return a.patchAccount(ctx, found.account.URI, body)
	case a.where.profile.accountSlots:
		return a.fillSlot(ctx, found, user, body)
	}
	whole := maps.Clone(body)
	whole["UserName"] = user
	if found.canEnable() {
		whole["Enabled"] = true
	}
	_, err := a.session.Write(ctx, http.MethodPost, found.collection, whole, "", redfish.Confidential)
	if s := redfish.StatusOf(err); s == http.StatusMethodNotAllowed || s == http.StatusNotImplemented {
		return a.fillSlot(ctx, found, user, body)
	}
	return err
}

func (a *accounts) fillSlot(ctx context.Context, found place, user string, body redfish.Object) error {
	if found.free == "" {
		return fmt.Errorf("%w: every account slot is taken", redfish.ErrRefused)
	}
	body = maps.Clone(body)
	body["UserName"] = user
	return a.patchAccount(ctx, found.free, body)
}

func (a *accounts) patchAccount(ctx context.Context, uri string, body redfish.Object) error {
	d, err := a.session.Get(ctx, uri)
	if err != nil {
		return err
	}
	_, err = a.session.Patch(ctx, d, redfish.Confidential, func(d redfish.Document) (redfish.Object, error) {
		whole := maps.Clone(body)
		if d.Has("Enabled") {
			whole["Enabled"] = true
		}
		return whole, nil
	})
	return err
}

// proveAccount shows that the account is as it is wanted: by a login.
func (a *accounts) proveAccount(ctx context.Context, user string, password secret.Value) error {
	switch err := a.session.ProveLogin(ctx, user, password); {
	case errors.Is(err, redfish.ErrAuth):
		return fmt.Errorf("prove the account: %w: %w", redfish.ErrRefused, err)
	case err != nil:
		return fmt.Errorf("prove the account: %w", err)
	}
	a.proven = user
	return nil
}

// administrators are the names of those that may change settings, or make one that
// may, letter by letter: who is "raiz " is not raiz. One that is listed and cannot
// be looked at may be one of them.
func (a *accounts) administrators(ctx context.Context) ([]string, error) {
	var all []redfish.Document
	var held holding
	var lost error
	at, err := a.eachAccount(ctx, func(_ int, d redfish.Document) bool {
		if d.Props == nil {
			lost = firstOf(lost, notThere(d.URI))
			return true
		}
		lost = firstOf(held.take(d), lost)
		all = append(all, d)
		return lost == nil || untold(lost)
	})
	if err = firstOf(err, lost); err != nil {
		return nil, err
	}
	var out []string
	known := roles{reader: a.reader, collection: at.roles}
	for _, d := range all {
		name, _ := d.At("UserName").(string)
		if d.Text("UserName") == "" || d.At("Enabled") == false {
			continue
		}
		may, err := known.standing(ctx, d)
		if err != nil {
			return nil, err
		}
		if may != mayLess { // one of a role that nobody can look at may do anything
			out = append(out, redfish.Value(name))
		}
	}
	return out, nil
}
