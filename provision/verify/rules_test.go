package verify_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// broken are the rules that a result says are broken, with what was asked.
func broken(r verify.Result) string {
	var out []string
	for _, m := range r.Got {
		code, args, _ := strings.Cut(verdict.Text([]verdict.Message{m}), " question=")
		if question, _, ok := strings.Cut(strings.TrimPrefix(args, `"`)+" ", " "); ok && args != "" {
			out = append(out, strings.TrimPrefix(code, "dns.rule.")+" "+strings.TrimSuffix(question, `"`))
		}
	}
	return strings.Join(out, "; ")
}

// contentResults are those of the content.
func contentResults(s *site.Site, e verify.Evidence) []verify.Result {
	return slices.DeleteFunc(verify.Hollow(s, e), func(r verify.Result) bool {
		return !strings.HasPrefix(r.ID, "dns.content.") && !strings.HasPrefix(r.ID, "dns.offers.") && !strings.HasPrefix(r.ID, "dns.signatures.") && !strings.HasPrefix(r.ID, "dns.serial.")
	})
}

// TestEachRule bends one thing in one answer of a healthy root. The check of
// that address and transport says which rule is broken, and nothing else does.
func TestEachRule(t *testing.T) {
	z := newZone(t, ".").sign()
	s := z.site(t)
	said := map[string]bool{}
	for _, b := range slices.Concat(answerBends(), referralBends(), denialBends(), transportBends()) {
		t.Run(b.name+" over "+b.network, func(t *testing.T) {
			e := z.evidence(s)
			q := verify.Question{Address: addr("192.175.48.1"), Ask: b.ask, Zone: ".", Network: b.network}
			a, ok := e.Server.Content[q]
			if !ok {
				t.Fatal("nobody asks that")
			}
			b.change(z, &a)
			e.Server.Content[q] = a
			for _, r := range contentResults(s, e) {
				if strings.HasPrefix(r.ID, "dns.signatures.") {
					continue // which rests on these
				}
				want := ""
				if r.ID == "dns.content.192.175.48.1."+b.network {
					want = b.want
				}
				got := broken(r)
				if got != want || (r.Status == verify.Pass) != (want == "") || want != "" && r.Status != verify.Fail {
					t.Errorf("%s is %s with %q, want %q: %s", r.ID, r.Status, got, want, inWords(r))
				}
				fits(t, r)
				for _, m := range r.Got {
					said[string(m.Code)] = true
				}
			}
		})
	}
	// Each rule has been made to say no. One needs two answers that are bent.
	for _, d := range verify.Codes() {
		if code := string(d.Code); strings.HasPrefix(code, "dns.rule.") && code != "dns.rule.fallback" && !said[code] {
			t.Errorf("no bend breaks %s", code)
		}
	}
}

// What is right in more than one way is right.
func TestHealthyRoots(t *testing.T) {
	const day = 24 * time.Hour
	each := func(ask verify.Ask, change func(*zoneServer, *verify.Answer)) func(*zoneServer, *site.Site, *verify.Evidence) {
		return func(z *zoneServer, _ *site.Site, e *verify.Evidence) {
			for q, a := range e.Server.Content {
				if q.Ask == ask {
					change(z, &a)
					e.Server.Content[q] = a
				}
			}
		}
	}
	for _, tt := range []struct {
		name   string
		made   func(*zoneServer)
		change func(*zoneServer, *site.Site, *verify.Evidence)
	}{
		{"as it is", nil, nil},
		{"a domain without DS", func(z *zoneServer) { delete(z.sets, "net./DS") }, func(z *zoneServer, _ *site.Site, e *verify.Evidence) {
			for q := range e.Server.Content { // which is not asked for where there is none
				if q.Ask == verify.AskDS {
					e.Server.Content[q] = e.Server.Content[verify.Question{Address: q.Address, Ask: verify.AskArpaDS, Zone: q.Zone, Network: q.Network}]
				}
			}
		}},
		{"SOA without NS", nil, each(verify.AskApex, inMessage(func(m *dns.Msg) { m.Ns, m.Extra = nil, m.Extra[len(m.Extra)-1:] }))},
		{"keys that do not fit UDP", func(z *zoneServer) {
			for range 14 {
				z.sets["./DNSKEY"] = append(z.sets["./DNSKEY"], newKey(z.t, ".", dns.ZONE).record)
			}
		}, nil},
		{"a second signature that has ended", nil, each(verify.AskApex, func(z *zoneServer, a *verify.Answer) {
			a.Msg.Answer = append([]dns.RR{z.zsk.seal(z.t, a.Msg.Answer[:1], -9*day, -day)}, a.Msg.Answer...)
		})},
		{"a second signature by nobody", nil, each(verify.AskApex, func(z *zoneServer, a *verify.Answer) {
			a.Msg.Answer = append([]dns.RR{stranger(z).seal(z.t, a.Msg.Answer[:1], signFrom, signUntil)}, a.Msg.Answer...)
		})},
		{"names in upper case", nil, each(verify.AskDS, inMessage(func(m *dns.Msg) {
			for _, rr := range m.Answer {
				rr.Header().Name = "NET."
			}
		}))},
		{"an anchor of a key that is to come", nil, func(_ *zoneServer, s *site.Site, _ *verify.Evidence) {
			s.DNS.TrustAnchors = append([]site.TrustAnchor{{Zone: ".", KeyTag: 7, Algorithm: 13, DigestType: 2, Digest: "00"}}, s.DNS.TrustAnchors...)
		}},
		{"no anchor", nil, func(_ *zoneServer, s *site.Site, _ *verify.Evidence) { s.DNS.TrustAnchors = nil }},
		{"anchors of other zones alone", nil, func(_ *zoneServer, s *site.Site, _ *verify.Evidence) { s.DNS.TrustAnchors[0].Zone = "example" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z := newZone(t, ".")
			if tt.made != nil {
				tt.made(z)
			}
			z.sign()
			s := z.site(t)
			e := z.evidence(s)
			if tt.change != nil {
				tt.change(z, s, &e)
			}
			for _, r := range contentResults(s, e) {
				if r.Status != verify.Pass {
					t.Errorf("%s is %s: %s", r.ID, r.Status, inWords(r))
				}
			}
		})
	}
}

