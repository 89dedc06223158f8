//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/raiz-dns/raiz/provision/plan"
)

// paint is what somebody puts where raiz repeats what others say: a title, a
// cleared screen, a line of its own that a CI takes for a command, C1 in both
// forms, what turns the direction of reading, and what nobody sees.
const paint = "PAINT\x1b]0;x\x07\x1b[2J\r\b\n::error::x\u2028::error::y\u202e\u2066\u200b\ufeff\u009b31m\x9b31m\x7f\u3164\U000e0041END"

// painted is what of a text a terminal, a reader or a CI would obey.
func painted(text string) string {
	for i, r := range text {
		_, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && n == 1, r < ' ' && r != '\n' && r != '\t', r >= 0x7f && r <= 0x9f,
			unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp), r == '\u3164':
			return fmt.Sprintf("%q at %q", r, text[max(0, i-30):min(len(text), i+10)])
		}
	}
	if at := regexp.MustCompile(`(?m)^::error::`).FindStringIndex(text); at != nil {
		return fmt.Sprintf("a line of its own: %q", text[max(0, at[0]-30):at[1]])
	}
	return ""
}

func TestPaintedSaysNo(t *testing.T) {
	for _, bad := range []string{"\x1b", "\r", "\b", "\u009b", "\x9b", "\u202e", "\u200b", "\u2028", "\u3164", "a\n::error::x", "\U000e0041"} {
		if painted("fine "+bad+" fine") == "" {
			t.Errorf("%q is passed", bad)
		}
	}
	if is := painted("fine\n\tfine é\n  | ::error::"); is != "" {
		t.Error(is)
	}
}

// clean runs raiz in each of its forms; the paint has to come through as text,
// in one of them at least, and as nothing else.
func clean(t *testing.T, args ...string) {
	t.Helper()
	shown := ""
	for _, form := range [][]string{nil, {"--json"}, {"--verbose"}, {"--full"}} {
		_, out, err := raiz(t, append(append([]string{}, args...), form...)...)
		if is := painted(out); is != "" {
			t.Errorf("%q: on stdout %s", form, is)
		}
		if is := painted(err); is != "" {
			t.Errorf("%q: on stderr %s", form, is)
		}
		if form != nil && form[0] == "--json" && out != "" && !json.Valid([]byte(out)) {
			t.Errorf("no JSON: %.200q", out)
		}
		shown += out + err
	}
	if !strings.Contains(shown, "PAINT") {
		t.Errorf("what was painted does not come through at all: %.300q", shown)
	}
}

// fileName is the paint as far as a name of a file can have it.
var fileName = strings.ReplaceAll(paint, "/", "")

// quoted is the paint as a string of HCL, which has to be UTF-8.
func quoted() string {
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(paint, "") {
		if r > ' ' && r < 0x7f {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, "\\U%08x", r)
	}
	return `"` + b.String() + `"`
}

