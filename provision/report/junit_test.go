package report_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// junitElement is what Jenkins' schema for reports of JUnit says of an element:
// src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd of
// https://github.com/jenkinsci/xunit-plugin, as of commit 031e285e. Only what
// raiz writes is here; an element that is not here is refused. Where the schema
// has a choice of any number in any order, so has this.
type junitElement struct {
	required, optional []string // attributes, each a string
	children           []string
	text               bool // it is mixed, or a string
}

func junitSchema() map[string]junitElement {
	result := junitElement{optional: []string{"type", "message"}, text: true}
	return map[string]junitElement{
		"testsuite": {
			required: []string{"name", "tests", "failures", "errors"},
			optional: []string{"group", "time", "skipped", "timestamp", "hostname", "id", "package", "file", "log", "url"},
			children: []string{"testsuite", "properties", "testcase", "system-out", "system-err"},
		},
		"properties": {children: []string{"property"}},
		"property":   {required: []string{"name", "value"}},
		"testcase": {
			required: []string{"name"}, optional: []string{"time", "classname", "group"},
			children: []string{"skipped", "error", "failure", "system-out", "system-err"},
		},
		"failure": result, "error": result, "skipped": result,
		"system-out": {text: true}, "system-err": {text: true},
	}
}

// junitProblem is what a document has that the schema does not allow, or nil.
// Besides, the counts of the suite have to be those of its cases.
func junitProblem(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	var open []string
	count := map[string]int{}
	var suite map[string]string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.StartElement:
			attrs, err := junitStart(token, open)
			if err != nil {
				return err
			}
			if count[token.Name.Local]++; len(open) == 0 {
				suite = attrs
			}
			open = append(open, token.Name.Local)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 && !junitSchema()[open[len(open)-1]].text && strings.TrimSpace(string(token)) != "" {
				return fmt.Errorf("%s has the text %.40q", open[len(open)-1], token)
			}
		case xml.Comment, xml.Directive:
			return fmt.Errorf("there is %T", token)
		}
	}
	for attr, element := range map[string]string{"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"} {
		if suite[attr] != fmt.Sprint(count[element]) {
			return fmt.Errorf("%s is %s of %d", attr, suite[attr], count[element])
		}
	}
	return nil
}

func junitStart(e xml.StartElement, open []string) (map[string]string, error) {
	name := e.Name.Local
	is, known := junitSchema()[name]
	switch {
	case !known || e.Name.Space != "":
		return nil, fmt.Errorf("there is no %s", name)
	case len(open) == 0 && name != "testsuite":
		return nil, fmt.Errorf("%s is the root", name)
	case len(open) > 0 && !slices.Contains(junitSchema()[open[len(open)-1]].children, name):
		return nil, fmt.Errorf("%s is in %s", name, open[len(open)-1])
	}
	attrs := map[string]string{}
	for _, a := range e.Attr {
		if !slices.Contains(is.required, a.Name.Local) && !slices.Contains(is.optional, a.Name.Local) {
			return nil, fmt.Errorf("%s has the attribute %s", name, a.Name.Local)
		}
		attrs[a.Name.Local] = a.Value
	}
	for _, a := range is.required {
		if _, ok := attrs[a]; !ok {
			return nil, fmt.Errorf("%s lacks %s", name, a)
		}
	}
	return attrs, nil
}

// What is written for a CI is what CIs read.
func TestJUnitSchema(t *testing.T) {
	seen := 0
	for name, text := range written(t) {
		if strings.HasSuffix(name, ".xml") {
			if seen++; junitProblem(text) != nil {
				t.Errorf("%s: %v", name, junitProblem(text))
			}
		}
	}
	if seen < 3 {
		t.Errorf("only %d documents", seen)
	}
}

func TestJUnitSchemaRefuses(t *testing.T) {
	good := `<testsuite name="x" tests="1" failures="0" errors="0" skipped="1"><properties><property name="a" value="b"/></properties><testcase name="a"><skipped message="m">t</skipped></testcase></testsuite>`
	if err := junitProblem(good); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`tests="1"`, `tests="2"`}, {`skipped="1"`, ``}, {`skipped="1"`, `skipped="0"`}, {`failures="0"`, ``}, {`name="x"`, `name="x" colour="y"`}, {`message="m"`, `reason="m"`},
		{`<testcase name="a">`, `<testcase>`}, {`<testcase name="a">`, `<testcase name="a">text`}, {`value="b"`, ``}, {`</skipped>`, `<b/></skipped>`}, {`</testsuite>`, ``},
		{`<properties>`, `<properties><testcase name="x"/>`}, {`testsuite`, `suite`}, {`</testcase>`, `</testcase><!-- x -->`},
	} {
		if bad := strings.ReplaceAll(good, change[0], change[1]); bad == good || junitProblem(bad) == nil {
			t.Errorf("takes %s", bad)
		}
	}
}
