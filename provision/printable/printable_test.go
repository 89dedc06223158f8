package printable_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/raiz-dns/raiz/provision/printable"
)

// nasty are texts that a terminal obeys or a reader is deceived by, as what
// they do. The table is written from the standards, and not from the code.
func nasty() map[string]string {
	return map[string]string{
		"title":            "\x1b]0;x\x07",    // OSC, xterm ctlseqs
		"clear":            "\x1b[2J",         // ED, ECMA-48 §8.3.39
		"C1 CSI":           "\u009b31m",       // ECMA-48 §5.3
		"C1 CSI in 8 bits": "\x9b31m",         // no UTF-8
		"C1 OSC":           "\u009d0;x\u009c", // and ST
		"DCS":              "\x1bP+q\x1b\\",
		"carriage return":  "a\rb",
		"backspace":        "a\bb",
		"bell":             "\x07",
		"NUL":              "a\x00b",
		"DEL":              "a\x7fb",
		"shift out":        "\x0e\x0f",
		"form feed":        "\f\v",
		"next line":        "a\u0085b",
		"override":         "a\u202egnp.exe", // UAX #9
		"embedding":        "\u202a\u202b\u202c\u202d",
		"isolates":         "\u2066\u2067\u2068\u2069",
		"marks of reading": "\u200e\u200f\u061c",
		"zero width":       "a\u200bb\u200c\u200d\u2060\ufeff",
		"soft hyphen":      "a\u00adb",
		"line separator":   "a\u2028b\u2029c",
		"tags":             "\U000e0041\U000e007f",
		"selectors":        "a\ufe0f\U000e0100",
		"fillers":          "a\u3164\u115f\u1160\uffa0b\u034f",
		"private":          "\ue000\U00100000",
		"unassigned":       "\ufdd0\uffff\U0010ffff",
		"surrogate":        "\xed\xa0\x80",
		"overlong":         "\xc0\x9b",
		"cut off":          "a\xe2\x80",
	}
}

// obeyed is the first character that is no part of a text, if any is.
func obeyed(s string) (rune, bool) {
	for i, r := range s {
		switch {
		case r == utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return r, true
			}
		case r < ' ' || r >= 0x7f && r <= 0x9f || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs, unicode.Variation_Selector),
			strings.ContainsRune("\u3164\u115f\u1160\uffa0\u034f\ufdd0\uffff\U0010ffff", r):
			return r, true
		}
	}
	return 0, false
}

func TestLine(t *testing.T) {
	for name, s := range nasty() {
		if r, bad := obeyed(printable.Line("before " + s + " behind")); bad {
			t.Errorf("%s: %q passes", name, r)
		}
	}
	for in, want := range map[string]string{
		"":                                       "",
		"São Paulo, Ciudad de México":            "São Paulo, Ciudad de México",
		"a\u0303o \u6771\u4eac \u0645":           "a\u0303o \u6771\u4eac \u0645",
		"a\nb":                                   "a\uFFFDb",
		"a\tb\u00a0c\u2003d\u3000e":              "a b c d e",
		"\x1b[31mred":                            "\uFFFD[31mred",
		"e\u0301\u0302\u0303\u0304\u0305\u0306x": "e\u0301\u0302\u0303\u0304x",
		"😀":                                      "😀",
	} {
		if have := printable.Line(in); have != want {
			t.Errorf("%q: %q, want %q", in, have, want)
		}
		if have := printable.Line(printable.Line(in)); have != want {
			t.Errorf("%q: twice it is %q", in, have)
		}
	}
}

func TestBounds(t *testing.T) {
	for n, want := range map[int]string{0: "", 3: "xxx", 5: "xxxxx", 9: "xxxxx…"} {
		if have := printable.Short(strings.Repeat("x", n), 5); have != want {
			t.Errorf("%d: %q, want %q", n, have, want)
		}
	}
	if have := printable.Short(strings.Repeat("é", 6), 5); have != "ééééé…" {
		t.Errorf("characters are %q", have)
	}
	huge := strings.Repeat("x", 1<<20)
	if n := utf8.RuneCountInString(printable.Line(huge)); n != printable.MaxLine+1 {
		t.Errorf("a line has %d characters", n)
	}
	lines := printable.Lines(strings.Repeat(huge+"\n", 3) + strings.Repeat("x\n", 1<<16))
	if n := strings.Count(lines, "\n"); n != printable.MaxLines || len(lines) > 4*printable.MaxLine+2*printable.MaxLines {
		t.Errorf("%d lines, %d bytes", n, len(lines))
	}
	if printable.Text(huge+"\n") != huge+"\n" {
		t.Error("what is to be reviewed is cut")
	}
}

