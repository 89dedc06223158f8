//go:build unix

package remote_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/raiz-dns/raiz/provision/remote"
)

// These tests run on a clock of their own (testing/synctest): what takes half
// a minute takes no time at all, and is exactly half a minute.

// wire is one direction of a connection in memory. A dead one takes what is
// written and gives nothing, as a path does whose far end is gone.
type wire struct {
	mu     sync.Mutex
	moved  *sync.Cond
	data   []byte
	dead   bool
	closed bool
}

func newWire() *wire {
	w := &wire{}
	w.moved = sync.NewCond(&w.mu)
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for (len(w.data) == 0 || w.dead) && !w.closed {
		w.moved.Wait()
	}
	if len(w.data) == 0 || w.dead {
		return 0, io.EOF
	}
	n := copy(p, w.data)
	w.data = w.data[n:]
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, net.ErrClosed
	}
	w.data = append(w.data, p...)
	w.moved.Broadcast()
	return len(p), nil
}

func (w *wire) set(dead, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead, w.closed = w.dead || dead, w.closed || closed
	w.moved.Broadcast()
}

// cable is one end of a connection in memory. It knows no deadlines, as a
// connection through a jump host does not.
type cable struct{ in, out *wire }

func newCable() (near, far cable) {
	a, b := newWire(), newWire()
	return cable{a, b}, cable{b, a}
}

func (c cable) Read(p []byte) (int, error)  { return c.in.Read(p) }
func (c cable) Write(p []byte) (int, error) { return c.out.Write(p) }
func (c cable) Close() error                { c.in.set(false, true); c.out.set(false, true); return nil }
func (c cable) die()                        { c.in.set(true, false); c.out.set(true, false) }
func (c cable) isClosed() bool              { c.in.mu.Lock(); defer c.in.mu.Unlock(); return c.in.closed }

func (cable) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (cable) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (cable) SetDeadline(time.Time) error      { return errors.New("no deadlines here") }
func (cable) SetReadDeadline(time.Time) error  { return errors.New("no deadlines here") }
func (cable) SetWriteDeadline(time.Time) error { return errors.New("no deadlines here") }

func first() netip.AddrPort  { return netip.MustParseAddrPort("192.0.2.1:22") }
func second() netip.AddrPort { return netip.MustParseAddrPort("[2001:db8::2]:22") }

