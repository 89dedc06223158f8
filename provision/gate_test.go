package provision

import (
	"context"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verify"
	"github.com/raiz-dns/raiz/templates"
)

// copyOfRoot is a connection to a server whose name server answers every
// question in the same time.
type copyOfRoot struct {
	apply.Server
	site   *site.Site
	takes  time.Duration // each answer
	absent string        // zone that is not there, ""for none
}

func (c copyOfRoot) Addr() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.20:22") }

func (c copyOfRoot) Forward(context.Context, netip.AddrPort) (net.Conn, error) {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		conn := &dns.Conn{Conn: there}
		var all []*dns.Msg
		for {
			// Whoever asks everything at once is answered when it has.
			_ = there.SetReadDeadline(time.Now().Add(c.takes))
			q, err := conn.ReadMsg()
			if err != nil {
				break
			}
			all = append(all, c.answer(q))
		}
		for _, m := range all {
			if conn.WriteMsg(m) != nil {
				return
			}
		}
	}()
	return here, nil
}

func (c copyOfRoot) answer(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Authoritative, m.RecursionDesired = true, false
	m.SetEdns0(1232, true)
	m.IsEdns0().Option = append(m.IsEdns0().Option, &dns.EDNS0_NSID{Code: dns.EDNS0NSID, Nsid: hexOf(c.site.DNS.Identity)})
	name := q.Question[0].Name
	header := dns.RR_Header{Name: name, Class: q.Question[0].Qclass, Ttl: 1}
	switch {
	case q.Question[0].Qtype == dns.TypeTXT:
		header.Rrtype = dns.TypeTXT
		m.Answer = []dns.RR{&dns.TXT{Hdr: header, Txt: []string{c.site.DNS.Identity}}}
	case q.Question[0].Qtype != dns.TypeSOA:
		m.Authoritative = false
	case name == c.absent:
		m.Rcode, m.Authoritative = dns.RcodeServerFailure, false
	default:
		header.Rrtype = dns.TypeSOA
		soa := &dns.SOA{Hdr: header, Ns: ".", Mbox: ".", Serial: 1, Refresh: 1, Retry: 1, Expire: 1, Minttl: 1}
		header.Rrtype = dns.TypeRRSIG
		now := time.Now()
		m.Answer = []dns.RR{soa, &dns.RRSIG{Hdr: header, TypeCovered: dns.TypeSOA, SignerName: ".", Inception: uint32(now.Add(-time.Hour).Unix()), Expiration: uint32(now.Add(time.Hour).Unix())}}
	}
	return m
}

func hexOf(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		const digits = "0123456789abcdef"
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// rootExample is a site that is reached through another machine, so that the
// gate dials nobody.
func rootExample(t *testing.T) *site.Site {
	t.Helper()
	packs, err := render.Packs(templates.FS())
	if err != nil {
		t.Fatal(err)
	}
	sites, diags := site.Load(os.DirFS("../sites"), "root-example.hcl", site.Options{Packs: packs, Operators: os.DirFS("../templates/operators")})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	sites[0].Server.SSH.Jump = []site.Jump{{}}
	return sites[0]
}

// What the gate says of a zone that is not there depends on whether it was
// there before; and when the time ends does not matter.
func TestGateAndZones(t *testing.T) {
	s := rootExample(t)
	there := map[verify.ZoneAt]bool{}
	for _, a := range s.ServiceAddresses() {
		there[verify.ZoneAt{Zone: ".", Address: a}] = true
	}
	for _, tt := range []struct {
		name        string
		before      map[verify.ZoneAt]bool
		absent      string
		takes       time.Duration
		revertAfter time.Duration
		missing     int
		err         string
	}{
		{"all there", nil, "", time.Millisecond, time.Minute, 0, ""},
		{"never there", nil, ".", time.Millisecond, time.Minute, 1, ""},
		{"never there, and the time ends in the second look", nil, ".", 900 * time.Millisecond, 4 * time.Second, 1, ""},
		{"there before", there, ".", time.Millisecond, time.Minute, 0, "zone .: SERVFAIL"},
		{"there before, and the time ends in the second look", there, ".", 900 * time.Millisecond, 4 * time.Second, 0, "zone .: SERVFAIL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := New(s, Options{RevertAfter: tt.revertAfter})
				r.before = tt.before
				err := r.gate(t.Context(), copyOfRoot{site: s, absent: tt.absent, takes: tt.takes}, nil)
				if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				if len(r.missing) != tt.missing {
					t.Errorf("missing: %v", r.missing)
				}
			})
		})
	}
}
