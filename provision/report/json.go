package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// Schema names the form of JSON and its version; docs/schema.json has it in
// JSON Schema. Fields may be added within one version; none is removed or
// changes its meaning.
const Schema = "raiz/1"

// Envelope is what one run of raiz says to a program.
type Envelope struct {
	Verb     string // such as "plan" or "bmc info"
	Exit     int    // the exit code
	Result   any    // what the verb has found or done; nil where it did not come to it
	Problems site.Diagnostics
	// Err is why the verb did not do what it was asked; Code is a stable name
	// for it, "" where there is none.
	Err  error
	Code string
}

type envelopeDocument struct {
	Schema   string            `json:"schema"`
	Verb     string            `json:"verb"`
	Exit     int               `json:"exit"`
	Problems []problemDocument `json:"problems,omitempty"`
	Result   any               `json:"result,omitempty"`
	Error    *errorDocument    `json:"error,omitempty"`
}

type errorDocument struct {
	Code string `json:"code,omitempty"`
	Text string `json:"text"`
	// Said is the same as codes with arguments, where it is known as such.
	Said []saidDocument `json:"messages,omitempty"`
}

type document struct {
	Site    string           `json:"site,omitempty"`
	Notices []saidDocument   `json:"notices,omitempty"`
	Plan    *planDocument    `json:"plan,omitempty"`
	Apply   *applyDocument   `json:"apply,omitempty"`
	Declare *declareDocument `json:"declare,omitempty"`
	Verify  *verifyDocument  `json:"verify,omitempty"`
	Cost    *Cost            `json:"cost,omitempty"`
}

type declareDocument struct {
	Before []saidDocument `json:"before"`
	Lines  []string       `json:"lines,omitempty"`
	After  []saidDocument `json:"after,omitempty"`
}

type planDocument struct {
	Digest      string           `json:"digest"`
	Empty       bool             `json:"empty"`
	Part        plan.Part        `json:"part,omitempty"` // "bmc" or "server", where nobody has looked at the other
	Applicable  bool             `json:"applicable"`
	Changes     []changeDocument `json:"changes"`
	Unknown     []factDocument   `json:"unknown"`
	Unsupported []factDocument   `json:"unsupported"`
	// Waiting is written, and takes effect at the next reboot of the server.
	Waiting []waitingDocument `json:"waiting,omitempty"`
	// Queued can be written once the server has been rebooted.
	Queued []factDocument `json:"queued,omitempty"`
	// Found is what nobody has declared, or what no change mends.
	Found []saidDocument `json:"found,omitempty"`
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
	// Foreign is set where what stands there is nothing that raiz has put there.
	Foreign bool `json:"foreign,omitempty"`
	// AtReboot is set where it takes effect at the next reboot of the server;
	// Pending is what would take effect then without it.
	AtReboot bool `json:"atReboot,omitempty"`
	Pending  any  `json:"pending,omitempty"`
}

type waitingDocument struct {
	Key     string `json:"key"`
	Now     any    `json:"now,omitempty"`
	Pending any    `json:"pending"`
}

type factDocument struct {
	Key    string `json:"key"`
	Reason string `json:"reason"`
}

type applyDocument struct {
	Outcome    apply.Outcome   `json:"outcome"`
	Generation string          `json:"generation,omitempty"`
	Error      string          `json:"error,omitempty"`
	Entries    []entryDocument `json:"entries"`
	Missing    []saidDocument  `json:"missing,omitempty"`
}

type entryDocument struct {
	Step    saidDocument  `json:"step"`
	Outcome apply.Outcome `json:"outcome"`
	Error   string        `json:"error,omitempty"`
	Seconds float64       `json:"seconds"`
}

