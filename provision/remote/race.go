package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// stagger is how long everybody may stay silent before the next address is
// tried beside the others; longer than two round trips of a bad link.
const stagger = time.Second

// attempt is how one address did.
type attempt[T any] struct {
	addr      netip.AddrPort
	value     T
	err       error
	connected bool // it took the TCP connection, whatever it did then
}

// race tries addrs in order and returns the first whose shake succeeds. As
// long as bytes arrive nobody else is bothered, so that a run costs one
// handshake however many addresses a server has. But a TCP connection alone
// proves nothing: one that was made just before a route changed stays silent
// for ever, and must not hide the address that works. drop gets what succeeded
// too late.
//
// A refused login ends the race: the pinned server has spoken. A wrong host key
// does not, because an address may have become somebody else's.
func race[T any](ctx context.Context, dial DialFunc, addrs []netip.AddrPort,
	shake func(context.Context, net.Conn, netip.AddrPort) (T, error), drop func(T),
) (T, netip.AddrPort, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan attempt[T], len(addrs))
	life := make(chan struct{}, 1)
	started := 0
	var failed []attempt[T]
	start := func() {
		a := addrs[started]
		started++
		go func() { results <- try(ctx, dial, a, shake, life) }()
	}
	start()
	silence := time.NewTimer(stagger)
	defer silence.Stop()
	for len(failed) < len(addrs) {
		select {
		case got := <-results:
			if got.err == nil || errors.Is(got.err, ErrAuth) {
				go dropLate(results, started-len(failed)-1, drop)
				return got.value, got.addr, got.err
			}
			failed = append(failed, got)
			if started < len(addrs) {
				start()
			}
			silence.Reset(stagger)
		case <-life:
			silence.Reset(stagger)
		case <-silence.C:
			if started < len(addrs) {
				start()
				silence.Reset(stagger)
			}
		}
	}
	var none T
	return none, netip.AddrPort{}, explainAll(failed)
}

func try[T any](ctx context.Context, dial DialFunc, a netip.AddrPort,
	shake func(context.Context, net.Conn, netip.AddrPort) (T, error), life chan<- struct{},
) attempt[T] {
	connect, cancel := context.WithTimeoutCause(ctx, connectTimeout, errConnect)
	defer cancel()
	raw, err := dial(connect, "tcp", a.String())
	if err != nil {
		// The network may see the deadline a moment before the context does.
		if end, ok := connect.Deadline(); ok && !time.Now().Before(end) {
			<-connect.Done()
		}
		if connect.Err() != nil {
			err = context.Cause(connect)
		}
		return attempt[T]{addr: a, err: err}
	}
	tell(life)
	value, err := shake(ctx, alive{raw, life}, a)
	return attempt[T]{addr: a, value: value, err: err, connected: true}
}

// alive tells of every byte that arrives.
type alive struct {
	net.Conn
	life chan<- struct{}
}

// Read implements net.Conn.
func (c alive) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		tell(c.life)
	}
	return n, err
}

func tell(life chan<- struct{}) {
	select {
	case life <- struct{}{}:
	default: // that somebody is alive is known already
	}
}

// dropLate drops what succeeded after the first.
func dropLate[T any](results <-chan attempt[T], n int, drop func(T)) {
	for range n {
		if a := <-results; a.err == nil {
			drop(a.value)
		}
	}
}

// explainAll names every address that was tried, and why it was of no use.
func explainAll[T any](failed []attempt[T]) error {
	var silent []string
	var met, why []error
	for _, f := range failed {
		if f.connected {
			met = append(met, f.err)
			continue
		}
		why = append(why, f.err)
		silent = append(silent, fmt.Sprintf("%s (%s)", f.addr, dialReason(f.err)))
	}
	text := ErrUnreachable.Error() + " over SSH: " + strings.Join(silent, ", ")
	switch {
	case len(met) == 0:
		return &unreachableError{text, why}
	case len(silent) == 0 && len(met) == 1:
		return met[0]
	case len(silent) == 0:
		return several(met)
	}
	// Somebody is there: callers are not to take the server for unreachable.
	return several(append(met, errors.New(text)))
}

// unreachableError is ErrUnreachable, and each reason of it.
type unreachableError struct {
	text string
	why  []error
}

func (e *unreachableError) Error() string { return e.text }

// Unwrap lets errors.Is find the reasons.
func (e *unreachableError) Unwrap() []error { return append([]error{ErrUnreachable}, e.why...) }

// several are errors in one line, each of which can be found by errors.Is.
type several []error

// Error implements error.
func (s several) Error() string {
	var all []string
	for _, err := range s {
		all = append(all, err.Error())
	}
	return strings.Join(all, "; ")
}

// Unwrap lets errors.Is look at each of them.
func (s several) Unwrap() []error { return s }

var errConnect = errors.New("no answer in " + connectTimeout.String())

// dialReason shortens a dial error to what differs between addresses.
func dialReason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err.Error()
	}
	return err.Error()
}
