//go:build linux

package guard

import (
	"slices"
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

// Of more questions than these a quiet look asks a part.
const (
	quietQuestions = 64
	quietTurns     = 4 // at most: in so many looks each question is asked
)

// look asks everything once.
func (q *inquiry) look(os asker, identity string, at time.Duration) ([]finding, error) {
	return q.ask(os, identity, at, func(int) bool { return true })
}

// glance asks some of it, after a look that found everything right: every
// address by both ways, and each zone there when its turn comes. Otherwise a
// copy with many zones would spend more on being watched than on answering. For
// what is not asked stands what was found last.
func (q *inquiry) glance(os asker, identity string, at time.Duration) ([]finding, error) {
	if len(q.last) == 0 || slices.ContainsFunc(q.last, func(f finding) bool { return f.grade != right }) {
		return q.look(os, identity, at)
	}
	turns := min((len(q.subjects)+quietQuestions-1)/quietQuestions, quietTurns, q.zones)
	q.turn++
	return q.ask(os, identity, at, func(i int) bool { return q.subjects[i].place%turns == q.turn%turns })
}

// ask asks those questions that are wanted.
func (q *inquiry) ask(os asker, identity string, at time.Duration, wanted func(i int) bool) ([]finding, error) {
	all := make([]finding, len(q.subjects))
	copy(all, q.last)
	of := make([]int, 0, len(all))
	for i := range q.subjects {
		if wanted(i) {
			of = append(of, i)
		}
	}
	learnt := q.put(os, identity, at, of, all)
	if learnt {
		if err := q.write(); err != nil {
			return nil, err
		}
		// Who was refused for want of a cookie asks again with it (RFC 7873
		// section 5.3).
		again := slices.DeleteFunc(of, func(i int) bool { return all[i].why != rcode(dns.RcodeBadCookie) })
		if len(again) > 0 {
			q.put(os, identity, at, again, all)
		}
	}
	q.last = slices.Clone(all) // callers judge what they are given
	return all, nil
}

// put asks some questions once and judges the answers. It reports whether there
// are cookies to be used from now on.
func (q *inquiry) put(os asker, identity string, at time.Duration, of []int, all []finding) (learnt bool) {
	questions := make([]server.DNSQuestion, 0, len(of))
	for _, i := range of {
		questions = append(questions, q.wire[i])
	}
	for n, a := range os.Ask(questions, patience) {
		i := of[n]
		var given string
		all[i], given = judge(q.subjects[i], a, identity)
		bad := all[i].why == rcode(dns.RcodeBadCookie)
		learnt = q.learn(q.subjects[i].Address, given, at, bad) || learnt
	}
	return learnt
}
