package report_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// vocabulary is all that a verification may say.
func vocabulary() verdict.Vocabulary {
	return verdict.NewVocabulary(slices.Concat(verdict.Codes(), verify.Codes(), report.Codes(), provision.Codes()))
}

// told is a report as verify --json writes it.
func told(t testing.TB, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.JSON(&b, report.Envelope{Verb: "verify", Exit: 0, Result: report.Document(r)}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What was kept makes the same page as what was seen, word by word: with every
// code that there is, and with text of others in each argument.
func TestKept(t *testing.T) {
	odd := painted(t, hostile)
	for i := range odd.Verify {
		x := &odd.Verify[i]
		x.ID, x.Vantage, x.Because, x.Want, x.Got = strings.ToLower(string(x.Title.Code)), verify.FromServer, "", verdict.Message{}, x.Got[:1]
	}
	odd.Past, odd.Notices = nil, odd.Notices[:20]
	odd.Looked.Wants, odd.Looked.By, odd.Looked.Raiz = "w", "b", "r"
	for name, r := range map[string]report.Report{"handed over": handedOver(t, "root-example"), "turned red": turnedRed(t, "root-example"), "every code": odd} {
		kept, err := report.ReadKept([]byte(told(t, r)), vocabulary())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if kept.Site != "root-example" && name != "every code" {
			t.Errorf("%s is of %q", name, kept.Site)
		}
		again := report.Report{Site: r.Site, Verify: kept.Results, Looked: kept.Looked, Notices: kept.Notices, Past: r.Past}
		if d := cmp.Diff(inHTML(t, r, "en"), inHTML(t, again, "en")); d != "" {
			t.Errorf("%s (-seen +kept):\n%.3000s", name, d)
		}
		past, site, err := report.ReadPast([]byte(told(t, r)), vocabulary())
		if err != nil || site != kept.Site || len(past.Checks) != len(r.Verify) || past.Checks[3].Title.IsZero() || !past.At.Equal(r.Looked.At) {
			t.Errorf("%s as a past: %q, %d checks, %v", name, site, len(past.Checks), err)
		}
	}
}

// A verification of a raiz that has other words can be compared with, and no
// document be made of it.
func TestPastOfOthers(t *testing.T) {
	text := strings.ReplaceAll(told(t, handedOver(t, "root-example")), `"os.clock.title"`, `"os.hour.title"`)
	if _, err := report.ReadKept([]byte(text), vocabulary()); !errors.Is(err, report.ErrKept) || !errors.Is(err, verdict.ErrMessage) || !strings.Contains(err.Error(), `check "os.clock"`) {
		t.Errorf("%v", err)
	}
	past, _, err := report.ReadPast([]byte(text), vocabulary())
	i := slices.IndexFunc(past.Checks, func(r verify.Result) bool { return r.ID == "os.clock" })
	if err != nil || i < 0 || !past.Checks[i].Title.IsZero() || past.Checks[i].Status != verify.Pass {
		t.Errorf("%d, %v", i, err)
	}
}

func TestKeptRefuses(t *testing.T) {
	good := `{"schema":"raiz/1","verb":"verify","exit":0,"result":{"site":"x","notices":[{"code":"notice.bmc-alone"}],"verify":{"counts":{},"looked":{"at":"2026-11-23T00:00:00Z"},"results":[
		{"id":"a","title":"t","vantage":"server","status":"fail","messages":{"title":{"code":"os.clock.title"},"got":[{"code":"verify.could-not-look"}]}},
		{"id":"b","title":"t","vantage":"bmc","status":"skipped","because":"a","messages":{"title":{"code":"os.clock.title"}}}]}}}`
	if _, err := report.ReadKept([]byte(good), vocabulary()); err != nil {
		t.Fatal(err)
	}
	many := func(one string, n int) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }
	for _, tt := range []struct {
		old, with string
		past      bool // it can be compared with all the same
	}{
		{good, "", false}, {good, "[]", false}, {good, "null", false}, {good, good + good, false},
		{`raiz/1`, `raiz/2`, false}, {`"schema":"raiz/1",`, ``, false}, {`"verb":"verify"`, `"verb":"plan"`, false}, {`"verify":{`, `"plan":{`, false},
		{`"results":[`, `"others":[`, false}, {`"id":"a"`, `"id":""`, false}, {`"id":"a"`, `"id":"b"`, false}, {`"id":"a"`, `"id":"a\u001b[2J"`, false},
		{`"id":"a"`, `"id":"` + strings.Repeat("a", 301) + `"`, false}, {`"status":"fail"`, `"status":"good"`, false}, {`"status":"fail"`, `"status":7`, false},
		{`"vantage":"bmc"`, `"vantage":"moon"`, false}, {`"because":"a"`, `"because":"c"`, true}, {`"status":"skipped"`, `"status":"pass"`, false},
		{`"at":"2026-11-23T00:00:00Z"`, `"at":"now"`, false}, {`"at":"2026-11-23T00:00:00Z"`, `"at":"9999-12-31T23:59:59-10:00"`, false},
		{`"messages":{"title":{"code":"os.clock.title"}}`, `"messages":{}`, true}, {`"code":"verify.could-not-look"`, `"code":"none"`, true},
		{`{"code":"verify.could-not-look"}`, many(`{"code":"verify.could-not-look"}`, 101), true}, {`{"code":"notice.bmc-alone"}`, many(`{"code":"notice.bmc-alone"}`, 101), true},
		{`{"code":"notice.bmc-alone"}`, `7`, true}, {`"site":"x"`, `"site":7`, false}, {`"x"`, `"` + strings.Repeat("x", report.MaxKept) + `"`, false},
	} {
		bad := strings.Replace(good, tt.old, tt.with, 1)
		if _, err := report.ReadKept([]byte(bad), vocabulary()); bad == good || !errors.Is(err, report.ErrKept) {
			t.Errorf("%.80s instead of %.80s: %v", tt.with, tt.old, err)
		}
		if _, _, err := report.ReadPast([]byte(bad), vocabulary()); (err == nil) != tt.past || err != nil && !errors.Is(err, report.ErrKept) {
			t.Errorf("%.80s instead of %.80s, as a past: %v", tt.with, tt.old, err)
		}
	}
}

// FuzzKept: what is read of a file makes documents in which nothing is obeyed. Of
// pages there is TestPaintedPage: a template is too slow to be fuzzed.
func FuzzKept(f *testing.F) {
	for i, r := range results() { // small ones, which are tried often
		f.Add([]byte(told(f, report.Report{Verify: results()[i : i+1], Looked: &report.Looked{By: r.ID}})))
	}
	f.Add([]byte(`{"schema":"raiz/1","verb":"verify","result":{"site":"x","verify":{"looked":{"at":"2026-11-23T00:00:00Z","by":"\u001b"},"results":[{"id":"a","vantage":"bmc","status":"skipped","because":"a","messages":{"title":{"code":"dns.title","args":{"address":"::","network":"<b>"}}}}]}}}`))
	words := vocabulary()
	f.Fuzz(func(t *testing.T, text []byte) {
		kept, err := report.ReadKept(text, words)
		if err != nil {
			return
		}
		past, _, err := report.ReadPast(text, words)
		if err != nil {
			t.Fatal(err)
		}
		r := report.Report{Verify: kept.Results, Looked: kept.Looked, Notices: kept.Notices, Past: &past}
		var ticket, junit bytes.Buffer
		if err := errors.Join(report.Markdown(&ticket, r, nil), report.JUnit(&junit, r, nil)); err != nil {
			t.Fatal(err)
		}
		if err := junitProblem(junit.String()); err != nil {
			t.Error(err)
		}
		b := ticket.String()
		if i := strings.IndexFunc(b, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == '\u202e' }); i >= 0 {
			t.Errorf("%q", b[max(0, i-20):i+1])
		}
		if again, err := report.ReadKept([]byte(told(t, r)), words); err != nil || len(again.Results) != len(kept.Results) {
			t.Errorf("not read again: %v", err)
		}
	})
}
