package contract

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

// askNames asks all at once: each answer is about its own question, and what is
// silent costs the limit once.
func askNames(t *testing.T, os helper.OS, n Names) {
	type asked struct {
		to   netip.AddrPort
		want server.Problem
	}
	var all []asked
	var qs []server.DNSQuestion
	for _, network := range []string{"udp", "tcp"} {
		for i, a := range []asked{
			{n.Answers, ""}, {n.Silent, server.ProblemSilent}, {n.Nobody, server.ProblemRefused},
			{n.Other, server.ProblemElsewhere}, {n.Answers, ""},
		} {
			all = append(all, a)
			qs = append(qs, server.DNSQuestion{
				Network: network, Source: n.Source, To: a.to, Message: append([]byte{0x0a, byte(i)}, bytes.Repeat([]byte{byte(i)}, 20)...),
			})
		}
	}
	const limit = time.Second
	began := os.Uptime()
	got := os.Ask(qs, limit)
	if took := os.Uptime() - began; took < limit || took > 10*limit {
		t.Errorf("a limit of %s took %s", limit, took)
	}
	if len(got) != len(qs) {
		t.Fatalf("%d answers to %d questions", len(got), len(qs))
	}
	for i, a := range got {
		var want []byte
		if all[i].want == "" {
			want = qs[i].Message
		}
		if a.Problem != all[i].want || !bytes.Equal(a.Message, want) {
			t.Errorf("%s to %s: %x, %q %s", qs[i].Network, qs[i].To, a.Message, a.Problem, a.Text)
		}
	}
	if got := os.Ask(nil, limit); len(got) != 0 {
		t.Errorf("no question is answered by %+v", got)
	}
}
