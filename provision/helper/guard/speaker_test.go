//go:build linux

package guard

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	"github.com/raiz-dns/raiz/provision/watch"
)

// manner is how a speaker treats who connects.
type manner int

const (
	talks    manner = iota
	mute            // takes the connection, and says nothing
	rejects         // sends a NOTIFICATION to an OPEN
	deserted        // says nothing any more once it has a session
)

// speaker is a routing daemon as far as the guard's session goes. It follows
// RFC 4271, and reads messages by GoBGP.
type speaker struct {
	t   testing.TB
	asn uint32
	l   net.Listener

	mu      sync.Mutex
	manner  manner
	conns   map[net.Conn]bool
	up      int // sessions
	opens   []*bgp.BGPOpen
	routes  map[string]decoded
	updates []decoded // of this session
	wrong   []string
}

func listen(t testing.TB, asn uint32, at string) *speaker {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	s := &speaker{t: t, asn: asn, l: l, conns: map[net.Conn]bool{}, routes: map[string]decoded{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.with(func() { s.conns[c] = true })
			all.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		s.leave()
		all.Wait()
		for _, w := range s.wrong {
			t.Error(w)
		}
	})
	return s
}

func (s *speaker) at() netip.AddrPort { return netip.MustParseAddrPort(s.l.Addr().String()) }

func (s *speaker) with(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// behave is how it is from now on; who is connected is let go.
func (s *speaker) behave(m manner) {
	s.with(func() {
		s.manner = m
		for c := range s.conns {
			_ = c.Close()
		}
	})
}

// leave is the end of it: nobody listens any more.
func (s *speaker) leave() {
	_ = s.l.Close()
	s.behave(mute)
}

func (s *speaker) serve(c net.Conn) {
	defer func() {
		_ = c.Close()
		s.with(func() { delete(s.conns, c) })
	}()
	var how manner
	s.with(func() { how = s.manner })
	if how == mute {
		_, _ = io.Copy(io.Discard, c)
		return
	}
	first, err := s.receive(c)
	open, ok := first.(*bgp.BGPOpen)
	if err != nil || !ok {
		s.complain(err, "instead of an OPEN: %v", first)
		return
	}
	s.with(func() { s.opens = append(s.opens, open) })
	if how == rejects {
		s.send(c, bgp.NewBGPNotificationMessage(bgp.BGP_ERROR_CEASE, bgp.BGP_ERROR_SUB_CONNECTION_REJECTED, nil))
		return
	}
	mine, err := bgp.NewBGPOpenMessage(uint16(min(s.asn, bgp.AS_TRANS)), 3, addr("192.0.2.20"), []bgp.OptionParameterInterface{
		bgp.NewOptionParameterCapability([]bgp.ParameterCapabilityInterface{
			bgp.NewCapMultiProtocol(bgp.RF_IPv4_UC), bgp.NewCapMultiProtocol(bgp.RF_IPv6_UC), bgp.NewCapFourOctetASNumber(s.asn),
		}),
	})
	if err != nil {
		s.complain(err, "OPEN")
		return
	}
	s.send(c, mine)
	s.send(c, bgp.NewBGPKeepAliveMessage())
	if m, err := s.receive(c); err != nil || fmt.Sprintf("%T", m) != "*bgp.BGPKeepAlive" {
		s.complain(err, "instead of a KEEPALIVE: %v", m)
		return
	}
	s.session(c, how)
}

// session takes routes; its end takes them away.
func (s *speaker) session(c net.Conn, how manner) {
	defer s.with(func() { s.routes = map[string]decoded{} })
	s.with(func() { s.up, s.updates = s.up+1, nil })
	for {
		// RFC 4271 section 6.5: nothing was heard for the hold time.
		_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
		m, err := s.receive(c)
		if err != nil {
			s.complain(err, "in a session")
			return
		}
		switch m := m.(type) {
		case *bgp.BGPKeepAlive:
			if how != deserted {
				s.send(c, bgp.NewBGPKeepAliveMessage())
			}
		case *bgp.BGPUpdate:
			s.take(m)
		case *bgp.BGPNotification:
			return
		}
	}
}

func (s *speaker) take(m *bgp.BGPUpdate) {
	d, err := read(m)
	s.with(func() {
		if err != nil {
			s.wrong = append(s.wrong, err.Error())
		}
		s.updates = append(s.updates, d)
		for _, p := range d.Withdrawn {
			delete(s.routes, p)
		}
		for _, p := range d.Reached {
			s.routes[p] = d
		}
	})
}

func (s *speaker) send(c net.Conn, m *bgp.BGPMessage) {
	if b, err := m.Serialize(); err != nil {
		s.complain(err, "%v", m)
	} else {
		_, _ = c.Write(b) // reading says why
	}
}

func (s *speaker) receive(c net.Conn) (bgp.BGPBody, error) {
	head := make([]byte, bgp.BGP_HEADER_LENGTH)
	if _, err := io.ReadFull(c, head); err != nil {
		return nil, err
	}
	whole := append(head, make([]byte, max(0, int(binary.BigEndian.Uint16(head[16:]))-len(head)))...)
	if _, err := io.ReadFull(c, whole[len(head):]); err != nil {
		return nil, err
	}
	m, err := bgp.ParseBGPMessage(whole)
	if err != nil {
		return nil, err
	}
	return m.Body, nil
}

// complain keeps what is wrong with the other side. That it goes is not.
func (s *speaker) complain(err error, format string, args ...any) {
	var gone net.Error
	if err == nil || !errors.As(err, &gone) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		s.with(func() { s.wrong = append(s.wrong, fmt.Sprintf(format, args...)+fmt.Sprint(" ", err)) })
	}
}

// has is what it was brought: "192.0.2.0/24", and with "drain " before it where
// routers are to leave.
func (s *speaker) has() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, d := range s.routes {
		if len(d.Communities) > 0 {
			p = "drain " + p
		}
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

func (s *speaker) sessions() (n int) {
	s.with(func() { n = s.up })
	return n
}

// feedTo is a feed to an address, from a port that is not reserved: those who
// test may not be root.
func feedTo(t testing.TB, asn uint32, daemon netip.AddrPort) *feed {
	t.Helper()
	f := newFeed(watch.Feed{ASN: asn, Source: watch.Source(), Daemon: daemon})
	f.dial = func() net.Dialer { return net.Dialer{} }
	return f
}
