//go:build linux

package guard

import (
	"encoding/binary"
	"net/netip"
)

// route is how a block is announced.
type route int

// The ways.
const (
	withdrawn route = iota
	draining        // with GRACEFUL_SHUTDOWN (RFC 8326), so that routers take others
	announced
)

// BGP attributes (RFC 4271 section 4.3, RFC 1997, RFC 4760).
const (
	attrOrigin      = 1
	attrASPath      = 2
	attrNextHop     = 3
	attrLocalPref   = 5
	attrCommunities = 8
	attrReach       = 14
	attrUnreach     = 15

	wellKnown  = 0x40 // transitive
	optional   = 0x80
	transitive = 0x40

	afiIPv6, safiUnicast = 2, 1
)

// Next hops that lead nowhere: the routing daemon keeps the blocks to itself,
// and puts its own address in their place when it sends them on. They are the
// dummy address of RFC 7600 and one of the discard prefix of RFC 6666.
func nowhere4() []byte { return []byte{192, 0, 0, 8} }

func nowhere6() []byte {
	a := netip.MustParseAddr("100::1").As16()
	return a[:]
}

// update is the body of an UPDATE message about one block.
func update(p netip.Prefix, r route) []byte {
	switch {
	case r == withdrawn && p.Addr().Is4():
		n := nlri(p)
		return append(append(length(nil, len(n)), n...), 0, 0)
	case r == withdrawn:
		return body(attribute(nil, optional, attrUnreach, append([]byte{0, afiIPv6, safiUnicast}, nlri(p)...)), nil)
	}
	var a []byte
	if !p.Addr().Is4() {
		reach := append([]byte{0, afiIPv6, safiUnicast, 16}, nowhere6()...)
		a = attribute(a, optional, attrReach, append(append(reach, 0), nlri(p)...))
	}
	a = attribute(a, wellKnown, attrOrigin, []byte{0}) // IGP
	a = attribute(a, wellKnown, attrASPath, nil)
	if p.Addr().Is4() {
		a = attribute(a, wellKnown, attrNextHop, nowhere4())
	}
	a = attribute(a, wellKnown, attrLocalPref, []byte{0, 0, 0, 100})
	if r == draining {
		a = attribute(a, optional|transitive, attrCommunities, []byte{0xff, 0xff, 0, 0})
	}
	if p.Addr().Is4() {
		return body(a, nlri(p))
	}
	return body(a, nil)
}

// body is an UPDATE that withdraws nothing in the old field.
func body(attributes, nlri []byte) []byte {
	return append(append(length([]byte{0, 0}, len(attributes)), attributes...), nlri...)
}

func length(to []byte, n int) []byte { return binary.BigEndian.AppendUint16(to, uint16(n)) }

func attribute(to []byte, flags, kind byte, value []byte) []byte {
	return append(append(to, flags, kind, byte(len(value))), value...)
}

// nlri is a prefix on the wire (RFC 4271 section 4.3).
func nlri(p netip.Prefix) []byte {
	bytes := p.Masked().Addr().AsSlice()
	return append([]byte{byte(p.Bits())}, bytes[:(p.Bits()+7)/8]...)
}
