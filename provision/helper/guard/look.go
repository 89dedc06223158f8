//go:build linux

package guard

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/server"
)

// asker sends DNS messages from here, as helper.Machine does.
type asker interface {
	Ask(questions []server.DNSQuestion, limit time.Duration) []server.DNSAnswer
}

// patience is how long each question waits; within it a datagram is sent four
// times.
const patience = time.Second

// look asks everything once.
func (q *inquiry) look(os asker, identity string, at time.Duration) ([]finding, error) {
	answers := os.Ask(q.wire, patience)
	all := make([]finding, len(q.subjects))
	refused := map[netip.Addr]bool{}
	learnt := false
	for i, s := range q.subjects {
		var given string
		all[i], given = judge(s, answers[i], identity)
		bad := all[i].why == rcode(dns.RcodeBadCookie)
		learnt = q.learn(s.Address, given, at, bad) || learnt
		refused[s.Address] = refused[s.Address] || bad
	}
	if !learnt {
		return all, nil
	}
	if err := q.write(); err != nil {
		return nil, err
	}
	// Who was refused for want of a cookie asks again with it (RFC 7873 section
	// 5.3).
	var again []server.DNSQuestion
	var of []int
	for i, s := range q.subjects {
		if refused[s.Address] && all[i].grade != right {
			again, of = append(again, q.wire[i]), append(of, i)
		}
	}
	if len(again) == 0 {
		return all, nil
	}
	for j, a := range os.Ask(again, patience) {
		all[of[j]], _ = judge(q.subjects[of[j]], a, identity)
	}
	return all, nil
}
