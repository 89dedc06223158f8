package redfish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
)

// Answer is what came back from a write.
type Answer struct {
	status int
	header http.Header
	props  Object // nil without a body
	Notes  []Note
}

// Get reads one resource. It logs in again, once a run, when the session has
// ended meanwhile.
func (c *Session) Get(ctx context.Context, uri string) (Document, error) {
	resp, err := c.again(ctx, func() (*http.Response, error) { return c.api.WithContext(ctx).Get(uri) })
	if err != nil {
		return Document{}, named(err, http.MethodGet, uri, Public)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Document{}, fmt.Errorf("get %s: %w", uri, err)
	}
	return decode(uri, resp.Header.Get("ETag"), body)
}

// writeOnce sends one PATCH or POST. An error with statusOf 0 means that the
// outcome is unknown: the request may have been carried out.
func (c *Session) writeOnce(ctx context.Context, method, uri string, body Object, ifMatch string, p Privacy) (Answer, error) {
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
		return Answer{}, named(err, method, uri, p)
	}
	defer resp.Body.Close()
	out := Answer{status: resp.StatusCode, header: resp.Header}
	text, err := io.ReadAll(resp.Body)
	if err == nil && len(text) > 0 {
		// A body that is no object says nothing; what counts is read back.
		if doc, err := decode(uri, "", text); err == nil {
			out.props, out.Notes = doc.Props, notesIn(doc.Props, p)
		}
	}
	return out, nil
}

// Delete deletes a resource. What is gone already is deleted.
func (c *Session) Delete(ctx context.Context, uri string) error {
	resp, err := c.again(ctx, func() (*http.Response, error) { return c.api.WithContext(ctx).Delete(uri) })
	if resp != nil {
		_ = resp.Body.Close()
	}
	if StatusOf(err) == http.StatusNotFound {
		return nil
	}
	return named(err, http.MethodDelete, uri, Public)
}

// again runs a request, and once more after a new login when the session has
// ended. A refused session has carried nothing out.
func (c *Session) again(ctx context.Context, do func() (*http.Response, error)) (*http.Response, error) {
	resp, err := do()
	if StatusOf(err) != http.StatusUnauthorized || c.relogins >= maxRelogins || isLogin(ctx) {
		return resp, err
	}
	c.relogins++
	c.Log.Info("bmc session ended; logging in again", "address", c.At.Address)
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
func named(err error, method, uri string, p Privacy) error {
	err = plain(err, p)
	if e, ok := errors.AsType[*StatusError](err); ok {
		e.Method, e.Path = method, uri
	}
	return err
}

// Close deletes the session at the address that answers, or at one of those
// that the controller may have moved to, and hangs up. It works on a cancelled
// context too, within Timing.Logout, and may be called twice.
func (c *Session) Close(ctx context.Context, maybe []netip.AddrPort) error {
	if c.api == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Timing.Logout)
	defer cancel()
	err := c.dropSession(ctx)
	c.pipe.close()
	for _, to := range maybe {
		if err == nil || StatusOf(err) != 0 {
			break
		}
		if c.dropSessionAt(ctx, to) == nil {
			err = nil
		}
	}
	c.api = nil
	if err != nil {
		return fmt.Errorf("log out of %s: %w; the session ends by itself after the controller's timeout", c.At.Address, err)
	}
	return nil
}

// Spent is what the session has cost so far.
func (c *Session) Spent() Stats {
	c.stats.mu.Lock()
	defer c.stats.mu.Unlock()
	return c.stats.Stats
}
