package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/report/messages"
)

// TextOptions are how much is said, and how.
type TextOptions struct {
	// Words are what verdicts are said in; nil is English.
	Words messages.Table
	// Full shows the whole content of new files and every check that passed.
	Full bool
}

// printer keeps the first error of a writer, so that the text reads straight
// on.
type printer struct {
	w     *printable.Writer
	o     TextOptions
	words messages.Table
	err   error
}

func newPrinter(w io.Writer, o TextOptions) *printer {
	p := &printer{w: printable.To(w), o: o, words: o.Words}
	if p.words == nil {
		p.words = messages.English()
	}
	return p
}

// line writes one line. Each "%s" of the format stands for a text, or for one
// that is painted.
func (p *printer) line(format string, args ...any) {
	if p.err != nil {
		return
	}
	var spans []printable.Span
	for i, ours := range strings.Split(format, "%s") {
		if i > 0 {
			spans = append(spans, spanOf(args[i-1]))
		}
		spans = append(spans, printable.Span{Text: ours})
	}
	p.err = p.w.Spans(spans...)
}

func spanOf(arg any) printable.Span {
	if s, painted := arg.(printable.Span); painted {
		return s
	}
	return printable.Span{Text: fmt.Sprint(arg)}
}

// The colours stand for the same thing everywhere: green is as it should be,
// yellow is about to change or worth a look, red is wrong.
func (p *printer) green(s string) printable.Span {
	return printable.Span{Style: printable.Green, Text: s}
}
func (p *printer) yellow(s string) printable.Span {
	return printable.Span{Style: printable.Yellow, Text: s}
}
func (p *printer) red(s string) printable.Span { return printable.Span{Style: printable.Red, Text: s} }
func (p *printer) dim(s string) printable.Span { return printable.Span{Style: printable.Dim, Text: s} }
func (p *printer) bold(s string) printable.Span {
	return printable.Span{Style: printable.Bold, Text: s}
}
