package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/remote"
)

// What a script makes of a variable that is not set goes nowhere: least of all
// to the real site in the place of a rehearsal.
func TestEmptyIsRefused(t *testing.T) {
	in(t)
	for _, args := range [][]string{
		{"plan", "gru1.hcl", "--rehearsal", ""}, {"apply", "gru1.hcl", "--rehearsal=", "--yes"}, {"verify", "gru1.hcl", "--via", ""},
		{"validate", ""}, {"fmt", ""}, {"plan", "gru1.hcl", "--operator", ""}, {"render", "gru1.hcl", "--templates", ""},
	} {
		code, _, stderr := raiz(t, args...)
		if code != exitUsage || !strings.Contains(stderr, "is empty: is a variable not set?") {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
	}
}

// full is a disk that takes so many bytes.
type full struct{ room int }

var errFull = errors.New("no space left on device")

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.room {
		n := f.room
		f.room = 0
		return n, errFull
	}
	f.room -= len(p)
	return len(p), nil
}

// Output that could not be written is no success, whoever writes it.
func TestOutputThatIsNotWritten(t *testing.T) {
	in(t)
	for _, args := range [][]string{{"validate", "gru1.hcl"}, {"render", "gru1.hcl"}, {"version"}, {"help"}, {"schema"}, {"validate", "gru1.hcl", "--json"}} {
		var said strings.Builder
		code := run(context.Background(), args, streams{in: strings.NewReader(""), out: &full{room: 3}, err: &said, env: func(string) string { return "" }})
		if code != exitError || !strings.Contains(said.String(), errFull.Error()) {
			t.Errorf("%q: exit code %d, %s", args, code, said.String())
		}
	}
	if code := run(context.Background(), []string{"version"}, streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard, env: func(string) string { return "" }}); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// What a name or a machine says in an error never begins a line of the log.
func TestErrorsStayInTheirLine(t *testing.T) {
	if have, want := inLines(errors.New("a\n::error::x\x1b[31m")), "a\n  | ::error::x\uFFFD[31m"; have != want {
		t.Errorf("got %q, want %q", have, want)
	}
}

func TestUnreachableIsNotTried(t *testing.T) {
	for _, tt := range []struct {
		outcome apply.Outcome
		err     error
		want    exitCode
	}{
		{apply.NotTried, remote.ErrUnreachable, exitUnreachable},
		{apply.Reverted, remote.ErrUnreachable, exitReverted},
		{apply.NotTried, errors.New("no"), exitError},
	} {
		if have := applyCode(apply.Journal{Outcome: tt.outcome}, tt.err); have != tt.want {
			t.Errorf("%v, %v: exit code %d, want %d", tt.outcome, tt.err, have, tt.want)
		}
	}
}
