package redfish

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/stmcginnis/gofish"

	"github.com/raiz-dns/raiz/provision/await"
)

// Session is a login at one controller, and the connection it is made over. It
// is not safe for several goroutines: a BMC serves one request at a time.
type Session struct {
	Target Target
	Timing Timing // Target's, with the defaults filled in
	Log    *slog.Logger

	At      Endpoint        // where and as whom it is logged in
	Peer    string          // fingerprint of the certificate it shows
	Until   time.Time       // when that certificate ends
	Root    Document        // the service root, as read at login
	Refused map[string]bool // users whose declared password was refused

	dialer   *dialer
	stats    *counter
	api      *gofish.APIClient
	pipe     *transport
	relogins int // new logins since the session was first opened

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
		Target: t, Timing: t.Timing.withDefaults(), stats: &counter{}, Log: t.Log,
		Refused: map[string]bool{},
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
		err := c.login(ctx, a.endpoint, a.conn)
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

// errSpoke marks that something answered, though nothing of use.
var errSpoke = errors.New("it does not speak redfish as expected")

// attach makes conn, and later ones to the same address, the connection.
func (c *Session) attach(at netip.AddrPort, conn *tls.Conn) {
	if conn != nil {
		shown := conn.ConnectionState().PeerCertificates[0]
		c.Peer, c.Until = Fingerprint(shown), shown.NotAfter
	}
	var first net.Conn
	if conn != nil {
		first = conn
	}
	c.pipe = newTransport(first, func(ctx context.Context) (net.Conn, error) { return c.dialer.open(ctx, at) }, c.Timing.Request, c.stats)
}

func (c *Session) config() gofish.ClientConfig {
	return gofish.ClientConfig{
		Endpoint:              "https://" + c.At.Address.String(),
		HTTPClient:            &http.Client{Transport: c.pipe, CheckRedirect: noRedirect},
		NoModifyTransport:     true,
		ReuseConnections:      true,
		MaxConcurrentRequests: 1,
	}
}

// login opens a session over conn as the endpoint's user.
func (c *Session) login(ctx context.Context, e Endpoint, conn *tls.Conn) error {
	c.At = e
	c.attach(e.Address, conn)
	if err := c.openSession(ctx); err != nil {
		c.pipe.close()
		return err
	}
	return nil
}

// openSession logs in on the connection that stands. Where a service has no
// sessions it falls back to a password in every request, over the same TLS.
func (c *Session) openSession(ctx context.Context) error {
	cfg := c.config()
	cfg.Username, cfg.Password = c.At.Username, c.At.Password.Reveal()
	api, err := gofish.ConnectContext(withLogin(ctx), cfg)
	root, answered := c.pipe.rootDocument()
	c.Root = root
	if err != nil && answered && noSessions(root, err) {
		cfg.BasicAuth = true
		if api, err = gofish.ConnectContext(withRoot(ctx), cfg); err == nil {
			err = answers(withLogin(ctx), api, root.Link("Managers"))
		}
	}
	if err != nil {
		return c.loginError(err, answered)
	}
	c.api = api
	if cfg.BasicAuth {
		return nil
	}
	c.stats.add(func(s *Stats) { s.Sessions++ })
	if change, ok := FindNote(c.pipe.loginNotes(), "PasswordChangeRequired"); ok {
		c.dropSession(ctx)
		return &PasswordChangeError{Address: c.At.Address, Username: c.At.Username, Account: change.account, Origin: c.At.Origin}
	}
	if s, err := api.GetSession(); err != nil || s.Token == "" {
		c.dropByPassword(ctx)
		return fmt.Errorf("log in to %s: %w: the session came without a token", c.At.Address, errSpoke)
	}
	return nil
}

// answers sees that a resource can be read as this user.
func answers(ctx context.Context, api *gofish.APIClient, uri string) error {
	resp, err := api.WithContext(ctx).Get(uri)
	if resp != nil {
		_ = resp.Body.Close()
	}
	return err
}

// dropByPassword deletes a session that came without the token to do it with.
func (c *Session) dropByPassword(ctx context.Context) {
	s, err := c.api.GetSession()
	if err != nil || s.ID == "" {
		return
	}
	cfg := c.config()
	cfg.Username, cfg.Password, cfg.BasicAuth = c.At.Username, c.At.Password.Reveal(), true
	api, err := gofish.ConnectContext(withLogin(ctx), cfg)
	if err != nil {
		return
	}
	if resp, _ := api.Delete(s.ID); resp != nil {
		_ = resp.Body.Close()
	}
}

// noSessions reports whether a login failed because the service has none.
func noSessions(root Document, err error) bool {
	if root.Link("Links", "Sessions") == "" {
		return StatusOf(err) == 0
	}
	switch StatusOf(err) {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return false
}

// loginError words a failed login. The controller's own words are left out:
// some repeat the value they refuse.
func (c *Session) loginError(err error, answered bool) error {
	if !answered {
		return fmt.Errorf("read service root of %s: %w: %w", c.At.Address, errSpoke, plain(err, Public))
	}
	status := StatusOf(err)
	err = plain(err, Confidential)
	if e, ok := errors.AsType[*StatusError](err); ok {
		if change, ok := FindNote(e.Notes, "PasswordChangeRequired"); ok {
			return &PasswordChangeError{Address: c.At.Address, Username: c.At.Username, Account: change.account, Origin: c.At.Origin}
		}
	}
	switch status {
	case 0:
		return fmt.Errorf("log in to %s as %s: %w: %w", c.At.Address, c.At.Username, errSpoke, err)
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return &authError{endpoint: c.At, status: status}
	}
	return fmt.Errorf("log in to %s as %s: %w", c.At.Address, c.At.Username, err)
}

// dropSession deletes the session, if there is one.
func (c *Session) dropSession(ctx context.Context) error {
	s, err := c.api.GetSession()
	if err != nil || s.ID == "" {
		return nil
	}
	for try := 1; ; try++ {
		resp, err := c.api.WithContext(ctx).Delete(s.ID)
		if resp != nil {
			_ = resp.Body.Close()
		}
		status := StatusOf(err)
		// 401 and 404: it has ended by itself.
		if err == nil || status == http.StatusNotFound || status == http.StatusUnauthorized {
			return nil
		}
		again := status == http.StatusServiceUnavailable && try <= maxBusy || status == 0 && try == 1
		if !again || await.For(ctx, c.Timing.Poll) != nil {
			return plain(err, Public)
		}
	}
}
