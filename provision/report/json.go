package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// schema is the version of the JSON form. Fields may be added within one
// version; none is removed or changes its meaning.
const schema = 1

type document struct {
	Schema  int               `json:"schema"`
	Site    string            `json:"site,omitempty"`
	Notices []string          `json:"notices,omitempty"`
	Declare []string          `json:"declare,omitempty"`
	Plan    *planDocument     `json:"plan,omitempty"`
	Apply   *applyDocument    `json:"apply,omitempty"`
	Verify  *verifyDocument   `json:"verify,omitempty"`
	Problem []problemDocument `json:"problems,omitzero"`
	Cost    *Cost             `json:"cost,omitempty"`
}

type planDocument struct {
	Digest      string           `json:"digest"`
	Empty       bool             `json:"empty"`
	Applicable  bool             `json:"applicable"`
	Changes     []changeDocument `json:"changes"`
	Unknown     []factDocument   `json:"unknown"`
	Unsupported []factDocument   `json:"unsupported"`
}

type changeDocument struct {
	Key    string      `json:"key"`
	Action plan.Action `json:"action"`
	Before any         `json:"before,omitempty"`
	After  any         `json:"after,omitempty"`
	Unit   string      `json:"unit,omitempty"`
	How    state.How   `json:"how,omitempty"`
	Risk   state.Risk  `json:"risk,omitempty"`
	// Effect is what the change does to the service.
	Effect *saidDocument `json:"effect,omitempty"`
}

type factDocument struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

type applyDocument struct {
	Outcome    string          `json:"outcome"`
	Generation string          `json:"generation,omitempty"`
	Error      string          `json:"error,omitempty"`
	Entries    []entryDocument `json:"entries"`
	Missing    []string        `json:"missing,omitempty"`
	MissingAs  []saidDocument  `json:"missing_messages,omitempty"`
}

type entryDocument struct {
	Step    string  `json:"step"`
	Outcome string  `json:"outcome"`
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"`
}

type verifyDocument struct {
	Counts  map[verify.Status]int `json:"counts"`
	Results []resultDocument      `json:"results"`
}

type resultDocument struct {
	ID      string         `json:"id"`
	Title   string         `json:"title"`
	Vantage verify.Vantage `json:"vantage"`
	Status  verify.Status  `json:"status"`
	Want    string         `json:"want,omitempty"`
	Got     string         `json:"got,omitempty"`
	Detail  string         `json:"detail,omitempty"`
	Because string         `json:"because,omitempty"`
	// Said is the same as codes with arguments.
	Said messagesDocument `json:"messages"`
}

// saidDocument is a message: as data, and in English.
type saidDocument struct {
	Code verdict.Code           `json:"code"`
	Args map[string]verdict.Arg `json:"args,omitempty"`
	Text string                 `json:"text"`
}

type messagesDocument struct {
	Title    *saidDocument  `json:"title,omitempty"`
	Want     *saidDocument  `json:"want,omitempty"`
	Got      []saidDocument `json:"got,omitempty"`
	Evidence []saidDocument `json:"evidence,omitempty"`
	Advice   []saidDocument `json:"advice,omitempty"`
}

