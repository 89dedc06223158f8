package verify

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
)

// ednsSize is what fits one packet on every path (DNS flag day 2020).
const ednsSize = 1232

func asks() []Ask { return []Ask{AskSOA, AskHostname, AskServer, AskElsewhere} }

// message returns the message of a question. RD is set only where recursion
// is to be refused.
func message(s *site.Site, a Ask) *dns.Msg {
	m := new(dns.Msg)
	m.Id = dns.Id()
	class := uint16(dns.ClassINET)
	switch a {
	case AskSOA:
		m.Question = []dns.Question{{Name: dns.Fqdn(s.DNS.Zones[0].Name), Qtype: dns.TypeSOA, Qclass: class}}
	case AskHostname:
		m.Question = []dns.Question{{Name: "hostname.bind.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}}
	case AskServer:
		m.Question = []dns.Question{{Name: "id.server.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}}
	case AskElsewhere:
		m.RecursionDesired = true
		m.Question = []dns.Question{{Name: elsewhere(s), Qtype: dns.TypeA, Qclass: class}}
	default:
		panic("verify: unknown question " + string(a))
	}
	m.SetEdns0(ednsSize, false)
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

// questions are all questions of all service addresses over one transport.
func questions(s *site.Site, network string) []Question {
	var out []Question
	for _, addr := range s.ServiceAddresses() {
		for _, a := range asks() {
			out = append(out, Question{Address: addr, Ask: a, Network: network})
		}
	}
	return out
}

// udpLines are the questions as lines for the server: number, address and the
// message as escapes of printf.
func udpLines(s *site.Site, qs []Question) ([]string, []*dns.Msg, error) {
	var lines []string
	var sent []*dns.Msg
	for i, q := range qs {
		m := message(s, q.Ask)
		wire, err := m.Pack()
		if err != nil {
			return nil, nil, fmt.Errorf("pack question %s: %w", q.Ask, err)
		}
		var escaped strings.Builder
		for _, b := range wire {
			escaped.WriteString(`\x` + hex.EncodeToString([]byte{b}))
		}
		lines = append(lines, fmt.Sprintf("%d %s %s", i, q.Address, escaped.String()))
		sent = append(sent, m)
	}
	return lines, sent, nil
}

var errSilent = errors.New("no answer in 4 s")

// readUDP reads the lines that came back: number, then the answer in base64
// or nothing.
func readUDP(lines []string, qs []Question, sent []*dns.Msg) map[Question]Answer {
	out := map[Question]Answer{}
	for _, q := range qs {
		out[q] = Answer{Err: errors.New("the server did not ask it")}
	}
	for _, l := range lines {
		number, text, _ := strings.Cut(l, " ")
		i, err := strconv.Atoi(number)
		if err != nil || i < 0 || i >= len(qs) {
			continue // a line of the shell, not of ours
		}
		out[qs[i]] = decode(text, sent[i])
	}
	return out
}

func decode(text string, sent *dns.Msg) Answer {
	if text == "" {
		return Answer{Err: errSilent}
	}
	wire, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return Answer{Err: errors.New("answer is not base64")}
	}
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		return Answer{Err: fmt.Errorf("answer is no DNS message: %w", err)}
	}
	return matched(m, sent)
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
