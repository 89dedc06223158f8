package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
)

const (
	shownPrint = "sha256:b1fe98d40e79d5f462b5a0d22254a9c27e88f3b968df719989540af675511688"
	shownKey   = "SHA256:zPgqXGGg3L5OnLRKvbse3wNaXF/WDscWqCVO06cSF44"
)

func quiet() (*globals, *bytes.Buffer) {
	var out bytes.Buffer
	return &globals{std: streams{in: strings.NewReader("yes\n"), out: &out, err: &out, env: func(string) string { return "" }}}, &out
}

func codeIn(err error) exitCode {
	if coded, ok := errors.AsType[*codedError](err); ok {
		return coded.code
	}
	return exitDone
}

// TestAgree takes nobody without an answer: neither a pipe that says yes nor
// a fingerprint that is another one.
func TestAgree(t *testing.T) {
	for name, c := range map[string]struct {
		seen, accepted string
		pinned         bool
		want           exitCode
	}{
		"nobody to ask":              {shownPrint, "", false, exitUsage},
		"pinned already":             {shownPrint, "", true, exitDone},
		"accepted":                   {shownPrint, shownPrint, false, exitDone},
		"accepted, with colons":      {shownPrint, "sha256:B1:FE:98:D4" + strings.ToUpper(shownPrint[15:]), false, exitDone},
		"another is accepted":        {shownPrint, "sha256:00", false, exitFailed},
		"another, though pinned":     {shownPrint, "sha256:00", true, exitFailed},
		"host key":                   {shownKey, shownKey, false, exitDone},
		"host key, in other case":    {shownKey, strings.ToLower(shownKey[:10]) + shownKey[10:], false, exitFailed},
		"certificate for a host key": {shownKey, shownPrint, false, exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			g, _ := quiet()
			if got := codeIn(g.agree("it", c.seen, c.pinned, c.accepted, "--accept")); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

// TestEnrollWrite writes into the file, whole or not at all, and never in a
// rehearsal.
func TestEnrollWrite(t *testing.T) {
	const text = "site \"gru1\" {\n  bmc {\n    username = \"raiz\" # a word\n  }\n}\n"
	const want = "site \"gru1\" {\n  bmc {\n    username    = \"raiz\" # a word\n    certificate = \"" + shownPrint + "\"\n  }\n}\n"
	for name, c := range map[string]struct {
		text, rehearsal string
		replace, out    bool
		pins            site.Pins
		code            exitCode
		want            string
	}{
		"written":      {text: text, pins: site.Pins{Certificate: shownPrint}, want: want},
		"aside":        {text: text, out: true, pins: site.Pins{Certificate: shownPrint}, want: text},
		"a rehearsal":  {text: text, rehearsal: "first", pins: site.Pins{Certificate: shownPrint}, want: text},
		"no ssh block": {text: text, pins: site.Pins{Certificate: shownPrint, HostKey: "ssh-ed25519 AAAA"}, code: exitUsage, want: text},
		"another pin":  {text: strings.Replace(want, "b1fe", "0000", 1), pins: site.Pins{Certificate: shownPrint}, code: exitUsage, want: strings.Replace(want, "b1fe", "0000", 1)},
		"replaced":     {text: strings.Replace(want, "b1fe", "0000", 1), replace: true, pins: site.Pins{Certificate: shownPrint}, want: want},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "gru1.hcl")
			if err := os.WriteFile(file, []byte(c.text), 0o640); err != nil {
				t.Fatal(err)
			}
			g, said := quiet()
			e := enrollOptions{replace: c.replace, target: target{rehearsal: c.rehearsal}}
			if c.out {
				e.out = filepath.Join(dir, "out.hcl")
			}
			s := &site.Site{Name: "gru1", Pos: site.Pos{File: file}}
			word := &operatorWord{real: filepath.Join(t.TempDir(), "raiz", "operator.hcl")}
			if c.rehearsal != "" {
				word = nil
			}
			if got := codeIn(e.write(g, s, word, c.pins)); got != c.code {
				t.Errorf("got %d, want %d: %s", got, c.code, said)
			}
			have, err := os.ReadFile(file)
			if err != nil || string(have) != c.want {
				t.Errorf("%v: the file holds\n%s", err, have)
			}
			if st, _ := os.Stat(file); st.Mode().Perm() != 0o640 {
				t.Errorf("its mode is %s", st.Mode())
			}
			if aside, _ := os.ReadFile(e.out); c.out && string(aside) != want {
				t.Errorf("beside it stands\n%s", aside)
			}
		})
	}
}

// TestPowerAsks switches nothing without a yes, and knows its words.
func TestPowerAsks(t *testing.T) {
	g, _ := quiet()
	if got := codeIn(g.ask(namingSite("Power off?", "gru1", "nothing is switched", "give --yes"))); got != exitUsage {
		t.Errorf("got %d", got)
	}
	for _, c := range []struct{ do, boot string }{{"explode", ""}, {"off", "pxe"}, {"", "pxe"}, {"on", "floppy"}} {
		if got := codeIn(g.bmcPower(t.Context(), "/nowhere.hcl", c.do, powerOptions{boot: c.boot})); got != exitUsage {
			t.Errorf("%v: got %d", c, got)
		}
	}
}

func TestFactText(t *testing.T) {
	no := fmt.Errorf("read boot of 192.0.2.1:443: %w", fmt.Errorf("it is in the BIOS: %w", state.ErrUnsupported))
	for want, f := range map[string]state.Fact{
		"a, b":                           {Value: state.Attr{Values: []string{"a", "b"}}},
		"none":                           {Value: state.Attr{}},
		"not set":                        {},
		"unsupported: it is in the BIOS": {Err: no},
		"x; unsupported to change: it is in the BIOS": {Value: state.Text("x"), Err: no},
		"unknown: cut off":                            {Err: errors.New("read boot of 192.0.2.1:443: cut off")},
	} {
		if got := factText(f); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
