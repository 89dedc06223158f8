package report

import (
	"io"
	"strings"

	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/report/messages"
)

// markdown is a document in the making. What is put into it is either written
// here or made by printable.MarkdownText: another string does not compile.
type markdown struct{ b strings.Builder }

func (m *markdown) put(parts ...printable.Markdown) {
	for _, p := range parts {
		m.b.WriteString(string(p))
	}
}

// heading begins a part.
func (m *markdown) heading(text string) { m.put("\n## ", printable.MarkdownText(text), "\n\n") }

// item is a line of a list, its parts with a colon between.
func (m *markdown) item(parts ...string) {
	m.put("* ")
	for i, p := range parts {
		if i > 0 {
			m.put(": ")
		}
		m.put(printable.MarkdownText(p))
	}
	m.put("\n")
}

// Markdown writes a verification for a place where people discuss: a comment on
// a change, a ticket.
func Markdown(w io.Writer, r Report, words messages.Table) error {
	text := printable.MarkdownText
	p := newPage(r, words)
	var m markdown
	m.put("# ", text(p.Title), "\n\n**", text(p.Verdict.Head), "**\n\n", text(p.Verdict.Says), "\n\n", text(p.Tally), "\n")
	if p.Lab != "" {
		m.put("\n", text(p.Lab), "\n")
	}
	if p.Since != nil {
		m.heading(p.Words.Since)
		m.since(*p.Since)
	}
	m.heading(p.Words.Facts)
	for _, f := range p.Facts {
		m.item(f.Name, strings.Join(f.Values, ", "))
	}
	m.heading(p.Words.Checks)
	m.table(p)
	if len(p.Notes) > 0 {
		m.heading(p.Words.Notes)
		for _, n := range p.Notes {
			m.item(n)
		}
	}
	_, err := io.WriteString(w, m.b.String())
	return err
}

func (m *markdown) since(s since) {
	m.item(s.Time)
	for _, part := range s.Parts {
		for _, l := range part.Lines {
			m.item(part.Name, l.What, l.Says)
		}
	}
	if s.Nothing != "" {
		m.item(s.Nothing)
	}
	m.item(s.Same)
}

func (m *markdown) table(p page) {
	text := printable.MarkdownText
	m.put("| ", text(p.Words.Verdict), " | ", text(p.Words.Check), " | ", text(p.Words.Vantage), " | ", text(p.Words.Seen), " |\n| --- | --- | --- | --- |\n")
	for _, row := range p.Rows {
		m.put("| ", text(row.Mark), " | ", text(row.What), " (", text(row.ID), ") | ", text(row.Where), " | ")
		for i, s := range row.lines(p.Words) {
			if i > 0 {
				m.put("<br>")
			}
			m.put(text(s))
		}
		m.put(" |\n")
	}
}
