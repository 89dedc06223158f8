package await

import (
	"context"
	"net"
	"time"
)

// Racer is one of several that are tried beside each other.
type Racer[T any] struct {
	Index int // in the order of their start
	Value T
	Err   error
}

// Race tries several ways at once, each with a head start over the next, as
// RFC 8305 does with addresses. The one who holds it takes their results one
// by one and stops it when it has seen enough.
type Race[T any] struct {
	n       int
	stagger time.Duration
	try     func(ctx context.Context, i int, alive func()) (T, error)
	drop    func(T)

	ctx     context.Context
	cancel  context.CancelFunc
	results chan Racer[T]
	life    chan struct{}
	silence *time.Timer
	started int
	seen    int
}

// Start starts the first of n. Another one starts when a try has failed, and
// when nobody has called alive for as long as stagger. drop gets the values
// that come after Stop.
func Start[T any](ctx context.Context, n int, stagger time.Duration, try func(ctx context.Context, i int, alive func()) (T, error), drop func(T)) *Race[T] {
	r := &Race[T]{n: n, stagger: stagger, try: try, drop: drop, results: make(chan Racer[T], n), life: make(chan struct{}, 1), silence: time.NewTimer(stagger)}
	r.ctx, r.cancel = context.WithCancel(ctx)
	r.startNext()
	return r
}

func (r *Race[T]) startNext() {
	if r.started == r.n {
		return
	}
	i := r.started
	r.started++
	go func() {
		v, err := r.try(r.ctx, i, r.alive)
		r.results <- Racer[T]{i, v, err}
	}()
	r.silence.Reset(r.stagger)
}

func (r *Race[T]) alive() {
	select {
	case r.life <- struct{}{}:
	default: // that somebody is alive is known already
	}
}

// Next returns the next result; ok is false when all have been returned, or
// when enough delivers before. A nil enough never does.
func (r *Race[T]) Next(enough <-chan time.Time) (got Racer[T], ok bool) {
	for r.seen < r.n {
		select {
		case got = <-r.results:
			r.seen++
			if got.Err != nil {
				r.startNext()
			}
			return got, true
		case <-r.life:
			r.silence.Reset(r.stagger)
		case <-r.silence.C:
			r.startNext()
		case <-enough:
			return Racer[T]{}, false
		}
	}
	return Racer[T]{}, false
}

// Stop ends what is still being tried. It does not wait.
func (r *Race[T]) Stop() {
	r.cancel()
	r.silence.Stop()
	left := r.started - r.seen
	go func() {
		for range left {
			if late := <-r.results; late.Err == nil {
				r.drop(late.Value)
			}
		}
	}()
}

// Audible is conn, and calls alive at every byte that arrives over it.
func Audible(conn net.Conn, alive func()) net.Conn { return audible{conn, alive} }

type audible struct {
	net.Conn
	alive func()
}

// Read implements net.Conn.
func (c audible) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.alive()
	}
	return n, err
}
