package report

import (
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// since is what has changed from one verification to the next.
type since struct {
	Time    string   // that of the earlier one
	Parts   []change // those that there are
	Nothing string   // that nothing has changed; "" where something has
	Same    string   // how many checks ended as before
}

// change is the checks that changed in one way.
type change struct {
	Name   string
	Status verify.Status // whose mark stands before them; "" for none
	Lines  []changed
}

// changed is a check that ended otherwise than before. Row is nil for one that
// is not made any more.
type changed struct {
	Row  *pageRow
	What string
	Says string
}

func red(s verify.Status) bool   { return s == verify.Fail || s == verify.Unknown }
func green(s verify.Status) bool { return s == verify.Pass || s == verify.Warn }

func (s speaker) since(past Past, rows []*pageRow) *since {
	before, now := map[string]verify.Result{}, map[string]bool{}
	for _, x := range past.Checks {
		before[printable.Line(x.ID)] = x
	}
	worse, better := change{Name: s.say(verdict.New("page.since.red")), Status: verify.Fail}, change{Name: s.say(verdict.New("page.since.green")), Status: verify.Pass}
	other, fresh, gone := change{Name: s.say(verdict.New("page.since.other"))}, change{Name: s.say(verdict.New("page.since.new"))}, change{Name: s.say(verdict.New("page.since.gone"))}
	same := 0
	for _, row := range rows {
		now[row.ID] = true
		was, known := before[row.ID]
		if !known {
			fresh.Lines = append(fresh.Lines, changed{row, row.What, row.Mark})
			continue
		}
		line := changed{row, row.What, s.say(verdict.New("page.since.was", verdict.Inner("before", was.Status.Message()), verdict.Inner("now", row.Status.Message())))}
		switch {
		case was.Status == row.Status:
			same++
		case red(row.Status) && !red(was.Status):
			worse.Lines = append(worse.Lines, line)
		case green(row.Status) && red(was.Status):
			better.Lines = append(better.Lines, line)
		default:
			other.Lines = append(other.Lines, line)
		}
	}
	for _, x := range past.Checks {
		if id := printable.Line(x.ID); !now[id] {
			gone.Lines = append(gone.Lines, changed{nil, fallback(s.say(x.Title), id), s.say(x.Status.Message())})
		}
	}
	out := &since{Time: s.say(verdict.New("page.since.undated")), Same: s.say(verdict.New("page.since.same", verdict.Inner("checks", checks(same))))}
	if !past.At.IsZero() {
		out.Time = s.say(verdict.New("page.since.time", verdict.Time("time", past.At)))
	}
	for _, c := range []change{worse, better, other, fresh, gone} {
		if len(c.Lines) > 0 {
			out.Parts = append(out.Parts, c)
		}
	}
	if len(out.Parts) == 0 {
		out.Nothing = s.say(verdict.New("page.since.nothing"))
	}
	return out
}