type problemDocument struct {
	Severity string `json:"severity"`
	Rule     string `json:"rule,omitempty"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail,omitempty"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
}

// JSON writes the report for a program.
func JSON(w io.Writer, r Report) error {
	d := document{Schema: schema, Notices: r.Notices, Declare: r.Declare, Cost: r.Cost}
	if r.Site != nil {
		d.Site = r.Site.Name
	}
	if r.Plan != nil {
		d.Plan = planJSON(*r.Plan)
	}
	if r.Apply != nil {
		d.Apply = applyJSON(r)
	}
	if r.Verify != nil {
		d.Verify = verifyJSON(r.Verify)
	}
	return encode(w, d)
}

// DiagnosticsJSON writes the problems of site files for a program.
func DiagnosticsJSON(w io.Writer, ds site.Diagnostics) error {
	d := document{Schema: schema, Problem: []problemDocument{}}
	for _, x := range ds {
		severity := "error"
		if x.Severity == site.Warning {
			severity = "warning"
		}
		d.Problem = append(d.Problem, problemDocument{Severity: severity, Rule: x.Rule, Summary: x.Summary, Detail: x.Detail,
			File: x.Pos.File, Line: x.Pos.Line, Column: x.Pos.Column})
	}
	return encode(w, d)
}

func encode(w io.Writer, d document) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return err
	}
	_, err := w.Write(harmless(b.Bytes()))
	return err
}

// harmless escapes the control characters that JSON does not, and a terminal
// would obey. They stand inside of strings only.
func harmless(text []byte) []byte {
	var out bytes.Buffer
	for _, r := range string(text) {
		if r >= 0x7f && r <= 0x9f {
			fmt.Fprintf(&out, "\\u%04x", r)
			continue
		}
		out.WriteRune(r)
	}
	return out.Bytes()
}

func planJSON(p plan.Plan) *planDocument {
	d := &planDocument{Digest: p.Digest(), Empty: p.Empty(), Applicable: p.Applicable(), Changes: []changeDocument{}, Unknown: facts(p.Unknown), Unsupported: facts(p.Unsupported)}
	words := messages.English()
	for _, c := range p.Changes {
		d.Changes = append(d.Changes, changeDocument{
			Key: c.Key.String(), Action: c.Action, Before: value(c.Before), After: value(c.After),
			Unit: c.Effect.Unit, How: c.Effect.How, Risk: c.Effect.Name.Risk(), Effect: saidOnce(words, c.Effect.Message()),
		})
	}
	return d
}

func facts(fs []state.Fact) []factDocument {
	out := []factDocument{}
	for _, f := range fs {
		out = append(out, factDocument{Key: f.Key.String(), Reason: f.Err.Error()})
	}
	return out
}

// value is a value as JSON; of a secret file neither bytes nor digest.
func value(v state.Value) any {
	switch v := v.(type) {
	case nil:
		return nil
	case state.Attr:
		return append([]string{}, v.Values...)
	case state.Service:
		return map[string]bool{"enabled": v.Enabled, "active": v.Active}
	case state.File:
		d := map[string]string{"mode": fmt.Sprintf("%04o", uint32(v.Mode)), "owner": v.Owner, "group": v.Group}
		if v.Secret {
			d["content"] = "(secret)"
		} else {
			d["sha256"] = fmt.Sprintf("%x", v.Sum)
			if v.Data != nil {
				d["content"] = string(v.Data)
			}
		}
		return d
	}
	panic(fmt.Sprintf("report: no JSON for %T", v))
}

func applyJSON(r Report) *applyDocument {
	d := &applyDocument{Outcome: string(r.Apply.Outcome), Generation: r.Apply.Generation, Entries: []entryDocument{}, MissingAs: said(messages.English(), r.Apply.Missing)}
	for _, m := range d.MissingAs {
		d.Missing = append(d.Missing, m.Text)
	}
	if r.ApplyErr != nil {
		d.Error = r.ApplyErr.Error()
	}
	for _, e := range r.Apply.Entries {
		x := entryDocument{Step: e.Step, Outcome: string(e.Outcome), Seconds: e.Took.Seconds()}
		if e.Err != nil {
			x.Error = e.Err.Error()
		}
		d.Entries = append(d.Entries, x)
	}
	return d
}

func verifyJSON(results []verify.Result) *verifyDocument {
	d := &verifyDocument{Counts: map[verify.Status]int{}, Results: []resultDocument{}}
	words := messages.English()
	for _, r := range results {
		d.Counts[r.Status]++
		d.Results = append(d.Results, resultDocument{
			ID: r.ID, Title: words.Say(r.Title), Vantage: r.Vantage, Status: r.Status, Want: words.Say(r.Want),
			Got: words.All(r.Got), Detail: words.All(detail(r)), Because: r.Because,
			Said: messagesDocument{Title: saidOnce(words, r.Title), Want: saidOnce(words, r.Want),
				Got: said(words, r.Got), Evidence: said(words, r.Evidence), Advice: said(words, r.Advice)},
		})
	}
	return d
}

func said(words messages.Table, ms []verdict.Message) []saidDocument {
	var out []saidDocument
	for _, m := range ms {
		out = append(out, saidDocument{m.Code, m.ByName(), words.Say(m)})
	}
	return out
}

func saidOnce(words messages.Table, m verdict.Message) *saidDocument {
	if m.IsZero() {
		return nil
	}
	return &said(words, []verdict.Message{m})[0]
}
