package server_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// pack is a document as it goes to a helper.
func pack(t testing.TB, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// requests are one of each verb.
func requests() []server.Request {
	const run = "0123456789abcdef"
	return []server.Request{
		{Verb: server.VerbHistory},
		{Verb: server.VerbStatus, Who: "a@b", Run: &server.RunRequest{Run: run}},
		{Verb: server.VerbRevert, Run: &server.RunRequest{Overdue: true}},
		{Verb: server.VerbRollback, Rollback: &server.RollbackRequest{Run: run, Seconds: 1, Number: 2, Reviewed: server.Reviewed{Standing: map[string]string{"/etc/x": "y"}}}},
		{Verb: server.VerbProbe, Probe: &server.ProbeRequest{
			Files: []server.FileQuestion{{Path: "/etc/x", Secret: true}}, Units: []string{"a.service"}, Packages: []string{"p"},
			Links: []server.Match{{Name: "eno1"}, {MAC: "02:00:00:00:00:02"}}, Key: bytes.Repeat([]byte{1}, 32),
		}},
		{Verb: server.VerbApply, Apply: &server.ApplyRequest{Run: run, Seconds: 120, Manifest: server.Manifest{
			Files: []server.File{{Path: "/etc/x", Owner: "root", Group: "root", Data: []byte("x"), Sum: "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
				Effect: &server.Action{Verb: server.ActReload, Unit: "a.service"}}},
			Links: []server.Link{{Match: server.Match{Name: "lo"}, Addresses: []string{"192.0.2.1/32"}}},
		}}},
		{Verb: server.VerbLook, Look: good()},
	}
}

// good is a look that is one.
func good() *server.LookRequest {
	return &server.LookRequest{
		Probe:    server.ProbeRequest{Units: []string{"a.service"}},
		Commands: []server.Command{{Argv: []string{"chronyc", "-c", "tracking"}}},
		Questions: []server.DNSQuestion{
			{Network: "udp", Source: netip.MustParseAddr("127.0.0.1"), To: netip.MustParseAddrPort("192.0.2.1:53"), Message: make([]byte, 12)},
			{Network: "tcp", To: netip.MustParseAddrPort("[2001:db8::1]:53"), Message: make([]byte, 65535)},
		},
		Ways:    []server.WayQuestion{{From: netip.MustParseAddr("192.0.2.1"), To: netip.MustParseAddr("1.1.1.1")}},
		Seconds: 4,
	}
}

func same() cmp.Options {
	return cmp.Options{cmpopts.EquateComparable(netip.Addr{}, netip.AddrPort{}), cmpopts.EquateEmpty()}
}

// What is sent arrives, whichever verb it is.
func TestRequestsArrive(t *testing.T) {
	for _, r := range requests() {
		wire, err := r.Encode()
		if err != nil {
			t.Errorf("%s: %v", r.Verb, err)
			continue
		}
		have, err := server.ReadRequest(bytes.NewReader(wire))
		r.Version = server.Version
		if diff := cmp.Diff(r, have, same()); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", r.Verb, err, diff)
		}
		for _, n := range []int{0, 1, len(wire) / 2, len(wire) - 1} {
			if _, err := server.ReadRequest(bytes.NewReader(wire[:n])); err == nil {
				t.Errorf("%s: %d of %d bytes are taken", r.Verb, n, len(wire))
			}
		}
	}
}

// A request of anybody is refused, or is one that raiz itself could send, and
// then arrives a second time as it is.
func FuzzReadRequest(f *testing.F) {
	for _, r := range requests() {
		r.Version = server.Version
		if r.Look != nil {
			r.Look.Questions = r.Look.Questions[:1] // the long one tells a fuzzer nothing
		}
		text, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"raiz":2}`))
	f.Add([]byte(`{"raiz":1,"verb":"look","look":null}`))
	f.Add([]byte(`{"raiz":1,"verb":"history"} {}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := server.ReadRequest(bytes.NewReader(text)); err != nil {
			typed(t, err)
		}
		r, err := server.ReadRequest(bytes.NewReader(pack(t, text)))
		if err != nil {
			typed(t, err)
			return
		}
		for _, p := range paths(r) {
			if err := state.CheckPath(p); err != nil {
				t.Errorf("takes %q: %v", p, err)
			}
		}
		wire, err := r.Encode()
		if err != nil {
			t.Fatalf("took what it would not send: %v", err)
		}
		again, err := server.ReadRequest(bytes.NewReader(wire))
		if diff := cmp.Diff(r, again, same()); err != nil || diff != "" {
			t.Errorf("%v (-first +second):\n%s", err, diff)
		}
	})
}

