//go:build linux

package guard

import (
	"context"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/jwhited/corebgp"

	"github.com/raiz-dns/raiz/provision/watch"
)

// Times of the feed. The hold time is the shortest that there is (RFC 4271
// section 4.2): a guard that is frozen, or a routing daemon that is, is noticed
// by it.
const (
	feedHold  = 3 // seconds
	feedOpens = 3 * time.Second
	feedRetry = 250 * time.Millisecond
)

// feed keeps a session with the routing daemon and its routes as they are
// wanted.
type feed struct {
	c    watch.Feed
	dial func() net.Dialer

	mu     sync.Mutex
	want   map[netip.Prefix]route
	sent   map[netip.Prefix]route
	writer corebgp.UpdateMessageWriter // nil while there is no session
	since  time.Time                   // of there being one, or none
	mute   time.Time                   // since when it takes connections, and no session comes of it; zero while neither
	lost   bool                        // there was a session before that
}

func newFeed(c watch.Feed) *feed {
	return &feed{c: c, dial: func() net.Dialer { return net.Dialer{Control: fromReserved(c.Source)} }, since: time.Now()}
}

// set says which routes the daemon is to have.
func (f *feed) set(want map[netip.Prefix]route) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.want = maps.Clone(want)
	f.send()
}

// send brings the daemon what it has not. A write that fails ends the session,
// and the routes with it.
func (f *feed) send() {
	if f.writer == nil {
		return
	}
	all := map[netip.Prefix]bool{}
	for p := range f.want {
		all[p] = true
	}
	for p := range f.sent {
		all[p] = true
	}
	for _, p := range slices.SortedFunc(maps.Keys(all), netip.Prefix.Compare) {
		if f.want[p] == f.sent[p] {
			continue
		}
		if f.writer.WriteUpdate(update(p, f.want[p])) != nil {
			return
		}
		f.sent[p] = f.want[p]
	}
}

// feedState is how the session is.
type feedState struct {
	Up    bool
	Since time.Time
	Mute  time.Duration // how long the daemon has taken connections without a word
	Lost  bool          // there was a session before, and no time without connections since
}

func (f *feed) state() feedState {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := feedState{Up: f.writer != nil, Since: f.since, Lost: f.lost}
	if !f.mute.IsZero() {
		s.Mute = time.Since(f.mute)
	}
	return s
}

// anew says that the daemon was ended. The one that comes in its place has its
// own time until it speaks.
func (f *feed) anew() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mute, f.lost = time.Time{}, false
}

// run keeps a session for as long as the context lasts. Each attempt and each
// session is one of its own: what the last one ended with is not held against
// the next.
func (f *feed) run(ctx context.Context) {
	for ctx.Err() == nil {
		f.session(ctx)
		f.listens(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(feedRetry):
		}
	}
}

func (f *feed) session(ctx context.Context) {
	s, err := corebgp.NewServer(f.c.Source)
	if err != nil {
		return
	}
	p := &peer{feed: f, up: make(chan struct{}), down: make(chan struct{})}
	err = s.AddPeer(corebgp.PeerConfig{RemoteAddress: f.c.Daemon.Addr(), LocalAS: f.c.ASN, RemoteAS: f.c.ASN}, p,
		corebgp.WithHoldTime(feedHold), corebgp.WithPort(int(f.c.Daemon.Port())), corebgp.WithIdleHoldTime(feedRetry),
		corebgp.WithConnectRetryTime(feedOpens), corebgp.WithDialerControl(f.dial().Control))
	if err != nil {
		return
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = s.Serve(nil) // it says that it was closed
	}()
	select {
	case <-p.up:
		select {
		case <-p.down:
		case <-ctx.Done():
		}
	case <-time.After(feedOpens):
	case <-ctx.Done():
	}
	s.Close()
	<-served
}

// listens notes whether somebody takes connections who does not speak.
func (f *feed) listens(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	d := f.dial()
	conn, err := d.DialContext(ctx, "tcp", f.c.Daemon.String())
	if err == nil {
		_ = conn.Close()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		f.mute, f.lost = time.Time{}, false
	case f.mute.IsZero():
		f.mute = time.Now()
	}
}

// peer is one session.
type peer struct {
	feed     *feed
	up, down chan struct{}
	first    sync.Once
	last     sync.Once
}

// GetCapabilities implements corebgp.Plugin.
func (p *peer) GetCapabilities(corebgp.PeerConfig) []corebgp.Capability {
	return []corebgp.Capability{
		corebgp.NewMPExtensionsCapability(corebgp.AFI_IPV4, corebgp.SAFI_UNICAST),
		corebgp.NewMPExtensionsCapability(corebgp.AFI_IPV6, corebgp.SAFI_UNICAST),
	}
}

// OnOpenMessage implements corebgp.Plugin.
func (p *peer) OnOpenMessage(corebgp.PeerConfig, netip.Addr, []corebgp.Capability) *corebgp.Notification {
	return nil
}

// OnEstablished implements corebgp.Plugin. What the daemon sends is nothing to a
// guard.
func (p *peer) OnEstablished(_ corebgp.PeerConfig, w corebgp.UpdateMessageWriter) corebgp.UpdateMessageHandler {
	p.first.Do(func() {
		close(p.up)
		f := p.feed
		f.mu.Lock()
		f.writer, f.sent, f.since, f.mute, f.lost = w, map[netip.Prefix]route{}, time.Now(), time.Time{}, true
		f.mu.Unlock()
		// The session reads nothing until this returns.
		go func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.writer == w {
				f.send()
			}
		}()
	})
	return nil
}

// OnClose implements corebgp.Plugin.
func (p *peer) OnClose(corebgp.PeerConfig) {
	f := p.feed
	f.mu.Lock()
	f.writer, f.sent, f.since = nil, nil, time.Now()
	f.mu.Unlock()
	p.last.Do(func() { close(p.down) })
}
