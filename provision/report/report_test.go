package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// planted stands in every place where a secret could be.
const planted = "planted-secret"

// evil is what a terminal would obey: a colour, a title, a line of its own.
const evil = "\x1b[2J\x1b]0;title\x07\r\u009b31mfake: applied\x00\u202e\u2028\u200b\u3164<script>&[x](javascript:y)|`\n# fake"

func key(kind state.Kind, name string) state.Key { return state.Key{Kind: kind, Name: name} }

func file(text string, secrecy state.Secrecy) state.File {
	return state.NewFile(0o640, "root", "bird", []byte(text), secrecy)
}

// changes is a plan with a change of every kind and every word of it.
func changes(t *testing.T) *plan.Plan {
	t.Helper()
	var items []state.Item
	var have []state.Fact
	add := func(k state.Key, want, seen state.Value, err error, e state.Effect) {
		if want != nil {
			items = append(items, state.Item{Key: k, Value: want, Effect: e})
		}
		have = append(have, state.Fact{Key: k, Value: seen, Err: err})
	}
	moves := state.Effect{Component: "bmc", Name: state.MovesController}
	add(key(state.Setting, "dns"), state.Attr{Values: []string{"192.0.2.1", "192.0.2.2"}}, state.Attr{}, nil, state.Effect{Component: "bmc"})
	add(key(state.Setting, "ipv4.address"), state.Text("192.0.2.10/28"), state.Text("192.168.0.120/24"), nil, moves)
	add(key(state.Setting, "ipv6.address"), state.Text("2001:db8::10/64"), nil, fmt.Errorf("this model has no IPv6: %w", state.ErrUnsupported), moves)
	have = append(have, state.Fact{Key: key(state.Setting, "boot-order"), Value: state.Attr{Values: []string{"Boot0001", evil}}, Pending: state.Attr{Values: []string{evil, "Boot0001"}}, AtReboot: true},
		state.Fact{Key: key(state.Setting, "power-restore"), Value: state.Text("last-state"), Pending: state.Text("always-off"), AtReboot: true})
	items = append(items, state.Item{Key: key(state.Setting, "boot-order"), Value: state.Attr{Values: []string{evil, "Boot0001"}}}, state.Item{Key: key(state.Setting, "power-restore"), Value: state.Text("always-on")})
	add(key(state.Package, "bird2"), state.Text("installed"), nil, nil, state.Effect{Component: "bird"})
	reload := state.Effect{Component: "bird", Unit: "bird.service", How: state.Reload, Name: state.ResetsChanged}
	add(key(state.Path, "/etc/a-changed"), file("one\ntwo\nthree\n", state.Public), file("one\n2\nthree\n", state.Public), nil, reload)
	mode := file("same\n", state.Public)
	mode.Mode = 0o644
	add(key(state.Path, "/etc/b-mode"), file("same\n", state.Public), mode, nil, state.Effect{})
	add(key(state.Path, "/etc/c-new"), file("first\nsecond\n", state.Public), nil, nil, state.Effect{How: state.Command, Command: []string{"nsd-control", "reload"}})
	add(key(state.Path, "/etc/d-secret"), file("new "+planted+"\n", state.Confidential), file("old "+planted+"\n", state.Confidential), nil, reload)
	add(key(state.Path, "/etc/e-new-secret"), file("new "+planted+"\n", state.Confidential), nil, nil, state.Effect{})
	large := file("x", state.Public)
	large.Data = nil
	add(key(state.Path, "/etc/f-not-fetched"), file("y\n", state.Public), large, nil, state.Effect{})
	add(key(state.Path, "/etc/g-link"), file("y\n", state.Public), state.Text("link to "+evil), nil, state.Effect{})
	add(key(state.Path, "/etc/h-foreign"), file("fine\n", state.Public), file("evil "+evil+"\n", state.Public), nil, state.Effect{})
	add(key(state.Path, "/etc/i-orphan"), nil, state.File{}, nil, state.Effect{})
	add(key(state.Unit, "bird.service"), state.Service{Enabled: true, Active: true}, nil, nil, state.Effect{})
	add(key(state.Unit, "nsd.service"), state.Service{Enabled: true, Active: true}, state.Service{Enabled: true}, nil, state.Effect{})
	cut := state.Effect{Name: state.MayCutServer, Unit: "systemd-networkd.service", How: state.Restart}
	add(key(state.Live, "address eno1 192.0.2.20/28"), state.Text("present"), nil, nil, cut)
	set, err := state.NewSet("gru1", items)
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Diff(set, state.NewFacts(have))
	return &p
}

