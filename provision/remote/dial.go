package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// DialFunc opens a TCP connection; net.Dialer.DialContext is one.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Timeouts of one connection. A link of 300 ms round trip that loses packets
// needs most of a second for TCP alone.
const (
	connectTimeout    = 10 * time.Second
	handshakeTimeout  = 30 * time.Second
	keepaliveInterval = 5 * time.Second
	keepaliveMisses   = 6
)

// Errors that a caller branches on. A connection that broke after it had been
// made is none of them.
var (
	// ErrUnreachable: no address completed a TCP connection.
	ErrUnreachable = errors.New("unreachable")
	// ErrHostKey: something answered with another key than the pinned one.
	ErrHostKey = errors.New("wrong host key")
	// ErrAuth: the server refused every key that was offered.
	ErrAuth = errors.New("login refused")
)

// Target says where and how to log in.
type Target struct {
	// Addresses are tried in this order, the next one beside the others when
	// they stay silent.
	Addresses []netip.AddrPort
	Login     Login
	// Jumps are SSH hosts to go through, the first one nearest to us.
	Jumps []Hop
	// Dial opens the first TCP connection; nil means net.Dialer.
	Dial DialFunc
	Log  *slog.Logger
}

// Hop is an SSH host on the way.
type Hop struct {
	Address netip.AddrPort
	Login   Login
}

// Login is how to log in to one host.
type Login struct {
	User string
	// Pin is what the host is recognised by.
	Pin Pin
	// IdentityFile is a private key; "" means the agent alone. A certificate
	// beside it, FILE-cert.pub, is offered first.
	IdentityFile string
	// AgentSocket is the path of an ssh-agent; "" means none.
	AgentSocket string
}

// Conn is a connection to one server. It is safe for use by several
// goroutines.
type Conn struct {
	client *ssh.Client
	addr   netip.AddrPort
	user   string
	keys   []string
	hops   []*ssh.Client
	stop   context.CancelFunc
	dead   atomic.Bool // closed because the far end had stopped answering
	ended  chan struct{}
	why    error // how the connection has ended, once it has
	stats  counters
}

type counters struct{ execs, uploads, forwards atomic.Int64 }

// Stats says what a connection was used for.
type Stats struct{ Execs, Uploads, Forwards int }

// Dial connects to the first address of t that lets us in with the pinned key.
// The error wraps ErrUnreachable, ErrHostKey or ErrAuth and names every
// address that was tried.
func Dial(ctx context.Context, t Target) (*Conn, error) {
	if len(t.Addresses) == 0 {
		return nil, errors.New("dial server: no address to dial")
	}
	config, keys, err := clientConfig(t.Login)
	if err != nil {
		return nil, err
	}
	defer keys.close()
	dial, hops, err := throughHops(ctx, t)
	if err != nil {
		return nil, err
	}
	client, addr, err := login(ctx, dial, t.Addresses, config)
	if err != nil {
		closeAll(hops)
		return nil, err
	}
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	c := &Conn{client: client, addr: addr, user: t.Login.User, keys: keys.prints(), hops: hops, stop: stop, ended: make(chan struct{})}
	go c.keepalive(alive)
	go func() {
		c.why = client.Wait()
		close(c.ended)
	}()
	if t.Log != nil {
		t.Log.Debug("ssh connected", "address", addr.String(), "user", t.Login.User)
	}
	return c, nil
}

// Addr returns the address that answered.
func (c *Conn) Addr() netip.AddrPort { return c.addr }

// Keys are the fingerprints of the keys that were offered to log in with.
func (c *Conn) Keys() []string { return c.keys }

// Stats returns the counts so far.
func (c *Conn) Stats() Stats {
	return Stats{Execs: int(c.stats.execs.Load()), Uploads: int(c.stats.uploads.Load()), Forwards: int(c.stats.forwards.Load())}
}

// Close ends the connection and those it goes through. It may be called twice.
func (c *Conn) Close() error {
	c.stop()
	err := c.client.Close()
	closeAll(c.hops)
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		return nil // it was closed before; EOF is what one through a jump host says then
	}
	return err
}

// Forward opens a TCP connection from the server itself, so that an anycast
// address reaches the instance on that very server.
func (c *Conn) Forward(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	c.stats.forwards.Add(1)
	conn, err := c.client.DialContext(ctx, "tcp", address.String())
	if err != nil {
		return nil, fmt.Errorf("forward to %s from the server: %w", address, err)
	}
	return conn, nil
}

