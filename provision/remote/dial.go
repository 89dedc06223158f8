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
	connectTimeout   = 10 * time.Second
	handshakeTimeout = 30 * time.Second
	// stagger is how long one address may stay silent before the next one is
	// tried beside it; longer than two round trips of a bad link.
	stagger           = time.Second
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
	// Addresses are tried in this order, the next one beside the first when
	// that stays silent.
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
	// HostKey is the pinned public key in the form "ssh-ed25519 AAAA…".
	HostKey string
	// IdentityFile is a private key; "" means the agent alone.
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
	hops   []*ssh.Client
	stop   context.CancelFunc
	stats  counters
}

type counters struct{ execs, uploads, forwards atomic.Int64 }

// Stats says what a connection was used for.
type Stats struct{ Execs, Uploads, Forwards int }

// Dial connects to the first address of t that answers with the pinned key.
// The error wraps ErrUnreachable, ErrHostKey or ErrAuth and names every
// address that was tried.
func Dial(ctx context.Context, t Target) (*Conn, error) {
	if len(t.Addresses) == 0 {
		return nil, errors.New("dial server: no address to dial")
	}
	config, done, err := clientConfig(t.Login)
	if err != nil {
		return nil, err
	}
	defer done()
	dial, hops, err := throughHops(ctx, t)
	if err != nil {
		return nil, err
	}
	raw, addr, err := firstAnswer(ctx, dial, t.Addresses)
	if err != nil {
		closeAll(hops)
		return nil, err
	}
	client, err := handshake(ctx, raw, addr.String(), config)
	if err != nil {
		closeAll(hops)
		return nil, err
	}
	alive, stop := context.WithCancel(context.WithoutCancel(ctx))
	c := &Conn{client: client, addr: addr, user: t.Login.User, hops: hops, stop: stop}
	go keepalive(alive, client)
	if t.Log != nil {
		t.Log.Debug("ssh connected", "address", addr.String(), "user", t.Login.User)
	}
	return c, nil
}

// Addr returns the address that answered.
func (c *Conn) Addr() netip.AddrPort { return c.addr }

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
	config, done, err := clientConfig(h.Login)
	if err != nil {
		return nil, err
	}
	defer done()
	raw, _, err := firstAnswer(ctx, dial, []netip.AddrPort{h.Address})
	if err != nil {
		return nil, err
	}
	return handshake(ctx, raw, h.Address.String(), config)
}

func closeAll(clients []*ssh.Client) {
	for i := len(clients) - 1; i >= 0; i-- {
		_ = clients[i].Close() // the far end may be gone already
	}
}

type answer struct {
	conn net.Conn
	addr netip.AddrPort
	err  error
}

// firstAnswer returns the first TCP connection made to one of addrs. Only one
// is kept, so that a run costs one SSH handshake however many addresses a
// server has.
func firstAnswer(ctx context.Context, dial DialFunc, addrs []netip.AddrPort) (net.Conn, netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	answers := make(chan answer, len(addrs))
	started, failed := 0, []string(nil)
	start := func() {
		a := addrs[started]
		started++
		go func() {
			conn, err := dial(ctx, "tcp", a.String())
			answers <- answer{conn, a, err}
		}()
	}
	start()
	timer := time.NewTimer(stagger)
	defer timer.Stop()
	for len(failed) < len(addrs) {
		select {
		case got := <-answers:
			if got.err == nil {
				go closeLate(answers, started-len(failed)-1)
				return got.conn, got.addr, nil
			}
			failed = append(failed, fmt.Sprintf("%s (%s)", got.addr, dialReason(got.err)))
			if started < len(addrs) {
				start()
			}
		case <-timer.C:
			if started < len(addrs) {
				start()
				timer.Reset(stagger)
			}
		}
	}
	return nil, netip.AddrPort{}, fmt.Errorf("%w over SSH: %s", ErrUnreachable, strings.Join(failed, ", "))
}

// closeLate closes the connections that came after the first.
func closeLate(answers <-chan answer, n int) {
	for range n {
		if a := <-answers; a.err == nil {
			_ = a.conn.Close()
		}
	}
}

// dialReason shortens a dial error to what differs between addresses.
func dialReason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in " + connectTimeout.String()
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}

var errHandshake = errors.New("no handshake in " + handshakeTimeout.String())

func handshake(ctx context.Context, raw net.Conn, addr string, config *ssh.ClientConfig) (*ssh.Client, error) {
	// A connection through a jump host knows no deadlines, so that it is
	// closed instead.
	ctx, cancel := context.WithTimeoutCause(ctx, handshakeTimeout, errHandshake)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()
	conn, chans, reqs, err := ssh.NewClientConn(raw, addr, config)
	if err != nil {
		_ = raw.Close()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("ssh %s: %w", addr, context.Cause(ctx))
		}
		return nil, explainHandshake(addr, config, err)
	}
	if !stop() {
		_ = conn.Close()
		return nil, fmt.Errorf("ssh %s: %w", addr, context.Cause(ctx))
	}
	return ssh.NewClient(conn, chans, reqs), nil
}

func explainHandshake(addr string, config *ssh.ClientConfig, err error) error {
	var wrong *hostKeyError
	if errors.As(err, &wrong) {
		return fmt.Errorf("ssh %s: %w", addr, wrong)
	}
	var none *ssh.AlgorithmNegotiationError
	if errors.As(err, &none) && none.What == "host key" {
		return fmt.Errorf("ssh %s: %w", addr, &hostKeyError{fmt.Sprintf("the pinned one is %s, the server has %s",
			config.HostKeyAlgorithms[0], strings.Join(none.RequestedAlgorithms, ", "))})
	}
	if strings.Contains(err.Error(), "unable to authenticate") {
		return fmt.Errorf("ssh %s@%s: %w: %w; check ssh.identity, the agent and authorized_keys there", config.User, addr, ErrAuth, err)
	}
	return fmt.Errorf("ssh %s: handshake: %w", addr, err)
}

// keepalive closes a client whose path has died, so that nothing waits for
// TCP's own patience of minutes.
func keepalive(ctx context.Context, client *ssh.Client) {
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
					_ = client.Close()
					return
				}
				continue
			}
			waiting = true
			go func() {
				_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
				answered <- err
			}()
		}
	}
}
