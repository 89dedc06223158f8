package verify_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verify"
)

// A zone that has no room any more is left out, and that is told.
func TestManyZones(t *testing.T) {
	s := *example(t)
	s.DNS.Zones = nil
	for i := range 500 {
		s.DNS.Zones = append(s.DNS.Zones, site.Zone{Name: fmt.Sprintf("z%d.example", i), Source: "as112"})
	}
	signed := site.Zone{Name: "zz.example", Primaries: []netip.Addr{addr("192.0.2.53")}}
	last := s
	last.DNS.Zones = append(slices.Clone(s.DNS.Zones), signed)
	if qs := verify.ContentQuestions(&last, "udp"); !slices.ContainsFunc(qs, func(q verify.Question) bool { return q.Ask == verify.AskKeys }) {
		t.Error("the signed one is left out")
	}
	asked := len(verify.ContentQuestions(&s, "udp")) + len(verify.ContentQuestions(&s, "tcp"))
	if asked < 1900 || asked > 2200 {
		t.Errorf("%d questions", asked)
	}
	e := healthy()
	for _, network := range []string{"udp", "tcp"} {
		for _, q := range verify.ContentQuestions(&s, network) {
			m := answerQuery(verify.Message(&s, q))
			e.Server.Content[q] = verify.Answer{Msg: m, At: answered, Size: 100}
		}
	}
	for _, r := range contentResults(&s, e) {
		if strings.HasPrefix(r.ID, "dns.content.") && (r.Status != verify.Pass || !strings.Contains(inWords(r), "the site has 500 zones: the first 85 were looked at")) {
			t.Errorf("%s is %s: %s", r.ID, r.Status, inWords(r))
		}
	}
}

// Where there is no room for questions about content, nobody asks any of them,
// and nobody knows.
func TestNoRoomForContent(t *testing.T) {
	s := newZone(t, ".").site(t)
	var many []netip.Addr
	for i := range 1000 {
		many = append(many, netip.AddrFrom4([4]byte{192, 175, byte(i >> 8), byte(i)}))
	}
	s.Anycast = []site.Anycast{{Name: "many", Addresses: many}}
	asked := len(verify.ContentQuestions(s, "udp")) + len(verify.ContentQuestions(s, "tcp")) + len(verify.PrimaryQuestions(s))
	if asked != 0 {
		t.Errorf("%d questions are asked", asked)
	}
	for _, r := range contentResults(s, verify.Evidence{}) {
		if r.Status != verify.Unknown {
			t.Errorf("%s is %s: %s", r.ID, r.Status, inWords(r))
		}
	}
}

// How each question is asked: as RSSAC047v2 does, from the loopback, whole zones
// over a connection of their own, and primaries from wherever the way leads.
func TestContentMessages(t *testing.T) {
	s := newZone(t, ".").site(t)
	qs := slices.Concat(verify.ContentQuestions(s, "udp"), verify.ContentQuestions(s, "tcp"), verify.PrimaryQuestions(s))
	asks, sent, err := verify.ForServer(s, qs)
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range qs {
		m, way := sent[i], asks[i]
		whole := q.Ask == verify.AskAXFR || q.Ask == verify.AskIXFR
		if way.Source.IsLoopback() == (q.Ask == verify.AskPrimary) || (way.Flow == 1) != whole || m.RecursionDesired {
			t.Errorf("%s over %s: from %s, flow %d, RD %t", q.Ask, q.Network, way.Source, way.Flow, m.RecursionDesired)
		}
		e := m.IsEdns0()
		if (e == nil) != (q.Ask == verify.AskPlain) {
			t.Errorf("%s has EDNS: %t", q.Ask, e != nil)
		}
		if e == nil {
			continue
		}
		size := uint16(1220)
		if q.Ask == verify.AskSmall {
			size = 512
		}
		chaos := q.Ask == verify.AskVersion || q.Ask == verify.AskVersionServer
		if e.UDPSize() != size || e.Do() == chaos || len(e.Option) != 1 || e.Option[0].Option() != dns.EDNS0NSID {
			t.Errorf("%s has %s", q.Ask, e)
		}
	}
}

// A name so long that nothing fits below it is not asked for what is not there.
func TestLongZone(t *testing.T) {
	s := newZone(t, ".").site(t)
	for _, tt := range []struct {
		length int // with the dot
		asked  bool
	}{{243, true}, {244, false}, {254, false}} {
		s.DNS.Zones[0].Name = strings.Repeat("abcdefghi.", 24) + strings.Repeat("x", tt.length-241)
		qs := verify.ContentQuestions(s, "udp")
		asked := slices.ContainsFunc(qs, func(q verify.Question) bool { return q.Ask == verify.AskNothing })
		if _, _, err := verify.ForServer(s, qs); err != nil || asked != tt.asked {
			t.Errorf("%d: asked: %t, %v", tt.length, asked, err)
		}
	}
}

// What is declared is not asked for as if it were not.
func TestWhatIsDeclaredIsNoOther(t *testing.T) {
	for declared, want := range map[string]string{
		"": "root-servers.net arpa 10.in-addr.arpa example.com referral", "root-servers.net": "arpa 10.in-addr.arpa example.com referral",
		"arpa": "root-servers.net example.com referral", "net": "arpa 10.in-addr.arpa example.com",
	} {
		s := newZone(t, ".").site(t)
		if declared != "" {
			s.DNS.Zones = append(s.DNS.Zones, site.Zone{Name: declared, Unverified: "x", Primaries: s.DNS.Zones[0].Primaries})
		}
		var have []string
		for _, q := range verify.ContentQuestions(s, "udp") {
			switch {
			case q.Address != addr("192.175.48.1"):
			case q.Ask == verify.AskOther:
				have = append(have, q.Zone)
			case q.Ask == verify.AskReferral:
				have = append(have, "referral")
			}
		}
		slices.SortStableFunc(have, func(a, b string) int { // what is asked comes in no order that matters
			return strings.Index(want, a) - strings.Index(want, b)
		})
		if strings.Join(have, " ") != want {
			t.Errorf("with %q: %s, want %s", declared, have, want)
		}
	}
}

// A datagram from outside that is larger than was asked for is read whole, and
// its size is what is wrong with it.
func TestLargeAnswerFromOutside(t *testing.T) {
	s := example(t)
	v, _ := vantages(t)
	large := nameServerOf(t, func(q *dns.Msg) *dns.Msg {
		m := answerQuery(q)
		if q.Question[0].Qtype == dns.TypeNS {
			for range 8 {
				m.Extra = append(m.Extra, record("x. TXT "+strings.Repeat("a", 200)))
			}
		}
		return m
	})
	v.Outside = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, map[string]string{"udp": large.udp, "tcp": large.tcp}[network])
	}
	for _, r := range verify.Judge(s, verify.Gather(t.Context(), s, v)) {
		if r.ID == "outside.content.192.175.48.1" && (r.Status != verify.Fail || !strings.HasPrefix(broken(r), "size 10.in-addr.arpa./NS")) {
			t.Errorf("%s: %s", r.Status, inWords(r))
		}
	}
}
