package ask_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/ask"
)

// needPerl skips where there is none. In CI nothing may be skipped but in the
// short form, which runs with nothing but Go and git.
func needPerl(t *testing.T) {
	t.Helper()
	switch _, err := exec.LookPath("perl"); {
	case err == nil:
	case os.Getenv("CI") == "true" && !testing.Short():
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

// asker runs the program as a Debian without any further package would: it
// finds perl-base's modules and no others.
func asker(t *testing.T, seconds string, questions string) (string, error) {
	t.Helper()
	needPerl(t)
	const alone = `BEGIN { @INC = grep { m{/perl-base$} } @INC or die "no perl-base\n" }`
	cmd := exec.CommandContext(t.Context(), "perl", "-e", alone+ask.Program(), seconds)
	cmd.Stdin = strings.NewReader(questions)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, said.String())
	}
	return string(out), err
}

// answer is the message that came back, or why none did.
type answer struct {
	Message []byte
	Err     error
}

// answersOf reads what the asker says to n questions: a line for each.
func answersOf(t *testing.T, out string, n int) []answer {
	t.Helper()
	all := make([]answer, n)
	for line := range strings.Lines(out) {
		number, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		i, err := strconv.Atoi(number)
		if err != nil || i < 0 || i >= n || all[i].Message != nil || all[i].Err != nil {
			t.Fatalf("the asker says %q", line)
		}
		if why, none := strings.CutPrefix(text, "!"); none {
			all[i].Err = errors.New(strings.ReplaceAll(why, "-", " "))
		} else if all[i].Message, err = hex.DecodeString(text); err != nil {
			t.Fatalf("the asker says %q: %v", line, err)
		}
	}
	for i, a := range all {
		if a.Message == nil && a.Err == nil {
			t.Fatalf("the asker says nothing of question %d", i)
		}
	}
	return all
}

func asked(t *testing.T, qs []ask.Question) []answer {
	t.Helper()
	out, err := asker(t, "4", ask.Lines(qs))
	if err != nil {
		t.Fatal(err)
	}
	return answersOf(t, out, len(qs))
}

// echo answers every message with itself and a mark, by both transports, so
// that a byte that was lost or changed on either way shows.
func echo(t *testing.T, address string) netip.AddrPort {
	t.Helper()
	p, err := net.ListenPacket("udp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Skipf("no %s here: %v", address, err)
	}
	at := p.LocalAddr().(*net.UDPAddr).AddrPort()
	l, err := net.Listen("tcp", at.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = p.Close(), l.Close() })
	go func() {
		buf := make([]byte, 65535)
		for {
			n, from, err := p.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = p.WriteTo(marked(buf[:n]), from)
		}
	}()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go echoStream(c)
		}
	}()
	return at
}

func marked(m []byte) []byte { return append(bytes.Clone(m), "seen"...) }

func echoStream(c net.Conn) {
	defer c.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		m := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(c, m); err != nil {
			return
		}
		m = marked(m)
		_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(m))), m...))
	}
}

// questionOf packs a question with an identifier, about a name.
func questionOf(t *testing.T, id uint16, name string) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.Id = id
	m.Question = []dns.Question{{Name: name, Qtype: dns.TypeSOA, Qclass: dns.ClassINET}}
	wire, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// longNames are names with every length of a label, alone and in front of
// others, up to the longest name there is.
func longNames() []string {
	var out []string
	for n := 1; n <= 63; n++ {
		out = append(out, strings.Repeat("a", n)+".", strings.Repeat("b", n)+".example.")
	}
	for n := 1; n <= 61; n++ { // 3 * 64 + 1 + n + 1 bytes on the wire, 255 at most
		out = append(out, strings.Repeat(strings.Repeat("c", 63)+".", 3)+strings.Repeat("d", n)+".")
	}
	return append(out, ".")
}

