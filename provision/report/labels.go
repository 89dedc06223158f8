package report

import "github.com/raiz-dns/raiz/provision/verdict"

// labels are the fixed words of a page.
type labels struct {
	Language, Kind                                    string
	Attention, Since, Drawing, Legend, Facts, Checks  string
	Notes, NoNotes, Foot                              string
	Verdict, Check, Vantage, Seen                     string // above columns
	Want, Got, Both, Advice, Evidence                 string
	Sign, SignSays, SignName, SignSignature, SignDate string
}

func (s speaker) labels() labels {
	return labels{
		Language: s.say(verdict.New("page.language")), Kind: s.say(verdict.New("page.kind")),
		Attention: s.say(verdict.New("page.attention")), Since: s.say(verdict.New("page.since")), Drawing: s.say(verdict.New("page.drawing")), Legend: s.say(verdict.New("page.legend")),
		Facts: s.say(verdict.New("page.facts")), Checks: s.say(verdict.New("page.checks")), Notes: s.say(verdict.New("page.notes")),
		NoNotes: s.say(verdict.New("page.notes.none")), Foot: s.say(verdict.New("page.foot")),
		Verdict: s.say(verdict.New("report.column.verdict")), Check: s.say(verdict.New("report.column.check")),
		Vantage: s.say(verdict.New("report.column.vantage")), Seen: s.say(verdict.New("report.column.seen")),
		Want: s.say(verdict.New("page.want")), Got: s.say(verdict.New("page.got")), Both: s.say(verdict.New("page.both")),
		Advice: s.say(verdict.New("page.advice")), Evidence: s.say(verdict.New("page.evidence")),
		Sign: s.say(verdict.New("page.sign")), SignSays: s.say(verdict.New("page.sign.says")), SignName: s.say(verdict.New("page.sign.name")),
		SignSignature: s.say(verdict.New("page.sign.signature")), SignDate: s.say(verdict.New("page.sign.date")),
	}
}