func diff(t *testing.T, seen string, err error) *plan.Plan {
	t.Helper()
	k := key(state.Setting, "ntp")
	set, e := state.NewSet("gru1", []state.Item{{Key: k, Value: state.Text("x")}})
	if e != nil {
		t.Fatal(e)
	}
	p := plan.Diff(set, state.NewFacts([]state.Fact{{Key: k, Value: state.Text(seen), Err: err}}))
	return &p
}

// waits is a plan with nothing to do, something that waits for a reboot, and
// something that comes after it.
func waits(t *testing.T) *plan.Plan {
	t.Helper()
	k := key(state.Setting, "power-restore")
	later := key(state.Setting, "boot-order")
	want, err := state.NewSet("gru1", []state.Item{{Key: k, Value: state.Text("always-on")}, {Key: later, Value: state.Text("Boot0002")}})
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Diff(want, state.NewFacts([]state.Fact{
		{Key: k, Value: state.Text("last-state"), Pending: state.Text("always-on"), AtReboot: true},
		{Key: later, Value: state.Text("Boot0001"), AtReboot: true, Queued: "another one waits"},
	}))
	return &p
}

// unreachable is a plan of a server that cannot be reached, and a controller
// that cannot tell one setting.
func unreachable(t *testing.T) *plan.Plan {
	t.Helper()
	gone := errors.New("unreachable over SSH: 192.0.2.20:22 (no answer in 10s)")
	whys := map[state.Key]error{
		key(state.Setting, "ntp"): errors.New("read ntp: status 500"), key(state.Path, "/etc/a"): gone,
		key(state.Path, "/etc/b"): gone, key(state.Unit, "nsd.service"): gone,
	}
	var items []state.Item
	var have []state.Fact
	for k, err := range whys {
		items = append(items, state.Item{Key: k, Value: state.Text("x")})
		have = append(have, state.Fact{Key: k, Err: err})
	}
	set, err := state.NewSet("gru1", items)
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Diff(set, state.NewFacts(have))
	return &p
}

func results() []verify.Result {
	all := func(ms ...verdict.Message) []verdict.Message { return ms }
	at := netip.MustParseAddr("192.0.2.1")
	title := verdict.New("dns.title", verdict.Address("address", at), verdict.Word("network", "udp"))
	return []verify.Result{
		{ID: "bmc.login", Title: verdict.New("bmc.login.title"), Vantage: verify.FromBMC, Status: verify.Pass, Want: verdict.New("bmc.login.want", verdict.Word("user", "raiz")),
			Got: all(verdict.New("bmc.login.in", verdict.Seen("vendor", "Example"), verdict.Seen("model", "X1"), verdict.Seen("firmware", "1.2"), verdict.Seen("serial", "S1")))},
		{ID: "bmc.health", Title: verdict.New("bmc.health.title"), Vantage: verify.FromBMC, Status: verify.Warn, Want: verdict.New("bmc.health", verdict.Seen("health", "OK")),
			Got: all(verdict.New("bmc.health", verdict.Seen("health", "Warning"))), Advice: all(verdict.New("bmc.health.advice"))},
		{ID: "unit.nsd.service", Title: verdict.New("unit.title", verdict.Unit("unit", "nsd.service")), Vantage: verify.FromServer, Status: verify.Fail, Want: verdict.New("unit.good"),
			Got: all(verdict.New("unit.down", verdict.Seen("active", "failed "+evil), verdict.Seen("sub", "dead"))), Advice: all(verdict.New("unit.down.advice", verdict.Unit("unit", "nsd.service")))},
		{ID: "os.clock", Title: verdict.New("os.clock.title"), Vantage: verify.FromServer, Status: verify.Unknown, Want: verdict.New("os.clock.want", verdict.Duration("limit", time.Second)),
			Got: all(verdict.New("verify.could-not-look")), Evidence: all(verdict.New("verify.why", verdict.Error("error", errors.New("no socket "+evil))))},
		{ID: "dns.192.0.2.1.udp", Title: title, Vantage: verify.FromServer, Status: verify.Skipped, Want: verdict.New("dns.want", verdict.Word("identity", "gru1")), Because: "unit.nsd.service"},
		{ID: "bgp.silent.192.0.2.9", Title: verdict.New("bgp.silent.title", verdict.Address("address", at)), Vantage: verify.FromServer, Status: verify.Fail, Want: verdict.New("bgp.silent.want"),
			Got: all(verdict.New("bgp.silent.not-served", verdict.Prefixes("blocks", []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}), verdict.Addresses("dead", []netip.Addr{at}),
				verdict.Inner("got", verdict.New("dns.zone.refused", verdict.Zone("zone", "10.in-addr.arpa."))))), Advice: all(verdict.New("bgp.silent.not-served.advice", verdict.Units("guard", nil)), verdict.New("dns.zone.refused.advice"))},
		{ID: "router.routes", Title: verdict.New("router.title"), Vantage: verify.FromRouter, Status: verify.Skipped, Got: all(verdict.New("verify.not-looked-at")), Evidence: all(verdict.New("router.nobody"))},
		{ID: "outside.192.0.2.1.udp", Title: verdict.New("outside.title", verdict.Address("address", at), verdict.Word("network", "udp")), Vantage: verify.FromOutside, Status: verify.OtherInstance,
			Want: verdict.New("outside.want", verdict.Word("identity", "gru1")), Got: all(verdict.New("dns.other-copy", verdict.Seen("nsid", "eze1"))), Advice: all(verdict.New("dns.other-copy.advice"))},
	}
}