// silent is an address that takes no notice of anybody.
func silent(ctx context.Context) (net.Conn, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// inMemory is a server that is reached by calling connect.
func inMemory(t *testing.T, s station, p inProcess) (target remote.Target, connect func() net.Conn, all func() []cable) {
	var mu sync.Mutex
	var made []cable
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	t.Cleanup(served.Wait)
	t.Cleanup(cancel)
	return remote.Target{Login: s.login()}, func() net.Conn {
		near, far := newCable()
		mu.Lock()
		defer mu.Unlock()
		made = append(made, near)
		served.Go(func() { p.serve(ctx, far) })
		return near
	}, func() []cable { mu.Lock(); defer mu.Unlock(); return slices.Clone(made) }
}

func TestDeadPathIsNoticed(t *testing.T) {
	p, s := prepare(t)
	synctest.Test(t, func(t *testing.T) {
		target, connect, made := inMemory(t, s, p)
		target.Addresses = []netip.AddrPort{first()}
		target.Dial = func(context.Context, string, string) (net.Conn, error) { return connect(), nil }
		conn := dial(t, target)

		time.Sleep(10 * time.Minute) // of the clock of this test
		if n := p.alive.Load(); n < 100 || n > 121 {
			t.Errorf("%d keepalives in ten minutes, want one every five seconds", n)
		}
		made()[0].die()
		began := time.Now()
		result, err := conn.Run(t.Context(), remote.Script{Text: "true", Deadline: time.Hour})
		if !errors.Is(err, remote.ErrLost) || !strings.Contains(err.Error(), "no answer for 30s") || result.Code != -1 {
			t.Errorf("on a dead path: code %d, %v", result.Code, err)
		}
		// And what comes after says no less.
		if err := conn.Upload(t.Context(), "/nowhere", nil); !errors.Is(err, remote.ErrLost) {
			t.Errorf("upload after that: %v", err)
		}
		// Six intervals without an answer, and the one they begin in.
		if took := time.Since(began); took < 30*time.Second || took > 40*time.Second {
			t.Errorf("it took %s to notice", took)
		}
	})
}

func TestDialTiming(t *testing.T) {
	p, s := prepare(t)
	tests := []struct {
		name string
		// answer says when each address answers; negative is never.
		answer [2]time.Duration
		at     netip.AddrPort
		takes  time.Duration
		err    string
	}{
		{"both at once", [2]time.Duration{0, 0}, first(), 0, ""},
		{"the first is slow, but not silent", [2]time.Duration{900 * time.Millisecond, 0}, first(), 900 * time.Millisecond, ""},
		{"the first is silent", [2]time.Duration{-1, 0}, second(), time.Second, ""},
		{"the first answers late", [2]time.Duration{5 * time.Second, time.Second}, second(), 2 * time.Second, ""},
		{"the second answers later than the first", [2]time.Duration{3 * time.Second, 9 * time.Second}, first(), 3 * time.Second, ""},
		{"both are silent", [2]time.Duration{-1, -1}, netip.AddrPort{}, 11 * time.Second,
			"unreachable over SSH: 192.0.2.1:22 (no answer in 10s), [2001:db8::2]:22 (no answer in 10s)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target, connect, made := inMemory(t, s, p)
				target.Addresses = []netip.AddrPort{first(), second()}
				target.Dial = func(ctx context.Context, _, address string) (net.Conn, error) {
					after := tt.answer[0]
					if address == second().String() {
						after = tt.answer[1]
					}
					if after < 0 {
						return silent(ctx)
					}
					time.Sleep(after)
					return connect(), nil
				}
				began := time.Now()
				conn, err := remote.Dial(t.Context(), target)
				if took := time.Since(began); took != tt.takes {
					t.Errorf("it took %s, want %s", took, tt.takes)
				}
				if tt.err != "" {
					if err == nil || err.Error() != tt.err || !errors.Is(err, remote.ErrUnreachable) {
						t.Errorf("got  %v\nwant %s", err, tt.err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if conn.Addr() != tt.at {
					t.Errorf("answered at %s, want %s", conn.Addr(), tt.at)
				}
				// The one that came too late is not kept.
				time.Sleep(20 * time.Second)
				open := 0
				for _, c := range made() {
					if !c.isClosed() {
						open++
					}
				}
				if open != 1 {
					t.Errorf("%d of %d connections are open", open, len(made()))
				}
			})
		})
	}
}

// What takes the connection and says nothing, behind a jump host or before it,
// is given up.
func TestSilentHandshake(t *testing.T) {
	_, s := prepare(t)
	synctest.Test(t, func(t *testing.T) {
		target := remote.Target{Login: s.login(), Addresses: []netip.AddrPort{first()}}
		near, _ := newCable()
		target.Dial = func(context.Context, string, string) (net.Conn, error) { return near, nil }
		began := time.Now()
		_, err := remote.Dial(t.Context(), target)
		if err == nil || err.Error() != "ssh 192.0.2.1:22: connected, but no handshake: waited 30s" {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("it took %s", took)
		}
		if !near.isClosed() {
			t.Error("the connection is left open")
		}
	})
}

// A connection that was made just before a route changed stays silent for
// ever. It must not hide the address that works.
func TestSilentConnectionHidesNothing(t *testing.T) {
	p, s := prepare(t)
	stuck, _ := newCable()
	tests := []struct {
		name  string
		dial  func(ctx context.Context, address string, works func() net.Conn) (net.Conn, error)
		takes time.Duration
		err   string
	}{
		{"the other one works", func(_ context.Context, address string, works func() net.Conn) (net.Conn, error) {
			if address == first().String() {
				return stuck, nil
			}
			return works(), nil
		}, time.Second, ""},
		{"the other one takes its time", func(_ context.Context, address string, works func() net.Conn) (net.Conn, error) {
			if address == first().String() {
				return stuck, nil
			}
			time.Sleep(9 * time.Second)
			return works(), nil
		}, 10 * time.Second, ""},
		{"the other one is refused", func(_ context.Context, address string, _ func() net.Conn) (net.Conn, error) {
			if address == first().String() {
				return stuck, nil
			}
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		}, 30 * time.Second, "ssh 192.0.2.1:22: connected, but no handshake: waited 30s; unreachable over SSH: [2001:db8::2]:22 (connection refused)"},
		{"the other one is as silent", func(_ context.Context, address string, _ func() net.Conn) (net.Conn, error) {
			if address == first().String() {
				return stuck, nil
			}
			other, _ := newCable()
			return other, nil
		},
			31 * time.Second, "ssh 192.0.2.1:22: connected, but no handshake: waited 30s; ssh [2001:db8::2]:22: connected, but no handshake: waited 30s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stuck, _ = newCable()
				target, connect, _ := inMemory(t, s, p)
				target.Addresses = []netip.AddrPort{first(), second()}
				target.Dial = func(ctx context.Context, _, address string) (net.Conn, error) { return tt.dial(ctx, address, connect) }
				began := time.Now()
				conn, err := remote.Dial(t.Context(), target)
				if took := time.Since(began); took != tt.takes {
					t.Errorf("it took %s, want %s", took, tt.takes)
				}
				synctest.Wait()
				if !stuck.isClosed() {
					t.Error("the silent connection is left open")
				}
				if tt.err != "" {
					if err == nil || err.Error() != tt.err || errors.Is(err, remote.ErrUnreachable) {
						t.Errorf("got  %v\nwant %s", err, tt.err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if conn.Addr() != second() {
					t.Errorf("logged in at %s", conn.Addr())
				}
			})
		})
	}
}

// Somebody else's server at one address does not hide ours at another; where
// ours is nowhere, it is what matters most.
func TestStrangerHidesNothing(t *testing.T) {
	p, s := prepare(t)
	stranger, _ := prepare(t)
	for _, ours := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			target, connect, _ := inMemory(t, s, p)
			_, connectStranger, _ := inMemory(t, s, stranger)
			target.Addresses = []netip.AddrPort{first(), second()}
			target.Dial = func(ctx context.Context, _, address string) (net.Conn, error) {
				switch {
				case address == first().String():
					return connectStranger(), nil
				case ours:
					return connect(), nil
				}
				return silent(ctx)
			}
			conn, err := remote.Dial(t.Context(), target)
			if !ours {
				if !errors.Is(err, remote.ErrHostKey) || errors.Is(err, remote.ErrUnreachable) || !strings.Contains(err.Error(), "[2001:db8::2]:22 (no answer in 10s)") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if conn.Addr() != second() {
				t.Errorf("logged in at %s", conn.Addr())
			}
		})
	}
}