// TestEveryByteArrives sends every byte value in both bytes of the identifier
// and every length of a label there and back, by every transport and family.
// A shell's printf lost those with 0x0A in them.
func TestEveryByteArrives(t *testing.T) {
	var wires [][]byte
	for i := range 256 {
		wires = append(wires, questionOf(t, uint16(i)<<8|uint16(255-i), "example."), questionOf(t, uint16(i)|0x0a00, "example."))
	}
	for i, name := range longNames() {
		wires = append(wires, questionOf(t, 0x0a0a+uint16(i), name))
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	wires = append(wires, append(questionOf(t, 0x0d00, "."), bytes.Repeat(every, 2)...))
	for _, address := range []string{"127.0.0.1", "::1"} {
		for _, network := range []string{"udp", "tcp"} {
			t.Run(network+" "+address, func(t *testing.T) {
				at := echo(t, address)
				for _, source := range []netip.Addr{{}, ask.Loopback(at.Addr())} {
					var qs []ask.Question
					for _, w := range wires {
						qs = append(qs, ask.Question{Network: network, Source: source, To: at, Message: w, Note: "a note 0a"})
					}
					for i, a := range asked(t, qs) {
						if a.Err != nil || !bytes.Equal(a.Message, marked(wires[i])) {
							t.Errorf("from %s: %x came back as %x, %v", source, wires[i], a.Message, a.Err)
						}
					}
				}
			})
		}
	}
}

// The longest message goes by TCP, and what is longer than a datagram is said
// to be so.
func TestLongestMessage(t *testing.T) {
	at := echo(t, "127.0.0.1")
	long := append(questionOf(t, 0x0a0d, "."), bytes.Repeat([]byte{'\n', 0, '\'', 0xff}, (65535-17-4)/4)...)
	got := asked(t, []ask.Question{{Network: "tcp", To: at, Message: long}, {Network: "udp", To: at, Message: long}})
	if got[0].Err != nil || !bytes.Equal(got[0].Message, marked(long)) {
		t.Errorf("by TCP %d bytes came back as %d, %v", len(long), len(got[0].Message), got[0].Err)
	}
	if got[1].Err == nil || got[1].Err.Error() != "message too long" {
		t.Errorf("by UDP: %v", got[1].Err)
	}
}

// What does not answer is said to be so, in its own words, and does not keep
// the others from being heard.
func TestNoAnswer(t *testing.T) {
	at := echo(t, "127.0.0.1")
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	deaf, err := net.Listen("tcp", "127.0.0.1:0") // accepts in the kernel alone
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	closing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closing.Close()
	go func() {
		for {
			c, err := closing.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 2))
			_ = c.(*net.TCPConn).CloseWrite()
		}
	}()
	port := func(a net.Addr) netip.AddrPort { return netip.MustParseAddrPort(a.String()) }
	gone := netip.AddrPortFrom(at.Addr(), 1)
	loopback := ask.Loopback(at.Addr())
	m := questionOf(t, 7, "example.")
	tests := []struct {
		name string
		q    ask.Question
		want string
	}{
		{"one that answers", ask.Question{Network: "udp", Source: loopback, To: at}, ""},
		{"silent", ask.Question{Network: "udp", To: port(silent.LocalAddr())}, "no answer"},
		{"deaf", ask.Question{Network: "tcp", To: port(deaf.Addr())}, "no answer"},
		{"closes", ask.Question{Network: "tcp", To: port(closing.Addr())}, "closed"},
		{"nobody there, by UDP", ask.Question{Network: "udp", To: gone}, "connection refused"},
		{"nobody there, by TCP", ask.Question{Network: "tcp", To: gone}, "connection refused"},
		{"an address of another machine", ask.Question{Network: "udp", Source: loopback, To: netip.MustParseAddrPort("192.0.2.1:53")}, "not on this server"},
		{"the same by TCP and IPv6", ask.Question{Network: "tcp", Source: ask.Loopback(netip.IPv6Loopback()), To: netip.MustParseAddrPort("[2001:db8::1]:53")}, "not on this server"},
		{"another one that answers", ask.Question{Network: "tcp", Source: loopback, To: at}, ""},
	}
	var qs []ask.Question
	for _, tt := range tests {
		tt.q.Message = m
		qs = append(qs, tt.q)
	}
	start := time.Now()
	out, err := asker(t, "1", ask.Lines(qs))
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range answersOf(t, out, len(qs)) {
		got := ""
		if a.Err != nil {
			got = a.Err.Error()
		}
		if got != tests[i].want {
			t.Errorf("%s: %q, want %q", tests[i].name, got, tests[i].want)
		}
	}
	if took := time.Since(start); took < time.Second {
		t.Errorf("waited %s only for those that are silent", took)
	}
}

