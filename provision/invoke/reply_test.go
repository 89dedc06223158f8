//go:build linux

package invoke_test

import (
	"context"
	"errors"
	"testing"

	"github.com/raiz-dns/raiz/provision/invoke"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/server"
)

// told is a connection over which this is heard.
type told struct {
	result remote.Result
	err    error
}

func (c told) Run(context.Context, remote.Script) (remote.Result, error) { return c.result, c.err }
func (c told) Upload(context.Context, string, []byte) error              { return errors.New("not sent") }

// TestCallHears tells a refusal, an answer, and a line that was cut apart.
func TestCallHears(t *testing.T) {
	const events = `{"event":"armed","at":"2026-01-01T00:00:00Z"}` + "\n"
	const answer = `{"raiz":1,"done":true,"error":{"code":"busy","text":"locked"}}` + "\n"
	lost := errors.New("cut")
	for _, tt := range []struct {
		name   string
		heard  told
		is     error // nil: an answer
		events int
		code   server.Code
	}{
		{"an answer", told{result: remote.Result{Stdout: []byte(events + answer)}}, nil, 1, server.ErrBusy},
		{"an answer, and then the line was cut", told{remote.Result{Stdout: []byte(events + answer), Code: -1}, lost}, nil, 1, server.ErrBusy},
		{"the line was cut", told{remote.Result{Stdout: []byte(events), Code: -1}, lost}, lost, 1, ""},
		{"the server fell silent", told{remote.Result{Code: -1}, remote.ErrLost}, remote.ErrLost, 0, ""},
		{"the helper ended without a word", told{result: remote.Result{Stdout: []byte(events)}}, server.ErrCut, 1, ""},
		{"half a line", told{result: remote.Result{Stdout: []byte(events + answer[:20])}}, server.ErrCut, 1, ""},
		{"something else answers", told{result: remote.Result{Stdout: []byte("hello\n")}}, server.ErrAnswer, 0, ""},
		{"another version", told{result: remote.Result{Stdout: []byte(`{"raiz":2,"done":true}` + "\n")}}, server.ErrAnswer, 0, ""},
		{"it wants what there is not", told{result: remote.Result{Stdout: []byte("abc\n"), Code: 97}}, invoke.ErrInstall, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			image, err := pack([]byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			h := invoke.Helper{Conn: tt.heard, Images: invoke.Images{"amd64": image}}
			r, err := h.Call(t.Context(), server.Request{Verb: server.VerbHistory})
			if !errors.Is(err, tt.is) || (tt.is == nil) != (err == nil) {
				t.Errorf("got %v, want %v", err, tt.is)
			}
			if len(r.Events) != tt.events {
				t.Errorf("heard %v", r.Events)
			}
			if tt.code != "" && (r.Answer.Error == nil || r.Answer.Error.Code != tt.code) {
				t.Errorf("answered %+v", r.Answer)
			}
		})
	}
}

// Another program of any architecture is another name of all.
func TestSum(t *testing.T) {
	a := invoke.Images{"amd64": {Sum: "aa"}, "arm64": {Sum: "bb"}}
	seen := map[string]bool{"": true}
	for _, other := range []invoke.Images{a, {"amd64": {Sum: "aa"}}, {"arm64": {Sum: "aa"}}, {"amd64": {Sum: "aa"}, "arm64": {Sum: "bc"}}, {"amd64": {Sum: "bb"}, "arm64": {Sum: "aa"}}} {
		if s := other.Sum(); seen[s] || len(s) != 12 || s != other.Sum() {
			t.Errorf("%v: %q", other, s)
		} else {
			seen[s] = true
		}
	}
	if s := (invoke.Images{}).Sum(); s != "" {
		t.Errorf("none: %q", s)
	}
}