func journal(outcome apply.Outcome) *apply.Journal {
	return &apply.Journal{Generation: "7", Outcome: outcome, Entries: []apply.Entry{
		{Step: apply.Setting(key(state.Setting, "ipv4.address")), Outcome: apply.Done, Took: 12340 * time.Millisecond},
		{Step: apply.Setting(key(state.Setting, "power-restore")), Outcome: apply.Waits},
		{Step: apply.Setting(key(state.Setting, "ipv6.address")), Outcome: apply.Unsupported, Err: errors.New("this model has no IPv6")},
		{Step: verdict.New("apply.packages"), Outcome: apply.Failed, Err: errors.New("apt-get: " + evil), Took: 50 * time.Millisecond},
		{Step: verdict.New("apply.server"), Outcome: apply.NotTried},
	}}
}

// everything is a report in which nothing is left out.
func everything(t *testing.T) report.Report {
	t.Helper()
	return report.Report{
		Site: &site.Site{Name: "gru1", Operator: site.Profile{
			Name: "as112", Rules: []site.Rule{{ID: "bmc-ipv6"}, {ID: "rack-units"}}, Overrides: map[string]string{"bmc-ipv6": "the host has none " + evil},
		}},
		Notices: []verdict.Message{verdict.New("notice.unmanaged", verdict.Word("setting", "ntp"), verdict.Seen("reason", "it was refused "+evil))},
		Declare: report.Declaration{
			Before: []verdict.Message{verdict.New("declare.write")}, Lines: []string{"unmanaged = {", "  ntp = \"" + evil + "\"", "}"},
			After: []verdict.Message{verdict.New("declare.remove", verdict.Words("attributes", []string{"ntp"}))},
		},
		Plan:  changes(t),
		Apply: journal(apply.Failed), ApplyErr: errors.New("packages: apt-get failed"),
		Verify: results(),
		Cost:   &report.Cost{SSHConnections: 1, SSHExecs: 2, Uploads: 1, BMCGets: 5, BMCHandshakes: 1},
	}
}

