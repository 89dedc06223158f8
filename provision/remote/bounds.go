package remote

import (
	"bytes"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
)

// Bounds of what a server may send, in bytes: what it sends is untrusted.
const (
	// maxHandshake is for all before the login: keys, and banners, of which a
	// server may send as many as it likes (RFC 4252 section 5.4).
	maxHandshake = 1 << 20
	// maxConnection is for all that one connection brings. A message that no
	// command is waiting for costs the same as one that somebody reads.
	maxConnection = 256 << 20
	maxOutput     = 8 << 20
	maxStderr     = 64 << 10 // is kept; the rest is read for as long as
	maxSaid       = 8 << 20  // it stays below this
)

// counted is a connection that takes only so much.
type counted struct {
	net.Conn
	room, max atomic.Int64
}

func newCounted(conn net.Conn) *counted {
	c := &counted{Conn: conn}
	c.room.Store(maxHandshake)
	c.max.Store(maxHandshake)
	return c
}

// loggedIn gives it the room of a connection that is trusted to be a server.
func (c *counted) loggedIn() {
	c.room.Add(maxConnection - maxHandshake)
	c.max.Store(maxConnection)
}

// Read implements net.Conn.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.room.Add(-int64(n)) < 0 {
		_ = c.Conn.Close()
		return 0, fmt.Errorf("%w: more than %d bytes over one connection", ErrOutput, c.max.Load())
	}
	return n, err
}

// bounded keeps the first bytes. It may be read while it is written to.
type bounded struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	keep int
	room int           // how much more may be written
	over chan struct{} // closed when there was more
}

func newBounded(keep, most int) *bounded {
	return &bounded{keep: keep, room: most, over: make(chan struct{})}
}

// Write implements io.Writer. It fails where there is too much.
func (b *bounded) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.room < 0 {
		return 0, ErrOutput
	}
	b.buf.Write(p[:min(len(p), max(b.keep-b.buf.Len(), 0))])
	if b.room -= len(p); b.room < 0 {
		close(b.over)
		return 0, ErrOutput
	}
	return len(p), nil
}

func (b *bounded) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buf.Bytes())
}
