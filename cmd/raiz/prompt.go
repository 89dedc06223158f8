package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/raiz-dns/raiz/provision/printable"
)

// question is what somebody at a terminal has to agree to by typing a word
// that is not "y", because that is typed before the question is read.
type question struct {
	text    string // with what to type
	word    string
	refused string // what is said of a no
	nobody  string // what a script has to do, where nobody is there to ask
}

// ask returns nil when the word was typed. Who wants JSON has not been shown what
// the question is about.
func (g *globals) ask(q question) error {
	in, ok := g.std.in.(*os.File)
	if !ok || g.json || !term.IsTerminal(int(in.Fd())) {
		return exit(exitUsage, errors.New("nobody is there to ask"+q.nobody))
	}
	printable.Fprintf(g.std.err, "%s: ", q.text)
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != q.word {
		return exit(exitPending, errors.New(q.refused))
	}
	return nil
}

// namingSite is a question that wants the name of the site.
func namingSite(text, name, refused, nobody string) question {
	return question{text: fmt.Sprintf("%s Type the name of the site (%s)", text, name), word: name, refused: refused, nobody: ": " + nobody}
}

// toApply is asked before a server is changed.
func toApply(name string) question {
	return namingSite("Apply this?", name, "not applied", "review a plan with --out and apply that file, or give --yes")
}
