package messages_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// Every language has words for every code and for nothing else, and fills in
// what the code has.
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
	for code := range words {
		if _, ok := defined[code]; !ok {
			bad = append(bad, string(code)+" is no code")
		}
	}
	slices.Sort(bad)
	return bad
}

func TestWordsAreRefused(t *testing.T) {
	words := messages.English()
	words["verify.more"] = "and {number} more"
	words["dns.less"] = "less"
	delete(words, "dns.silent")
	want := []string{"dns.less is no code", "dns.silent has no words", "verify.more has no argument number"}
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