func throughHops(ctx context.Context, t Target) (DialFunc, []*ssh.Client, error) {
	dial := t.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	var hops []*ssh.Client
	for _, h := range t.Jumps {
		client, err := hop(ctx, dial, h)
		if err != nil {
			closeAll(hops)
			return nil, nil, fmt.Errorf("jump host %s: %w", h.Address, err)
		}
		hops = append(hops, client)
		dial = client.DialContext
	}
	return dial, hops, nil
}

func hop(ctx context.Context, dial DialFunc, h Hop) (*ssh.Client, error) {
	config, keys, err := clientConfig(h.Login)
	if err != nil {
		return nil, err
	}
	defer keys.close()
	client, _, err := login(ctx, dial, []netip.AddrPort{h.Address}, config)
	return client, err
}

// login returns a client at the first of addrs that lets us in.
func login(ctx context.Context, dial DialFunc, addrs []netip.AddrPort, config *ssh.ClientConfig) (*ssh.Client, netip.AddrPort, error) {
	shake := func(ctx context.Context, raw net.Conn, addr netip.AddrPort) (*ssh.Client, error) {
		return handshake(ctx, raw, addr.String(), config)
	}
	return race(ctx, dial, addrs, shake, func(late *ssh.Client) { _ = late.Close() })
}

func closeAll(clients []*ssh.Client) {
	for i := len(clients) - 1; i >= 0; i-- {
		_ = clients[i].Close() // the far end may be gone already
	}
}

var errHandshake = errors.New("waited " + handshakeTimeout.String())

func handshake(ctx context.Context, raw net.Conn, addr string, config *ssh.ClientConfig) (*ssh.Client, error) {
	// A connection through a jump host knows no deadlines, so that it is
	// closed instead.
	ctx, cancel := context.WithTimeoutCause(ctx, handshakeTimeout, errHandshake)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	room := newCounted(raw)
	conn, chans, reqs, err := ssh.NewClientConn(room, addr, config)
	if err != nil {
		_ = raw.Close()
		if ctx.Err() != nil {
			return nil, unfinished(ctx, addr)
		}
		return nil, explainHandshake(addr, config, err)
	}
	if !stop() {
		_ = conn.Close()
		return nil, unfinished(ctx, addr)
	}
	room.loggedIn()
	return ssh.NewClient(conn, chans, reqs), nil
}

func unfinished(ctx context.Context, addr string) error {
	return fmt.Errorf("ssh %s: connected, but no handshake: %w", addr, context.Cause(ctx))
}

func explainHandshake(addr string, config *ssh.ClientConfig, err error) error {
	var wrong *hostKeyError
	if errors.As(err, &wrong) {
		return fmt.Errorf("ssh %s: %w", addr, wrong)
	}
	if old := explainOld(config, err); old != "" {
		return fmt.Errorf("ssh %s: %s", addr, old)
	}
	var none *ssh.AlgorithmNegotiationError
	if errors.As(err, &none) && none.What == "host key" {
		return fmt.Errorf("ssh %s: %w", addr, &hostKeyError{why: fmt.Sprintf("the pinned one is %s, the server has %s",
			config.HostKeyAlgorithms[0], few(none.RequestedAlgorithms))})
	}
	if strings.Contains(err.Error(), "unable to authenticate") {
		return fmt.Errorf("ssh %s@%s: %w: %w; check ssh.identity, the agent and authorized_keys there", config.User, addr, ErrAuth, err)
	}
	return fmt.Errorf("ssh %s: handshake: %w", addr, err)
}

// keepalive closes a connection whose path has died, so that nothing waits for
// TCP's own patience of minutes.
func (c *Conn) keepalive(ctx context.Context) {
	ticker := time.NewTicker(keepaliveInterval)
	defer ticker.Stop()
	answered := make(chan error, 1)
	misses, waiting := 0, false
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-answered:
			if err != nil {
				return // the connection has ended
			}
			misses, waiting = 0, false
		case <-ticker.C:
			if waiting {
				if misses++; misses >= keepaliveMisses {
					c.dead.Store(true)
					_ = c.client.Close()
					return
				}
				continue
			}
			waiting = true
			go func() {
				_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
				answered <- err
			}()
		}
	}
}