// A name server may answer some questions of a connection and close it.
func TestClosesAfterSome(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			for range 3 {
				m := make([]byte, 2+25)
				if _, err := io.ReadFull(c, m); err != nil {
					break
				}
				_, _ = c.Write(m)
			}
			_ = c.(*net.TCPConn).CloseWrite()
		}
	}()
	var qs []ask.Question
	for i := range 10 {
		qs = append(qs, ask.Question{Network: "tcp", To: netip.MustParseAddrPort(l.Addr().String()), Message: questionOf(t, uint16(i), "example.")})
	}
	for i, a := range asked(t, qs) {
		if a.Err != nil || !bytes.Equal(a.Message, qs[i].Message) {
			t.Errorf("%d: %x, %v", i, a.Message, a.Err)
		}
	}
}

// A datagram that is lost is asked for again, and what comes from somebody
// else than was asked is not taken.
func TestLostAndForged(t *testing.T) {
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	forger, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer forger.Close()
	seen := make(chan int, 1)
	go func() {
		buf := make([]byte, 512)
		for i := 1; ; i++ {
			n, from, err := p.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = forger.WriteTo(append(bytes.Clone(buf[:n]), "forged"...), from)
			_, _ = p.WriteTo([]byte{buf[0] + 1, buf[1], 0x80}, from) // another identifier
			if i == 2 {
				_, _ = p.WriteTo(marked(buf[:n]), from)
				seen <- i
			}
		}
	}()
	m := questionOf(t, 0x2a0a, "example.")
	got := asked(t, []ask.Question{{Network: "udp", To: netip.MustParseAddrPort(p.LocalAddr().String()), Message: m}})
	if got[0].Err != nil || !bytes.Equal(got[0].Message, marked(m)) {
		t.Errorf("got %x, %v", got[0].Message, got[0].Err)
	}
	if n := <-seen; n != 2 {
		t.Errorf("answered datagram %d", n)
	}
}

// What is no question is refused whole: half a health check is none.
func TestRefusesWhatIsNoQuestion(t *testing.T) {
	good := "0 udp - 127.0.0.1@1 " + strings.Repeat("0", 24)
	for name, in := range map[string]struct{ seconds, questions string }{
		"no time":               {"", good},
		"time in words":         {"soon", good},
		"no message":            {"1", "0 udp - 127.0.0.1@1"},
		"half a byte":           {"1", good + "0"},
		"not hexadecimal":       {"1", good + "\n1 udp - 127.0.0.1@1 " + strings.Repeat("x", 24)},
		"shorter than a header": {"1", "0 udp - 127.0.0.1@1 " + strings.Repeat("0", 22)},
		"longer than TCP bears": {"1", "0 tcp - 127.0.0.1@1 " + strings.Repeat("0", 2*65536)},
		"another transport":     {"1", strings.Replace(good, "udp", "sctp", 1)},
		"no port":               {"1", strings.Replace(good, "@1", "", 1)},
		"no number":             {"1", strings.Replace(good, "0 ", "x ", 1)},
		"a command":             {"1", good + "\n`id` udp - 127.0.0.1@1 " + strings.Repeat("0", 24)},
	} {
		if out, err := asker(t, in.seconds, in.questions); err == nil || out != "" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
	if out, err := asker(t, "1", good); err != nil || out != "0 !connection-refused\n" {
		t.Errorf("the good one: %q, %v", out, err)
	}
}

// The asker ends with the time it was given, also where many are silent.
func TestEndsInTime(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	var qs []ask.Question
	for i := range 500 {
		qs = append(qs, ask.Question{Network: "udp", To: netip.MustParseAddrPort(silent.LocalAddr().String()), Message: questionOf(t, uint16(i/2), "example.")})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	needPerl(t)
	cmd := exec.CommandContext(ctx, "perl", "-e", ask.Program(), "1")
	cmd.Stdin = strings.NewReader(ask.Lines(qs))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(out), "!no-answer\n"); n != len(qs) {
		t.Errorf("%d of %d are said to be silent", n, len(qs))
	}
}
