package site

import "net/netip"

// RootServer returns the addresses of a root server by its letter, as the
// IANA root hints have them.
func RootServer(name string) (v4, v6 netip.Addr, ok bool) {
	l, ok := letters()[name]
	if !ok {
		return v4, v6, false
	}
	return netip.MustParseAddr(l.ipv4), netip.MustParseAddr(l.ipv6), true
}
