package redfish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/stmcginnis/gofish/schemas"

	"github.com/raiz-dns/raiz/provision/await"
)

const (
	// maxBody bounds an answer. The largest single resource in the trees of
	// real controllers is iDRAC's attributes with some 200 KiB.
	maxBody = 4 << 20
	// maxDepth bounds how deep JSON may nest; real trees stay below 20.
	maxDepth = 64
	// maxHeader bounds the header of an answer, with those that precede it.
	maxHeader = 256 << 10
	// What one run may cost. The largest real tree has 700 documents, 40 MiB;
	// links may lead on for ever, and each answer come byte by byte.
	maxRequests = 5000
	maxBytes    = 256 << 20
	maxWaited   = 45 * time.Minute
	// maxBusy is how often a GET is repeated on 503.
	maxBusy = 3
	// maxRetryAfter caps what a controller may ask us to wait.
	maxRetryAfter = 10 * time.Second
)

// transport is the one connection of a Controller: it counts, bounds, and
// waits out a busy controller. It takes the connection that won the race of
// Open and dials the same address again when that one is gone.
type transport struct {
	base    *http.Transport
	request time.Duration

	stats *counter

	mu       sync.Mutex
	first    net.Conn
	rootBody []byte // of the last login
	greeting []byte // the session it made
}

// counter is shared by the transports of one Controller.
type counter struct {
	mu sync.Mutex
	Stats
	bytes  int64
	waited time.Duration
}

// ErrTooMuch means that a controller takes more requests, bytes or time than a
// run has for it.
var ErrTooMuch = errors.New("the controller takes more than a run has for it")

// spent says whether there is anything left.
func (c *counter) spent() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	what := ""
	switch {
	case c.Gets+c.Writes > maxRequests:
		what = fmt.Sprintf("%d requests", maxRequests)
	case c.bytes > maxBytes:
		what = fmt.Sprintf("%d MiB of answers", maxBytes>>20)
	case c.waited > maxWaited:
		what = fmt.Sprintf("%s of waiting for answers", maxWaited)
	default:
		return nil
	}
	return fmt.Errorf("%w: %s, and there is no end; its links may lead in a circle: reset the controller, or update its firmware", ErrTooMuch, what)
}

func (c *counter) add(f func(*Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.Stats)
}

// take counts what an answer has cost.
func (c *counter) take(bytes int, waited time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes, c.waited = c.bytes+int64(bytes), c.waited+waited
}

func newTransport(first net.Conn, again func(context.Context) (net.Conn, error), request time.Duration, stats *counter) *transport {
	t := &transport{first: first, request: request, stats: stats}
	t.base = &http.Transport{
		// An If-Match must be compared to the ETag of the plain text: some
		// web servers hand out another one for the compressed form.
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
		MaxConnsPerHost:        1,
		IdleConnTimeout:        2 * time.Minute,
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			t.mu.Lock()
			c := t.first
			t.first = nil
			t.mu.Unlock()
			if c != nil {
				return c, nil
			}
			return again(ctx)
		},
	}
	return t
}

func (t *transport) close() {
	t.mu.Lock()
	if t.first != nil {
		_ = t.first.Close()
		t.first = nil
	}
	t.mu.Unlock()
	t.base.CloseIdleConnections()
}

// RoundTrip implements http.RoundTripper. The body of the response is read
// already.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if resp := t.sameRoot(r); resp != nil {
		return resp, nil
	}
	for try := 1; ; try++ {
		resp, err := t.once(r)
		if err != nil || r.Method != http.MethodGet || resp.StatusCode != http.StatusServiceUnavailable || try > maxBusy {
			return resp, err
		}
		if err := await.For(r.Context(), retryAfter(resp.Header, time.Duration(try)*time.Second)); err != nil {
			return resp, nil
		}
	}
}

// sameRoot answers a second read of the root within one login, which gofish
// makes where a service turns out to have no sessions.
func (t *transport) sameRoot(r *http.Request) *http.Response {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.Context().Value(rootKey{}) == nil || r.Method != http.MethodGet || r.URL.Path != schemas.DefaultServiceRoot || t.rootBody == nil {
		return nil
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: r,
		Body: io.NopCloser(bytes.NewReader(t.rootBody)), ContentLength: int64(len(t.rootBody)),
	}
}

