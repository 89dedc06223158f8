// Package ask has DNS questions asked by the server itself: of an anycast
// address that is the only way to be sure to reach this very copy. The asker
// is one program, which what guards the announcement has in a file. This
// package knows how questions are written for it.
package ask

import (
	_ "embed" // the program that asks
	"fmt"
	"net/netip"
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
