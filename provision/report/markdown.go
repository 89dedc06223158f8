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

// Markdown writes a verification for a place where people discuss: a comment on
// a change, a ticket.
func Markdown(w io.Writer, r Report, words messages.Table) error {
	text := printable.MarkdownText
	p := newPage(r, words)
	var m markdown
	m.put("# ", text(p.Title), "\n\n")
	for _, n := range p.Notes {
		m.put("* ", text(n), "\n")
	}
	m.put("\n|")
	for _, c := range p.Columns {
		m.put(" ", text(c), " |")
	}
	m.put("\n| --- | --- | --- | --- |\n")
	for _, row := range p.Rows {
		m.put("| ", text(row.Mark), " | ", text(row.What), " (", text(row.ID), ") | ", text(row.Where), " | ")
		for i, s := range row.Seen {
			if i > 0 {
				m.put("<br>")
			}
			m.put(text(s))
		}
		m.put(" |\n")
	}
	m.put("\n", text(p.Tally), "\n")
	_, err := io.WriteString(w, m.b.String())
	return err
}
