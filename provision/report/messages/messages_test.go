package messages_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// Every language has words for every code and for nothing else, and fills in
// what English fills in.
func TestWords(t *testing.T) {
	if !slices.Contains(messages.Languages(), "en") {
		t.Fatal("there is no English")
	}
	for _, language := range messages.Languages() {
		words, err := messages.In(language)
		if err != nil {
			t.Fatal(err)
		}
		for _, problem := range badWords(words) {
			t.Errorf("%s: %s", language, problem)
		}
	}
}

// badWords is what is wrong with a table of words.
func badWords(words messages.Table) []string {
	var bad []string
	placeholder := regexp.MustCompile(`\{([^{}]*)\}`)
	defined := byCode()
	for code, d := range defined {
		text := words[code]
		if text == "" {
			bad = append(bad, string(code)+" has no words")
		}
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			if !slices.ContainsFunc(d.Args, func(p verdict.Param) bool { return p.Name == m[1] }) {
				bad = append(bad, string(code)+" has no argument "+m[1])
			}
		}
	}
	english := messages.English()
	for code, text := range words {
		if _, ok := defined[code]; !ok {
			bad = append(bad, string(code)+" is no code")
			continue
		}
		if want, have := filled(english[code]), filled(text); !slices.Equal(want, have) {
			bad = append(bad, fmt.Sprintf("%s fills in %q, and %q in English", code, have, want))
		}
	}
	slices.Sort(bad)
	return bad
}

// filled are the placeholders of a text, once each.
func filled(text string) []string {
	out := regexp.MustCompile(`\{[^{}]*\}`).FindAllString(text, -1)
	slices.Sort(out)
	return slices.Compact(out)
}

// What is said in another language is not the English text that somebody has
// copied, but where both have the same word.
func TestTranslated(t *testing.T) {
	same := []verdict.Code{"apply.bmc", "apply.setting", "bgp.session.want", "os.reply.by", "page.fact.bmc", "report.error", "unit.disabled", "unit.good"}
	english := messages.English()
	letters := regexp.MustCompile(`\p{Ll}{3}`)
	inEnglish := regexp.MustCompile(`(?i)\b(the|is|are|not|and|with|from|of|to|it|that|there|what|nobody|somebody)\b`)
	for _, language := range messages.Languages() {
		if language == "en" {
			continue
		}
		words, err := messages.In(language)
		if err != nil {
			t.Fatal(err)
		}
		for code, text := range words {
			own := regexp.MustCompile(`\{[^{}]*\}`).ReplaceAllString(text, "")
			if text == english[code] && letters.MatchString(own) && !slices.Contains(same, code) {
				t.Errorf("%s: %s is in English: %s", language, code, text)
			}
			if word := inEnglish.FindString(own); word != "" {
				t.Errorf("%s: %s says %q: %s", language, code, word, text)
			}
		}
		if tag := words["page.language"]; !strings.HasPrefix(tag, language) {
			t.Errorf("%s says that it is %s", language, tag)
		}
	}
}

// One has words of its own, in every language, and no word stands for another
// number.
func TestOne(t *testing.T) {
	for _, language := range messages.Languages() {
		words, err := messages.In(language)
		if err != nil {
			t.Fatal(err)
		}
		for code, text := range words {
			one, many := strings.CutSuffix(string(code), ".one")
			if many && (words[verdict.Code(one)] == "" || strings.Contains(text, "{") || code != "count.more.one" && !strings.HasPrefix(text, "1 ")) {
				t.Errorf("%s: %s is %q", language, code, text)
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	m := verdict.New("os.clock.off", verdict.Duration("offset", 1500*time.Microsecond))
	for language, want := range map[string]string{"en": "off by 1.5ms", "es": "desviación de 1,5ms", "pt": "desvio de 1,5ms"} {
		words, err := messages.In(language)
		if err != nil {
			t.Fatal(err)
		}
		if have := words.Say(m); have != want {
			t.Errorf("%s: %s, want %s", language, have, want)
		}
	}
}

func TestWordsAreRefused(t *testing.T) {
	words := messages.English()
	words["dns.gate.problem"] = "{address}: {got}"
	words["verify.more"] = "and {number} more"
	words["dns.less"] = "less"
	delete(words, "dns.silent")
	want := []string{
		"dns.gate.problem fills in [\"{address}\" \"{got}\"], and [\"{address}\" \"{got}\" \"{more}\"] in English",
		"dns.less is no code", "dns.silent has no words", "verify.more fills in [\"{number}\"], and [\"{count}\"] in English", "verify.more has no argument number",
	}
	if bad := badWords(words); !slices.Equal(bad, want) {
		t.Errorf("%q", bad)
	}
}

// A file of words is sorted, and says nothing twice: a reader of JSON would
// take the last.
func TestFilesAreSorted(t *testing.T) {
	for _, language := range messages.Languages() {
		text, err := os.ReadFile(language + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, m := range regexp.MustCompile(`(?m)^  "([^"]+)": `).FindAllSubmatch(text, -1) {
			keys = append(keys, string(m[1]))
		}
		if !slices.IsSorted(keys) || len(slices.Compact(slices.Clone(keys))) != len(keys) {
			t.Errorf("%s.json is not sorted, or says something twice", language)
		}
		var all map[string]string
		if err := json.NewDecoder(bytes.NewReader(text)).Decode(&all); err != nil || len(all) != len(keys) {
			t.Errorf("%s.json has %d texts in %d lines, %v", language, len(all), len(keys), err)
		}
	}
}

func TestSay(t *testing.T) {
	words := messages.Table{"a": "{x} and {y}", "outer": "({in})", "units": "stop {u}", "list.none": "nothing", "list.no-units": "no unit"}
	x := verdict.New("a", verdict.Seen("x", "{y}"), verdict.Error("y", errors.New("why")))
	for _, tt := range []struct {
		m    verdict.Message
		want string
	}{
		{verdict.Message{}, ""},
		{x, "{y} and why"}, // a value is never filled in itself
		{verdict.New("a", verdict.Words("x", nil), verdict.Words("y", []string{"1", "2"})), "nothing and 1, 2"},
		{verdict.New("outer", verdict.Inner("in", x)), "({y} and why)"},
		{verdict.New("outer", verdict.Messages("in", []verdict.Message{x, x})), "({y} and why; {y} and why)"},
		{verdict.New("units", verdict.Units("u", []string{"a.service", "b.service"})), "stop a.service b.service"},
		{verdict.New("units", verdict.Units("u", nil)), "stop no unit"},
		{verdict.New("a", verdict.Duration("x", 1500*time.Millisecond), verdict.Count("y", 1)), "1.5s and 1"},
		{verdict.New("without", verdict.Count("n", 3)), "without n=3"},
	} {
		if have := words.Say(tt.m); have != tt.want {
			t.Errorf("%s: %q, want %q", tt.m, have, tt.want)
		}
	}
	if have := words.All([]verdict.Message{x, x}); have != "{y} and why; {y} and why" {
		t.Errorf("%q", have)
	}
	if _, err := messages.In("xx"); err == nil {
		t.Error("words in no language")
	}
}