// A zone that is not signed by what the site trusts is right by its own keys
// alone, and that is not enough.
func TestAnchors(t *testing.T) {
	z := newZone(t, ".").sign()
	other := newZone(t, ".").sign()
	revoked := newZone(t, ".")
	revoked.ksk.record.Flags |= dns.REVOKE
	revoked.sign()
	for _, tt := range []struct {
		name   string
		serves *zoneServer
		anchor site.TrustAnchor
		want   string
	}{
		{"its own", z, z.anchor(), ""},
		{"of another zone of that name", z, other.anchor(), "anchor ./DNSKEY"},
		{"of a key that is revoked", revoked, revoked.anchor(), "anchor ./DNSKEY"},
		{"of another algorithm", z, func() site.TrustAnchor { a := z.anchor(); a.Algorithm = dns.RSASHA256; return a }(), "anchor ./DNSKEY"},
		{"with another digest", z, func() site.TrustAnchor { a := z.anchor(); a.Digest = other.anchor().Digest; return a }(), "anchor ./DNSKEY"},
	} {
		s := tt.serves.site(t)
		s.DNS.TrustAnchors = []site.TrustAnchor{tt.anchor}
		for _, r := range contentResults(s, tt.serves.evidence(s)) {
			if got := broken(r); strings.HasPrefix(r.ID, "dns.content.") && got != tt.want {
				t.Errorf("%s: %s is %s with %q, want %q", tt.name, r.ID, r.Status, got, tt.want)
			}
		}
	}
}

// Keys and signatures without end are not all tried.
func TestVerificationsAreBounded(t *testing.T) {
	crowd := newZone(t, ".")
	for range 20 {
		crowd.sets["./DNSKEY"] = append([]dns.RR{newKey(t, ".", dns.ZONE).record}, crowd.sets["./DNSKEY"]...)
	}
	for name, z := range map[string]*zoneServer{"many keys": crowd.sign(), "many signatures": newZone(t, ".").sign()} {
		s := z.site(t)
		e := z.evidence(s)
		for _, a := range e.Server.Content {
			if name == "many signatures" {
				spoilt(7)(z, &a)
			}
		}
		for _, r := range contentResults(s, e) {
			if strings.HasPrefix(r.ID, "dns.content.") && r.Status != verify.Fail {
				t.Errorf("%s: %s is %s: all was tried", name, r.ID, r.Status)
			}
		}
	}
}

