package site

import (
	"net/netip"
	"strings"
)

// SessionID is the identifier of the session with one address of a neighbor.
func SessionID(neighbor string, address netip.Addr) string {
	if address.Is4() {
		return Identifier(neighbor) + "_v4"
	}
	return Identifier(neighbor) + "_v6"
}

// Identifier makes a name what most languages take for one: a letter, then
// letters, digits and underscores.
func Identifier(name string) string {
	return "n_" + strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, name)
}
