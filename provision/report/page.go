package report

import (
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// page is what a verification comes to, for a document that somebody keeps.
// Each text in it is one line; the writers escape for their own form.
type page struct {
	Words     labels
	Title     string
	Name      string // of the site
	Where     string // host, city and country
	Lab       string // that the addresses are made up; "" where they are not
	Verdict   finding
	Tally     string
	Counts    []count
	When      string     // when it was looked at, by whom and with what; "" where nobody says
	Attention []*pageRow // what did not pass and was not skipped
	Since     *since     // nil where there is nothing to compare with
	Drawing   drawing
	Legend    []count // every mark with its word
	Facts     []fact
	Groups    []group
	Rows      []*pageRow // of all groups, in the order of the checks
	Notes     []string
	Sign      [3]string // who signs
}

// finding is the verdict on the whole.
type finding struct {
	Status     verify.Status // the colour of it
	Head, Says string
}

// count is how many checks ended in one way.
type count struct {
	Status verify.Status
	Text   string
}

// group is the checks of one subject.
type group struct {
	Name, Tally string
	Rows        []*pageRow
}

// pageRow is one check.
type pageRow struct {
	Number                int // from 1, in the order of the checks
	Status                verify.Status
	Mark, ID, What, Where string
	Want                  string // "" where nothing is wanted
	Got                   string
	Same                  bool // it was seen word by word as it is wanted
	Evidence, Advice      []string
	Because               string // why it was skipped
	BecauseOf             int    // the number of the check that explains that; 0 for none
}

// Passed reports whether nobody has to read more of it.
func (r *pageRow) Passed() bool { return r.Status == verify.Pass }

// lines are all that a check says, for a form that has no room for more than
// lines.
func (r *pageRow) lines(w labels) []string {
	var out []string
	add := func(name, value string) {
		if value != "" {
			out = append(out, name+": "+value)
		}
	}
	if r.Because != "" {
		out = append(out, r.Because)
	}
	if r.Same {
		add(w.Both, r.Got)
	} else {
		add(w.Want, r.Want)
		add(w.Got, r.Got)
	}
	for _, e := range r.Evidence {
		add(w.Evidence, e)
	}
	for _, a := range r.Advice {
		add(w.Advice, a)
	}
	return out
}

// speaker says messages, each as one line that can be shown.
type speaker struct{ words messages.Table }

func (s speaker) say(m verdict.Message) string { return printable.Line(s.words.Say(m)) }

func (s speaker) each(ms []verdict.Message) []string {
	var out []string
	for _, m := range ms {
		out = append(out, s.say(m))
	}
	return out
}

func newPage(r Report, words messages.Table) page {
	if words == nil {
		words = messages.English()
	}
	s := speaker{words}
	p := page{Words: s.labels(), Tally: s.say(verdict.New("report.checks")) + " " + tally(r.Verify, words), Counts: s.counts(r.Verify), Verdict: s.verdict(r)}
	if r.Site != nil {
		p.Name = printable.Line(r.Site.Name)
		p.Where = place(r.Site)
		if r.Site.Lab {
			p.Lab = s.say(verdict.New("page.lab"))
		}
		p.Notes = s.each(notes(r))
		p.Drawing = s.draw(r)
	}
	p.Title = s.say(verdict.New("report.title", verdict.Word("site", p.Name)))
	p.Facts, p.When = s.facts(r), when(r.Looked)
	p.Rows = s.rows(r.Verify)
	p.Groups = s.groups(r.Verify, p.Rows)
	for _, row := range p.Rows {
		if !slices.Contains([]verify.Status{verify.Pass, verify.Skipped}, row.Status) {
			p.Attention = append(p.Attention, row)
		}
	}
	slices.SortStableFunc(p.Attention, func(a, b *pageRow) int {
		return rank(verify.Result{Status: b.Status}) - rank(verify.Result{Status: a.Status})
	})
	for _, status := range statuses() {
		p.Legend = append(p.Legend, count{status, s.say(status.Message())})
	}
	if r.Past != nil {
		p.Since = s.since(*r.Past, p.Rows)
	}
	p.Sign = [3]string{s.say(verdict.New("page.sign.host")), s.say(verdict.New("page.sign.operator")), s.say(verdict.New("page.sign.engineer"))}
	return p
}

// notes are what is said before anything else, and what the site does otherwise
// than its operator would. Results that somebody has kept have both already.
func notes(r Report) []verdict.Message {
	out := slices.Clone(r.Notices)
	for _, m := range overrides(r.Site) {
		if !slices.ContainsFunc(out, m.Equal) {
			out = append(out, m)
		}
	}
	return out
}

// verdict is what all of it comes to. What is unknown outweighs what is good,
// and nothing is not green.
func (s speaker) verdict(r Report) finding {
	n := map[verify.Status]int{}
	for _, x := range r.Verify {
		n[x.Status]++
	}
	found := func(status verify.Status, head, says verdict.Message) finding {
		return finding{status, s.say(head), s.say(says)}
	}
	left := unmade(r.Site, r.Verify)
	remarks := n[verify.Warn] + n[verify.OtherInstance]
	switch {
	case n[verify.Fail] > 0:
		return found(verify.Fail, verdict.New("page.failed"), verdict.New("page.failed.says", verdict.Inner("checks", checks(n[verify.Fail]))))
	case n[verify.Unknown] > 0:
		return found(verify.Unknown, verdict.New("page.unknown"), verdict.New("page.unknown.says", verdict.Inner("checks", checks(n[verify.Unknown]))))
	case n[verify.Pass]+remarks == 0:
		return found(verify.Unknown, verdict.New("page.nothing"), verdict.New("page.nothing.says"))
	case left > 0:
		return found(verify.Unknown, verdict.New("page.partial"), verdict.New("page.partial.says", verdict.Inner("checks", checks(left))))
	case remarks > 0:
		return found(verify.Warn, verdict.New("page.warned"), verdict.New("page.warned.says", verdict.Inner("checks", checks(remarks))))
	}
	return found(verify.Pass, verdict.New("page.good"), verdict.New("page.good.says"))
}

func (s speaker) rows(results []verify.Result) []*pageRow {
	number := map[string]int{}
	for i, x := range results {
		number[x.ID] = i + 1
	}
	var out []*pageRow
	for i, x := range results {
		row := &pageRow{
			Number: i + 1, Status: x.Status, Mark: s.say(x.Status.Message()), ID: printable.Line(x.ID), What: s.say(x.Title), Where: s.say(x.Vantage.Message()),
			Want: s.say(x.Want), Got: printable.Line(s.words.All(x.Got)), Evidence: s.each(x.Evidence), Advice: s.each(x.Advice),
		}
		if row.Same = row.Want == row.Got; x.Because != "" {
			row.Because, row.BecauseOf = s.say(verdict.New("report.because", verdict.Word("check", x.Because))), number[x.Because]
		}
		out = append(out, row)
	}
	return out
}

// groups are the checks by their subject, as their IDs begin.
func (s speaker) groups(results []verify.Result, rows []*pageRow) []group {
	var out []group
	for _, g := range []struct {
		name  string
		means verdict.Message
	}{
		{"bmc", verdict.New("page.group.bmc")}, {"server", verdict.New("page.group.server")}, {"dns", verdict.New("page.group.dns")},
		{"bgp", verdict.New("page.group.bgp")}, {"router", verdict.New("page.group.router")}, {"outside", verdict.New("page.group.outside")},
	} {
		one := group{Name: s.say(g.means)}
		var mine []verify.Result
		for i, x := range results {
			if subject(x.ID) == g.name {
				one.Rows, mine = append(one.Rows, rows[i]), append(mine, x)
			}
		}
		if one.Tally = tally(mine, s.words); len(mine) > 0 {
			out = append(out, one)
		}
	}
	return out
}

// subject is the group of a check. Most of what there is to see is on the server.
func subject(id string) string {
	word, _, _ := strings.Cut(id, ".")
	switch word {
	case "bmc", "dns", "bgp", "router", "outside":
		return word
	case "guard":
		return "bgp" // it decides what is announced
	}
	return "server"
}

// statuses are in the order in which they are counted.
func statuses() []verify.Status {
	return []verify.Status{verify.Pass, verify.Warn, verify.Fail, verify.Unknown, verify.OtherInstance, verify.Skipped}
}

func (s speaker) counts(results []verify.Result) []count {
	n := map[verify.Status]int{}
	for _, r := range results {
		n[r.Status]++
	}
	var out []count
	for _, status := range statuses() {
		if n[status] > 0 {
			out = append(out, count{status, s.say(verdict.New("report.tally", verdict.Count("count", n[status]), verdict.Inner("status", status.Message())))})
		}
	}
	return out
}

// tally is how many checks ended how.
func tally(results []verify.Result, words messages.Table) string {
	var parts []string
	for _, c := range (speaker{words}).counts(results) {
		parts = append(parts, c.Text)
	}
	return strings.Join(parts, ", ")
}
