package verify

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
)

// ParseSessions reads the BGP sessions of `birdc show protocols all`: a line
// at the left edge begins a protocol, what is indented below tells of it.
func ParseSessions(lines []string) []Session {
	var out []Session
	inBGP := false
	for _, l := range lines {
		if l == "" {
			continue
		}
		if l[0] != ' ' && l[0] != '\t' {
			f := strings.Fields(l) // name, protocol, table, state, since, info
			if inBGP = len(f) >= 4 && f[1] == "BGP"; inBGP {
				out = append(out, Session{Name: f[0], State: f[3]})
			}
			continue
		}
		if key, value, ok := strings.Cut(strings.TrimSpace(l), ":"); ok && inBGP {
			out[len(out)-1].set(key, strings.TrimSpace(value))
		}
	}
	return out
}

// set takes one attribute; what is not understood stays zero and is seen as
// a session to nobody.
func (s *Session) set(key, value string) {
	switch key {
	case "BGP state":
		s.State = value
	case "Last error":
		s.Error = value
	case "Neighbor address":
		address, _, _ := strings.Cut(value, "%")
		s.Neighbor, _ = netip.ParseAddr(address)
	case "Neighbor AS":
		if n, err := strconv.ParseUint(value, 10, 32); err == nil {
			s.PeerAS = site.ASN(n)
		}
	}
}

// ParseRoutes reads `birdc show route … all`. A line that begins with a prefix
// begins a route, and so does an indented one that tells where another route
// to the same prefix comes from; what is indented below tells its attributes.
func ParseRoutes(lines []string) []Route {
	var out []Route
	for _, l := range lines {
		if l == "" {
			continue
		}
		if l[0] != ' ' && l[0] != '\t' {
			first, _, _ := strings.Cut(l, " ")
			if p, err := netip.ParsePrefix(strings.TrimSpace(first)); err == nil {
				out = append(out, Route{Prefix: p})
			}
			continue
		}
		if len(out) == 0 {
			continue
		}
		last := &out[len(out)-1]
		if l[0] == ' ' && strings.Contains(l, " [") {
			out = append(out, Route{Prefix: last.Prefix})
			continue
		}
		key, value, _ := strings.Cut(strings.TrimSpace(l), ":")
		switch key {
		case "BGP.as_path":
			last.ASPath = asPath(value)
		case "BGP.community", "BGP.ext_community", "BGP.large_community":
			last.Communities = append(last.Communities, communities(value)...)
		}
	}
	return out
}

// greeted reports whether BIRD itself has answered: then what is not there is
// absent, and otherwise nobody knows.
func greeted(lines []string) error {
	if slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "BIRD ") }) {
		return nil
	}
	return fmt.Errorf("birdc says %.200q", strings.Join(lines, " "))
}

func asPath(text string) []site.ASN {
	var path []site.ASN
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" {}()", r) }) {
		if n, err := strconv.ParseUint(word, 10, 32); err == nil {
			path = append(path, site.ASN(n))
		}
	}
	return path
}

// communities reads "(65535,65281) (112, 1, 2)".
func communities(text string) []string {
	var out []string
	for _, group := range strings.Split(text, "(")[1:] {
		inside, _, _ := strings.Cut(group, ")")
		words := strings.FieldsFunc(inside, func(r rune) bool { return r == ',' || r == ' ' })
		out = append(out, strings.Join(words, ":"))
	}
	return out
}
