// Package ask has DNS questions asked by the server itself: of an anycast
// address that is the only way to be sure to reach this very copy. The asker
// is one program, which verify sends along and which what guards the
// announcement has in a file. This package knows its language, and nothing of
// what good answers are.
package ask

import (
	_ "embed" // the program that asks
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

//go:embed ask.pl
var program string

// Program is the text of the asker, for perl.
func Program() string { return program }

// Question is a DNS message and where it goes. The zero Source leaves the
// kernel to choose; any other makes the address one that has to be on the
// server.
type Question struct {
	Network string // "udp" or "tcp"
	Source  netip.Addr
	To      netip.AddrPort
	Message []byte
	Note    string // for people; no line breaks
}

// Loopback is the source that shares its rate limit with nobody outside: no
// packet from elsewhere can have it (RFC 1122 section 3.2.1.3, RFC 4291
// section 2.5.3).
func Loopback(to netip.Addr) netip.Addr {
	if to.Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

// Lines are the questions as the asker reads them, one a line, numbered from
// zero.
func Lines(qs []Question) string {
	var b strings.Builder
	for i, q := range qs {
		source := "-"
		if q.Source.IsValid() {
			source = q.Source.String()
		}
		note := ""
		if q.Note != "" {
			note = " " + q.Note
		}
		fmt.Fprintf(&b, "%d %s %s %s@%d %x%s\n", i, q.Network, source, q.To.Addr(), q.To.Port(), q.Message, note)
	}
	return b.String()
}

// Answer is the message that came back, or why none did.
type Answer struct {
	Message []byte
	Err     error
}

// ErrSilent means that nothing came back in time.
var ErrSilent = errors.New("no answer")

var errNotAsked = errors.New("the server did not ask it")

// Answers reads what the asker says to n questions. Its lines are a server's
// words: what is none of them is passed over, and what is missing is an error.
func Answers(lines []string, n int) []Answer {
	out := make([]Answer, n)
	for i := range out {
		out[i].Err = errNotAsked
	}
	for _, l := range lines {
		number, text, _ := strings.Cut(l, " ")
		i, err := strconv.Atoi(number)
		if err != nil || i < 0 || i >= n || !errors.Is(out[i].Err, errNotAsked) {
			continue // a line of the shell, not of the asker
		}
		out[i] = answer(strings.TrimSpace(text))
	}
	return out
}

// maxWhy bounds the reason that a server gives.
const maxWhy = 60

func answer(text string) Answer {
	if why, ok := strings.CutPrefix(text, "!"); ok {
		if why == "no-answer" {
			return Answer{Err: ErrSilent}
		}
		return Answer{Err: errors.New(strings.ReplaceAll(plain(why), "-", " "))}
	}
	wire, err := hex.DecodeString(text)
	if err != nil || len(wire) == 0 {
		return Answer{Err: fmt.Errorf("the asker says %q", plain(text))}
	}
	return Answer{Message: wire}
}

// plain keeps what a reason is made of.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), maxWhy)]
}
