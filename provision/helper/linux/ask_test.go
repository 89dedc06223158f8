//go:build linux

package linux_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/helper/linux"
	"github.com/raiz-dns/raiz/provision/server"
)

// echo answers every message by both transports with what is made of it.
func echo(t *testing.T, address string, made func([]byte) []byte) netip.AddrPort {
	t.Helper()
	p := datagrams(t, address)
	at := here(p.LocalAddr())
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		buf := make([]byte, 65535)
		for {
			n, from, err := p.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = p.WriteTo(made(buf[:n]), from)
		}
	}()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); answerFramed(c, -1, made) }()
		}
	}()
	return at
}

func datagrams(t *testing.T, address string) net.PacketConn {
	t.Helper()
	p, err := net.ListenPacket("udp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func here(a net.Addr) netip.AddrPort { return netip.MustParseAddrPort(a.String()) }

// marked adds a mark, so that a byte that was lost or changed on either way
// shows.
func marked(m []byte) []byte { return append(bytes.Clone(m), "seen"...) }

// answerFramed answers so many messages of a connection; all, if it is less
// than none.
func answerFramed(c net.Conn, n int, made func([]byte) []byte) {
	for ; n != 0; n-- {
		var length [2]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		m := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(c, m); err != nil {
			return
		}
		m = made(m)
		_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
	}
}

// questionOf packs a question with an identifier.
func questionOf(t *testing.T, id uint16) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.Id = id
	m.Question = []dns.Question{{Name: "example.", Qtype: dns.TypeSOA, Qclass: dns.ClassINET}}
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func loopbackOf(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.MustParseAddr("127.0.0.1")
	}
	return netip.IPv6Loopback()
}

// TestEveryByteArrives sends every byte value in both bytes of the identifier,
// and every value behind it, there and back by every transport and family; some
// with an identifier that others have too.
func TestEveryByteArrives(t *testing.T) {
	var wires [][]byte
	for i := range 256 {
		wires = append(wires, questionOf(t, uint16(i)<<8|uint16(255-i)), questionOf(t, uint16(i)|0x0a00))
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	wires = append(wires, append(questionOf(t, 0x0d00), bytes.Repeat(every, 2)...))
	for _, address := range []string{"127.0.0.1", "::1"} {
		for _, network := range []string{"udp", "tcp"} {
			at := echo(t, address, marked)
			for _, source := range []netip.Addr{{}, loopbackOf(at.Addr())} {
				var qs []server.DNSQuestion
				for _, w := range wires {
					qs = append(qs, server.DNSQuestion{Network: network, Source: source, To: at, Message: w})
				}
				for i, a := range linux.New().Ask(qs, 4*time.Second) {
					if a.Problem != "" || !bytes.Equal(a.Message, marked(wires[i])) {
						t.Errorf("%s to %s from %s: %x came back as %x, %s", network, at, source, wires[i], a.Message, a.Problem)
					}
				}
			}
		}
	}
}

// The longest message goes by TCP, and what is longer than a datagram is said
// to be so.
func TestLongestMessage(t *testing.T) {
	at := echo(t, "127.0.0.1", marked)
	long := append(questionOf(t, 0x0a0d), bytes.Repeat([]byte{'\n', 0, '\'', 0xff}, (65535-25-4)/4)...)
	got := linux.New().Ask([]server.DNSQuestion{{Network: "tcp", To: at, Message: long}, {Network: "udp", To: at, Message: long}}, 4*time.Second)
	if !bytes.Equal(got[0].Message, marked(long)) {
		t.Errorf("by TCP %d bytes came back as %d, %s", len(long), len(got[0].Message), got[0].Problem)
	}
	if got[1].Problem != server.ProblemFailed || !bytes.Contains([]byte(got[1].Text), []byte("message too long")) {
		t.Errorf("by UDP: %+v", got[1])
	}
}

// closing accepts, reads a little and ends the connection.
func closing(t *testing.T, answers int) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			answerFramed(c, answers, marked)
			_ = c.(*net.TCPConn).CloseWrite()
		}
	}()
	return here(l.Addr())
}

