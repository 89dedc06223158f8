//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/docs"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
	"github.com/raiz-dns/raiz/provision/watch"
)

// strictly is the published schema with nothing allowed that it does not name:
// readers have to bear new fields, and raiz has to publish them.
func strictly(t *testing.T) *jsonschema.Schema {
	t.Helper()
	var schema any
	if err := json.Unmarshal(docs.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	closed(schema)
	return compiled(t, schema)
}

func compiled(t *testing.T, schema any) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", schema); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// closed forbids, in every object that names its fields, those that it does
// not name.
func closed(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		_, named := s["properties"]
		if _, open := s["additionalProperties"]; named && !open && s["type"] == "object" {
			s["additionalProperties"] = false
		}
		for _, inner := range s {
			closed(inner)
		}
	case []any:
		for _, inner := range s {
			closed(inner)
		}
	}
}

// document is the one document of a run, held against the schema.
func document(t *testing.T, schema *jsonschema.Schema, text string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var out map[string]any
	if err := d.Decode(&out); err != nil || d.More() {
		t.Fatalf("no single document: %v\n%s", err, text)
	}
	if err := schema.Validate(out); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	return out
}

// runnable are all verbs that can be run, as their users call them.
func runnable() []string {
	root := newRoot(&globals{})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("completion")
	var out []string
	each(root, func(cmd *cobra.Command) {
		if cmd != root && (cmd.Runnable() || !cmd.HasSubCommands()) {
			out = append(out, verbOf(cmd))
		}
	})
	return out
}

