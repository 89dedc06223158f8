package verify

import (
	"context"
	"maps"
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/site"
)

// lookFromOutside asks every service address from where raiz runs.
func lookFromOutside(ctx context.Context, s *site.Site, v Vantages, e *Evidence) {
	if v.Outside != nil {
		e.Outside = OutsideEvidence{Asked: true, Answers: gatherOutside(ctx, s, v)}
	}
}

// gatherOutside asks as anybody would, by both transports. It may reach
// another copy: the NSID tells.
func gatherOutside(ctx context.Context, s *site.Site, v Vantages) map[Question]Answer {
	out := map[Question]Answer{}
	for _, network := range []string{"udp", "tcp"} {
		qs := slices.Concat(questions(s, network), contentQuestions(s, network))
		answers := askEach(s, qs, func(addr netip.Addr, qs []Question) map[Question]Answer {
			ctx, cancel := context.WithTimeout(ctx, dnsTimeout)
			defer cancel()
			return askAll(ctx, s, qs, func() (*dns.Conn, error) {
				c, err := v.Outside(ctx, network, addrPort(addr).String())
				return &dns.Conn{Conn: c, UDPSize: dns.MaxMsgSize}, err
			})
		})
		maps.Copy(out, answers)
	}
	return out
}
