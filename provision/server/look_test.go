package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

// A look that asks for what no look is for is refused on both sides.
func TestLookRefuses(t *testing.T) {
	v6 := netip.MustParseAddr("2001:db8::1")
	at := func(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
	for name, change := range map[string]func(*server.LookRequest){
		"no time":                      func(l *server.LookRequest) { l.Seconds = 0 },
		"much time":                    func(l *server.LookRequest) { l.Seconds = 31 },
		"many commands":                func(l *server.LookRequest) { l.Commands = slices.Repeat(l.Commands, 257) },
		"many questions":               func(l *server.LookRequest) { l.Questions = slices.Repeat(l.Questions[:1], 8193) },
		"many ways":                    func(l *server.LookRequest) { l.Ways = slices.Repeat(l.Ways, 1025) },
		"no command":                   func(l *server.LookRequest) { l.Commands[0].Argv = nil },
		"no program":                   func(l *server.LookRequest) { l.Commands[0].Argv[0] = "" },
		"a word with its end inside":   func(l *server.LookRequest) { l.Commands[0].Argv[1] = "a\x00b" },
		"a long word":                  func(l *server.LookRequest) { l.Commands[0].Argv[1] = strings.Repeat("x", 4097) },
		"another transport":            func(l *server.LookRequest) { l.Questions[0].Network = "sctp" },
		"no transport":                 func(l *server.LookRequest) { l.Questions[0].Network = "" },
		"no port":                      func(l *server.LookRequest) { l.Questions[0].To = at("192.0.2.1:0") },
		"nowhere":                      func(l *server.LookRequest) { l.Questions[0].To = netip.AddrPort{} },
		"shorter than a header":        func(l *server.LookRequest) { l.Questions[0].Message = make([]byte, 11) },
		"longer than TCP bears":        func(l *server.LookRequest) { l.Questions[1].Message = make([]byte, 65536) },
		"a source of another family":   func(l *server.LookRequest) { l.Questions[0].Source = v6 },
		"a link":                       func(l *server.LookRequest) { l.Questions[1].To = at("[fe80::1%eno1]:53") },
		"IPv4 in IPv6":                 func(l *server.LookRequest) { l.Questions[1].To = at("[::ffff:192.0.2.1]:53") },
		"a way of two families":        func(l *server.LookRequest) { l.Ways[0].To = v6 },
		"a way from nowhere":           func(l *server.LookRequest) { l.Ways[0].From = netip.Addr{} },
		"a path that is none":          func(l *server.LookRequest) { l.Probe.Files = []server.FileQuestion{{Path: "../x"}} },
		"a unit that is an option":     func(l *server.LookRequest) { l.Probe.Units = []string{"--now"} },
		"a secret without a key":       func(l *server.LookRequest) { l.Probe.Files = []server.FileQuestion{{Path: "/etc/x", Secret: true}} },
		"a question that is not there": func(l *server.LookRequest) { l.Questions[0] = server.DNSQuestion{} },
	} {
		r := server.Request{Verb: server.VerbLook, Look: good()}
		change(r.Look)
		if _, err := r.Encode(); err == nil {
			t.Errorf("%s: raiz sends it", name)
		}
		r.Version = server.Version
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := server.ReadRequest(bytes.NewReader(pack(t, text))); err == nil {
			t.Errorf("%s: the helper takes it", name)
		}
	}
	for name, r := range map[string]server.Request{
		"nothing to look at":      {Verb: server.VerbLook},
		"a look at a probe":       {Verb: server.VerbProbe, Look: good()},
		"a look and something":    {Verb: server.VerbLook, Look: good(), Run: &server.RunRequest{Overdue: true}},
		"a look with a history":   {Verb: server.VerbHistory, Look: good()},
		"a look with many a name": {Verb: server.VerbLook, Look: good(), Who: strings.Repeat("x", 1025)},
	} {
		if _, err := r.Encode(); err == nil {
			t.Errorf("%s: raiz sends it", name)
		}
	}
}

// A server that tells more than it may is not heard.
func TestLookedIsBounded(t *testing.T) {
	for name, l := range map[string]server.Looked{
		"":                     {Printed: []server.Printed{{Output: make([]byte, server.MaxPrinted)}}, Heard: []server.DNSAnswer{{Message: make([]byte, 65535)}}},
		"a loud command":       {Printed: []server.Printed{{Output: make([]byte, server.MaxPrinted+1)}}},
		"a long reason":        {Printed: []server.Printed{{Text: strings.Repeat("x", 4097)}}},
		"a long message":       {Heard: []server.DNSAnswer{{Message: make([]byte, 65536)}}},
		"a long reason of DNS": {Heard: []server.DNSAnswer{{Text: strings.Repeat("x", 4097)}}},
		"a long way":           {Ways: []server.Way{{Text: strings.Repeat("x", 4097)}}},
		"many commands":        {Printed: make([]server.Printed, 257)},
		"many answers":         {Heard: make([]server.DNSAnswer, 8193)},
		"many ways":            {Ways: make([]server.Way, 1025)},
	} {
		out, err := json.Marshal(server.Answer{Version: server.Version, Done: true, Looked: &l})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := server.ReadAnswer(append(out, '\n')); errors.Is(err, server.ErrAnswer) != (name != "") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