type verifyDocument struct {
	Looked  *lookedDocument       `json:"looked,omitempty"`
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

// JSON writes one document for a program.
func JSON(w io.Writer, e Envelope) error {
	d := envelopeDocument{Schema: Schema, Verb: e.Verb, Exit: e.Exit, Result: e.Result, Problems: problems(e.Problems)}
	if e.Err != nil {
		d.Error = &errorDocument{Code: e.Code, Text: e.Err.Error()}
		var worded interface{ Messages() []verdict.Message }
		if errors.As(e.Err, &worded) {
			d.Error.Said = said(messages.English(), worded.Messages())
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return err
	}
	_, err := w.Write(printable.JSON(b.Bytes()))
	return err
}

// Document is a report as the result of an Envelope.
func Document(r Report) any {
	d := document{Notices: said(messages.English(), r.Notices), Cost: r.Cost, Declare: declareJSON(r.Declare)}
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
		d.Verify.Looked = lookedJSON(r.Looked)
		d.Notices = said(messages.English(), notes(r))
	}
	return d
}

// Merged is what several reports of one run come to: of what is in more than
// one of them, the last.
func Merged(all []Report) Report {
	var out Report
	for _, r := range all {
		out.Site, out.Cost = cmp.Or(r.Site, out.Site), cmp.Or(r.Cost, out.Cost)
		out.Notices = append(out.Notices, r.Notices...)
		if r.Plan != nil {
			out.Plan = r.Plan
		}
		if r.Apply != nil {
			out.Apply, out.ApplyErr, out.Declare = r.Apply, r.ApplyErr, r.Declare
		}
		if r.Verify != nil {
			out.Verify, out.Looked, out.Past = r.Verify, r.Looked, r.Past
		}
	}
	return out
}

func declareJSON(d Declaration) *declareDocument {
	if len(d.Before) == 0 {
		return nil
	}
	words := messages.English()
	return &declareDocument{Before: said(words, d.Before), Lines: d.Lines, After: said(words, d.After)}
}

func problems(ds site.Diagnostics) []problemDocument {
	var out []problemDocument
	for _, x := range ds {
		severity := "error"
		if x.Severity == site.Warning {
			severity = "warning"
		}
		out = append(out, problemDocument{Severity: severity, Rule: x.Rule, Summary: x.Summary, Detail: x.Detail,
			File: x.Pos.File, Line: x.Pos.Line, Column: x.Pos.Column})
	}
	return out
}

func planJSON(p plan.Plan) *planDocument {
	d := &planDocument{Digest: p.Digest(), Empty: p.Empty(), Part: p.Part, Applicable: p.Applicable(), Changes: []changeDocument{}, Unknown: facts(p.Unknown), Unsupported: facts(p.Unsupported)}
	words := messages.English()
	d.Found = said(words, p.Found)
	for _, f := range p.Waiting {
		d.Waiting = append(d.Waiting, waitingDocument{f.Key.String(), value(f.Value), value(f.Pending)})
	}
	for _, f := range p.Queued {
		d.Queued = append(d.Queued, factDocument{Key: f.Key.String(), Reason: f.Queued})
	}
	for _, c := range p.Changes {
		d.Changes = append(d.Changes, changeDocument{
			Key: c.Key.String(), Action: c.Action, Before: value(c.Before), After: value(c.After),
			Unit: c.Effect.Unit, How: c.Effect.How, Risk: c.Effect.Name.Risk(), Effect: saidOnce(words, c.Effect.Message()), Foreign: c.Foreign,
			AtReboot: c.AtReboot, Pending: value(c.Pending),
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
	words := messages.English()
	d := &applyDocument{Outcome: r.Apply.Outcome, Generation: r.Apply.Generation, Entries: []entryDocument{}, Missing: said(words, r.Apply.Missing)}
	if r.ApplyErr != nil {
		d.Error = r.ApplyErr.Error()
	}
	for _, e := range r.Apply.Entries {
		x := entryDocument{Step: *saidOnce(words, e.Step), Outcome: e.Outcome, Seconds: e.Took.Seconds()}
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
