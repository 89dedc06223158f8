package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/raiz-dns/raiz/provision/report/messages"
)

// Style says how text looks.
type Style uint8

// The styles.
const (
	Plain  Style = iota // for pipes, logs and NO_COLOR
	Colour              // for terminals
)

// TextOptions are how much is said, and how.
type TextOptions struct {
	Style Style
	// Words are what verdicts are said in; nil is English.
	Words messages.Table
	// Full shows the whole content of new files and every check that passed.
	Full bool
}

// printer keeps the first error of a writer, so that the text reads straight
// on.
type printer struct {
	w     io.Writer
	o     TextOptions
	words messages.Table
	err   error
}

func newPrinter(w io.Writer, o TextOptions) *printer {
	p := &printer{w: w, o: o, words: o.Words}
	if p.words == nil {
		p.words = messages.English()
	}
	return p
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// The colours stand for the same thing everywhere: green is as it should be,
// yellow is about to change or worth a look, red is wrong.
func (p *printer) green(s string) string  { return p.paint("32", s) }
func (p *printer) yellow(s string) string { return p.paint("33", s) }
func (p *printer) red(s string) string    { return p.paint("31", s) }
func (p *printer) dim(s string) string    { return p.paint("2", s) }
func (p *printer) bold(s string) string   { return p.paint("1", s) }

func (p *printer) paint(code, s string) string {
	if p.o.Style != Colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// safe takes everything out of foreign text that a terminal would obey.
func safe(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r >= ' ' && r != 0x7f && (r < 0x80 || r > 0x9f) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// Lines is Plainly for what has lines of its own: they stay lines.
func Lines(s string) string {
	all := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i := range all {
		all[i] = safe(strings.TrimSuffix(all[i], "\r"))
	}
	return strings.Join(all, "\n")
}

// Plainly returns foreign text without anything that a terminal would obey.
func Plainly(s string) string { return safe(s) }
