package verify

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
)

// ednsSize is what fits one packet on every path (DNS flag day 2020).
const ednsSize = 1232

// message returns the message of a question. RD is set only where recursion
// is to be refused, DO where signatures may be there to see.
func message(s *site.Site, q Question) *dns.Msg {
	m := new(dns.Msg)
	m.Id = dns.Id()
	class := uint16(dns.ClassINET)
	switch q.Ask {
	case AskSOA:
		m.Question = []dns.Question{{Name: dns.Fqdn(q.Zone), Qtype: dns.TypeSOA, Qclass: class}}
	case AskHostname:
		m.Question = []dns.Question{{Name: "hostname.bind.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}}
	case AskServer:
		m.Question = []dns.Question{{Name: "id.server.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}}
	case AskElsewhere:
		m.RecursionDesired = true
		m.Question = []dns.Question{{Name: elsewhere(s), Qtype: dns.TypeA, Qclass: class}}
	default:
		return contentMessage(q)
	}
	m.SetEdns0(ednsSize, q.Ask == AskSOA)
	m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID})
	return m
}

// elsewhere is a name that this server has no business answering. A server of
// the root knows the whole name space and refers instead.
func elsewhere(s *site.Site) string {
	for _, z := range s.DNS.Zones {
		if z.Name == "." {
			return "raiz.invalid."
		}
	}
	return "example.com."
}

// questions are all questions of all service addresses over one transport:
// every zone, and who it is.
func questions(s *site.Site, network string) []Question {
	var out []Question
	for _, addr := range s.ServiceAddresses() {
		for _, z := range s.DNS.Zones {
			out = append(out, Question{Address: addr, Ask: AskSOA, Zone: z.Name, Network: network})
		}
		for _, a := range []Ask{AskHostname, AskServer, AskElsewhere} {
			out = append(out, Question{Address: addr, Ask: a, Network: network})
		}
	}
	return out
}

// forServer are the questions as the server itself asks them. They come from
// the loopback, whose rate limit no flood from outside can use up.
func forServer(s *site.Site, qs []Question) ([]server.DNSQuestion, []*dns.Msg, error) {
	var out []server.DNSQuestion
	var sent []*dns.Msg
	for _, q := range qs {
		m := message(s, q)
		wire, err := m.Pack()
		if err != nil {
			return nil, nil, fmt.Errorf("pack question %s %s: %w", q.Ask, q.Zone, err)
		}
		ask := server.DNSQuestion{Network: q.Network, Source: loopbackOf(q.Address), To: addrPort(q.Address), Message: wire}
		switch q.Ask {
		case AskPrimary:
			ask.Source = netip.Addr{} // it is elsewhere, and the kernel knows the way
		case AskAXFR, AskIXFR:
			ask.Flow = 1 // who gets a whole zone hears nothing else behind it
		}
		out = append(out, ask)
		sent = append(sent, m)
	}
	return out, sent, nil
}

// loopbackOf is the source that shares its rate limit with nobody outside: no
// packet from elsewhere can have it (RFC 1122 section 3.2.1.3, RFC 4291
// section 2.5.3).
func loopbackOf(a netip.Addr) netip.Addr {
	if a.Is4() {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.IPv6Loopback()
}

var errSilent = fmt.Errorf("no answer in %.0f s", dnsTimeout.Seconds())

// readHeard reads what the server has heard.
func readHeard(heard []server.DNSAnswer, qs []Question, sent []*dns.Msg) map[Question]Answer {
	out := map[Question]Answer{}
	now := time.Now() // a moment after the answers came
	for i, a := range heard {
		if len(a.Message) == 0 {
			out[qs[i]] = Answer{Err: reason(a.Problem, a.Text)}
			continue
		}
		m, err := unpacked(a.Message)
		if err != nil {
			out[qs[i]] = Answer{Err: fmt.Errorf("answer is no DNS message: %w", err)}
			continue
		}
		answer := matched(m, sent[i])
		answer.At, answer.Size = now, len(a.Message)
		out[qs[i]] = answer
	}
	return out
}

// unpacked reads a message. One that is not whole comes with what there is of it.
func unpacked(wire []byte) (*dns.Msg, error) {
	m := new(dns.Msg)
	err := m.Unpack(wire)
	return m, err
}

// reason is why the server has no answer.
func reason(p server.Problem, text string) error {
	switch p {
	case server.ProblemSilent:
		return errSilent
	case server.ProblemElsewhere:
		return errors.New("the address is not on this server")
	case server.ProblemRefused:
		return errors.New("connection refused")
	case server.ProblemUnreachable:
		return errors.New("no way leads there")
	case server.ProblemClosed:
		return errors.New("the connection was ended without an answer")
	case server.ProblemTooMuch:
		return errors.New("the answers are more than is read of them")
	case server.ProblemFailed:
		return fmt.Errorf("%.200q", text)
	}
	return errors.New("the server did not ask it")
}

// matched refuses an answer to another question (RFC 5452 section 9).
func matched(m, sent *dns.Msg) Answer {
	switch {
	case m.Id != sent.Id:
		return Answer{Err: fmt.Errorf("answer has identifier %d, want %d", m.Id, sent.Id)}
	case !m.Response:
		return Answer{Err: errors.New("what came back is a question")}
	case len(m.Question) != 1 || m.Question[0] != sent.Question[0]:
		return Answer{Err: errors.New("answer is to another question")}
	}
	return Answer{Msg: m}
}

// nsid returns the name server identifier of an answer as text (RFC 5001).
func nsid(m *dns.Msg) string {
	opt := m.IsEdns0()
	if opt == nil {
		return ""
	}
	for _, o := range opt.Option {
		if n, ok := o.(*dns.EDNS0_NSID); ok {
			raw, err := hex.DecodeString(n.Nsid)
			if err != nil {
				return n.Nsid
			}
			return string(raw)
		}
	}
	return ""
}

// txt returns the text of the only TXT record of an answer.
func txt(m *dns.Msg) string {
	for _, rr := range m.Answer {
		if t, ok := rr.(*dns.TXT); ok {
			return strings.Join(t.Txt, "")
		}
	}
	return ""
}

func addrPort(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, 53) }
