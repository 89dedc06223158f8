package simbmc

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxBody bounds what a client may send.
const maxBody = 1 << 20

// Handler returns the service without its TLS.
func (b *BMC) Handler() http.Handler { return http.HandlerFunc(b.serveHTTP) }

// Serve answers HTTPS on l until Close, and returns nil then. It may be called
// for several listeners, one an address.
func (b *BMC) Serve(l net.Listener) error {
	srv := &http.Server{
		Handler: b.Handler(), ReadHeaderTimeout: 30 * time.Second,
		ConnState: b.track,
		ErrorLog:  log.New(io.Discard, "", 0), // refused handshakes are part of the play
	}
	b.mu.Lock()
	if b.ctx.Err() != nil {
		b.mu.Unlock()
		return l.Close()
	}
	b.servers = append(b.servers, srv)
	b.mu.Unlock()
	cfg := b.TLSConfig()
	cfg.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		b.mu.Lock()
		wait := b.faults.SlowTLS
		b.mu.Unlock()
		return nil, b.sleep(b.ctx, wait)
	}
	cfg.VerifyConnection = func(tls.ConnectionState) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.count.Handshakes++
		return nil
	}
	if err := srv.Serve(tls.NewListener(l, cfg)); err != http.ErrServerClosed {
		return fmt.Errorf("serve simulated bmc on %s: %w", l.Addr(), err)
	}
	return nil
}

// Close ends every Serve and waits for a change of address under way to be
// given up.
func (b *BMC) Close() error {
	b.cancel()
	b.mu.Lock()
	servers := b.servers
	b.servers = nil
	b.mu.Unlock()
	for _, s := range servers {
		_ = s.Close()
	}
	b.wait.Wait()
	return nil
}

// track knows the open connections, so that a change of address can cut them.
func (b *BMC) track(c net.Conn, s http.ConnState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch s {
	case http.StateNew:
		b.conns[c] = struct{}{}
	case http.StateClosed, http.StateHijacked:
		delete(b.conns, c)
	}
}

func (b *BMC) cutConnections() {
	b.mu.Lock()
	conns := slices.Collect(maps.Keys(b.conns))
	b.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
}

func (b *BMC) serveHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return
	}
	b.mu.Lock()
	slow := b.faults.Slow
	b.mu.Unlock()
	if b.sleep(r.Context(), slow) != nil {
		return
	}
	out := b.decide(r, body)
	switch {
	case out.reset:
		resetConnection(w)
	case out.cut:
		panic(http.ErrAbortHandler)
	default:
		out.write(w)
	}
}

// decide makes the answer to one request, and logs it.
func (b *BMC) decide(r *http.Request, body []byte) reply {
	b.mu.Lock()
	defer b.mu.Unlock() // also where it panics: then the client is cut off, and nobody hangs
	path := "/" + strings.Trim(r.URL.Path, "/")
	b.asked++
	struck := b.asked == b.faults.StrikeAt
	if struck {
		b.strike(r)
	}
	out := b.answer(r, path, body)
	if struck && b.faults.Strike == StrikeLost {
		out.cut = true
	}
	status := out.status
	if out.cut || out.reset {
		status = 0
	}
	b.log = append(b.log, Request{Method: r.Method, Path: path, Status: status, Keys: topKeys(body)})
	return out
}

// strike is what happens just before a request.
func (b *BMC) strike(r *http.Request) {
	switch b.faults.Strike {
	case StrikeReset:
		b.faults.Reset = 1
	case StrikeBusy:
		b.busy = 1
	case StrikeLogout:
		clear(b.sessions)
	case StrikeRestart:
		b.leave()
	case StrikePassword:
		if u := b.users[b.sessions[r.Header.Get("X-Auth-Token")].user]; u != nil {
			u.password = "somebody else's"
			clear(b.sessions)
		}
	}
}

// sleep waits, unless the client hangs up or the controller is closed.
func (b *BMC) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-b.ctx.Done():
		return b.ctx.Err()
	}
}

// resetConnection makes TCP reset the connection instead of ending it.
func resetConnection(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	raw := conn
	if t, ok := conn.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	if t, ok := raw.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = raw.Close()
}