func TestLines(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nb\n\n": "a\nb", "a\n\tb\rc": "a\n\tb\uFFFDc", "a\u2028::error::": "a\uFFFD::error::", "": "",
	} {
		if have := printable.Lines(in); have != want {
			t.Errorf("%q: %q, want %q", in, have, want)
		}
	}
	if have, want := printable.Quoted("a\n::error::x\x1b"), "a\n  | ::error::x\uFFFD"; have != want {
		t.Errorf("%q, want %q", have, want)
	}
}

type named string

func (n named) String() string { return "name " + string(n) }

// Each argument is one line, whatever its type, and numbers stay numbers.
func TestFprintf(t *testing.T) {
	const evil = "\x1b[2J\n::error::\r"
	var b strings.Builder
	printable.Fprintf(&b, "%s|%v|%v|%v|%v|%q|%v|%s|%v\n", evil, errors.New(evil), named(evil), []string{evil}, struct{ A string }{evil}, evil, map[string]string{evil: evil},
		[]byte(evil), fmt.Errorf("a: %w", errors.Join(errors.New(evil), errors.New(evil))))
	if strings.Count(b.String(), "\n") != 1 || strings.ContainsAny(b.String(), "\x1b\r") {
		t.Errorf("%q", b.String())
	}
	b.Reset()
	printable.Fprintf(&b, "%04o %d %5.1f %t %x %s %v", 0o640, int64(-3), 2.25, true, uint8(255), netip.MustParseAddr("::1"), nil)
	if have, want := b.String(), "0640 -3   2.2 true ff ::1 <nil>"; have != want {
		t.Errorf("%q, want %q", have, want)
	}
}

