package verify

import (
	"strings"

	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/site"
)

// probe is a program that the one look at the server runs, and how its answer
// gets into the evidence. The checks of a group may read what it printed by its
// name, and then need no field there.
type probe struct {
	name string                                  // one word or two; of its section
	argv []string                                // nil where nobody knows what to run
	read func(lines []string, e *ServerEvidence) // nil to leave it as it was printed
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

// script is the part of the look that runs them: a line for each.
func script(all []probe) string {
	var b strings.Builder
	for _, p := range all {
		if p.argv == nil {
			continue
		}
		b.WriteString("look " + remote.Quote(p.name))
		for _, word := range p.argv {
			b.WriteString(" " + remote.Quote(word))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// take puts into the evidence what they printed.
func take(all []probe, sections map[string][]string, e *ServerEvidence) {
	e.Printed = map[string][]string{}
	for _, p := range all {
		e.Printed[p.name] = sections[p.name]
		if p.read != nil {
			p.read(sections[p.name], e)
		}
	}
}
