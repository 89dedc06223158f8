package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
)

// stagger is how long everybody may stay silent before the next address is
// tried beside the others; longer than two round trips of a bad link.
const stagger = time.Second

// attempt is an address that was of no use.
type attempt struct {
	addr      netip.AddrPort
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
	connected := make([]atomic.Bool, len(addrs))
	r := await.Start(ctx, len(addrs), stagger, func(ctx context.Context, i int, alive func()) (T, error) {
		raw, err := connect(ctx, dial, addrs[i])
		if err != nil {
			var none T
			return none, err
		}
		connected[i].Store(true)
		alive()
		return shake(ctx, await.Audible(raw, alive), addrs[i])
	}, drop)
	defer r.Stop()
	var failed []attempt
	for {
		got, ok := r.Next(nil)
		if !ok {
			var none T
			return none, netip.AddrPort{}, explainAll(failed)
		}
		if got.Err == nil || errors.Is(got.Err, ErrAuth) {
			return got.Value, addrs[got.Index], got.Err
		}
		failed = append(failed, attempt{addrs[got.Index], got.Err, connected[got.Index].Load()})
	}
}

func connect(ctx context.Context, dial DialFunc, a netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, connectTimeout, errConnect)
	defer cancel()
	raw, err := dial(ctx, "tcp", a.String())
	if err == nil {
		return raw, nil
	}
	// The network may see the deadline a moment before the context does.
	if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return nil, err
}

// explainAll names every address that was tried, and why it was of no use.
func explainAll(failed []attempt) error {
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
