package site_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

var update = flag.Bool("update", false, "rewrite the wanted parts of testdata/*.txtar")

// TestCases runs every case of testdata/*.txtar. The files of a case are
// CASE/NAME:
//
//	edit          changes to testdata/base.hcl: "-" lines become "+" lines
//	*.hcl         site files, instead of edit
//	operators/*   operator profiles, instead of those in templates/operators
//	lookup        what is found: lines such as: env("NAME") = "text"
//	NAME          any other file, in the folder of the site files
//	want.diag     the diagnostics of Load
//	want.missing  the diagnostics of MissingSecrets, for all sites
//	want.json     the sites, without their operator's rules
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range caseNames(t, archive) {
				t.Run(name, func(t *testing.T) { runCase(t, archive, name) })
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func caseNames(t *testing.T, archive *txtar.Archive) []string {
	t.Helper()
	var names []string
	for _, f := range archive.Files {
		name, _, ok := strings.Cut(f.Name, "/")
		if !ok {
			t.Fatalf("%s is not in the folder of a case", f.Name)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func runCase(t *testing.T, archive *txtar.Archive, name string) {
	sites, opt, entry := fstest.MapFS{}, operators(), "."
	profiles := fstest.MapFS{}
	found := found{}
	for _, f := range archive.Files {
		rest, ok := strings.CutPrefix(f.Name, name+"/")
		switch {
		case !ok, strings.HasPrefix(rest, "want."):
		case rest == "edit":
			sites["in.hcl"], entry = &fstest.MapFile{Data: edited(t, f.Data)}, "in.hcl"
		case rest == "lookup":
			found = parseLookup(t, f.Data)
		case strings.HasPrefix(rest, "operators/"):
			profiles[strings.TrimPrefix(rest, "operators/")] = &fstest.MapFile{Data: f.Data}
			opt.Operators = profiles
		default:
			sites[rest] = &fstest.MapFile{Data: f.Data}
		}
	}
	opt.Packs = packsOf(map[string][]string{
		"network": {"networkd"}, "bgp": {"bird", "frr"}, "dns": {"nsd", "bind", "knot"}, "firewall": {"nftables"}, "time": {"chrony"}, "system": {"debian"}, "guard": {"ibgp"},
	})
	opt.Lookup = func(string) secret.Lookup { return found }
	have, diags := site.Load(sites, entry, opt)
	var missing site.Diagnostics
	for _, s := range have {
		missing = append(missing, s.MissingSecrets()...)
	}
	compare(t, archive, name+"/want.diag", text(diags))
	if wanted(archive, name+"/want.missing") {
		compare(t, archive, name+"/want.missing", text(missing))
	}
	if wanted(archive, name+"/want.json") {
		compare(t, archive, name+"/want.json", asJSON(t, have))
	}
	for _, secret := range found {
		if all := text(diags) + text(missing); len(secret) > 3 && strings.Contains(all, secret) {
			t.Errorf("a secret is in the diagnostics:\n%s", all)
		}
	}
}

func wanted(archive *txtar.Archive, name string) bool {
	return slices.ContainsFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
}

// compare compares with a part of the archive, or writes it.
func compare(t *testing.T, archive *txtar.Archive, name, have string) {
	t.Helper()
	i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == name })
	switch {
	case i >= 0 && *update:
		archive.Files[i].Data = []byte(have)
	case i >= 0:
		if diff := cmp.Diff(string(archive.Files[i].Data), have); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	case *update:
		prefix := name[:strings.LastIndexByte(name, '/')+1]
		last := 0
		for j, f := range archive.Files {
			if strings.HasPrefix(f.Name, prefix) {
				last = j
			}
		}
		archive.Files = slices.Insert(archive.Files, last+1, txtar.File{Name: name, Data: []byte(have)})
	default:
		t.Errorf("there is no %s; run with -update", name)
	}
}

// edited applies an edit to base.hcl: each run of "-" lines stands there
// exactly once and becomes the "+" lines that follow.
func edited(t *testing.T, edit []byte) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/base.hcl")
	if err != nil {
		t.Fatal(err)
	}
	base, from, to := string(raw), "", ""
	apply := func() {
		if from == "" {
			return
		}
		if strings.Count(base, from) != 1 {
			t.Fatalf("%q stands %d times in base.hcl", from, strings.Count(base, from))
		}
		base = strings.Replace(base, from, to, 1)
		from, to = "", ""
	}
	for line := range strings.Lines(string(edit)) {
		switch {
		case strings.HasPrefix(line, "-"):
			if to != "" {
				apply()
			}
			from += line[1:]
		case strings.HasPrefix(line, "+"):
			to += line[1:]
		default:
			apply()
		}
	}
	apply()
	return []byte(base)
}

// text writes diagnostics as the cases have them.
func text(diags site.Diagnostics) string {
	var b strings.Builder
	for _, d := range diags {
		word := "error"
		if d.Severity == site.Warning {
			word = "warning"
		}
		fmt.Fprintf(&b, "%s:%d:%d: %s: %s [%s]\n\t%s\n", d.Pos.File, d.Pos.Line, d.Pos.Column, word, d.Summary, d.Rule, d.Detail)
		if d.Source != "" {
			fmt.Fprintf(&b, "\t| %s\n", strings.TrimSpace(d.Source))
		}
	}
	return b.String()
}

func asJSON(t *testing.T, sites []*site.Site) string {
	t.Helper()
	var b strings.Builder
	for _, s := range sites {
		short := *s
		short.Operator.Rules = nil
		out, err := json.MarshalIndent(short, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		b.Write(out)
		b.WriteByte('\n')
	}
	return b.String()
}

// found is a Lookup that finds what a case lists.
type found map[string]string

func parseLookup(t *testing.T, text []byte) found {
	t.Helper()
	all := found{}
	for line := range strings.Lines(string(text)) {
		source, quoted, ok := strings.Cut(strings.TrimSpace(line), " = ")
		var value string
		if !ok || json.Unmarshal([]byte(quoted), &value) != nil {
			t.Fatalf("not a lookup: %q", line)
		}
		all[source] = value
	}
	return all
}

func (f found) find(source string, err error) (string, error) {
	if text, ok := f[source]; ok {
		return text, nil
	}
	return "", err
}

func (f found) Env(name string) (string, error) {
	return f.find(fmt.Sprintf("env(%q)", name), fmt.Errorf("environment variable %s is not set", name))
}

func (f found) File(name string) (string, error) {
	return f.find(fmt.Sprintf("file(%q)", name), fs.ErrNotExist)
}

func (f found) Exec(argv []string) (string, error) {
	if len(argv) == 0 {
		return "", errors.New("no program")
	}
	return f.find(fmt.Sprintf("exec(%q)", strings.Join(argv, " ")), secret.ErrNotAllowed)
}

// packsOf are packs of these names; the first of each kind is the default.
func packsOf(names map[string][]string) map[string][]site.Pack {
	all := map[string][]site.Pack{}
	for kind, packs := range names {
		for i, name := range packs {
			all[kind] = append(all[kind], site.Pack{
				Name: name, Default: i == 0, ChecksAnchors: name == "nsd", ServesBadZones: name == "bind",
				Options: map[string]any{"count": int64(1), "word": "a", "on": true, "list": []string{}},
			})
		}
		slices.SortFunc(all[kind], func(a, b site.Pack) int { return strings.Compare(a.Name, b.Name) })
	}
	return all
}