func (out reply) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), out.header)
	w.Header().Set("OData-Version", "4.0")
	if out.body == nil && out.raw == nil {
		w.WriteHeader(out.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(out.status)
	if out.raw != nil {
		_, _ = w.Write(out.raw)
		return
	}
	_ = json.NewEncoder(w).Encode(out.body)
}

// answer decides on one request. The lock is held.
func (b *BMC) answer(r *http.Request, path string, body []byte) reply {
	if time.Now().Before(b.away) {
		return reply{reset: true}
	}
	b.seePower()
	switch {
	case r.Method == http.MethodGet:
		b.count.Gets++
	case path != sessionsPath && r.Method != http.MethodDelete:
		b.count.Writes++
	}
	if b.faults.Reset > 0 {
		b.faults.Reset--
		return reply{reset: true}
	}
	if b.busy > 0 {
		b.busy--
		out := refuse(http.StatusServiceUnavailable, refusal("ServiceTemporarilyUnavailable", "0"))
		out.header = http.Header{"Retry-After": {"0"}}
		return out
	}
	if path == sessionsPath && r.Method == http.MethodPost {
		if b.faults.NoSessions {
			return refuse(http.StatusNotFound, refusal("ResourceMissingAtURI", path))
		}
		return b.login(body)
	}
	if path != "/redfish" && path != rootPath {
		name, denied := b.authenticate(r)
		if denied != nil {
			return *denied
		}
		u := b.users[name]
		own := path == accountsPath+"/"+u.id || strings.HasPrefix(path, sessionsPath+"/")
		if (u.mustChange || b.faults.MustChange) && !own {
			return refuse(http.StatusForbidden, b.passwordChange(u))
		}
		if !b.may(u, r.Method, path) {
			return refuse(http.StatusForbidden, refusal("InsufficientPrivilege"))
		}
	}
	switch r.Method {
	case http.MethodGet:
		return b.get(r, path)
	case http.MethodPatch:
		return b.patch(r, path, body)
	case http.MethodPost:
		return b.post(path, body)
	case http.MethodDelete:
		switch {
		case strings.HasPrefix(path, accountsPath+"/"):
			return b.deleteAccount(path)
		case strings.HasPrefix(path, b.jobsPath()+"/"):
			return b.deleteJob(path)
		}
		return b.logout(path)
	}
	return refuse(http.StatusMethodNotAllowed, refusal("OperationNotAllowed"))
}

func (b *BMC) get(r *http.Request, path string) reply {
	if path != rootPath {
		switch {
		case b.faults.Redirect != "":
			return reply{status: http.StatusTemporaryRedirect, header: http.Header{"Location": {b.faults.Redirect}}}
		case b.faults.Huge > 0:
			return reply{status: http.StatusOK, body: object{"Name": strings.Repeat("x", b.faults.Huge)}}
		case b.faults.Body != nil:
			return reply{status: http.StatusOK, raw: b.faults.Body}
		}
	}
	if slices.Contains(b.faults.Missing, path) {
		return refuse(http.StatusNotFound, refusal("ResourceMissingAtURI", path))
	}
	if strings.HasPrefix(path, taskPath+"/") {
		return b.taskReply(path)
	}
	res, ok := b.tree[path]
	if !ok {
		return refuse(http.StatusNotFound, refusal("ResourceMissingAtURI", path))
	}
	b.rise(res)
	out := reply{status: http.StatusOK, body: res.doc, header: http.Header{}}
	if tag := b.etag(res); tag != "" {
		out.header.Set("ETag", tag)
		if b.who.etagInBody {
			out.body = maps.Clone(res.doc)
			out.body["@odata.etag"] = tag
		}
	}
	if r.URL.Query().Has("$expand") && b.who.expand {
		out.body = b.expand(out.body)
	}
	// Encoding happens outside the lock, so it gets a copy of its own.
	out.body = clone(out.body).(object)
	return out
}

func topKeys(body []byte) []string {
	var o object
	if json.NewDecoder(bytes.NewReader(body)).Decode(&o) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(o))
}
