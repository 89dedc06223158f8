package report

import (
	"encoding/xml"
	"io"
	"strings"

	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// junitSuite is a suite as Jenkins' schema has it (junit-10.xsd of its plugin
// xunit), which others read too; the test holds it against that.
type junitSuite struct {
	XMLName    xml.Name        `xml:"testsuite"`
	Name       string          `xml:"name,attr"`
	Tests      int             `xml:"tests,attr"`
	Failures   int             `xml:"failures,attr"`
	Errors     int             `xml:"errors,attr"`
	Skipped    int             `xml:"skipped,attr"`
	Timestamp  string          `xml:"timestamp,attr,omitempty"`
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
}

// junitProperty is something known of the copy.
type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Name    string     `xml:"name,attr"`
	Class   string     `xml:"classname,attr"`
	Failure *junitText `xml:"failure"`
	Error   *junitText `xml:"error"`
	Skipped *junitText `xml:"skipped"`
	Out     string     `xml:"system-out,omitempty"`
}

type junitText struct {
	Type    string `xml:"type,attr"` // the verdict, whatever the language
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes a verification as CI systems read tests. What could not be
// looked at is an error, and so is an answer of another copy: neither is green.
func JUnit(w io.Writer, r Report, words messages.Table) error {
	p := newPage(r, words)
	s := junitSuite{Name: printable.XML(p.Title), Tests: len(p.Rows)}
	if r.Looked != nil {
		s.Timestamp = verdict.Time("at", r.Looked.At).String()
	}
	for _, f := range p.Facts {
		s.Properties = append(s.Properties, junitProperty{printable.XML(f.Name), printable.XML(strings.Join(f.Values, ", "))})
	}
	for _, row := range p.Rows {
		c := junitCase{Name: printable.XML(row.What), Class: printable.XML(row.ID)}
		said := printable.XML(strings.Join(row.lines(p.Words), "\n"))
		why := &junitText{Type: printable.XML(string(row.Status)), Message: printable.XML(row.Mark), Text: said}
		switch row.Status {
		case verify.Pass, verify.Warn:
			c.Out = said
		case verify.Fail:
			s.Failures++
			c.Failure = why
		case verify.Skipped:
			s.Skipped++
			c.Skipped = why
		default:
			s.Errors++
			c.Error = why
		}
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
