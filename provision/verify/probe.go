package verify

import (
	"errors"
	"fmt"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
)

// probe is a program that the one look at the server runs, and how its answer
// gets into the evidence. The checks of a group may read what it printed by its
// name, and then need no field there.
type probe struct {
	name string                             // one word or two
	argv []string                           // nil where nobody knows what to run
	read func(p Printed, e *ServerEvidence) // nil to leave it as it was printed
}

// Printed is what a program printed.
type Printed struct {
	Lines []string
	Err   error // why these are not its answer, or not all of it
}

// probes are those of every group.
func probes(s *site.Site, v Vantages) []probe {
	var out []probe
	for _, g := range groups() {
		if g.probes != nil {
			out = append(out, g.probes(s, v)...)
		}
	}
	return out
}

// commands are what is to be run for them.
func commands(all []probe) []server.Command {
	var out []server.Command
	for _, p := range all {
		if p.argv != nil {
			out = append(out, server.Command{Argv: p.argv})
		}
	}
	return out
}

// take puts into the evidence what they printed.
func take(all []probe, answers []server.Printed, e *ServerEvidence) {
	e.Printed = map[string]Printed{}
	for _, p := range all {
		var got Printed
		if p.argv != nil {
			got, answers = printed(p.argv[0], answers[0]), answers[1:]
		}
		e.Printed[p.name] = got
		if p.read != nil {
			p.read(got, e)
		}
	}
}

// errTooMuch says that a program printed more than is read.
var errTooMuch = errors.New("it prints more than is read of it")

// printed reads what a program printed. An exit code says less than its words:
// daemons' tools have many habits.
func printed(program string, a server.Printed) Printed {
	text := string(a.Output)
	if a.Cut {
		text = text[:strings.LastIndexByte(text, '\n')+1] // half a line says something else
	}
	var p Printed
	if text != "" {
		p.Lines = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	}
	switch {
	case a.Problem == server.ProblemSilent:
		p.Err = fmt.Errorf("%s: %w", program, errSilent)
	case a.Problem == server.ProblemAbsent:
		p.Err = fmt.Errorf("%s: there is no such program on the server", program)
	case a.Cut:
		p.Err = fmt.Errorf("%s: %w", program, errTooMuch)
	case a.Problem != "" && strings.TrimSpace(text) == "":
		p.Err = fmt.Errorf("%s: %s", program, reason(a.Problem, a.Text))
	}
	return p
}
