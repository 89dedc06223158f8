package verify

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
)

// A datagram may be lost: it is sent anew after a second, and no more are
// under way than a buffer holds.
const (
	datagramWait   = time.Second
	datagramWindow = 16
)

// exchange is what goes over one connection. An answer finds its question by
// the identifier (RFC 7766 section 7).
type exchange struct {
	qs       []Question
	messages []*dns.Msg
	open     map[uint16]int // of messages, those without an answer
	out      map[Question]Answer
	start    time.Time
	strays   int
}

func newExchange(s *site.Site, qs []Question) *exchange {
	x := &exchange{qs: qs, open: map[uint16]int{}, out: allFailed(qs, errSilent), start: time.Now()}
	for i, q := range qs {
		m := message(s, q)
		for _, taken := x.open[m.Id]; taken; _, taken = x.open[m.Id] {
			m.Id = dns.Id()
		}
		x.messages, x.open[m.Id] = append(x.messages, m), i
	}
	return x
}

// askOver asks everything over one connection.
func askOver(ctx context.Context, s *site.Site, c *dns.Conn, qs []Question) map[Question]Answer {
	x := newExchange(s, qs)
	if _, datagrams := c.Conn.(net.PacketConn); datagrams {
		x.overUDP(ctx, c)
	} else {
		x.overTCP(ctx, c)
	}
	return x.out
}

// more reports whether an answer is still worth waiting for: who sends only
// what nobody asked for is not listened to for ever.
func (x *exchange) more() bool { return len(x.open) > 0 && x.strays <= 4*len(x.qs) }

// overTCP asks all at once, so that many zones cost one round trip.
func (x *exchange) overTCP(ctx context.Context, c *dns.Conn) {
	go func() {
		for _, m := range x.messages {
			if c.WriteMsg(m) != nil {
				return // reading says why
			}
		}
	}()
	for x.more() {
		got, err := read(c)
		if got.m == nil {
			x.broken(ctx, err)
			return
		}
		x.take(got, err)
	}
}

// received is a message with its bytes counted.
type received struct {
	m    *dns.Msg
	size int
}

// read reads a message. One that is none comes with its header and an error.
func read(c *dns.Conn) (received, error) {
	wire, err := c.ReadMsgHeader(nil)
	if err != nil {
		return received{}, err
	}
	m, err := unpacked(wire)
	return received{m, len(wire)}, err
}

func (x *exchange) overUDP(ctx context.Context, c *dns.Conn) {
	sent := 0
	for x.more() {
		unsent := len(x.messages) - sent
		for ; sent < len(x.messages) && len(x.open)-unsent < datagramWindow; sent, unsent = sent+1, unsent-1 {
			_ = c.WriteMsg(x.messages[sent]) // reading says why
		}
		_ = c.SetReadDeadline(time.Now().Add(datagramWait))
		got, err := read(c)
		switch {
		case got.m != nil:
			x.take(got, err)
		case quiet(err) != errSilent || ctx.Err() != nil:
			x.broken(ctx, err)
			return
		default:
			for _, i := range x.open {
				if i < sent {
					_ = c.WriteMsg(x.messages[i]) // reading says why
				}
			}
		}
	}
}

func (x *exchange) take(got received, err error) {
	i, ok := x.open[got.m.Id]
	if !ok {
		x.strays++
		return
	}
	a := matched(got.m, x.messages[i])
	if err != nil {
		a = Answer{Err: fmt.Errorf("answer is no DNS message: %w", err)}
	}
	a.At = time.Now()
	a.Took, a.Size = a.At.Sub(x.start), got.size
	x.out[x.qs[i]] = a
	delete(x.open, got.m.Id)
}

// broken gives the reason to all that have no answer; the end of our own
// patience is silence.
func (x *exchange) broken(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	for _, i := range x.open {
		x.out[x.qs[i]] = Answer{Err: quiet(err)}
	}
}
