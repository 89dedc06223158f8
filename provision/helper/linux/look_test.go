//go:build linux

package linux_test

import (
	"bytes"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/apart"
	"github.com/raiz-dns/raiz/provision/helper/linux"
	"github.com/raiz-dns/raiz/provision/server"
)

// look has a helper answer on this machine, through the language both ways.
func look(t *testing.T, q server.LookRequest) server.Answer {
	t.Helper()
	wire, err := server.Request{Verb: server.VerbLook, Look: &q}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if code := helper.New(linux.New(), helper.Options{}).Serve(bytes.NewReader(wire), &out); code != 0 {
		t.Errorf("exit %d", code)
	}
	_, a, err := server.ReadAnswer(out.Bytes())
	if err != nil || a.Error != nil {
		t.Fatal(err, a.Error)
	}
	return a
}

// What a program does is told as it is, and none keeps another one from being
// heard.
func TestLookAtPrograms(t *testing.T) {
	sh := func(text string) []string { return []string{"sh", "-c", text} }
	tests := []struct {
		name    string
		argv    []string
		output  string
		problem server.Problem
	}{
		{"it hangs", sh("echo ready; sleep 100"), "ready\n", server.ProblemSilent},
		{"its child hangs", sh("echo ready; sleep 100 & exit 0"), "ready\n", server.ProblemSilent},
		{"it leaves its group and hangs", sh("echo ready; setsid sleep 6 & exit 0"), "ready\n", server.ProblemSilent},
		{"both streams", sh("echo out; echo err >&2"), "out\nerr\n", ""},
		{"no text", sh(`printf '\377\0\n'`), "\xff\x00\n", ""},
		{"nothing", []string{"true"}, "", ""},
		{"another exit code", sh("echo no; exit 3"), "no\n", server.ProblemFailed},
		{"it reads", []string{"cat"}, "", ""},
		{"no such program", []string{"raiz-no-such-program"}, "", server.ProblemAbsent},
		{"no such path", []string{"/no/such/program"}, "", server.ProblemAbsent},
		{"not for a shell", []string{"echo", "$(id); `id` *"}, "$(id); `id` *\n", ""},
	}
	q := server.LookRequest{Seconds: 1}
	for _, tt := range tests {
		q.Commands = append(q.Commands, server.Command{Argv: tt.argv})
	}
	// More hang than run side by side.
	for range 10 {
		q.Commands = append(q.Commands, server.Command{Argv: sh("sleep 100")})
	}
	start := time.Now()
	a := look(t, q)
	if took := time.Since(start); took < time.Second || took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
	if len(a.Looked.Printed) != len(q.Commands) || a.Facts == nil {
		t.Fatalf("%d answers, facts %v", len(a.Looked.Printed), a.Facts)
	}
	for i, tt := range tests {
		if p := a.Looked.Printed[i]; string(p.Output) != tt.output || p.Problem != tt.problem || p.Cut || (p.Text != "") != (tt.problem == server.ProblemFailed) {
			t.Errorf("%s: %+v %q", tt.name, p, p.Output)
		}
	}
}

// Programs that print without end are ended, and what is told of one, and of
// all, is bounded.
func TestLookAtLoudPrograms(t *testing.T) {
	q := server.LookRequest{Seconds: 1}
	for range 6 {
		q.Commands = append(q.Commands, server.Command{Argv: []string{"yes"}})
	}
	q.Commands = append(q.Commands, server.Command{Argv: []string{"echo", "small"}})
	all := 0
	for i, p := range look(t, q).Looked.Printed {
		all += len(p.Output)
		loud := i < 6
		if !p.Cut || loud && p.Problem != server.ProblemSilent || len(p.Output) > server.MaxPrinted {
			t.Errorf("%d: %d bytes, cut %t, %q", i, len(p.Output), p.Cut, p.Problem)
		}
	}
	if all != server.MaxAllPrinted {
		t.Errorf("%d bytes are told", all)
	}
}