// An answer that does not fit UDP has to be had over TCP.
func TestFallback(t *testing.T) {
	z := newZone(t, ".").sign()
	s := z.site(t)
	for what, change := range map[string]func(*zoneServer, *verify.Answer){
		"lost": lost, "truncated": inMessage(func(m *dns.Msg) { m.Truncated, m.Answer, m.Ns = true, nil, nil }),
	} {
		e := z.evidence(s)
		for network, change := range map[string]func(*zoneServer, *verify.Answer){"udp": inMessage(func(m *dns.Msg) { m.Truncated, m.Answer = true, nil }), "tcp": change} {
			q := verify.Question{Address: addr("2620:4f:8000::1"), Ask: verify.AskNS, Zone: ".", Network: network}
			a := e.Server.Content[q]
			change(z, &a)
			e.Server.Content[q] = a
		}
		for _, r := range contentResults(s, e) {
			if r.ID == "dns.content.2620:4f:8000::1.udp" && broken(r) != "fallback ./NS" {
				t.Errorf("%s over TCP: %s", what, broken(r))
			}
		}
	}
}

// Keys that do not fit UDP are those of TCP.
func TestKeysOfTheOtherTransport(t *testing.T) {
	z := newZone(t, ".")
	for range 14 {
		z.sets["./DNSKEY"] = append(z.sets["./DNSKEY"], newKey(t, ".", dns.ZONE).record)
	}
	s := z.sign().site(t)
	e := z.evidence(s)
	at := func(ask verify.Ask) verify.Answer {
		return e.Server.Content[verify.Question{Address: addr("192.175.48.1"), Ask: ask, Zone: ".", Network: "udp"}]
	}
	if !at(verify.AskKeys).Msg.Truncated {
		t.Fatal("they do fit")
	}
	at(verify.AskApex).Msg.Answer[0].(*dns.SOA).Serial++
	for _, r := range contentResults(s, e) {
		if r.ID == "dns.content.192.175.48.1.udp" && broken(r) != "bogus ./SOA" {
			t.Errorf("%s: %s", r.Status, inWords(r))
		}
	}
}

// Of a signed zone that is not the root only what is general is wanted.
func TestOtherSignedZone(t *testing.T) {
	z := newZone(t, "example.").sign()
	s := z.site(t)
	for _, tt := range []struct {
		name   string
		ask    verify.Ask
		change func(*zoneServer, *verify.Answer)
		want   string
	}{
		{"as it is", verify.AskApex, inMessage(func(*dns.Msg) {}), ""},
		{"NS with authority records", verify.AskNS, more("authority", "example. TXT x"), ""},
		{"SOA is another", verify.AskApex, inMessage(func(m *dns.Msg) { m.Answer[0].(*dns.SOA).Serial++ }), "bogus example./SOA"},
		{"NXDOMAIN without NSEC", verify.AskNothing, without("authority", dns.TypeNSEC, "", false), "nsec.name example./NXDOMAIN; nsec.wildcard example./NXDOMAIN"},
		{"a wildcard", verify.AskNothing, rcodeOf(dns.RcodeSuccess), ""},
		{"NXDOMAIN fails", verify.AskNothing, rcodeOf(dns.RcodeServerFailure), "rcode example./NXDOMAIN"},
		{"hashed names", verify.AskNothing, func(z *zoneServer, a *verify.Answer) {
			without("authority", dns.TypeNSEC, "", false)(z, a)
			n := record("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA RRSIG")
			a.Msg.Ns = append(a.Msg.Ns, n, z.zsk.seal(z.t, []dns.RR{n}, signFrom, signUntil))
		}, ""},
		{"the NSEC of a wildcard in another's place", verify.AskNothing, func(z *zoneServer, a *verify.Answer) {
			n := record("*.example. NSEC zz.example. A RRSIG NSEC")
			sig := z.zsk.seal(z.t, []dns.RR{n}, signFrom, signUntil)
			n.Header().Name, sig.Hdr.Name = "b.example.", "b.example."
			a.Msg.Ns = append(a.Msg.Ns, n, sig)
		}, "bogus example./NXDOMAIN"},
		{"hashed names that are not signed", verify.AskNothing, func(z *zoneServer, a *verify.Answer) {
			without("authority", dns.TypeNSEC, "", false)(z, a)
			a.Msg.Ns = append(a.Msg.Ns, record("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA RRSIG"))
		}, "unsigned example./NXDOMAIN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := z.evidence(s)
			q := verify.Question{Address: addr("192.175.48.1"), Ask: tt.ask, Zone: "example", Network: "tcp"}
			a := e.Server.Content[q]
			tt.change(z, &a)
			e.Server.Content[q] = a
			for _, r := range contentResults(s, e) {
				want := ""
				if r.ID == "dns.content.192.175.48.1.tcp" {
					want = tt.want
				}
				if got := broken(r); got != want {
					t.Errorf("%s is %s with %q, want %q", r.ID, r.Status, got, want)
				}
			}
		})
	}
}