// However a text is cut into writes, the same comes out, and nothing that is
// obeyed.
func TestWriter(t *testing.T) {
	all := ""
	for _, s := range nasty() {
		all += s + " é\n\t😀"
	}
	whole := printable.Text(all)
	for size := 1; size < 9; size++ {
		var b bytes.Buffer
		w := printable.NewWriter(&b, printable.Colours)
		for rest := []byte(all); len(rest) > 0; {
			n := min(size, len(rest))
			if m, err := w.Write(rest[:n]); m != n || err != nil {
				t.Fatal(m, err)
			}
			rest = rest[n:]
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		// A broken character may be one byte or more.
		squeeze := func(s string) string {
			for strings.Contains(s, "\uFFFD\uFFFD") {
				s = strings.ReplaceAll(s, "\uFFFD\uFFFD", "\uFFFD")
			}
			return s
		}
		if squeeze(b.String()) != squeeze(whole) {
			t.Errorf("in writes of %d: %q, want %q", size, b.String(), whole)
		}
		if r, bad := obeyed(strings.NewReplacer("\n", "", "\t", "").Replace(b.String())); bad {
			t.Errorf("in writes of %d %q passes", size, r)
		}
	}
}

// Only what is painted has colour, and only where there are colours.
func TestSpans(t *testing.T) {
	evil := "\x1b[31mx\ny"
	for palette, want := range map[printable.Palette]string{
		printable.Monochrome: "ok \uFFFD[31mx\uFFFDy!\n",
		printable.Colours:    "\x1b[32mok\x1b[0m \x1b[31m\uFFFD[31mx\uFFFDy\x1b[0m!\n",
	} {
		var b bytes.Buffer
		w := printable.NewWriter(&b, palette)
		if err := w.Spans(printable.Span{Style: printable.Green, Text: "ok"}, printable.Span{Text: " "}, printable.Span{Style: printable.Red, Text: evil},
			printable.Span{Text: "!"}, printable.Span{Style: printable.Bold}); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("%q, want %q", b.String(), want)
		}
	}
	var b bytes.Buffer
	w := printable.NewWriter(&b, printable.Monochrome)
	_, _ = w.Write([]byte("a\xe2\x80"))
	_ = w.Spans(printable.Span{Text: "b"})
	if b.String() != "a\uFFFDb\n" {
		t.Errorf("%q", b.String())
	}
	if printable.To(w) != w || printable.To(&b).Palette() != printable.Monochrome {
		t.Error("a way is laid twice, or has colours that nobody wanted")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriterFails(t *testing.T) {
	w := printable.NewWriter(broken{}, printable.Monochrome)
	if _, err := w.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if err := w.Spans(printable.Span{Text: "x"}); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// The document is the same to whoever reads it, and has nothing that is obeyed.
func TestJSON(t *testing.T) {
	for name, s := range nasty() {
		in, err := json.Marshal(map[string]any{"a": s + "e\u0301\u0302\u0303\u0304\u0305\u0306\u00a0", s: []string{s}})
		if err != nil {
			t.Fatal(err)
		}
		var before, after any
		if err := json.Unmarshal(in, &before); err != nil {
			t.Fatal(err)
		}
		out := printable.JSON(in)
		if err := json.Unmarshal(out, &after); err != nil || fmt.Sprintf("%q", before) != fmt.Sprintf("%q", after) {
			t.Errorf("%s: %v\n%q\n%q", name, err, before, after)
		}
		if r, bad := obeyed(string(out)); bad {
			t.Errorf("%s: %q passes", name, r)
		}
		var b bytes.Buffer
		if _, err := printable.NewWriter(&b, printable.Monochrome).Write(out); err != nil || !bytes.Equal(b.Bytes(), out) {
			t.Errorf("%s: on its way it becomes %q", name, b.Bytes())
		}
	}
	if have := printable.JSON([]byte("\"a\xffb\"\r\n")); !json.Valid(have) || !utf8.Valid(have) {
		t.Errorf("%q", have)
	}
}

// XML 1.0 §2.2 forbids most control characters even when they are escaped.
func TestXML(t *testing.T) {
	for name, s := range nasty() {
		text := printable.XML(s + "<]]>&\n\t")
		for _, r := range text {
			if r != '\t' && r != '\n' && (r < ' ' || r > 0xd7ff && r < 0xe000 || r == 0xfffe || r == 0xffff) {
				t.Errorf("%s: %q is no character of XML", name, r)
			}
		}
		var b bytes.Buffer
		if err := xml.EscapeText(&b, []byte(text)); err != nil {
			t.Fatal(err)
		}
		var back struct {
			Text string `xml:",chardata"`
		}
		if err := xml.Unmarshal([]byte("<a>"+b.String()+"</a>"), &back); err != nil || back.Text != text {
			t.Errorf("%s: %q, %v", name, back.Text, err)
		}
	}
}

// None of what CommonMark and GFM give a meaning keeps it.
func TestMarkdownText(t *testing.T) {
	for in, want := range map[string]string{
		"# a":                     `\# a`,
		"- a":                     `\- a`,
		"1. a":                    `1\. a`,
		"1) a":                    `1\) a`,
		"> a":                     `&gt; a`,
		"  - a":                   `\- a`,
		"a | b":                   `a \| b`,
		"![x](javascript:y)":      `\!\[x\]\(javascript\:y\)`,
		"[x]: /y":                 `\[x\]\: /y`,
		"<script>a&b</script>":    `&lt;script&gt;a&amp;b&lt;/script&gt;`,
		"&lt;":                    `&amp;lt;`,
		"`a`":                     "\\`a\\`",
		"*a* _b_ ~~c~~":           `\*a\* \_b\_ \~\~c\~\~`,
		"https://a.b www.a.b a@b": `https\://a\.b www\.a\.b a&#64;b`,
		"a\n\n# b":                "a\uFFFD\uFFFD\\# b",
		`a\`:                      `a\\`,
		"===":                     `\=\=\=`,
		"$x$":                     `\$x\$`,
		"São Paulo":               "São Paulo",
		"\x1b]0;x":                `�\]0;x`,
	} {
		if have := printable.MarkdownText(in); string(have) != want {
			t.Errorf("%q: %q, want %q", in, have, want)
		}
	}
}

// Whatever comes, nothing that is obeyed comes out.
func FuzzText(f *testing.F) {
	for _, s := range nasty() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, out := range []string{printable.Line(s), string(printable.MarkdownText(s)), strings.NewReplacer("\n", "", "\t", "").Replace(printable.Lines(s) + printable.Text(s) + printable.XML(s))} {
			if r, bad := obeyed(out); bad || !utf8.ValidString(out) {
				t.Errorf("%q: %q passes", s, r)
			}
		}
		if utf8.RuneCountInString(printable.Line(s)) > printable.MaxLine+1 {
			t.Errorf("%d characters", len(s))
		}
		if doc, err := json.Marshal(s); err == nil && !json.Valid(printable.JSON(doc)) {
			t.Errorf("%q: no JSON any more", doc)
		}
	})
}
