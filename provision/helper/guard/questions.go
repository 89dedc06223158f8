//go:build linux

package guard

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/watch"
)

// What is asked of one address.
type subject struct {
	Address netip.Addr
	Network string // udp or tcp
	Zone    watch.Zone
	flow    int // over which it goes: each has a port of its own
	place   int // among those of its address and network
}

// flows are over how many an address is asked by UDP: of several processes of a
// name server each hears some, and one may hang.
const flows = 4

func (s subject) String() string {
	return fmt.Sprintf("%s by %s, zone %s", s.Address, s.Network, s.Zone.Name)
}

// inquiry is what is asked in each look. Questions come from the loopback, which
// nobody outside has (RFC 1122 section 3.2.1.3), and carry the cookie that the
// name server gave (RFC 7873): what it limits for others is not limited for
// them.
type inquiry struct {
	subjects []subject
	client   string                // half of the cookie that is ours, hexadecimal
	server   map[netip.Addr]cookie // the other half
	wire     []server.DNSQuestion
	zones    int
	last     []finding
	turn     int // of the last glance
}

// cookie is a name server's half, hexadecimal, and when it came. A name server
// may give another one each time (RFC 9018 section 4.3); each is good for an
// hour.
type cookie struct {
	half string
	came time.Duration
}

const cookieAge = 10 * time.Minute

// udpSize is what fits one packet on every path (DNS flag day 2020).
const udpSize = 1232

func newInquiry(c watch.Config) (*inquiry, error) {
	var half [8]byte
	if _, err := rand.Read(half[:]); err != nil {
		return nil, err
	}
	q := &inquiry{client: hex.EncodeToString(half[:]), server: map[netip.Addr]cookie{}, zones: len(c.Zones)}
	var addresses []netip.Addr
	for _, b := range c.Blocks {
		addresses = append(addresses, b.Addresses...)
	}
	slices.SortFunc(addresses, netip.Addr.Compare)
	for _, a := range slices.Compact(addresses) {
		for i := range max(len(c.Zones), flows) {
			// What a glance leaves out is no flow.
			q.subjects = append(q.subjects, subject{a, "udp", c.Zones[i%len(c.Zones)], (i + i/quietTurns) % flows, i})
		}
		for i, z := range c.Zones {
			q.subjects = append(q.subjects, subject{a, "tcp", z, 0, i})
		}
	}
	return q, q.write()
}

// write makes the messages anew.
func (q *inquiry) write() error {
	q.wire = q.wire[:0]
	for i, s := range q.subjects {
		m := new(dns.Msg)
		m.Id = uint16(i)
		m.Question = []dns.Question{{Name: dns.Fqdn(s.Zone.Name), Qtype: dns.TypeSOA, Qclass: dns.ClassINET}}
		m.SetEdns0(udpSize, true)
		edns := m.IsEdns0()
		edns.Option = append(edns.Option,
			&dns.EDNS0_NSID{Code: dns.EDNS0NSID},
			&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: q.client + q.server[s.Address].half})
		message, err := m.Pack()
		if err != nil {
			return fmt.Errorf("pack the question for zone %s: %w", s.Zone.Name, err)
		}
		q.wire = append(q.wire, server.DNSQuestion{
			Network: s.Network, Source: loopback(s.Address), To: netip.AddrPortFrom(s.Address, 53), Message: message, Flow: s.flow,
		})
	}
	return nil
}

// learn takes down a cookie where there is none yet, or an old one, or one that
// was refused, and reports whether it did.
func (q *inquiry) learn(address netip.Addr, given string, at time.Duration, refused bool) bool {
	half, ours := strings.CutPrefix(given, q.client)
	if !ours || len(half) < 16 || len(half) > 64 { // RFC 7873 section 4
		return false
	}
	known, have := q.server[address]
	if have && !refused && at-known.came < cookieAge {
		return false
	}
	q.server[address] = cookie{half, at}
	return true
}

func loopback(to netip.Addr) netip.Addr {
	if to.Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}
