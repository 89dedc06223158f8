package main

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// found looks up whatever is asked for.
type found struct{}

func (found) Env(string) (string, error)    { return "found", nil }
func (found) File(string) (string, error)   { return "found", nil }
func (found) Exec([]string) (string, error) { return "found", nil }

// keptOf is what verify --json says of the site in gru1.hcl, where all is right
// but for one check.
func keptOf(t *testing.T, change func(*report.Report)) string {
	t.Helper()
	g := &globals{std: streams{out: io.Discard, err: io.Discard, env: os.Getenv}}
	s, err := g.choose("gru1.hcl", "", func(string) secret.Lookup { return found{} })
	if err != nil {
		t.Fatal(err)
	}
	o, err := g.options("gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	r := report.Report{Site: s, Verify: verify.Judge(s, verify.Evidence{}), Looked: &report.Looked{At: time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC), By: "ana@laptop", Raiz: version(), Wants: wants(s, o)}}
	for i := range r.Verify {
		r.Verify[i].Status, r.Verify[i].Because, r.Verify[i].Got = verify.Pass, "", []verdict.Message{r.Verify[i].Want}
	}
	change(&r)
	var b bytes.Buffer
	if err := report.JSON(&b, report.Envelope{Verb: "verify", Result: report.Document(r)}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func statusOf(r *report.Report, id string, s verify.Status) {
	i := slices.IndexFunc(r.Verify, func(x verify.Result) bool { return x.ID == id })
	r.Verify[i].Status = s
}

// put writes files into the folder of the test.
func put(t *testing.T, files map[string]string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A document is made of what was kept, in each form and language, and raiz exits
// as verify would have. Nobody is contacted, and nothing is looked up: the site
// is a laboratory's, and its secrets are not there.
func TestReport(t *testing.T) {
	in(t)
	put(t, map[string]string{
		"good.json":    keptOf(t, func(*report.Report) {}),
		"failed.json":  keptOf(t, func(r *report.Report) { statusOf(r, "os.clock", verify.Fail); statusOf(r, "bmc.ntp", verify.Unknown) }),
		"unknown.json": keptOf(t, func(r *report.Report) { statusOf(r, "os.clock", verify.Unknown) }),
		"undated.json": keptOf(t, func(r *report.Report) { r.Looked = nil }),
	})
	for _, tt := range []struct {
		args string
		exit exitCode
		file string
		has  []string
	}{
		{"--from good.json --out a.html", exitDone, "a.html", []string{`<html lang="en">`, "As declared", "2026-11-23T01:02:03Z", "ana@laptop"}},
		{"--from good.json --out a.md", exitDone, "a.md", []string{"# Verification of as112"}},
		{"--from good.json --out a.xml", exitDone, "a.xml", []string{"<testsuite "}},
		{"--from failed.json --out b.html --since good.json", exitFailed, "b.html", []string{"Not as declared", "Turned red", "since 2026-11-23T01:02:03Z"}},
		{"--from good.json --out b.html --since failed.json", exitDone, "b.html", []string{"Turned green"}},
		{"--from unknown.json --out c.html", exitUnreachable, "c.html", []string{"Not all of it is known"}},
		{"--from undated.json --out d.html", exitDone, "d.html", []string{"As declared", "not known"}},
	} {
		code, stdout, stderr := raiz(t, append([]string{"report", "gru1.hcl"}, strings.Fields(tt.args)...)...)
		text, err := os.ReadFile(tt.file)
		if code != tt.exit || err != nil || stderr != "" || !strings.Contains(stdout, "checks: ") {
			t.Errorf("%s: exit code %d, want %d: %v, %q, %q", tt.args, code, tt.exit, err, stdout, stderr)
		}
		for _, want := range tt.has {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s: no %q", tt.args, want)
			}
		}
	}
	for _, language := range messages.Languages() {
		raiz(t, "report", "gru1.hcl", "--from", "good.json", "--out", language+".html", "--lang", language)
		if text, err := os.ReadFile(language + ".html"); err != nil || !strings.Contains(string(text), `<html lang="`+language) {
			t.Errorf("%s: %v", language, err)
		}
	}
	// What it says to a program can be kept again.
	_, stdout, _ := raiz(t, "report", "gru1.hcl", "--from", "failed.json", "--out", "b.html", "--json")
	put(t, map[string]string{"again.json": stdout})
	before, err := os.ReadFile("b.html")
	if code, _, stderr := raiz(t, "report", "gru1.hcl", "--from", "again.json", "--out", "b.html"); err != nil || code != exitFailed {
		t.Errorf("%v, exit code %d, %s", err, code, stderr)
	}
	if after, err := os.ReadFile("b.html"); err != nil || !bytes.Equal(after, before) {
		t.Errorf("it is another page, %v", err)
	}
}

// What is not of this site as it is now, or not of raiz, is not made a document of.
func TestReportRefuses(t *testing.T) {
	in(t)
	good := keptOf(t, func(*report.Report) {})
	text, err := os.ReadFile("gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	put(t, map[string]string{
		"good.json": good, "other.json": strings.Replace(good, `"site": "as112-gru1"`, `"site": "as112-gru2"`, 1), "none.json": "{}", "plan.json": strings.Replace(good, `"verb": "verify"`, `"verb": "plan"`, 1),
		"moved.hcl": strings.Replace(string(text), `"192.0.2.20/28"`, `"192.0.2.21/28"`, 1),
	})
	for _, tt := range []struct{ args, want string }{
		{"report gru1.hcl", "--out is missing"}, {"report gru1.hcl --out x.pdf", "--out x.pdf: name a file that ends in .html, .md or .xml"}, {"report gru1.hcl --out x", "ends in .html"},
		{"report gru1.hcl --out x.html --lang tlh", `no words in "tlh"`}, {"report gru1.hcl --out x.html --lang ../en", "no words in"}, {"report gru1.hcl --out x.html", "says lab = true"},
		{"report gru1.hcl --out x.html --from gone.json", "--from gone.json: "}, {"report gru1.hcl --out x.html --from none.json", "not what raiz verify --json writes"},
		{"report gru1.hcl --out x.html --from plan.json", `it is of the verb "plan"`}, {"report gru1.hcl --out x.html --from other.json", `is of the site "as112-gru2"`},
		{"report moved.hcl --out x.html --from good.json", "is of other site files, packs or another raiz"}, {"report gru1.hcl --out x.html --from .", "--from .: "},
		{"report gru1.hcl --out x.html --from good.json --since gone.json", "--since gone.json: "}, {"report gru1.hcl --out x.html --from good.json --since other.json", `this is "as112-gru1"`},
		{"report gru1.hcl --out x.html --from good.json --since none.json", "not what raiz verify"}, {"report gru1.hcl --out x.html --from good.json --wait 3m", "none of the others can be"},
		{"verify gru1.hcl --report x.pdf", "--report x.pdf: name a file"}, {"verify gru1.hcl --lang es", "name it with --report"}, {"verify gru1.hcl --since good.json", "name it with --report"},
	} {
		code, stdout, stderr := raiz(t, strings.Fields(tt.args)...)
		if code != exitUsage || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: exit code %d, %s%s", tt.args, code, stdout, stderr)
		}
	}
	if _, err := os.Stat("x.html"); err == nil {
		t.Error("a document was written")
	}
}
