package redfish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
)

// Session is what is done with a login: documents read and written, visits at
// other addresses, logins of other users proven. It opens a session that ended
// anew. It is not safe for several goroutines: a BMC serves one request at a time.
type Session struct {
	login
	Target   Target
	Refused  map[string]bool // users whose declared password was refused
	relogins int             // new logins since the session was first opened

	// ResetDue is set by an answer that says that what was written waits for a
	// reset.
	ResetDue bool
	// AnyTag sends If-Match "*" where no ETag was handed out.
	AnyTag bool
}

// Open logs in. It tries each endpoint's password at most once. Its error is
// ErrUnreachable, ErrCertificate, ErrAuth or ErrPasswordChange by errors.Is,
// whichever tells most, or one of use. The caller closes the session.
func Open(ctx context.Context, t Target) (*Session, error) {
	c, err := prepare(t)
	if err != nil {
		return nil, err
	}
	left := slices.Clone(t.Endpoints)
	slices.SortStableFunc(left, func(a, b Endpoint) int { return rank(a) - rank(b) })
	return c.openAny(ctx, left)
}

// prepare checks a target and makes a session that is nowhere yet.
func prepare(t Target) (*Session, error) {
	if len(t.Endpoints) == 0 {
		return nil, errors.New("open bmc: no endpoint is given")
	}
	c := &Session{
		login:  login{Timing: t.Timing.withDefaults(), stats: &counter{}, Log: t.Log},
		Target: t, Refused: map[string]bool{},
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	var err error
	if c.dialer, err = newDialer(t, c.Timing, c.stats); err != nil {
		return nil, err
	}
	for _, e := range t.Endpoints {
		if err := usable(e); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func usable(e Endpoint) error {
	switch {
	case !e.Address.IsValid():
		return errors.New("open bmc: an endpoint has no address")
	case e.Username == "":
		return fmt.Errorf("open bmc at %s: no user name is given", e.Address)
	case e.Password.IsZero():
		return fmt.Errorf("open bmc at %s: no password is given for %s", e.Address, e.Username)
	case e.Password.Err() != nil:
		return fmt.Errorf("open bmc at %s: look up %s: %w", e.Address, e.Password.Source(), e.Password.Err())
	}
	return nil
}

func rank(e Endpoint) int {
	switch e.Origin {
	case Declared:
		return 0
	case Previous:
		return 1
	}
	return 2
}

// perAddress are the first endpoints of each address: there is no use in dialling
// an address once for each of its users.
func perAddress(endpoints []Endpoint) []Endpoint {
	var out []Endpoint
	for _, e := range endpoints {
		if !slices.ContainsFunc(out, func(o Endpoint) bool { return o.Address == e.Address }) {
			out = append(out, e)
		}
	}
	return out
}

// openAny logs in at the best endpoint that takes its password.
func (c *Session) openAny(ctx context.Context, left []Endpoint) (*Session, error) {
	var failed []error
	for len(left) > 0 {
		a, errs := c.dialer.race(ctx, perAddress(left), c.Timing)
		if a.conn == nil {
			failed = append(failed, errs...)
			break
		}
		for _, err := range errs {
			c.Log.Info("bmc endpoint passed over", "err", err)
		}
		err := c.enter(ctx, a.endpoint, a.conn)
		if err == nil {
			c.Log.Info("logged in to bmc", "address", a.endpoint.Address, "user", a.endpoint.Username, "origin", a.endpoint.Origin)
			return c, nil
		}
		failed = append(failed, err)
		if errors.Is(err, ErrAuth) && a.endpoint.Origin == Declared {
			c.Refused[a.endpoint.Username] = true
		}
		// The same password must not be tried again at the other address of
		// the same controller: three refusals lock an account on many.
		left = slices.DeleteFunc(left, func(e Endpoint) bool {
			same := e.Username == a.endpoint.Username && e.Password.Equal(a.endpoint.Password)
			if errors.Is(err, ErrPasswordChange) && e.Address == a.endpoint.Address && e.Username == a.endpoint.Username {
				return true // its password was right; another one cannot be
			}
			return same && (e.Address == a.endpoint.Address || errors.Is(err, ErrAuth))
		})
	}
	return nil, mostTelling(ctx, failed)
}

// mostTelling picks the error a caller can do most with, and keeps the words
// of the others.
func mostTelling(ctx context.Context, failed []error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("open bmc: %w", err)
	}
	for _, kind := range []error{ErrPasswordChange, ErrAuth, ErrCertificate} {
		for i, err := range failed {
			if errors.Is(err, kind) {
				return withOthers(err, slices.Delete(slices.Clone(failed), i, i+1))
			}
		}
	}
	for i, err := range failed {
		if StatusOf(err) != 0 || errors.Is(err, errSpoke) {
			return withOthers(err, slices.Delete(slices.Clone(failed), i, i+1))
		}
	}
	return fmt.Errorf("open bmc: %w: %w; check power, cabling and the declared addresses", ErrUnreachable, errors.Join(failed...))
}

func withOthers(err error, others []error) error {
	if len(others) == 0 {
		return fmt.Errorf("open bmc: %w", err)
	}
	return fmt.Errorf("open bmc: %w (elsewhere: %v)", err, errors.Join(others...))
}