// typed is what a helper can say of a request that is none.
func typed(t *testing.T, err error) {
	t.Helper()
	if e, ok := errors.AsType[*server.Error](err); !ok || e.Code != server.ErrRequest && e.Code != server.ErrVersion {
		t.Errorf("error %v", err)
	}
}

// paths are all that a request has written, read or removed.
func paths(r server.Request) []string {
	var out []string
	if r.Probe != nil {
		for _, f := range r.Probe.Files {
			out = append(out, f.Path)
		}
	}
	if r.Look != nil {
		for _, f := range r.Look.Probe.Files {
			out = append(out, f.Path)
		}
	}
	if r.Apply != nil {
		for _, f := range r.Apply.Manifest.Files {
			out = append(out, f.Path)
		}
		out = append(out, r.Apply.Manifest.Deletes...)
	}
	return out
}

// answers are what helpers print.
func answers(t testing.TB) [][]byte {
	t.Helper()
	lines := func(all ...any) []byte {
		var out []byte
		for _, a := range all {
			text, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			out = append(append(out, text...), '\n')
		}
		return out
	}
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	last := server.Answer{Version: server.Version, Done: true}
	moved, active, seen := last, last, last
	moved.Error = &server.Error{Code: server.ErrMoved, Text: "x"}
	active.Status = &server.Status{Number: 1, Run: "0123456789abcdef", State: server.Active, Changed: at}
	seen.Facts = &server.Facts{Files: map[string]server.FileFact{"/etc/x": {Kind: server.IsAbsent}}, Managed: []string{"/etc/x"}}
	seen.Looked = &server.Looked{
		Printed: []server.Printed{{Output: []byte("a\xff\n"), Cut: true}, {Problem: server.ProblemSilent}},
		Heard:   []server.DNSAnswer{{Message: make([]byte, 12)}, {Problem: server.ProblemFailed, Text: "x"}},
		Ways:    []server.Way{{Route: &server.Route{Dev: "eno1"}}, {Text: "none"}},
	}
	return [][]byte{lines(last), lines(moved), lines(server.Event{Event: server.Staged, At: at}, server.Event{Event: server.Active, At: at}, active), lines(seen)}
}

// An answer that is cut anywhere is none, and what was heard before is known.
func TestAnswersAreCut(t *testing.T) {
	for _, whole := range answers(t) {
		events, _, err := server.ReadAnswer(whole)
		if err != nil {
			t.Errorf("%s: %v", whole, err)
		}
		all := len(events)
		for n := range whole[:len(whole)-1] {
			events, _, err := server.ReadAnswer(whole[:n])
			if !errors.Is(err, server.ErrCut) || len(events) > all {
				t.Fatalf("%q: %d events, %v", whole[:n], len(events), err)
			}
		}
	}
}

// What a server prints is not trusted: it is an error that is known, or an
// answer within the bounds.
func FuzzReadAnswer(f *testing.F) {
	for _, a := range answers(f) {
		f.Add(a)
	}
	f.Add([]byte("{\"raiz\":1,\"done\":true,\"facts\":{\"managed\":[\"/../x\"]}}\n"))
	f.Add([]byte("bash: x\n"))
	f.Fuzz(func(t *testing.T, out []byte) {
		events, a, err := server.ReadAnswer(out)
		for _, e := range events {
			if e.Event == server.NoState {
				t.Error("an event without a state")
			}
		}
		if err != nil {
			if !errors.Is(err, server.ErrAnswer) && !errors.Is(err, server.ErrCut) {
				t.Errorf("error %v", err)
			}
			return
		}
		if a.Version != server.Version || !a.Done {
			t.Errorf("took %+v", a)
		}
		if a.Facts != nil {
			for _, p := range a.Facts.Managed {
				if err := state.CheckPath(p); err != nil {
					t.Errorf("took %q: %v", p, err)
				}
			}
		}
		if a.Looked != nil {
			for _, p := range a.Looked.Printed {
				if len(p.Output) > server.MaxPrinted {
					t.Errorf("took %d bytes of one command", len(p.Output))
				}
			}
		}
	})
}
