package report

import (
	"strings"

	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// page is what a verification comes to, for a document that somebody keeps.
// Each text in it is one line; the writers escape for their own form.
type page struct {
	Title   string
	Notes   []string
	Columns [4]string
	Rows    []pageRow
	Tally   string
}

// pageRow is one check.
type pageRow struct {
	Status                verify.Status
	Mark, ID, What, Where string
	Seen                  []string // what was wanted where it failed, what was seen, and what to do
}

func newPage(r Report, words messages.Table) page {
	if words == nil {
		words = messages.English()
	}
	say := func(m verdict.Message) string { return printable.Line(words.Say(m)) }
	site := ""
	var notes []string
	if r.Site != nil {
		site = r.Site.Name
		for _, m := range append(r.Notices, overrides(r.Site)...) {
			notes = append(notes, say(m))
		}
	}
	p := page{
		Title: say(verdict.New("report.title", verdict.Word("site", site))), Notes: notes,
		Columns: [4]string{say(verdict.New("report.column.verdict")), say(verdict.New("report.column.check")), say(verdict.New("report.column.vantage")), say(verdict.New("report.column.seen"))},
		Tally:   say(verdict.New("report.checks")) + " " + tally(r.Verify, words),
	}
	for _, x := range r.Verify {
		row := pageRow{Status: x.Status, Mark: say(x.Status.Message()), ID: printable.Line(x.ID), What: say(x.Title), Where: say(x.Vantage.Message())}
		if x.Because != "" {
			row.Seen = append(row.Seen, say(verdict.New("report.because", verdict.Word("check", x.Because))))
		}
		if x.Status == verify.Fail && !x.Want.IsZero() {
			row.Seen = append(row.Seen, say(verdict.New("report.want", verdict.Inner("what", x.Want))))
		}
		for _, ms := range [][]verdict.Message{x.Got, x.Evidence, x.Advice} {
			if len(ms) > 0 {
				row.Seen = append(row.Seen, printable.Line(words.All(ms)))
			}
		}
		p.Rows = append(p.Rows, row)
	}
	return p
}

// tally is how many checks ended how.
func tally(results []verify.Result, words messages.Table) string {
	count := map[verify.Status]int{}
	for _, r := range results {
		count[r.Status]++
	}
	var parts []string
	for _, s := range []verify.Status{verify.Pass, verify.Warn, verify.Fail, verify.Unknown, verify.OtherInstance, verify.Skipped} {
		if count[s] > 0 {
			parts = append(parts, words.Say(verdict.New("report.tally", verdict.Count("count", count[s]), verdict.Inner("status", s.Message()))))
		}
	}
	return strings.Join(parts, ", ")
}