func TestDialCancelled(t *testing.T) {
	p, s := prepare(t)
	synctest.Test(t, func(t *testing.T) {
		target, _, _ := inMemory(t, s, p)
		target.Addresses = []netip.AddrPort{first(), second()}
		target.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return silent(ctx) }
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		_, err := remote.Dial(ctx, target)
		if !errors.Is(err, remote.ErrUnreachable) || time.Since(began) != 3*time.Second {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		near, _ := newCable()
		target := remote.Target{Login: s.login(), Addresses: []netip.AddrPort{first()}}
		target.Dial = func(context.Context, string, string) (net.Conn, error) { return near, nil }
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		why := errors.New("enough")
		time.AfterFunc(time.Second, func() { cancel(why) })
		if _, err := remote.Dial(ctx, target); !errors.Is(err, why) || !near.isClosed() {
			t.Errorf("in the handshake: %v, closed %t", err, near.isClosed())
		}
	})
}

// An upload on a dead path ends with its context, not with TCP's patience.
func TestUploadOnDeadPath(t *testing.T) {
	p, s := prepare(t)
	synctest.Test(t, func(t *testing.T) {
		target, connect, made := inMemory(t, s, p)
		target.Addresses = []netip.AddrPort{first()}
		target.Dial = func(context.Context, string, string) (net.Conn, error) { return connect(), nil }
		conn := dial(t, target)
		made()[0].die()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		err := conn.Upload(ctx, "/nowhere", []byte("x"))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.HasPrefix(err.Error(), "upload /nowhere: ") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// What answers may be no SSH server at all.
func TestNotSSH(t *testing.T) {
	_, s := prepare(t)
	for _, says := range []string{"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-1.99-old\r\n", "", strings.Repeat("x", 70_000)} {
		addr, _ := listen(t, func(c net.Conn) { _, _ = c.Write([]byte(says)); _ = c.Close() })
		_, err := remote.Dial(t.Context(), remote.Target{Login: s.login(), Addresses: []netip.AddrPort{addr}})
		if err == nil || !strings.HasPrefix(err.Error(), "ssh "+addr.String()+": handshake: ") || len(err.Error()) > 400 {
			t.Errorf("%.20q: %v", says, err)
		}
		for _, sentinel := range []error{remote.ErrHostKey, remote.ErrAuth, remote.ErrUnreachable} {
			if errors.Is(err, sentinel) {
				t.Errorf("%.20q: is %v", says, sentinel)
			}
		}
	}
}
