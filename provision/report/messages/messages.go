// Package messages has the words for what the rooms say as codes: one file a
// language, LANGUAGE.json, from code to text. A placeholder such as {zone} is
// an argument of the code. A language is added by adding its file.
package messages

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/raiz-dns/raiz/provision/verdict"
)

//go:embed *.json
var files embed.FS

// Table is the words of one language.
type Table map[verdict.Code]string

// Languages are those that there are words in, sorted.
func Languages() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("messages: " + err.Error()) // it is inside of the program
	}
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), ".json"))
	}
	return out
}

// In returns the words of a language.
func In(language string) (Table, error) {
	text, err := files.ReadFile(language + ".json")
	if err != nil {
		return nil, fmt.Errorf("no words in %q: there are %s", language, strings.Join(Languages(), ", "))
	}
	var t Table
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, fmt.Errorf("words in %q: %w", language, err)
	}
	return t, nil
}

// English returns the words that are always there.
func English() Table {
	t, err := In("en")
	if err != nil {
		panic("messages: " + err.Error()) // it is inside of the program, and a test reads it
	}
	return t
}

// Say puts a message into words. A code without words, which a test refuses,
// is said as it is: nothing is lost.
func (t Table) Say(m verdict.Message) string {
	if m.IsZero() {
		return ""
	}
	text, ok := t[m.Code]
	if !ok {
		return m.String()
	}
	var pairs []string
	for _, a := range m.Args {
		pairs = append(pairs, "{"+a.Name()+"}", t.value(a))
	}
	return strings.NewReplacer(pairs...).Replace(text) // one pass: a value is never taken for a placeholder
}

// All puts several messages into words.
func (t Table) All(ms []verdict.Message) string {
	var out []string
	for _, m := range ms {
		out = append(out, t.Say(m))
	}
	return strings.Join(out, "; ")
}

func (t Table) value(a verdict.Arg) string {
	if inner := a.Inner(); inner != nil {
		return t.All(inner)
	}
	items, isList := a.Items()
	switch {
	case isList && len(items) == 0 && a.Type() == verdict.TypeUnits:
		return t.Say(verdict.New("list.no-units"))
	case isList && len(items) == 0:
		return t.Say(verdict.New("list.none"))
	case a.Type() == verdict.TypeDuration:
		return strings.ReplaceAll(a.String(), ".", t.point())
	}
	return a.String()
}

// point stands between a number and its decimals.
func (t Table) point() string {
	if _, ok := t["number.point"]; !ok {
		return "."
	}
	return t.Say(verdict.New("number.point"))
}