// What does not answer is said to be so by what it does, and does not keep the
// others from being heard, nor anybody waiting for longer than it may.
func TestNoAnswer(t *testing.T) {
	at := echo(t, "127.0.0.1", marked)
	silent := here(datagrams(t, "127.0.0.1").LocalAddr())
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel alone
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	gone := netip.AddrPortFrom(at.Addr(), 1)
	lo, lo6 := loopbackOf(at.Addr()), netip.IPv6Loopback()
	tests := []struct {
		name string
		q    server.DNSQuestion
		want server.Problem
	}{
		{"one that answers", server.DNSQuestion{Network: "udp", Source: lo, To: at}, ""},
		{"silent", server.DNSQuestion{Network: "udp", To: silent}, server.ProblemSilent},
		{"deaf", server.DNSQuestion{Network: "tcp", To: here(deaf.Addr())}, server.ProblemSilent},
		{"closes", server.DNSQuestion{Network: "tcp", To: closing(t, 0)}, server.ProblemClosed},
		{"nobody there, by UDP", server.DNSQuestion{Network: "udp", To: gone}, server.ProblemRefused},
		{"nobody there, by TCP", server.DNSQuestion{Network: "tcp", To: gone}, server.ProblemRefused},
		{"an address of another machine", server.DNSQuestion{Network: "udp", Source: lo, To: netip.MustParseAddrPort("192.0.2.1:53")}, server.ProblemElsewhere},
		{"the same by TCP and IPv6", server.DNSQuestion{Network: "tcp", Source: lo6, To: netip.MustParseAddrPort("[2001:db8::1]:53")}, server.ProblemElsewhere},
		{"a source of another machine", server.DNSQuestion{Network: "udp", Source: netip.MustParseAddr("192.0.2.1"), To: at}, server.ProblemFailed},
		{"another one that answers", server.DNSQuestion{Network: "tcp", Source: lo, To: at}, ""},
	}
	var qs []server.DNSQuestion
	for _, tt := range tests {
		tt.q.Message = questionOf(t, 7)
		qs = append(qs, tt.q)
	}
	const limit = time.Second
	start := time.Now()
	for i, a := range linux.New().Ask(qs, limit) {
		if a.Problem != tests[i].want || (len(a.Message) == 0) != (tests[i].want != "") {
			t.Errorf("%s: %q %s, want %q", tests[i].name, a.Problem, a.Text, tests[i].want)
		}
	}
	if took := time.Since(start); took < limit || took > 10*limit {
		t.Errorf("waited %s for those that are silent", took)
	}
}

// A name server may answer some questions of a connection and end it.
func TestClosesAfterSome(t *testing.T) {
	at := closing(t, 3)
	var qs []server.DNSQuestion
	for i := range 10 {
		qs = append(qs, server.DNSQuestion{Network: "tcp", To: at, Message: questionOf(t, uint16(i))})
	}
	for i, a := range linux.New().Ask(qs, 4*time.Second) {
		if !bytes.Equal(a.Message, marked(qs[i].Message)) {
			t.Errorf("%d: %x, %s", i, a.Message, a.Problem)
		}
	}
}

// A datagram that is lost is asked for again, and what comes from somebody
// else than was asked, or with another identifier, is not taken.
func TestLostAndForged(t *testing.T) {
	p, forger := datagrams(t, "127.0.0.1"), datagrams(t, "127.0.0.1")
	seen := make(chan int, 1)
	go func() {
		buf := make([]byte, 512)
		for i := 1; ; i++ {
			n, from, err := p.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = forger.WriteTo(append(bytes.Clone(buf[:n]), "forged"...), from)
			_, _ = p.WriteTo([]byte{buf[0] + 1, buf[1], 0x80}, from)
			_, _ = p.WriteTo([]byte{0x2a}, from)
			if i == 2 {
				_, _ = p.WriteTo(marked(buf[:n]), from)
				seen <- i
			}
		}
	}()
	m := questionOf(t, 0x2a0a)
	got := linux.New().Ask([]server.DNSQuestion{{Network: "udp", To: here(p.LocalAddr()), Message: m}}, 4*time.Second)
	if !bytes.Equal(got[0].Message, marked(m)) {
		t.Fatalf("got %x, %s", got[0].Message, got[0].Problem)
	}
	if n := <-seen; n != 2 {
		t.Errorf("answered datagram %d", n)
	}
}

// Where many are silent, each is asked, and all of them end in time: no question
// that is never answered keeps another one from being sent.
func TestManyAreSilent(t *testing.T) {
	p := datagrams(t, "127.0.0.1")
	asked := make(chan map[uint16]bool, 1)
	go func() {
		ids, buf := map[uint16]bool{}, make([]byte, 512)
		for len(ids) < 100 {
			n, _, err := p.ReadFrom(buf)
			if err != nil || n < 2 {
				break
			}
			ids[binary.BigEndian.Uint16(buf)] = true
		}
		asked <- ids
	}()
	var qs []server.DNSQuestion
	for i := range 100 {
		qs = append(qs, server.DNSQuestion{Network: "udp", To: here(p.LocalAddr()), Message: questionOf(t, uint16(i))})
	}
	for i, a := range linux.New().Ask(qs, time.Second) {
		if a.Problem != server.ProblemSilent {
			t.Errorf("%d: %+v", i, a)
		}
	}
	_ = p.Close()
	if ids := <-asked; len(ids) != 100 {
		t.Errorf("%d of 100 were sent", len(ids))
	}
}