// schemaVerbs are the verbs whose results the schema has.
func schemaVerbs(t *testing.T) []string {
	t.Helper()
	var schema struct {
		Defs map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal(docs.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	var out []string
	for name := range schema.Defs {
		if verb, ok := strings.CutPrefix(name, "result."); ok {
			out = append(out, strings.ReplaceAll(verb, ".", " "))
		}
	}
	return out
}

// Every verb has its result in the schema, or refuses --json; not both, and
// neither names a verb that there is not.
func TestEveryVerbSpeaksJSONOrRefuses(t *testing.T) {
	verbs, inSchema := runnable(), schemaVerbs(t)
	if len(verbs) < 20 {
		t.Fatalf("only %q", verbs)
	}
	groups := []string{"bmc", "completion", cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd}
	for _, v := range verbs {
		if slices.Contains(inSchema, v) == slices.Contains(textOnly(), v) && !slices.Contains(groups, v) {
			t.Errorf("%s: in the schema %t, refuses --json %t", v, slices.Contains(inSchema, v), slices.Contains(textOnly(), v))
		}
	}
	for _, v := range slices.Concat(inSchema, textOnly()) {
		if !slices.Contains(verbs, v) && !slices.Contains(groups, v) {
			t.Errorf("there is no verb %s", v)
		}
	}
}

// What every verb prints, where it needs no machine, is as the schema says, and
// its exit code is the one of the run.
func TestJSONOfEveryVerb(t *testing.T) {
	in(t)
	schema := strictly(t)
	if err := os.WriteFile("bad.hcl", []byte("site \"x\" {\n  nonsense = 1\n}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	spoken := map[string]bool{}
	for _, tt := range []struct {
		line string
		exit exitCode
		code string // of the error, "" for none
	}{
		{"validate gru1.hcl sites", exitDone, ""}, {"validate bad.hcl gru1.hcl", exitUsage, "invalid"}, {"validate", exitUsage, "usage"},
		{"fmt --check gru1.hcl", exitDone, ""}, {"fmt --check bad.hcl", exitDone, ""}, {"fmt gone.hcl", exitUsage, "usage"},
		{"render gru1.hcl", exitDone, ""}, {"render gru1.hcl /etc/nsd/nsd.conf", exitDone, ""}, {"render gru1.hcl /etc/none", exitUsage, "usage"},
		{"plan gru1.hcl", exitUsage, "usage"}, {"plan bad.hcl", exitUsage, "invalid"}, {"apply gru1.hcl", exitUsage, "usage"},
		{"verify gru1.hcl", exitUsage, "usage"}, {"report gru1.hcl", exitUsage, "usage"}, {"report gru1.hcl --out x.html --from gone.json", exitUsage, "usage"}, {"history gru1.hcl", exitUsage, "usage"}, {"rollback gru1.hcl", exitUsage, "usage"}, {"release gru1.hcl", exitUsage, "usage"}, {"drain gru1.hcl", exitUsage, "usage"}, {"undrain gru1.hcl", exitUsage, "usage"},
		{"enroll gru1.hcl", exitUsage, "usage"}, {"bmc info gru1.hcl", exitUsage, "usage"}, {"bmc doctor gru1.hcl", exitUsage, "usage"},
		{"bmc power gru1.hcl", exitUsage, "usage"}, {"bmc power gru1.hcl up", exitUsage, "usage"},
		{"rehearse bad.hcl", exitUsage, "invalid"}, {"rehearse up bad.hcl", exitUsage, "invalid"}, {"rehearse down 1a2b3c4d", exitUsage, "usage"},
		{"rehearse status", exitDone, ""}, {"rehearse zone 1a2b3c4d bump", exitUsage, "usage"}, {"rehearse zone 1a2b3c4d bumb", exitUsage, "usage"},
		{"version", exitDone, ""}, {"version now", exitUsage, "usage"},
		{"pan gru1.hcl", exitUsage, "usage"}, {"bmc docter gru1.hcl", exitUsage, "usage"}, {"plan gru1.hcl --outt x", exitUsage, "usage"},
	} {
		t.Run(tt.line, func(t *testing.T) {
			code, stdout, stderr := raiz(t, append(strings.Fields(tt.line), "--json")...)
			d := document(t, schema, stdout)
			said, _ := d["error"].(map[string]any)
			name, _ := said["code"].(string)
			if code != tt.exit || fmt.Sprint(d["exit"]) != fmt.Sprint(int(code)) || name != tt.code || stderr != "" {
				t.Errorf("exit code %d and %v, error %v, standard error %q; want %d, %q", code, d["exit"], said, stderr, tt.exit, tt.code)
			}
			spoken[d["verb"].(string)] = true
		})
	}
	for _, verb := range schemaVerbs(t) {
		if !spoken[verb] {
			t.Errorf("nobody has tried %s --json", verb)
		}
	}
}

// What the verbs print that need a machine, made up: their results as they are
// put, and every report that provision/report is tested with.
func TestJSONOfMachines(t *testing.T) {
	schema := strictly(t)
	at := netip.MustParseAddrPort("192.0.2.10:443")
	setting := func(name string) state.Key { return state.Key{Kind: state.Setting, Name: name} }
	d := bmc.Diagnosis{Identity: bmc.Identity{Vendor: "Example"}, Quirks: []bmc.Quirk{{Name: "q", Seen: "there"}}, Settings: []state.Fact{
		{Key: setting("ntp"), Value: state.Attr{}}, {Key: setting("dns")}, {Key: setting("vlan"), Err: errors.New("status 500")},
		{Key: setting("hostname"), Value: state.Text("x"), Err: fmt.Errorf("status 405: %w", state.ErrUnsupported)},
	}}
	until := time.Now()
	for _, tt := range []struct {
		verb   string
		result any
	}{
		{"history", historyResult("gru1", []server.Status{{Number: 1, State: server.Confirmed, Changed: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), Plan: "0a", Who: "ana"}})},
		{"history", historyResult("gru1", nil)},
		{"release", releaseResult("gru1", &server.Status{Number: 2, State: server.Reverted, Who: "ana", Reason: "released by leo"})},
		{"release", releaseResult("gru1", nil)},
		{"drain", drainResult("gru1", server.Guard{Wanted: &watch.Drain{By: "ana"}, Status: watch.Status{Blocks: []watch.BlockStatus{{Prefix: netip.MustParsePrefix("192.175.48.0/24"), State: watch.Withdrawn, Reason: "drained by ana"}}}})},
		{"undrain", drainResult("gru1", server.Guard{Silent: "it does not run"})},
		{"enroll", &enrollResult{Site: "gru1", Written: []string{"a.hcl"}, BMC: newCertificateResult(redfish.PeerCertificate{Address: at}), Server: &hostKeyResult{}, Login: &loginResult{Username: "raiz"}}},
		{"enroll", &enrollResult{Site: "gru1", Written: []string{}}},
		{"bmc info", newInfoResult(d, "sha256:00", "On")}, {"bmc info", newInfoResult(bmc.Diagnosis{}, "", "")},
		{"bmc doctor", newDoctorResult(d)}, {"bmc doctor", newDoctorResult(bmc.Diagnosis{})},
		{"bmc power", powerResult{"gru1", "On"}},
		{"rehearse zone", zoneResult{Zone: ".", Serial: 7, Until: &until}}, {"rehearse zone", zoneResult{Primary: "stopped", Addresses: []netip.Addr{at.Addr()}}},
		{"rehearse", rehearsed([]report.Report{{}, {Verify: []verify.Result{{ID: "a", Vantage: verify.FromBMC, Status: verify.Pass}}}})},
		{"rehearse up", map[string]string{"id": "1a2b3c4d"}}, {"rehearse down", map[string][]string{"down": {"1a2b3c4d"}}},
		{"rehearse status", map[string][]rehearsalResult{"rehearsals": {{"1a2b3c4d", "gru1", until, "kept"}}}},
	} {
		var out bytes.Buffer
		g := &globals{std: streams{out: &out}, json: true}
		if err := errors.Join(g.put(tt.result), g.tell(tt.verb, exitDone, nil)); err != nil {
			t.Fatal(err)
		}
		document(t, schema, out.String())
	}
	reports, err := filepath.Glob("../../provision/report/testdata/*.json")
	if err != nil || len(reports) < 10 {
		t.Fatalf("%q, %v", reports, err)
	}
	for _, name := range reports {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		document(t, schema, string(text))
	}
}

// An apply is one document with the plan that was made for it, and says why it
// failed as codes where it is known as such.
func TestJSONOfAnApply(t *testing.T) {
	schema := strictly(t)
	var out bytes.Buffer
	g := &globals{std: streams{out: &out}, json: true}
	set, err := state.NewSet("gru1", []state.Item{{Key: state.Key{Kind: state.Path, Name: "/etc/a"}, Value: state.NewFile(0o644, "root", "root", nil, state.Public), Effect: state.Effect{Name: state.RestartsUnit, Unit: "a.service"}}})
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Diff(set, state.NewFacts([]state.Fact{{Key: set.Keys(state.Path)[0]}}))
	failed := fmt.Errorf("%w; the server is back", worded{verdict.New("gate.dns", verdict.Messages("problems", nil))})
	for _, r := range []report.Report{
		{Site: &site.Site{Name: "gru1"}, Plan: &p, Notices: []verdict.Message{verdict.New("notice.hands-on-site")}},
		{Site: &site.Site{Name: "gru1"}, Apply: &apply.Journal{Outcome: apply.Reverted, Entries: []apply.Entry{{Step: verdict.New("apply.confirm"), Outcome: apply.Reverted, Err: failed}}}, ApplyErr: failed},
	} {
		if err := g.show(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.tell("apply", exitReverted, failed); err != nil {
		t.Fatal(err)
	}
	d := document(t, schema, out.String())
	for _, want := range []string{`"code": "reverted"`, `"code": "gate.dns"`, `"code": "service-gap.restart"`, `"code": "notice.hands-on-site"`, `"code": "apply.confirm"`, `"unit": "a.service"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in %s", want, out.String())
		}
	}
	if result, _ := d["result"].(map[string]any); result["plan"] == nil || result["apply"] == nil {
		t.Errorf("the result has %v", result)
	}
}

// worded is an error that has its reasons as codes.
type worded struct{ m verdict.Message }

func (w worded) Error() string               { return w.m.String() }
func (w worded) Messages() []verdict.Message { return []verdict.Message{w.m} }

// Help and what is no data refuse --json in words.
func TestJSONIsRefused(t *testing.T) {
	in(t)
	for _, line := range []string{"--json", "--help --json", "plan --help --json", "help plan --json", "bmc --json", "completion --json", "completion bash --json", "rehearse shell --json 1a2b3c4d", "schema --json"} {
		code, stdout, stderr := raiz(t, strings.Fields(line)...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, "leave --json out") {
			t.Errorf("%s: exit code %d, %q, %q", line, code, stdout, stderr)
		}
	}
	if code, stdout, stderr := raiz(t, "__complete", "plan", "--json", ""); code != exitDone || strings.Contains(stdout, "{") {
		t.Errorf("completion: exit code %d, %q, %q", code, stdout, stderr)
	}
}

func TestSchemaIsPrinted(t *testing.T) {
	if code, stdout, _ := raiz(t, "schema"); code != exitDone || !bytes.Equal([]byte(stdout), docs.Schema()) {
		t.Errorf("exit code %d", code)
	}
}

// The schema can say no.
func TestSchemaRefuses(t *testing.T) {
	schema := strictly(t)
	for _, text := range []string{
		`{}`, `{"schema":"raiz/1","verb":"version","exit":0}`,
		`{"schema":"raiz/2","verb":"version","exit":0,"result":{"version":"1"}}`,
		`{"schema":"raiz/1","verb":"versions","exit":0,"result":{"version":"1"}}`,
		`{"schema":"raiz/1","verb":"version","exit":0,"result":{"version":1}}`,
		`{"schema":"raiz/1","verb":"version","exit":0,"result":{"version":"1","go":"1"}}`,
		`{"schema":"raiz/1","verb":"version","exit":0,"result":{"version":"1"},"more":1}`,
		`{"schema":"raiz/1","verb":"plan","exit":1,"error":{"code":"odd","text":"x"}}`,
		`{"schema":"raiz/1","verb":"rehearse status","exit":0,"result":{"rehearsals":[{"id":"a","site":"b","created":"today","state":"kept"}]}}`,
	} {
		var d any
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(d); err == nil {
			t.Errorf("takes %s", text)
		}
	}
	good := any(map[string]any{"schema": "raiz/1", "verb": "version", "exit": json.Number("0"), "result": map[string]any{"version": "1"}})
	if err := schema.Validate(good); err != nil {
		t.Error(err)
	}
}

// An interrupted run says so, and nobody is asked who wants JSON.
func TestJSONOfAnInterruptedRun(t *testing.T) {
	in(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, stderr bytes.Buffer
	code := run(ctx, []string{"validate", "gone.hcl", "--json"}, streams{in: strings.NewReader(""), out: &out, err: &stderr, env: os.Getenv})
	d := document(t, strictly(t), out.String())
	if said, _ := d["error"].(map[string]any); code != exitInterrupted || said["code"] != "interrupted" || d["problems"] == nil {
		t.Errorf("exit code %d, %s%s", code, out.String(), stderr.String())
	}
}

func TestJSONAsksNobody(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer terminal.Close()
	var stderr bytes.Buffer
	g := &globals{std: streams{in: terminal, err: &stderr}, json: true}
	coded, ok := errors.AsType[*codedError](g.ask(toApply("gru1")))
	if !ok || coded.code != exitUsage || !strings.Contains(coded.Error(), "--yes") || stderr.Len() > 0 {
		t.Errorf("%v, %q", coded, stderr.String())
	}
}

// A disk that is full under the document is an error of its own.
func TestJSONThatCannotBeWritten(t *testing.T) {
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"version", "--json"}, streams{in: strings.NewReader(""), out: broken{}, err: &stderr, env: os.Getenv})
	if code != exitError || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("exit code %d, %s", code, stderr.String())
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }
