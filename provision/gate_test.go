package provision

import (
	"context"
	"net"
	"net/netip"
	"os"
	"slices"
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

func (c copyOfRoot) Keys() []string { return nil }

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

// A rollback is gated on what its generation declares: the site file declares
// something else by then, and is not what is gone back to.
func TestGateOfAnEarlierGeneration(t *testing.T) {
	then := rootExample(t)
	declared, err := declare(then)
	if err != nil {
		t.Fatal(err)
	}
	now := *then
	now.DNS.Identity = "renamed." + then.DNS.Identity
	now.DNS.Zones = append([]site.Zone{{Name: "new.example", Primaries: then.DNS.Zones[0].Primaries}}, then.DNS.Zones...)
	now.Server.Management.Addresses = []netip.Prefix{netip.MustParsePrefix("192.0.2.99/28")}
	for name, tt := range map[string]struct {
		declared []byte
		passes   bool
	}{"what it declares": {declared, true}, "what the site file declares": {nil, false}, "nothing that is understood": {[]byte("x"), false}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := New(&now, Options{RevertAfter: 4 * time.Second})
				err := r.gate(t.Context(), copyOfRoot{site: then, takes: time.Millisecond}, tt.declared)
				if (err == nil) != tt.passes {
					t.Errorf("got %v", err)
				}
			})
		})
	}
	s, err := declaredBy(&now, declared)
	if err != nil || s.Server.Management.Addresses[0] != then.Server.Management.Addresses[0] || s.Server.SSH.Port != then.Server.SSH.Port {
		t.Errorf("it is looked for at %v, port %d: %v", s.Server.Management.Addresses, s.Server.SSH.Port, err)
	}
}

// What is declared of a zone decides how its answers are judged, so all of that
// goes along.
func TestDeclarationIsWhole(t *testing.T) {
	for _, file := range []string{"as112-gru1.hcl", "root-example.hcl", "f-root-example.hcl", "reference.hcl", "root-tagged.hcl"} {
		packs, err := render.Packs(templates.FS())
		if err != nil {
			t.Fatal(err)
		}
		sites, diags := site.Load(os.DirFS("../sites"), file, site.Options{Packs: packs, Operators: os.DirFS("../templates/operators")})
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		s := sites[0]
		text, err := declare(s)
		if err != nil {
			t.Fatal(err)
		}
		got, err := declaredBy(&site.Site{}, text)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.ServiceAddresses(), s.ServiceAddresses()) {
			t.Errorf("%s: service addresses %v, want %v", file, got.ServiceAddresses(), s.ServiceAddresses())
		}
		for i, z := range s.DNS.Zones {
			if g := got.DNS.Zones[i]; g.Name != z.Name || g.Source != z.Source || g.Transferred() != z.Transferred() || g.Verified() != z.Verified() {
				t.Errorf("%s: zone %+v, want %+v", file, g, z)
			}
		}
	}
}