// inJSON is the paint as a string of JSON.
func inJSON() string {
	text, err := json.Marshal(paint)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// raw is the paint as it stands in a line of a file.
func raw() string { return strings.ReplaceAll(strings.ToValidUTF8(paint, ""), "\n", "") }

// TestPainted puts the paint in each place from where raiz reads on this
// machine: arguments, names and texts of files, programs.
func TestPainted(t *testing.T) {
	example, err := os.ReadFile("../../sites/as112-gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	site := public(string(example))
	put := func(name, text string) string {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	private := func(name string) string {
		if err := os.Chmod(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		return name
	}
	with := func(old, with string) func() []string {
		return func() []string {
			if !strings.Contains(site, old) {
				t.Fatalf("the site has no %s", old)
			}
			return []string{"validate", put("s/x.hcl", strings.Replace(site, old, with, 1))}
		}
	}
	saved := func(change func(*plan.Saved)) func() []string {
		return func() []string {
			s := plan.Saved{Schema: 3, Site: "as112-gru1", Source: "gru1.hcl", Wants: strings.Repeat("0", 64), Digest: strings.Repeat("0", 64)}
			change(&s)
			// As raiz writes it: bytes that are no UTF-8 become U+FFFD, which is
			// written otherwise the second time.
			text, err := json.Marshal(s)
			if err == nil {
				err = json.Unmarshal(text, &s)
			}
			if err == nil {
				text, err = json.Marshal(s)
			}
			if err != nil {
				t.Fatal(err)
			}
			return []string{"apply", put("x.plan", string(text)), "--yes"}
		}
	}
	args := func(all ...string) func() []string { return func() []string { return all } }
	for name, c := range map[string]func() []string{
		"name of a site file": func() []string { return []string{"validate", put(fileName+".hcl", "site")} },
		"name of a file laid out": func() []string {
			return []string{"fmt", "--check", put(strings.ToValidUTF8(fileName, "")+"2.hcl", "site   \"x\" {}\n")}
		},
		"name of a folder": func() []string { return []string{"validate", filepath.Dir(put(fileName+"/x.hcl", "site \"x\" {"))} },
		"name of a valid file": func() []string {
			return []string{"validate", put(strings.ToValidUTF8(fileName, "")+"3.hcl", string(example))}
		},
		"file that is not there": args("validate", fileName+"4.hcl"),
		"name of a site":         with(`site "as112-gru1"`, `site `+quoted()),
		"host":                   with(`host "`, `host `+quoted()+` "`),
		"contact":                with(`"noc@example.net"`, quoted()),
		"city":                   with(`"São Paulo"`, quoted()),
		"phone":                  with(`"+55 11 5555 0100"`, quoted()),
		"hostname":               with(`"gru1-bmc"`, quoted()),
		"zone":                   with(`dynamic "zone" {`, `zone `+quoted()+" {\n source = \"as112\"\n}\ndynamic \"zone\" {"),
		"identity":               with(`"gru1.as112.example.net"`, quoted()),
		"neighbor":               with(`neighbor "edge1"`, `neighbor `+quoted()),
		"address":                with(`"200.160.2.1"`, quoted()),
		"name of a variable": func() []string {
			return []string{"plan", put("s/x.hcl", strings.Replace(site, `"GRU1_BMC_PASSWORD"`, quoted(), 1))}
		},
		"name of a program": func() []string {
			return []string{"plan", put("s/x.hcl", strings.Replace(site, `env("GRU1_BMC_PASSWORD")`, "exec("+quoted()+")", 1))}
		},
		"what a program says": func() []string {
			program := put(os.Getenv("HOME")+"/o/PAINT-hand-out", "#!/bin/sh\nprintf '%s' '"+paint+"' >&2\nexit 1\n")
			if err := os.Chmod(program, 0o700); err != nil {
				t.Fatal(err)
			}
			operator := fmt.Sprintf("site \"*\" {\n  env = [\"GRU1_*\"]\n  program %q {\n    arguments = []\n  }\n  known_hosts = \"%s %s\"\n  bmc_certificates = [%q]\n}\n", program, ownServer,
				regexp.MustCompile(`ssh-ed25519 [A-Za-z0-9+/]+`).FindString(site), regexp.MustCompile(`sha256:[0-9a-f]{64}`).FindString(site))
			return []string{"plan", put("s/x.hcl", strings.Replace(site, `env("GRU1_BMC_PASSWORD")`, fmt.Sprintf("exec(%q)", program), 1)), "--operator", private(put(os.Getenv("HOME")+"/o/operator.hcl", operator))}
		},
		"name of a file in a site": with(`"gru1-bmc"`, `file(`+quoted()+`)`),
		"host key":                 with(`"ssh-ed25519 `, `"ssh-ed25519 `+strings.Trim(quoted(), `"`)),
		"certificate":              with(`"sha256:`, `"sha256:`+strings.Trim(quoted(), `"`)),
		"line of a site file":      with(`"gru1-bmc"`, `"bad host" # `+raw()),
		"statement of a site file": with("site \"", raw()+" = 1\nsite \""),
		"function":                 with(`env("GRU1_BMC_PASSWORD")`, raw()+`("x")`),
		"source of a plan":         saved(func(s *plan.Saved) { s.Source = paint }),
		"site of a plan":           saved(func(s *plan.Saved) { s.Site = paint }),
		"verb":                     args(paint),
		"verb below a verb":        args("bmc", paint),
		"flag":                     args("validate", "--"+paint),
		"value of a flag":          args("apply", "gru1.hcl", "--revert-after", paint),
		"address to log in at":     args("history", "gru1.hcl", "--via", paint),
		"rehearsal":                args("plan", "gru1.hcl", "--rehearsal", paint),
		"site that is asked for":   args("plan", "gru1.hcl", "--site", paint),
		"folder of packs":          args("validate", "gru1.hcl", "--templates", paint),
		"rendered file":            args("render", "gru1.hcl", paint),
		"operator file":            args("plan", "real.hcl", "--operator", paint),
		"text of the operator file": func() []string {
			return []string{"plan", put("s/x.hcl", site), "--operator", private(put(os.Getenv("HOME")+"/o/operator.hcl", raw()))}
		},
		"power":                  args("bmc", "power", "gru1.hcl", paint),
		"boot":                   args("bmc", "power", "gru1.hcl", "on", "--boot", paint),
		"machine of a rehearsal": args("rehearse", "up", "gru1.hcl", "--bmc", paint),
		"start of a rehearsal":   args("rehearse", "gru1.hcl", "--start", paint),
		"rehearsal to take down": args("rehearse", "down", paint),
		"report":                 args("verify", "gru1.hcl", "--report", paint),
		"document":               args("report", "gru1.hcl", "--out", paint),
		"language":               args("report", "gru1.hcl", "--out", "x.html", "--lang", paint),
		"name of kept results":   args("report", "gru1.hcl", "--out", "x.html", "--from", paint),
		"site of kept results": func() []string {
			return []string{"report", "gru1.hcl", "--out", "x.html", "--from", put("x.json", `{"schema":"raiz/1","verb":"verify","result":{"site":`+inJSON()+`,"verify":{"results":[{"id":"a","vantage":"bmc","status":"pass","messages":{"title":{"code":"os.clock.title"}}}]}}}`)}
		},
		"check of kept results": func() []string {
			return []string{"report", "gru1.hcl", "--out", "x.html", "--from", put("x.json", `{"schema":"raiz/1","verb":"verify","result":{"verify":{"results":[{"id":`+inJSON()+`}]}}}`)}
		},
		"code of kept results": func() []string {
			return []string{"report", "gru1.hcl", "--out", "x.html", "--from", put("x.json", `{"schema":"raiz/1","verb":"verify","result":{"verify":{"results":[{"id":"a","vantage":"bmc","status":"pass","messages":{"title":{"code":`+inJSON()+`}}}]}}}`)}
		},
		"pack": func() []string {
			put("packs/dns/"+fileName+"/component.hcl", "x")
			return []string{"validate", "gru1.hcl", "--templates", "packs"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			in(t)
			put("real.hcl", site)
			clean(t, c()...)
		})
	}
}

// A panic is a fault of ours; what it is about may be text of others.
func TestPanicIsSaid(t *testing.T) {
	var b strings.Builder
	if code := panicked(&b, errors.New(paint)); code != exitError {
		t.Errorf("exit code %d", code)
	}
	if is := painted(b.String()); is != "" || !strings.Contains(b.String(), "PAINT") {
		t.Errorf("%s: %q", is, b.String())
	}
}
