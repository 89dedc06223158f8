package bmc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"
)

// answer is what came back from a write.
type answer struct {
	status int
	header http.Header
	props  object // nil without a body
	notes  []note
}

// get reads one resource. It logs in again, once a run, when the session has
// ended meanwhile.
func (c *Controller) get(ctx context.Context, uri string) (document, error) {
	resp, err := c.again(ctx, func() (*http.Response, error) { return c.api.WithContext(ctx).Get(uri) })
	if err != nil {
		return document{}, named(err, http.MethodGet, uri, public)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return document{}, fmt.Errorf("get %s: %w", uri, err)
	}
	return decode(uri, resp.Header.Get("ETag"), body)
}

// write sends one PATCH or POST. An error with statusOf 0 means that the
// outcome is unknown: the request may have been carried out.
func (c *Controller) write(ctx context.Context, method, uri string, body object, ifMatch string, p privacy) (answer, error) {
	headers := map[string]string{}
	if ifMatch != "" {
		headers["If-Match"] = ifMatch
	}
	resp, err := c.again(ctx, func() (*http.Response, error) {
		api := c.api.WithContext(ctx)
		if method == http.MethodPatch {
			return api.PatchWithHeaders(uri, body, headers)
		}
		return api.PostWithHeaders(uri, body, headers)
	})
	if err != nil {
		return answer{}, named(err, method, uri, p)
	}
	defer resp.Body.Close()
	out := answer{status: resp.StatusCode, header: resp.Header}
	text, err := io.ReadAll(resp.Body)
	if err == nil && len(text) > 0 {
		// A body that is no object says nothing; what counts is read back.
		if doc, err := decode(uri, "", text); err == nil {
			out.props, out.notes = doc.props, notesIn(doc.props, p)
		}
	}
	return out, nil
}

// again runs a request, and once more after a new login when the session has
// ended. A refused session has carried nothing out.
func (c *Controller) again(ctx context.Context, do func() (*http.Response, error)) (*http.Response, error) {
	resp, err := do()
	if statusOf(err) != http.StatusUnauthorized || c.relogins >= maxRelogins || isLogin(ctx) {
		return resp, err
	}
	c.relogins++
	c.log.Info("bmc session ended; logging in again", "address", c.at.Address)
	if err := c.openSession(ctx); err != nil {
		// A password that is refused now would lock the account if it were
		// tried at every look of a proof.
		c.relogins = maxRelogins
		return nil, err
	}
	return do()
}

// maxRelogins is how often a session that ended is opened anew: a move and
// its reset end one each.
const maxRelogins = 3

// named words an error of a request.
func named(err error, method, uri string, p privacy) error {
	err = plain(err, p)
	if e, ok := errors.AsType[*statusError](err); ok {
		e.method, e.path = method, uri
	}
	return err
}

// Close deletes the session at the address that answers, and hangs up. It
// works on a cancelled context too, within Timing.Logout, and may be called
// twice.
func (c *Controller) Close(ctx context.Context) error {
	if c.api == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timing.Logout)
	defer cancel()
	err := c.dropSession(ctx)
	c.pipe.close()
	for _, to := range c.maybe {
		if err == nil || statusOf(err) != 0 {
			break
		}
		if c.dropSessionAt(ctx, to) == nil {
			err = nil
		}
	}
	c.api = nil
	if err != nil {
		return fmt.Errorf("log out of %s: %w; the session ends by itself after the controller's timeout", c.at.Address, err)
	}
	return nil
}

// dropSessionAt deletes the session at an address the controller may have
// moved to without anybody seeing it.
func (c *Controller) dropSessionAt(ctx context.Context, to netip.AddrPort) error {
	conn, err := c.dialer.open(ctx, to)
	if err != nil {
		return err
	}
	there := *c
	there.at.Address = to
	there.attach(to, conn)
	defer there.pipe.close()
	if err := there.adopt(ctx, c.api); err != nil {
		return err
	}
	return there.dropSession(ctx)
}

// Stats returns what the run has cost so far.
func (c *Controller) Stats() Stats {
	c.stats.mu.Lock()
	defer c.stats.mu.Unlock()
	return c.stats.Stats
}

// Endpoint returns where, and as whom, the controller is logged in to.
func (c *Controller) Endpoint() Endpoint { return c.at }

// Certificate returns the fingerprint of the certificate it shows.
func (c *Controller) Certificate() string { return c.peer }

// since is a deadline from now; the only clock of the package.
func since(d time.Duration) time.Time { return time.Now().Add(d) }
