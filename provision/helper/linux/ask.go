//go:build linux

package linux

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/server"
)

// What is lost on the way is asked again, as every resolver does, and no more
// is under way on one socket than its buffer holds.
const (
	tries   = 4
	window  = 32
	sockets = 128 // at once
)

// Ask implements helper.Machine.
func (machine) Ask(questions []server.DNSQuestion, limit time.Duration) []server.DNSAnswer {
	out := make([]server.DNSAnswer, len(questions))
	room := make(chan struct{}, sockets)
	var all sync.WaitGroup
	for _, t := range talks(questions, out) {
		room <- struct{}{}
		all.Go(func() {
			t.hold(limit)
			<-room
		})
	}
	all.Wait()
	return out
}

// talk is a socket with the questions that go over it, by identifier: that is
// how an answer finds its own (RFC 7766 section 7).
type talk struct {
	way  server.DNSQuestion // whose message does not count
	open map[uint16]int     // of all, those without an answer
	sent map[int]int        // of all, how often
	all  []server.DNSQuestion
	out  []server.DNSAnswer
}

// talks are as many as are needed: two questions with one identifier cannot go
// over one socket.
func talks(questions []server.DNSQuestion, out []server.DNSAnswer) []*talk {
	type way struct {
		network string
		source  netip.Addr
		to      netip.AddrPort
		flow    int
	}
	var all []*talk
	by := map[way][]*talk{}
	for i, q := range questions {
		w, id := way{q.Network, q.Source, q.To, q.Flow}, binary.BigEndian.Uint16(q.Message)
		n := slices.IndexFunc(by[w], func(t *talk) bool { _, taken := t.open[id]; return !taken })
		if n < 0 {
			n = len(by[w])
			by[w] = append(by[w], &talk{way: q, open: map[uint16]int{}, sent: map[int]int{}, all: questions, out: out})
			all = append(all, by[w][n])
		}
		by[w][n].open[id] = i
	}
	return all
}

// waiting are the questions without an answer, those first that were sent the
// least.
func (t *talk) waiting() []int {
	return slices.SortedFunc(maps.Values(t.open), func(a, b int) int { return cmp.Or(t.sent[a]-t.sent[b], a-b) })
}

// take gives a message to its question, which it returns. Any other one is
// nobody's answer.
func (t *talk) take(message []byte) (int, bool) {
	if len(message) < 2 {
		return 0, false
	}
	id := binary.BigEndian.Uint16(message)
	i, ok := t.open[id]
	if ok {
		t.out[i] = server.DNSAnswer{Message: slices.Clone(message)}
		delete(t.open, id)
	}
	return i, ok
}

// end gives the reason to all that have no answer.
func (t *talk) end(err error) {
	for _, i := range t.open {
		t.out[i] = unheard(err)
	}
	clear(t.open)
}

func (t *talk) hold(limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for len(t.open) > 0 {
		before := len(t.open)
		conn, err := t.dial(ctx)
		if err != nil {
			t.end(err)
			return
		}
		if t.way.Network == "udp" {
			err = t.overUDP(ctx, conn, limit/tries)
		} else {
			err = t.overTCP(ctx, conn)
		}
		_ = conn.Close()
		// A server may answer some questions and end the connection: the others
		// are asked anew (RFC 7766 section 6.2.4).
		if err != nil && (t.way.Network == "udp" || len(t.open) == before || ctx.Err() != nil) {
			t.end(err)
		}
	}
}

// errElsewhere says that an address is not on this server.
var errElsewhere = errors.New("the address is not on this server")

// dial connects, so that the kernel drops what comes from anywhere else.
func (t *talk) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	if source := t.way.Source; source.IsValid() {
		p, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(t.way.To.Addr(), 0)))
		if errors.Is(err, unix.EADDRNOTAVAIL) {
			return nil, errElsewhere
		}
		if err != nil {
			return nil, err
		}
		_ = p.Close()
		if t.way.Network == "udp" {
			d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
		} else {
			d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
		}
	}
	return d.DialContext(ctx, t.way.Network, t.way.To.String())
}

// overUDP sends everything once a round, as far as the window lets it.
func (t *talk) overUDP(ctx context.Context, conn net.Conn, round time.Duration) error {
	buf := make([]byte, 65535)
	for ctx.Err() == nil {
		end := time.Now().Add(round)
		if last, ok := ctx.Deadline(); ok && last.Before(end) {
			end = last
		}
		_ = conn.SetDeadline(end)
		next, under := t.waiting(), map[int]bool{}
		for len(t.open) > 0 {
			for len(next) > 0 && len(under) < window {
				under[next[0]] = true
				t.sent[next[0]]++
				if _, err := conn.Write(t.all[next[0]].Message); err != nil {
					return err
				}
				next = next[1:]
			}
			n, err := conn.Read(buf)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				break
			}
			if err != nil {
				return err
			}
			if i, ok := t.take(buf[:n]); ok {
				delete(under, i)
				next = slices.DeleteFunc(next, func(j int) bool { return j == i })
			}
		}
		if len(t.open) == 0 {
			return nil
		}
	}
	return os.ErrDeadlineExceeded
}

// overTCP asks all at once, so that many zones cost one round trip.
func (t *talk) overTCP(ctx context.Context, conn net.Conn) error {
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end)
	}
	var framed []byte
	for _, i := range t.waiting() {
		m := t.all[i].Message
		framed = append(binary.BigEndian.AppendUint16(framed, uint16(len(m))), m...)
	}
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = conn.Write(framed) // reading says why
	}()
	defer func() {
		_ = conn.Close()
		<-written
	}()
	for len(t.open) > 0 {
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return err
		}
		message := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, message); err != nil {
			return err
		}
		t.take(message)
	}
	return nil
}

// unheard is why nothing came back.
func unheard(err error) server.DNSAnswer {
	is := func(all ...error) bool {
		return slices.ContainsFunc(all, func(e error) bool { return errors.Is(err, e) })
	}
	problem := server.ProblemFailed
	switch {
	case is(os.ErrDeadlineExceeded, context.DeadlineExceeded, unix.ETIMEDOUT):
		problem = server.ProblemSilent
	case is(errElsewhere):
		problem = server.ProblemElsewhere
	case is(unix.ECONNREFUSED):
		problem = server.ProblemRefused
	case is(unix.ENETUNREACH, unix.EHOSTUNREACH):
		problem = server.ProblemUnreachable
	case is(io.EOF, io.ErrUnexpectedEOF, unix.ECONNRESET, unix.EPIPE):
		problem = server.ProblemClosed
	default:
		return server.DNSAnswer{Problem: problem, Text: oneLine(err.Error())}
	}
	return server.DNSAnswer{Problem: problem}
}