func (t *transport) once(r *http.Request) (*http.Response, error) {
	login := r.Method == http.MethodPost && isLogin(r.Context())
	// The session is ended whatever was spent.
	if err := t.stats.spent(); err != nil && r.Method != http.MethodDelete {
		return nil, err
	}
	began := time.Now()
	defer func() { t.stats.take(0, time.Since(began)) }()
	t.stats.add(func(s *Stats) {
		switch {
		case r.Method == http.MethodGet:
			s.Gets++
		case r.Method != http.MethodDelete && !login:
			s.Writes++
		}
	})
	ctx, cancel := context.WithTimeoutCause(r.Context(), t.request, fmt.Errorf("no answer within %s", t.request))
	defer cancel()
	resp, err := t.base.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, cause(ctx, err)
	}
	body, err := readBounded(resp.Body)
	if err != nil {
		return nil, cause(ctx, err)
	}
	t.stats.take(len(body), 0)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	if isLogin(r.Context()) {
		t.keep(r, resp, body)
	}
	return resp, nil
}

// keep holds on to what gofish drops of a login: the root's own properties
// and what came with the session.
func (t *transport) keep(r *http.Request, resp *http.Response, body []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case r.Method == http.MethodPost && resp.StatusCode/100 == 2:
		t.greeting = body
		fixLogin(resp, body)
	case r.Method == http.MethodGet && r.URL.Path == schemas.DefaultServiceRoot && resp.StatusCode == http.StatusOK:
		t.rootBody = body
	}
}

// rootDocument returns the service root as read at login.
func (t *transport) rootDocument() (Document, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	doc, err := decode(schemas.DefaultServiceRoot, "", t.rootBody)
	return doc, err == nil
}

// loginNotes returns what the controller remarked about the session.
func (t *transport) loginNotes() []Note {
	t.mu.Lock()
	defer t.mu.Unlock()
	doc, err := decode("", "", t.greeting)
	if err != nil {
		return nil
	}
	return notesIn(doc.Props, Confidential)
}

// cause names the time bound that was hit, which net/http does not.
func cause(ctx context.Context, err error) error {
	if c := context.Cause(ctx); ctx.Err() != nil && c != nil && !errors.Is(err, c) {
		return fmt.Errorf("%w: %w", err, c)
	}
	return err
}

func readBounded(r io.ReadCloser) ([]byte, error) {
	defer r.Close()
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("read answer: longer than %d MiB", maxBody>>20)
	}
	if depth(body) > maxDepth {
		return nil, fmt.Errorf("read answer: json nests deeper than %d", maxDepth)
	}
	return body, nil
}

// depth is how deep the brackets of a JSON text nest.
func depth(text []byte) int {
	deep, now, quoted := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deep = max(deep, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deep
}

// fixLogin gives a session answer the Location that DSP0266 clause 13.3.4
// demands and some controllers have only inside the body.
func fixLogin(resp *http.Response, body []byte) {
	var doc struct {
		ID string `json:"@odata.id"`
	}
	if resp.Header.Get("Location") == "" && json.Unmarshal(body, &doc) == nil && doc.ID != "" {
		resp.Header.Set("Location", doc.ID)
	}
}

// retryAfter is how long an answer asks to wait (RFC 9110 section 10.2.3). Its
// other form, a date, is by the controller's clock, which nobody has set.
func retryAfter(h http.Header, fallback time.Duration) time.Duration {
	s, err := strconv.ParseUint(h.Get("Retry-After"), 10, 63)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return maxRetryAfter
	case err != nil:
		return fallback
	}
	return time.Duration(min(s, uint64(maxRetryAfter/time.Second))) * time.Second
}

// noRedirect follows a redirect on the same host only: gofish's token is a
// header that net/http would carry to any host.
func noRedirect(r *http.Request, via []*http.Request) error {
	if len(via) > 3 {
		return errors.New("follow redirect: more than 3")
	}
	if from := via[0].URL; r.URL.Host != from.Host || r.URL.Scheme != from.Scheme {
		return fmt.Errorf("follow redirect: it leads off the controller, to %s://%s", r.URL.Scheme, r.URL.Host)
	}
	return nil
}

type (
	loginKey struct{}
	rootKey  struct{}
)

// withRoot is withLogin, and the root read at this login will do.
func withRoot(ctx context.Context) context.Context {
	return context.WithValue(withLogin(ctx), rootKey{}, true)
}

func withLogin(ctx context.Context) context.Context { return context.WithValue(ctx, loginKey{}, true) }

func isLogin(ctx context.Context) bool { return ctx.Value(loginKey{}) != nil }