// written are all forms of all reports.
func written(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	put := func(name string, write func(io.Writer) error) {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = b.String()
	}
	s := &site.Site{Name: "gru1"}
	reports := map[string]report.Report{
		"everything": everything(t),
		"as-wanted":  {Site: s, Plan: diff(t, "x", nil)},
		"unknown":    {Site: s, Plan: diff(t, "x", errors.New("connection refused "+evil))},
		"applied":    {Site: s, Apply: &apply.Journal{Generation: "7", Outcome: apply.Done}},
		"missing": {Site: s, Apply: &apply.Journal{Generation: "7", Outcome: apply.Done, Missing: []verdict.Message{
			verdict.New("dns.gate.missing", verdict.Zone("zone", "."), verdict.Addresses("primaries", []netip.Addr{netip.MustParseAddr("192.0.2.53")}))}}},
		"set":         {Site: s, Apply: &apply.Journal{Outcome: apply.Done}},
		"waits":       {Site: s, Plan: waits(t), Apply: &apply.Journal{Outcome: apply.Done, Entries: []apply.Entry{{Step: apply.Setting(key(state.Setting, "power-restore")), Outcome: apply.Waits}, {Step: apply.Setting(key(state.Setting, "boot-order")), Outcome: apply.Queued, Err: errors.New("another one waits")}}}},
		"unsupported": {Site: s, Plan: diff(t, "y", fmt.Errorf("tried on 2026-11-23: status 405: %w", state.ErrUnsupported))},
		"unreachable": {Site: s, Plan: unreachable(t)},
		"reverted":    {Site: s, Apply: &apply.Journal{Generation: "7", Outcome: apply.Reverted}, ApplyErr: errors.New("DNS does not answer")},
		"lost":        {Site: s, Apply: &apply.Journal{Generation: "7", Outcome: apply.Unknown}, ApplyErr: errors.New("connection broke")},
		"nothing":     {},
	}
	for name, r := range reports {
		put(name+".txt", func(w io.Writer) error { return report.Text(w, r, report.TextOptions{}) })
		put(name+".full.txt", func(w io.Writer) error { return report.Text(w, r, report.TextOptions{Full: true}) })
		put(name+".colour.txt", func(w io.Writer) error { return report.Text(coloured(w), r, report.TextOptions{}) })
		if r.Verify != nil {
			put(name+".html", func(w io.Writer) error { return report.HTML(w, r, nil) })
			put(name+".md", func(w io.Writer) error { return report.Markdown(w, r, nil) })
			put(name+".xml", func(w io.Writer) error { return report.JUnit(w, r, nil) })
		}
		put(name+".json", func(w io.Writer) error {
			return report.JSON(w, report.Envelope{Verb: "plan", Exit: 2, Result: report.Document(r), Err: r.ApplyErr})
		})
	}
	documents(t, put)
	problems := site.Diagnostics{
		{Severity: site.Error, Rule: "gw-onlink", Summary: "gateway not on the link", Detail: "192.0.2.99 is not in 192.0.2.0/28.", Pos: site.Pos{File: "gru1.hcl", Line: 7, Column: 15}, Source: "  gateways  = [\"192.0.2.99\"]"},
		{Severity: site.Warning, Summary: "no line", Pos: site.Pos{File: "gru1.hcl"}},
		{Severity: site.Error, Summary: "foreign " + evil, Detail: evil, Pos: site.Pos{File: evil, Line: 1, Column: 9}, Source: "\tname = \"" + evil + "\""},
	}
	put("problems.txt", func(w io.Writer) error { return report.Diagnostics(w, problems, report.TextOptions{}) })
	put("problems.colour.txt", func(w io.Writer) error {
		return report.Diagnostics(coloured(w), problems, report.TextOptions{})
	})
	put("problems.json", func(w io.Writer) error {
		return report.JSON(w, report.Envelope{Verb: "validate", Exit: 64, Problems: problems, Err: errors.New("gru1.hcl is not valid"), Code: "invalid"})
	})
	return out
}

// coloured is a terminal.
func coloured(w io.Writer) io.Writer { return printable.NewWriter(w, printable.Colours) }

