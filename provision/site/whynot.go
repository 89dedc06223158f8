package site

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// whyNotAddr says what is wrong with a text that is no IP address, as a
// sentence with a space before it; "" where nothing better can be said.
func whyNotAddr(s string) string {
	host, zone, zoned := strings.Cut(s, "%")
	switch {
	case strings.TrimSpace(s) != s:
		return " There is white space around it."
	case zoned && (zone == "" || isAddr(host)):
		return zoneProblem(zone)
	case strings.HasPrefix(s, "[") || strings.HasSuffix(s, "]"):
		return " Leave out the brackets, which belong to a port."
	case strings.Contains(s, ":"):
		return whyNot6(s)
	case strings.Contains(s, ".") && strings.Trim(s, "0123456789.") == "":
		return whyNot4(s)
	}
	return ""
}

func isAddr(s string) bool { _, err := netip.ParseAddr(s); return err == nil }

func zoneProblem(zone string) string {
	return fmt.Sprintf(" Its zone (%q) binds it to one interface of one machine; leave it out.", short("%"+zone))
}

func whyNot4(s string) string {
	parts := strings.Split(s, ".")
	for _, p := range parts {
		n, err := strconv.Atoi(p)
		switch {
		case p == "":
			return " There is nothing between two of its dots."
		case err != nil || n > 255:
			return fmt.Sprintf(" %s is more than 255, the most that a part of an IPv4 address can be.", short(p))
		case len(p) > 1 && p[0] == '0':
			return fmt.Sprintf(" %s begins with a zero, so that some programs take it for octal; write %d.", p, n)
		}
	}
	if len(parts) != 4 {
		return fmt.Sprintf(" It has %d parts; an IPv4 address has four.", len(parts))
	}
	return ""
}

func whyNot6(s string) string {
	if strings.Count(s, "::") > 1 || strings.Contains(s, ":::") {
		return ` Only one "::" can stand in an IPv6 address.`
	}
	groups := strings.FieldsFunc(s, func(r rune) bool { return r == ':' })
	for i, g := range groups {
		switch {
		case i == len(groups)-1 && strings.Contains(g, "."):
			return whyNot4(g)
		case strings.Trim(g, "0123456789abcdefABCDEF") != "":
			return fmt.Sprintf(" %q is no group of hexadecimal digits.", short(g))
		case len(g) > 4:
			return fmt.Sprintf(" %q has more than the four digits of a group.", short(g))
		}
	}
	if shortened := strings.Contains(s, "::"); len(groups) > 8 || (len(groups) == 8 && shortened) || (len(groups) < 8 && !shortened) {
		return fmt.Sprintf(" It has %d groups; an IPv6 address has eight, or fewer and one \"::\".", len(groups))
	}
	return ""
}

// whyNotPrefix says what is wrong with a text that is no address with its
// length.
func whyNotPrefix(s string) string {
	host, length, ok := strings.Cut(s, "/")
	if !ok {
		if isAddr(s) && !strings.Contains(s, "%") {
			return " The length is missing."
		}
		return whyNotAddr(s)
	}
	addr, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		return whyNotAddr(host)
	case addr.Zone() != "":
		return zoneProblem(addr.Zone())
	}
	n, err := strconv.Atoi(length)
	switch {
	case strings.Trim(length, "0123456789") != "" || length == "":
		return fmt.Sprintf(" %q is no length: write a number of bits.", short("/"+length))
	case err != nil || n > addr.BitLen():
		return fmt.Sprintf(" /%s is longer than an %s address, which has %d bits.", short(length), family(addr), addr.BitLen())
	case len(length) > 1 && length[0] == '0':
		return fmt.Sprintf(" /%s begins with a zero; write /%d.", length, n)
	case addr.Is4In6():
		return " It is an IPv4 address inside of an IPv6 one; write it as IPv4."
	}
	return ""
}