// A look has as many answers as questions, in their order.
func TestLookAnswersAll(t *testing.T) {
	at := echo(t, "127.0.0.1", marked)
	lo := at.Addr()
	a := look(t, server.LookRequest{
		Probe: server.ProbeRequest{Units: []string{"raiz-no-such-unit.service"}},
		Questions: []server.DNSQuestion{
			{Network: "udp", Source: lo, To: netip.AddrPortFrom(lo, 1), Message: questionOf(t, 1)},
			{Network: "tcp", Source: lo, To: at, Message: questionOf(t, 2)},
		},
		Ways:    []server.WayQuestion{{From: netip.MustParseAddr("192.0.2.1"), To: lo}, {From: lo, To: lo}},
		Seconds: 1,
	})
	l := a.Looked
	if len(l.Heard) != 2 || l.Heard[0].Problem != server.ProblemRefused || !bytes.Equal(l.Heard[1].Message, marked(questionOf(t, 2))) {
		t.Errorf("heard %+v", l.Heard)
	}
	if len(l.Ways) != 2 || l.Ways[0].Route != nil || l.Ways[0].Text == "" || l.Ways[1].Route == nil || l.Ways[1].Route.Dev != "lo" {
		t.Errorf("ways %+v", l.Ways)
	}
	if !slices.ContainsFunc(a.Facts.Network.Links, func(f server.LinkFact) bool { return f.Name == "lo" }) {
		t.Errorf("network %+v", a.Facts.Network)
	}
}

// TestWay has the kernel say which way answers leave, in a network of its own:
// by the rules of their source, not by the table that other packets take.
func TestWay(t *testing.T) {
	if !apart.Network(t) {
		return
	}
	script := `set -e
ip link set lo up
for l in eno1 eno2; do ip link add $l type veth peer name far-$l; ip link set $l up; ip link set far-$l up; done
ip address add 192.0.2.20/28 dev eno1
ip address add 198.51.100.1/31 dev eno2
ip address add 2001:db8::20/64 dev eno1 nodad
ip address add 2001:db8:3::1/64 dev eno2 nodad
for a in 192.175.48.1/32 192.175.48.9/32 2620:4f:8000::1/128 203.0.113.9/32; do ip address add $a dev lo nodad; done
ip route add default via 192.0.2.17 dev eno1
ip route add default via 198.51.100.0 dev eno2 table 112
ip rule add from 192.175.48.1 table 112
ip -6 route add default via 2001:db8::1 dev eno1
ip -6 route add default via 2001:db8:3::2 dev eno2 table 112
ip -6 rule add from 2620:4f:8000::/48 table 112
ip route add unreachable default table 113
ip rule add from 203.0.113.9 table 113
`
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, tt := range []struct{ from, to, dev, via, err string }{
		{"192.175.48.1", "1.1.1.1", "eno2", "198.51.100.0", ""},
		{"192.175.48.9", "1.1.1.1", "eno1", "192.0.2.17", ""},
		{"2620:4f:8000::1", "2001:4860:4860::8888", "eno2", "2001:db8:3::2", ""},
		{"2001:db8::20", "2001:4860:4860::8888", "eno1", "2001:db8::1", ""},
		{"192.175.48.1", "192.175.48.9", "lo", "", ""},
		{"203.0.113.9", "1.1.1.1", "", "", "no route to host"},
		{"203.0.113.10", "1.1.1.1", "", "", "way from 203.0.113.10"}, // not an address of this machine
	} {
		r, err := linux.New().Way(netip.MustParseAddr(tt.from), netip.MustParseAddr(tt.to))
		said := ""
		if err != nil {
			said = err.Error()
		}
		if r.Dev != tt.dev || r.Via != tt.via || (tt.err == "") != (err == nil) || !strings.Contains(said, tt.err) {
			t.Errorf("from %s to %s: dev %s via %s, %v", tt.from, tt.to, r.Dev, r.Via, err)
		}
	}
}
