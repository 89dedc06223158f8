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
	"time"

	"github.com/stmcginnis/gofish"

	"github.com/raiz-dns/raiz/provision/await"
)

// login is being logged in at one controller, as one user, over one connection.
type login struct {
	Timing Timing // the target's, with the defaults filled in
	Log    *slog.Logger

	At    Endpoint  // where and as whom it is logged in
	Peer  string    // fingerprint of the certificate it shows
	Until time.Time // when that certificate ends
	Root  Document  // the service root, as read at login

	dialer *dialer
	stats  *counter
	api    *gofish.APIClient
	pipe   *transport
}

// errSpoke marks that something answered, though nothing of use.
var errSpoke = errors.New("it does not speak redfish as expected")

// attach makes conn, and later ones to the same address, the connection.
func (l *login) attach(at netip.AddrPort, conn *tls.Conn) {
	if conn != nil {
		shown := conn.ConnectionState().PeerCertificates[0]
		l.Peer, l.Until = Fingerprint(shown), shown.NotAfter
	}
	var first net.Conn
	if conn != nil {
		first = conn
	}
	l.pipe = newTransport(first, func(ctx context.Context) (net.Conn, error) { return l.dialer.open(ctx, at) }, l.Timing.Request, l.stats)
}

func (l *login) config() gofish.ClientConfig {
	return gofish.ClientConfig{
		Endpoint:              "https://" + l.At.Address.String(),
		HTTPClient:            &http.Client{Transport: l.pipe, CheckRedirect: noRedirect},
		NoModifyTransport:     true,
		ReuseConnections:      true,
		MaxConcurrentRequests: 1,
	}
}

// enter opens a session over conn as the endpoint's user.
func (l *login) enter(ctx context.Context, e Endpoint, conn *tls.Conn) error {
	l.At = e
	l.attach(e.Address, conn)
	if err := l.openSession(ctx); err != nil {
		l.pipe.close()
		return err
	}
	return nil
}

// openSession logs in on the connection that stands. Where a service has no
// sessions it falls back to a password in every request, over the same TLS.
func (l *login) openSession(ctx context.Context) error {
	cfg := l.config()
	cfg.Username, cfg.Password = l.At.Username, l.At.Password.Reveal()
	api, err := gofish.ConnectContext(withLogin(ctx), cfg)
	root, answered := l.pipe.rootDocument()
	l.Root = root
	if err != nil && answered && noSessions(root, err) {
		cfg.BasicAuth = true
		if api, err = gofish.ConnectContext(withRoot(ctx), cfg); err == nil {
			err = answers(withLogin(ctx), api, root.Link("Managers"))
		}
	}
	if err != nil {
		return l.loginError(err, answered)
	}
	l.api = api
	if cfg.BasicAuth {
		return nil
	}
	l.stats.add(func(s *Stats) { s.Sessions++ })
	if change, ok := FindNote(l.pipe.loginNotes(), "PasswordChangeRequired"); ok {
		l.dropSession(ctx)
		return &PasswordChangeError{Address: l.At.Address, Username: l.At.Username, Account: change.account, Origin: l.At.Origin}
	}
	if s, err := api.GetSession(); err != nil || s.Token == "" {
		l.dropByPassword(ctx)
		return fmt.Errorf("log in to %s: %w: the session came without a token", l.At.Address, errSpoke)
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
func (l *login) dropByPassword(ctx context.Context) {
	s, err := l.api.GetSession()
	if err != nil || s.ID == "" {
		return
	}
	cfg := l.config()
	cfg.Username, cfg.Password, cfg.BasicAuth = l.At.Username, l.At.Password.Reveal(), true
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
func (l *login) loginError(err error, answered bool) error {
	if !answered {
		return fmt.Errorf("read service root of %s: %w: %w", l.At.Address, errSpoke, plain(err, Public))
	}
	status := StatusOf(err)
	err = plain(err, Confidential)
	if e, ok := errors.AsType[*StatusError](err); ok {
		if change, ok := FindNote(e.Notes, "PasswordChangeRequired"); ok {
			return &PasswordChangeError{Address: l.At.Address, Username: l.At.Username, Account: change.account, Origin: l.At.Origin}
		}
	}
	switch status {
	case 0:
		return fmt.Errorf("log in to %s as %s: %w: %w", l.At.Address, l.At.Username, errSpoke, err)
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return &authError{endpoint: l.At, status: status}
	}
	return fmt.Errorf("log in to %s as %s: %w", l.At.Address, l.At.Username, err)
}

// dropSession deletes the session, if there is one.
func (l *login) dropSession(ctx context.Context) error {
	s, err := l.api.GetSession()
	if err != nil || s.ID == "" {
		return nil
	}
	for try := 1; ; try++ {
		resp, err := l.api.WithContext(ctx).Delete(s.ID)
		if resp != nil {
			_ = resp.Body.Close()
		}
		status := StatusOf(err)
		// 401 and 404: it has ended by itself.
		if err == nil || status == http.StatusNotFound || status == http.StatusUnauthorized {
			return nil
		}
		again := status == http.StatusServiceUnavailable && try <= maxBusy || status == 0 && try == 1
		if !again || await.For(ctx, l.Timing.Poll) != nil {
			return plain(err, Public)
		}
	}
}

// as opens another session on the connection that stands.
func (l *login) as(ctx context.Context, e Endpoint) (*login, error) {
	there := *l
	there.At = e
	return &there, there.openSession(ctx)
}

// depart deletes a session that has shown what it was for.
func (l *login) depart(ctx context.Context) {
	if err := l.dropSession(ctx); err != nil {
		l.Log.Warn("bmc session left behind", "user", l.At.Username, "err", err)
	}
}

// adopt carries the session of another connection over. Whether
// the controller has ended it meanwhile is not seen here.
func (l *login) adopt(ctx context.Context, old *gofish.APIClient) error {
	cfg := l.config()
	s, err := old.GetSession()
	if err != nil {
		cfg.Username, cfg.Password, cfg.BasicAuth = l.At.Username, l.At.Password.Reveal(), true
	} else {
		cfg.Session = s
	}
	api, err := gofish.ConnectContext(ctx, cfg)
	if err != nil {
		return plain(err, Public)
	}
	l.api = api
	return nil
}

// HangUp closes the connection and leaves the session as it is.
func (l *login) HangUp() { l.pipe.close() }

// SessionID names the session, or is "" without one.
func (l *login) SessionID() string {
	if l.api == nil {
		return ""
	}
	s, err := l.api.GetSession()
	if err != nil {
		return ""
	}
	return s.ID
}

// Token is what a session is recognised by, or "" without one.
func (l *login) Token() string {
	s, err := l.api.GetSession()
	if err != nil {
		return ""
	}
	return s.Token
}

// dropSessionAt deletes the session at an address the controller may have
// moved to without anybody seeing it.
func (l *login) dropSessionAt(ctx context.Context, to netip.AddrPort) error {
	conn, err := l.dialer.open(ctx, to)
	if err != nil {
		return err
	}
	there := *l
	there.At.Address = to
	there.attach(to, conn)
	defer there.pipe.close()
	if err := there.adopt(ctx, l.api); err != nil {
		return err
	}
	return there.dropSession(ctx)
}
