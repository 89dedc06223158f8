//go:build linux

package rehearse

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
)

// delegations is how many top-level domains a made root zone has: about as
// many as the real one.
const delegations = 1450

// edition is one version of a zone: all that its text depends on besides the
// rehearsal's seed and the keys.
type edition struct {
	Serial                 uint32
	Version                int // counts the editions; the small change is made of it
	Refresh, Retry, Expire uint32
	// Inception and Expiration bound the signatures, in seconds after 1970. An
	// RSA signature over what has not changed stays the same as long as they do
	// (RFC 8017 §8.2), which is what keeps an IXFR small.
	Inception, Expiration int64
}

// writer collects the lines of a zone file.
type writer struct {
	strings.Builder
	random *rand.Rand
}

func (w *writer) line(name string, ttl int, kind, format string, args ...any) {
	fmt.Fprintf(w, "%s %d IN %s %s\n", name, ttl, kind, fmt.Sprintf(format, args...))
}

// zoneText writes an edition of a zone, not signed. All names in it are
// absolute, but for "@", which is the zone's own: that may be so long that
// nothing fits in front of it.
func zoneText(zone string, s seed, e edition) string {
	w := &writer{random: rand.New(rand.NewChaCha8([32]byte(s.derive("zone " + zone))))}
	soa := fmt.Sprintf("%d %d %d %d 86400", e.Serial, e.Refresh, e.Retry, e.Expire)
	switch zone {
	case ".":
		w.line("@", 86400, "SOA", "a.root-servers.net. nstld.verisign-grs.com. %s", soa)
		w.root(e)
	case "root-servers.net":
		w.line("@", 3600000, "SOA", "a.root-servers.net. nstld.verisign-grs.com. %s", soa)
		w.letters("@", "%s.root-servers.net.", 3600000)
	default:
		w.line("@", 3600, "SOA", "ns1.invalid. hostmaster.invalid. %s", soa)
		w.line("@", 3600, "NS", "ns1.invalid.")
		w.line("@", 3600, "NS", "ns2.invalid.")
		w.line("@", 3600, "TXT", "%q", fmt.Sprintf("made for a rehearsal, version %d", e.Version))
	}
	return w.String()
}

// letters writes the root servers as name servers of a zone, under names that
// may differ, and their addresses.
func (w *writer) letters(zone, pattern string, ttl int, without ...byte) {
	for c := byte('a'); c <= 'm'; c++ {
		v4, v6, ok := site.RootServer(string(c))
		if !ok || strings.IndexByte(string(without), c) >= 0 {
			continue
		}
		name := fmt.Sprintf(pattern, string(c))
		w.line(zone, ttl, "NS", "%s", name)
		w.line(name, ttl, "A", "%s", v4)
		w.line(name, ttl, "AAAA", "%s", v6)
	}
}

// root writes what the root zone has below its SOA, in the real one's shape:
// most top-level domains have name servers of their own, the rest shares those
// of a few companies.
func (w *writer) root(e edition) {
	w.letters("@", "%s.root-servers.net.", 518400)
	w.letters("arpa.", "%s.ns.arpa.", 172800, 'j') // as in the real one
	// The one record that every edition changes.
	w.ds("arpa.", fmt.Sprintf("%064x", e.Version+1))
	shared := w.companies()
	for i, tld := range w.domains(delegations - 1) {
		if i%4 == 3 {
			for _, host := range shared[w.random.IntN(len(shared))] {
				w.line(tld, 172800, "NS", "%s", host)
			}
		} else {
			for c := range 4 + w.random.IntN(3) {
				host := fmt.Sprintf("%c.nic.%s", 'a'+c, tld)
				w.line(tld, 172800, "NS", "%s", host)
				w.glue(host)
			}
		}
		if i%12 != 11 { // so many are signed
			for range 1 + w.random.IntN(5)/4 {
				w.ds(tld, hex.EncodeToString(w.bytes(32)))
			}
		}
	}
}

// companies writes the addresses of shared name servers, and returns their
// names by company.
func (w *writer) companies() [][]string {
	var all [][]string
	for i := range 14 {
		var hosts []string
		for c := range 4 + w.random.IntN(3) {
			host := fmt.Sprintf("%c.dns%02d-servers.net.", 'a'+c, i)
			w.glue(host)
			hosts = append(hosts, host)
		}
		all = append(all, hosts)
	}
	return all
}

// domains returns so many different top-level domains: two letters, words,
// and a few in other scripts.
func (w *writer) domains(n int) []string {
	all := []string{"net.", "com.", "org."}
	seen := map[string]bool{"arpa.": true, "net.": true, "com.": true, "org.": true}
	for len(all) < n {
		var tld string
		switch k := len(all); {
		case k < 250:
			tld = w.word(2)
		case k < 400:
			tld = "xn--" + w.word(7+w.random.IntN(6))
		default:
			tld = w.word(3 + w.random.IntN(10))
		}
		if tld += "."; !seen[tld] {
			seen[tld] = true
			all = append(all, tld)
		}
	}
	return all
}

func (w *writer) word(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + w.random.IntN(26))
	}
	return string(b)
}

func (w *writer) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(w.random.Uint32())
	}
	return b
}

// glue gives a name server addresses that nobody has: RFC 2544, RFC 3849.
func (w *writer) glue(host string) {
	b := w.bytes(4)
	w.line(host, 172800, "A", "198.18.%d.%d", b[0], b[1])
	six := [16]byte{0x20, 0x01, 0x0d, 0xb8, b[0], b[1], b[2], b[3], 15: 0x53}
	w.line(host, 172800, "AAAA", "%s", netip.AddrFrom16(six))
}

func (w *writer) ds(tld, digest string) {
	w.line(tld, 86400, "DS", "%d 8 2 %s", w.random.IntN(1<<16), digest)
}
