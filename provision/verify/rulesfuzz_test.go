package verify_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/miekg/dns"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/verify"
)

// FuzzRules puts any bytes in the place of one answer of a healthy root: nothing
// panics, what is said is bounded and fits its definition, and an address whose
// answer is no message is not green.
func FuzzRules(f *testing.F) {
	z := newZone(f, ".").sign()
	s := z.site(f)
	healthy := z.evidence(s)
	var qs []verify.Question
	for _, network := range []string{"udp", "tcp"} {
		for _, q := range verify.ContentQuestions(s, network) {
			if q.Address == addr("192.175.48.1") {
				qs = append(qs, q)
			}
		}
	}
	for i, q := range qs {
		wire, err := healthy.Server.Content[q].Msg.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), wire)
	}
	offered := []verify.Ask{verify.AskVersion, verify.AskVersionServer, verify.AskAXFR, verify.AskIXFR, verify.AskOther}
	f.Fuzz(func(t *testing.T, which uint8, wire []byte) {
		if len(wire) < 2 {
			return
		}
		q := qs[int(which)%len(qs)]
		sent := verify.Message(s, q)
		sent.Id = uint16(wire[0])<<8 | uint16(wire[1])
		sent.Question = healthy.Server.Content[q].Msg.Question // a random name is the one that was asked for
		answers := maps.Clone(healthy.Server.Content)
		maps.Copy(answers, verify.ReadHeard([]server.DNSAnswer{{Message: wire}}, []verify.Question{q}, []*dns.Msg{sent}))
		a := answers[q]
		a.At = answered
		answers[q] = a
		for _, r := range verify.ContentOf(s, q.Address, q.Network, answers) {
			if len(r.Got) > 25 {
				t.Errorf("%s says %d things", r.ID, len(r.Got))
			}
			if a.Msg == nil && r.ID == "content" && !slices.Contains(offered, q.Ask) && r.Status == verify.Pass {
				t.Errorf("it is green without an answer to %s", q.Ask)
			}
			fits(t, r)
		}
	})
}

// What a verify costs to judge: a root with its content, and an AS112.
func BenchmarkJudge(b *testing.B) {
	z := newZone(b, ".").sign()
	root := z.site(b)
	full := z.evidence(root)
	b.Run("root", func(b *testing.B) {
		for b.Loop() {
			verify.Judge(root, full)
		}
	})
	as112, of112 := example(b), healthy()
	b.Run("as112", func(b *testing.B) {
		for b.Loop() {
			verify.Judge(as112, of112)
		}
	})
}