func TestGolden(t *testing.T) {
	have := written(t)
	if *update {
		if err := os.RemoveAll("testdata"); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range have {
			if err := os.WriteFile(filepath.Join("testdata", name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := map[string]string{}
	entries, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join("testdata", e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		want[e.Name()] = string(text)
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Nothing that a terminal would obey comes from elsewhere: plain text holds
// no control character at all, coloured text only our own colours.
func TestForeignTextIsHarmless(t *testing.T) {
	ours := strings.NewReplacer("\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[0m", "")
	for name, text := range written(t) {
		if strings.Contains(name, "colour") {
			if text == ours.Replace(text) && !strings.Contains(name, "nothing") {
				t.Errorf("%s has no colour", name)
			}
			text = ours.Replace(text)
		}
		for i, r := range text {
			if r != '\n' && r != '\t' && (r < ' ' || r >= 0x7f && r <= 0x9f || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) || r == '\u3164') {
				t.Errorf("%s holds %q: %.60q", name, r, text[max(0, i-20):])
				break
			}
		}
	}
}

// What a page, a ticket or a CI would give a meaning has none: no element, no
// link, no cell, no heading, and well-formed XML.
func TestForeignTextIsNoMarkup(t *testing.T) {
	all := written(t)
	page, ticket, junit := all["everything.html"], all["everything.md"], all["everything.xml"]
	if strings.Contains(page, "<script") || !strings.Contains(page, "&lt;script&gt;") {
		t.Errorf("a page with an element of others: %s", page)
	}
	for _, bad := range []string{"<script", "[x](", "\n# fake"} {
		if strings.Contains(ticket, bad) {
			t.Errorf("a ticket with %q: %s", bad, ticket)
		}
	}
	cells := strings.NewReplacer("\\|", "")
	for line := range strings.Lines(ticket) {
		if strings.HasPrefix(line, "|") && strings.Count(cells.Replace(line), "|") != 5 {
			t.Errorf("a row with other cells: %s", line)
		}
	}
	if !strings.Contains(ticket, "fake\\: applied") || !strings.Contains(junit, "fake: applied") {
		t.Error("what was planted does not come through at all")
	}
	var doc struct {
		Cases []struct{} `xml:"testcase"`
	}
	if err := xml.Unmarshal([]byte(junit), &doc); err != nil || len(doc.Cases) != len(results()) {
		t.Errorf("%d cases, %v", len(doc.Cases), err)
	}
}

// Of a secret file there is neither its bytes nor a digest of them.
func TestSecretsAreNotTold(t *testing.T) {
	sums := []string{}
	for _, text := range []string{"new " + planted + "\n", "old " + planted + "\n"} {
		sums = append(sums, fmt.Sprintf("%x", file(text, state.Confidential).Sum)[:12])
	}
	for name, text := range written(t) {
		for _, word := range append(sums, planted) {
			if strings.Contains(text, word) {
				t.Errorf("%s holds %s", name, word)
			}
		}
	}
	if n := strings.Count(written(t)["everything.txt"], "(secret, changed)"); n != 2 {
		t.Errorf("(secret, changed) is said %d times", n)
	}
}

func TestJSONIsOneDocument(t *testing.T) {
	for name, text := range written(t) {
		if !strings.HasSuffix(name, ".json") {
			continue
		}
		var d struct{ Schema string }
		dec := json.NewDecoder(strings.NewReader(text))
		if err := dec.Decode(&d); err != nil || d.Schema != report.Schema {
			t.Errorf("%s: schema %q, %v", name, d.Schema, err)
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: more than one document", name)
		}
	}
}

// Verdicts are said in the words that are given.
func TestOtherWords(t *testing.T) {
	words := messages.English()
	words["unit.down.advice"] = "véase journalctl -u {unit} allí"
	var b bytes.Buffer
	if err := report.Text(&b, everything(t), report.TextOptions{Words: words}); err != nil || !strings.Contains(b.String(), "véase journalctl -u nsd.service allí") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// A second language is one file: where every text of the table is another,
// nothing of the English one is left in a report but data.
func TestNothingIsEnglishOfItself(t *testing.T) {
	words := messages.English()
	placeholder := regexp.MustCompile(`\{[^{}]*\}`)
	for code := range words {
		words[code] = "¿" + strings.Join(placeholder.FindAllString(words[code], -1), "¡") + "?"
	}
	r := everything(t)
	r.Apply.Missing = []verdict.Message{verdict.New("dns.gate.missing", verdict.Zone("zone", "."), verdict.Addresses("primaries", nil))}
	var all bytes.Buffer
	problems := site.Diagnostics{{Severity: site.Error, Summary: "s"}, {Severity: site.Warning, Summary: "s"}}
	for _, write := range []func() error{
		func() error { return report.Text(&all, r, report.TextOptions{Words: words, Full: true}) },
		func() error {
			return report.Text(&all, report.Report{Apply: journal(apply.Reverted), ApplyErr: errors.New("x")}, report.TextOptions{Words: words})
		},
		func() error {
			return report.Text(&all, report.Report{Plan: unreachable(t)}, report.TextOptions{Words: words})
		},
		func() error { return report.Diagnostics(&all, problems, report.TextOptions{Words: words}) },
	} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	english := regexp.MustCompile(`\b(note|error|warning|want|got|because|checks|pass|warn|skipped|plan|for|digest|changes?|lines?|none|enable|start|then|reload|restart|secret|done|unsupported|tried|applied|reverted|missing|rule|cost|generation|and|more)\b`)
	data := strings.NewReplacer("/etc/d-secret", "", "/etc/e-new-secret", "", "IPv6: unsupported", "", "nsd-control reload", "")
	for i, line := range strings.Split(all.String(), "\n") {
		if word := english.FindString(data.Replace(line)); word != "" && !(strings.HasPrefix(line, "    ") && !strings.HasPrefix(line, "      ")) && !strings.Contains(line, "title") {
			t.Errorf("line %d says %q by itself: %s", i+1, word, line)
		}
	}
}

// full fails after some bytes, as a full disk does.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, errors.New("no space left on device")
	}
	return len(p), nil
}

func TestWriterFails(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"text": func(w io.Writer) error { return report.Text(w, everything(t), report.TextOptions{}) },
		"JSON": func(w io.Writer) error {
			return report.JSON(w, report.Envelope{Result: report.Document(everything(t))})
		},
		"diagnostics": func(w io.Writer) error {
			return report.Diagnostics(w, site.Diagnostics{{Summary: strings.Repeat("x", 200)}}, report.TextOptions{})
		},
	} {
		if err := write(&full{room: 100}); err == nil || err.Error() != "no space left on device" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
