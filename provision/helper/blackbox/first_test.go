//go:build linux

package blackbox_test

import (
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

// A server that has no generation says what programs print; one that has does
// not run them.
func TestFirstLook(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		q := server.ProbeRequest{First: &server.FirstLook{Seconds: 1, Commands: []server.Command{
			{Argv: []string{"sh", "-c", "echo hello"}}, {Argv: []string{"sleep", "60"}}, {Argv: []string{"no-such-program"}},
		}}}
		got := b.probe(t, q).Printed
		if len(got) != 3 || string(got[0].Output) != "hello\n" || got[1].Problem != server.ProblemSilent || got[2].Problem != server.ProblemAbsent {
			t.Errorf("printed %+v", got)
		}
		b.stand(t)
		if got := b.probe(t, q).Printed; len(got) != 0 {
			t.Errorf("a server of raiz printed %+v", got)
		}
	})
}
