// Package watch is the language between raiz and the guard on a server: what
// the guard is told, and what it tells of itself.
package watch

import "net/netip"

// Source is where the session of the guard comes from: an address of the
// loopback that nothing else has a use for. The routing daemon knows the guard
// by it.
func Source() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 2}) }
