package redact

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	propertyName = regexp.MustCompile(`^[@#]?[A-Za-z][A-Za-z0-9_@.# -]{0,127}$`)
	uuidForm     = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	hostForm     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})+\.?$`)
	runs         = regexp.MustCompile(`[A-Za-z]+|[0-9]+`)
	hexForm      = regexp.MustCompile(`(?i)[0-9a-f]{8,}`)
	manyDigits   = regexp.MustCompile(`[0-9]{5}`)
)

// meansNone reports whether a vendor means "nothing" by a text: raiz reads it
// as such, and so has whoever reads the capture.
func meansNone(s string) bool {
	switch s {
	case "", "(null)", "null", "None", "N/A", "NA":
		return true
	}
	a, err := netip.ParseAddr(s)
	return err == nil && a.IsUnspecified()
}

// instead is a placeholder of the same kind.
func (r *Redactor) instead(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return r.address(a).String()
	}
	if p, err := netip.ParsePrefix(s); err == nil {
		return netip.PrefixFrom(r.address(p.Addr()), p.Bits()).String()
	}
	if _, err := net.ParseMAC(s); err == nil && len(s) == len("00:00:00:00:00:00") {
		b := r.sum("mac", squeezed(s))
		return fmt.Sprintf("02:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4])
	}
	if uuidForm.MatchString(s) {
		b := r.sum("uuid", strings.ToLower(s))
		b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4 (RFC 9562 §5.4)
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
	}
	if _, err := time.Parse(time.RFC3339, s); err == nil {
		return time.Unix(int64(r.sum("time", s)[0])*86400, 0).UTC().Format(time.RFC3339)
	}
	if hostForm.MatchString(s) && strings.ContainsAny(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		return r.placeholder(s) + ".example.net"
	}
	return r.placeholder(s)
}

// placeholder stands for a text.
func (r *Redactor) placeholder(s string) string {
	return "redacted-" + letters(r.sum("text", s))
}

// letters are a sum without digits, so that it is taken for no number and no
// MAC.
func letters(sum []byte) string {
	var b strings.Builder
	for _, c := range []byte(hex.EncodeToString(sum[:6])) {
		if c <= '9' {
			c = c - '0' + 'g'
		}
		b.WriteByte(c)
	}
	return b.String()
}

// address stands for an address of its kind: of those for documentation, or
// for benchmarks where there are too few (RFC 2544, RFC 3849). What is of the
// link stays so, because raiz tells by it which interface is the controller's.
func (r *Redactor) address(a netip.Addr) netip.Addr {
	a = a.WithZone("")
	if a.IsLoopback() || a.IsUnspecified() {
		return a
	}
	if to, is := r.known[a]; is {
		return to
	}
	for n := 0; ; n++ {
		to := standIn(a, r.sum("address", a.String()+" "+strconv.Itoa(n)))
		if !r.taken[to] {
			r.taken[to], r.known[a] = true, to
			return to
		}
	}
}

func standIn(a netip.Addr, sum []byte) netip.Addr {
	link := a.IsLinkLocalUnicast()
	switch {
	case a.Is4() && link:
		return netip.AddrFrom4([4]byte{169, 254, sum[0], sum[1]})
	case a.Is4() || a.Is4In6():
		return netip.AddrFrom4([4]byte{198, 18 + sum[0]&1, sum[1], 1 + sum[2]%254})
	}
	b := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	if link {
		b = [16]byte{0xfe, 0x80}
	}
	copy(b[8:], sum)
	return netip.AddrFrom16(b)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// looksLikeMachine reports whether a part of a name is rather a serial number
// or a MAC than a word.
func looksLikeMachine(part string) bool {
	for _, h := range hexForm.FindAllString(part, -1) {
		if strings.ContainsAny(h, "0123456789") {
			return true
		}
	}
	return manyDigits.MatchString(part) || len(runs.FindAllString(part, -1)) > 6
}
