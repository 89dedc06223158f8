package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// inHTML is a report as a page in a language.
func inHTML(t *testing.T, r report.Report, language string) string {
	t.Helper()
	words, err := messages.In(language)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := report.HTML(&b, r, words); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// palette are the colours of a part of the style, by name.
func palette(t *testing.T, css string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
		out[m[1]] = m[2]
	}
	return out
}

// luminance is the relative luminance of a colour (WCAG 2.2).
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	part := func(shift int) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestContrastIsCounted(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want float64
	}{{"#000000", "#ffffff", 21}, {"#ffffff", "#ffffff", 1}, {"#777777", "#ffffff", 4.48}, {"#767676", "#ffffff", 4.54}} {
		if have := contrast(t, tt.a, tt.b); math.Abs(have-tt.want) > 0.01 {
			t.Errorf("%s on %s: %.2f, want %.2f", tt.a, tt.b, have, tt.want)
		}
	}
}

// Every text has the contrast of WCAG AA, 4.5 to 1, on each ground that it may
// stand on, and marks and edges 3 to 1; in the light and in the dark.
func TestContrast(t *testing.T) {
	text, err := os.ReadFile("page.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, found := strings.Cut(string(text), "@media screen and (prefers-color-scheme: dark)")
	dark, _, ended := strings.Cut(dark, "\n}\n")
	light, _, _ = strings.Cut(light, "\n}\n")
	if !found || !ended {
		t.Fatal("the style has no dark part")
	}
	for name, part := range map[string]string{"light": light, "dark": dark} {
		colours := palette(t, part)
		if len(colours) != 19 {
			t.Fatalf("%s has %d colours", name, len(colours))
		}
		holds := func(a, b string, least float64) {
			if have := contrast(t, colours[a], colours[b]); have < least {
				t.Errorf("%s: %s on %s has %.2f to 1, want %.1f", name, a, b, have, least)
			}
		}
		marks := []string{"pass", "warn", "fail", "unknown", "skipped", "other-instance"}
		for _, ground := range []string{"paper", "sheet"} {
			for _, ink := range append([]string{"ink", "quiet", "link"}, marks...) {
				holds(ink, ground, 4.5)
			}
			holds("edge", ground, 3)
		}
		for _, m := range marks {
			for _, ink := range append([]string{"ink", "quiet", "link"}, marks...) {
				holds(ink, m+"-wash", 4.5)
			}
		}
	}
	// What has another colour than these is not looked at: there is none but
	// the page number, on white paper.
	for _, c := range regexp.MustCompile(`#[0-9a-f]{3,8}\b|rgb|hsl|opacity`).FindAllString(regexp.MustCompile(`--[a-z-]+: #[0-9a-f]{6};`).ReplaceAllString(string(text), ""), -1) {
		if c != "#51606b" {
			t.Errorf("the style has the colour %s of its own", c)
		}
	}
}

// The policy lets the style in that the page has, and nothing else: no script,
// no other file. Its size is sane.
func TestPageStandsAlone(t *testing.T) {
	text := inHTML(t, handedOver(t, "root-example"), "en")
	_, style, _ := strings.Cut(text, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	policy := strings.ReplaceAll(base64.StdEncoding.EncodeToString(sum[:]), "+", "&#43;")
	if want := "content=\"default-src 'none'; style-src 'sha256-" + policy + "'; base-uri 'none'; form-action 'none'\""; !strings.Contains(text, want) {
		t.Errorf("the policy is not %s", want)
	}
	for _, bad := range []string{"<script", " style=", "javascript:", "src=", "url(", "@import", "<link", "<iframe", "<form", " on"} {
		if at := strings.Index(strings.ToLower(regexp.MustCompile(`>[^<]*<`).ReplaceAllString(strings.ReplaceAll(text, style, ""), "><")), bad); at >= 0 {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, m := range regexp.MustCompile(`(?:href|xlink:href)="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[1], "#") || !strings.Contains(text, `id="`+m[1][1:]+`"`) {
			t.Errorf("the page leads to %s", m[1])
		}
	}
	if len(text) > 300<<10 {
		t.Errorf("%d bytes", len(text))
	}
}

// hostile is what a page, a drawing, a ticket or a CI might give a meaning, and
// what a reader might be led astray by. harmless has as many letters, of which none is
// anything.
const hostile = "\"'><script>alert(1)</script><svg onload=x></text></title></desc>]]>--><!--{{.}}${x}&#60;b&#62;\x1b[2J\u202e\u2066\u200f\u2028\n\tאבג|`[x](javascript:y)\n# fake\x00\xff<style>*{}</style>"

func harmless() string { return strings.Repeat("x", len([]rune(hostile))) }

// painted is a report in which every text of others is one text: of the site,
// of each message that verify can say, and of who has looked.
func painted(t *testing.T, text string) report.Report {
	t.Helper()
	s := *example(t, "root-example")
	paint(reflect.ValueOf(&s).Elem(), text)
	r := report.Report{Site: &s, Looked: &report.Looked{At: time.Unix(0, 0), By: text, Raiz: text, Wants: text}, Past: &report.Past{At: time.Unix(1, 0)}}
	statuses := []verify.Status{verify.Pass, verify.Warn, verify.Fail, verify.Unknown, verify.OtherInstance, verify.Skipped}
	for i, d := range slices.Concat(verify.Codes(), report.Codes()) {
		m := verdict.Message{Code: d.Code}
		for _, p := range d.Args {
			m.Args = append(m.Args, paintedArg(p, text, verdict.New("unit.title", verdict.Unit("unit", text))))
		}
		id := fmt.Sprintf("%s%d", text, i)
		r.Verify = append(r.Verify, verify.Result{ID: id, Vantage: verify.Vantage(text), Status: statuses[i%len(statuses)], Title: m, Want: m, Got: []verdict.Message{m, m}, Evidence: []verdict.Message{m}, Advice: []verdict.Message{m}, Because: id})
		r.Past.Checks = append(r.Past.Checks, verify.Result{ID: "was " + id, Status: verify.Fail, Title: m}, verify.Result{ID: id, Status: statuses[i%5]})
		r.Notices = append(r.Notices, m)
	}
	return r
}

// paint puts the text into every string that can be set, in copies of what the
// site shares with others.
func paint(v reflect.Value, text string) {
	if !v.CanSet() {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Struct:
		for i := range v.NumField() {
			paint(v.Field(i), text)
		}
	case reflect.Slice:
		copied := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(copied, v)
		v.Set(copied)
		for i := range v.Len() {
			paint(v.Index(i), text)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			copied := reflect.New(v.Type().Elem())
			copied.Elem().Set(v.Elem())
			v.Set(copied)
			paint(copied.Elem(), text)
		}
	}
}

func paintedArg(p verdict.Param, text string, inner verdict.Message) verdict.Arg {
	at := netip.MustParseAddr("2001:db8::1")
	switch p.Type {
	case verdict.TypeAddress:
		return verdict.Address(p.Name, at)
	case verdict.TypePrefix:
		return verdict.Prefix(p.Name, netip.PrefixFrom(at, 64))
	case verdict.TypeASN:
		return verdict.ASN(p.Name, uint32(1))
	case verdict.TypePath:
		return verdict.Path(p.Name, []uint32{1})
	case verdict.TypeCount:
		return verdict.Count(p.Name, 1)
	case verdict.TypeDuration:
		return verdict.Duration(p.Name, time.Second)
	case verdict.TypeTime:
		return verdict.Time(p.Name, time.Unix(0, 0))
	case verdict.TypeZone:
		return verdict.Zone(p.Name, text)
	case verdict.TypeUnit:
		return verdict.Unit(p.Name, text)
	case verdict.TypeWord:
		return verdict.Word(p.Name, text)
	case verdict.TypeError:
		return verdict.Error(p.Name, errors.New(text))
	case verdict.TypeMessage:
		return verdict.Inner(p.Name, inner)
	case verdict.TypeAddresses:
		return verdict.Addresses(p.Name, []netip.Addr{at})
	case verdict.TypePrefixes:
		return verdict.Prefixes(p.Name, []netip.Prefix{netip.PrefixFrom(at, 64)})
	case verdict.TypeUnits:
		return verdict.Units(p.Name, []string{text, text})
	case verdict.TypeWords:
		return verdict.Words(p.Name, []string{text})
	case verdict.TypeAllSeen:
		return verdict.AllSeen(p.Name, []string{text})
	case verdict.TypeMessages:
		return verdict.Messages(p.Name, []verdict.Message{inner})
	}
	return verdict.Seen(p.Name, text)
}

// Whatever stands in any place of a page, in HTML or in the drawing: its
// elements and their attributes are those that there are without it.
func TestPaintedPage(t *testing.T) {
	tags := func(text string) []string { return regexp.MustCompile(`<[^>]*>`).FindAllString(text, -1) }
	evil, fine := inHTML(t, painted(t, hostile), "en"), inHTML(t, painted(t, harmless()), "en")
	if d := cmp.Diff(tags(fine), tags(evil)); d != "" {
		t.Errorf("(-want +got):\n%.2000s", d)
	}
	if n := strings.Count(evil, "&lt;script&gt;alert(1)"); n < 500 {
		t.Errorf("what was planted is there %d times", n)
	}
	if !regexp.MustCompile(`<text [^>]*><title>&#34;&#39;&gt;&lt;scri`).MatchString(evil) {
		t.Error("nothing was planted in the drawing")
	}
	for _, r := range []string{"\x1b", "\u202e", "\u2066", "\u200f", "\u2028", "\x00"} {
		if strings.Contains(evil, r) {
			t.Errorf("%q comes through", r)
		}
	}
	// A text as long as somebody likes stays one that can be read.
	long := inHTML(t, painted(t, strings.Repeat("very long ", 10000)), "en")
	if len(long) > 20<<20 {
		t.Errorf("%d bytes", len(long))
	}
}

// Every check that there may be is a part of the drawing: what turned red is
// red there too, and what was skipped for that is not green.
func TestEveryCheckIsDrawn(t *testing.T) {
	marked, green := regexp.MustCompile(`<use href="#m-fail" x=`), regexp.MustCompile(`<use href="#m-pass" x=`)
	for _, name := range []string{"root-example", "as112-gru1", "f-root-example"} {
		r := handedOver(t, name)
		before := inHTML(t, r, "en")
		if marked.MatchString(before) {
			t.Fatalf("%s: something is red before", name)
		}
		for i := range r.Verify {
			bad := r
			bad.Verify = slices.Clone(r.Verify)
			bad.Verify[i].Status = verify.Fail
			if !marked.MatchString(inHTML(t, bad, "en")) {
				t.Errorf("%s: %s fails, and nothing of the drawing shows it", name, r.Verify[i].ID)
			}
			bad.Verify[i].Status, bad.Verify[i].Because = verify.Skipped, "other"
			if r.Verify[i].Status == verify.Pass && len(green.FindAllString(inHTML(t, bad, "en"), -1)) >= len(green.FindAllString(before, -1)) {
				t.Errorf("%s: %s waits for another, and its part of the drawing is green", name, r.Verify[i].ID)
			}
		}
	}
}

// The verdict on the whole is never better than what it is made of.
func TestVerdictOnTheWhole(t *testing.T) {
	full := handedOver(t, "root-example")
	with := func(changes map[string]verify.Status) report.Report {
		r := full
		r.Verify = slices.Clone(full.Verify)
		for i := range r.Verify {
			if s, ok := changes[r.Verify[i].ID]; ok {
				r.Verify[i].Status = s
			}
		}
		return r
	}
	alone := full
	alone.Verify = slices.DeleteFunc(slices.Clone(full.Verify), func(r verify.Result) bool { return r.Vantage != verify.FromBMC })
	skipped := full
	skipped.Verify = slices.Clone(full.Verify)
	for i := range skipped.Verify {
		skipped.Verify[i].Status = verify.Skipped
	}
	fewer := full
	fewer.Verify = full.Verify[:len(full.Verify)-1]
	for _, tt := range []struct {
		name, class, words string
		r                  report.Report
	}{
		{"good", "pass", "As declared", full},
		{"a warning", "warn", "As declared, with remarks", with(map[string]verify.Status{"bmc.health": verify.Warn})},
		{"another copy", "warn", "As declared, with remarks", with(map[string]verify.Status{"os.clock": verify.OtherInstance})},
		{"unknown", "unknown", "Not all of it is known", with(map[string]verify.Status{"os.clock": verify.Unknown, "bmc.health": verify.Warn})},
		{"failed", "fail", "Not as declared", with(map[string]verify.Status{"os.clock": verify.Unknown, "bmc.health": verify.Fail})},
		{"the BMC alone", "unknown", "Only a part was looked at", alone},
		{"one check is missing", "unknown", "Only a part was looked at", fewer},
		{"all skipped", "unknown", "Nothing was looked at", skipped},
		{"nothing", "unknown", "Nothing was looked at", report.Report{Site: full.Site}},
		{"nothing at all", "unknown", "Nothing was looked at", report.Report{}},
	} {
		text := inHTML(t, tt.r, "en")
		_, head, _ := strings.Cut(text, `<section class="verdict `)
		class, head, _ := strings.Cut(head, `"`)
		head, _, _ = strings.Cut(head, "</h2>")
		if class != tt.class || !strings.HasSuffix(head, "> "+tt.words) {
			t.Errorf("%s: %s, %s", tt.name, class, head)
		}
	}
}

// What has changed is said by the way in which it has.
func TestSince(t *testing.T) {
	result := func(id string, s verify.Status) verify.Result {
		return verify.Result{ID: id, Status: s, Vantage: verify.FromServer, Title: verdict.New("unit.title", verdict.Unit("unit", id))}
	}
	r := report.Report{Site: &site.Site{Name: "x"}, Verify: []verify.Result{
		result("fell", verify.Fail), result("lost", verify.Unknown), result("rose", verify.Pass), result("known", verify.Fail), result("warns", verify.Warn),
		result("stays", verify.Fail), result("fresh", verify.Pass), result("skips", verify.Skipped),
	}, Past: &report.Past{Checks: []verify.Result{
		result("fell", verify.Pass), result("lost", verify.Warn), result("rose", verify.Fail), result("known", verify.Unknown), result("warns", verify.Pass),
		result("stays", verify.Fail), result("ended", verify.Fail), {ID: "nameless", Status: verify.Pass}, result("skips", verify.Fail),
	}}}
	var b bytes.Buffer
	if err := report.Markdown(&b, r, messages.English()); err != nil {
		t.Fatal(err)
	}
	_, have, _ := strings.Cut(b.String(), "## What has changed\n\n")
	have, _, _ = strings.Cut(have, "\n\n")
	const want = `* since the last report
* Turned red: fell runs and starts at boot: pass before, fail now
* Turned red: lost runs and starts at boot: warn before, unknown now
* Turned green: rose runs and starts at boot: fail before, pass now
* Ended otherwise: known runs and starts at boot: unknown before, fail now
* Ended otherwise: warns runs and starts at boot: pass before, warn now
* Ended otherwise: skips runs and starts at boot: fail before, skipped now
* New checks: fresh runs and starts at boot: pass
* Not checked any more: ended runs and starts at boot: fail
* Not checked any more: nameless: pass
* 1 check ended as before\.`
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	r.Past = &report.Past{At: time.Date(2026, 11, 23, 0, 0, 0, 0, time.FixedZone("x", 3600)), Checks: r.Verify}
	b.Reset()
	if err := report.Markdown(&b, r, nil); err != nil || !strings.Contains(b.String(), `* since 2026\-11\-22T23\:00\:00Z`) || !strings.Contains(b.String(), `* Nothing has changed\.`) {
		t.Errorf("%v, %s", err, b.String())
	}
}
