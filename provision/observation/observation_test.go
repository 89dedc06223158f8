package observation_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/observation"
)

func patterns(texts ...string) []*regexp.Regexp {
	var out []*regexp.Regexp
	for _, t := range texts {
		out = append(out, regexp.MustCompile(t))
	}
	return out
}

func TestLines(t *testing.T) {
	o := observation.Observation{Command: []string{"show"}, Alive: regexp.MustCompile("^hello"), Lines: observation.Lines{
		Begin: patterns(`^(?P<name>\w+) is (?P<state>\w+)`),
		Again: patterns(`^  and also`),
		End:   patterns(`^---`),
		More:  patterns(`^  state (?P<state>\w+)`, `^  as (?P<as>\d+)`),
	}}
	tests := []struct {
		name, text string
		want       []observation.Record
		mute       bool
	}{
		{"nothing", "", nil, true},
		{"somebody else answers", "a is up", nil, true},
		{"no records", "hello\n  as 1", nil, false},
		{"two", "hello\na is up\nb is down\n  as 7", []observation.Record{{"name": {"a"}, "state": {"up"}}, {"name": {"b"}, "state": {"down"}, "as": {"7"}}}, false},
		{"said twice", "hello\na is up\n  state idle", []observation.Record{{"name": {"a"}, "state": {"up", "idle"}}}, false},
		{"again", "hello\na is up\n  as 1\n  and also\n  as 2", []observation.Record{{"name": {"a"}, "state": {"up"}, "as": {"1"}}, {"name": {"a"}, "state": {"up"}, "as": {"2"}}}, false},
		{"again after nothing", "hello\n  and also\n  as 2", nil, false},
		{"after the end", "hello\na is up\n---\n  as 2\n  and also", []observation.Record{{"name": {"a"}, "state": {"up"}}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have, err := o.Read(strings.Split(tt.text, "\n"))
			if errors.Is(err, observation.ErrMute) != tt.mute || (err != nil) != tt.mute {
				t.Errorf("got error %v", err)
			}
			if diff := cmp.Diff(tt.want, have); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	o := observation.Observation{Command: []string{"show"}, JSON: &observation.JSON{Records: "neighbors.*", Fields: map[string]string{
		"name": "@key", "as": "remote.as", "state": "state", "communities": "communities.*.text", "as_path": "path",
	}}}
	tests := []struct {
		name, text string
		want       []observation.Record
		fails      bool
	}{
		{"nothing", "", nil, true},
		{"no JSON", "cannot connect", nil, true},
		{"cut", `{"neighbors": {"a"`, nil, true},
		{"none", `{"neighbors": {}}`, []observation.Record{}, false},
		{"grumbles first", "% warning\n{\"neighbors\": {\"192.0.2.1\": {\"state\": \"Idle\"}}}", []observation.Record{{"name": {"192.0.2.1"}, "state": {"Idle"}}}, false},
		{"all", `{"neighbors": {"b": {"remote": {"as": 4294967295}, "state": true}, "a": {"communities": [{"text": "1:2"}, {"text": "3:4"}], "path": [1, "2", [3], {}]}}}`,
			[]observation.Record{{"name": {"a"}, "communities": {"1:2", "3:4"}, "as_path": {"1", "2"}}, {"name": {"b"}, "as": {"4294967295"}, "state": {"true"}}}, false},
		{"a list", `{"neighbors": [{"state": "x"}]}`, []observation.Record{{"name": {""}, "state": {"x"}}}, false},
		{"other types", `{"neighbors": 7}`, []observation.Record{}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have, err := o.Read(strings.Split(tt.text, "\n"))
			if (err != nil) != tt.fails {
				t.Errorf("got error %v", err)
			}
			if diff := cmp.Diff(tt.want, have); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBGPWords(t *testing.T) {
	for text, want := range map[string][]string{
		"(65535,65281) (112, 1, 2)":    {"65535:65281", "112:1:2"},
		"65535:65281 112:1:2":          {"65535:65281", "112:1:2"},
		"no-export, graceful-shutdown": {"65535:65281", "65535:0"},
		"(rt, 112, 1)":                 {"rt:112:1"},
		"":                             nil,
	} {
		if diff := cmp.Diff(want, observation.Communities([]string{text})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	for text, want := range map[string][]uint32{"112 {64512 64513} i": {112, 64512, 64513}, "": nil, "99999999999 4294967295": {4294967295}} {
		if diff := cmp.Diff(want, observation.ASPath([]string{text})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

func TestArgv(t *testing.T) {
	o := observation.Observation{Command: []string{"show", "{session}-{family}", "{}"}}
	if diff := cmp.Diff([]string{"show", "n_a_v4-4", "{}"}, o.Argv(map[string]string{"session": "n_a_v4", "family": "4"})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if o.Command[1] != "{session}-{family}" {
		t.Error("the declared command was changed")
	}
}

// What a program says never makes more than is bounded, and never a panic.
func FuzzRead(f *testing.F) {
	f.Add(`{"neighbors": {"a": {"state": [1, 2, {}]}}}`)
	f.Add("hello\na is up\n  and also\n  as 1")
	f.Fuzz(func(t *testing.T, text string) {
		lines := observation.Observation{Lines: observation.Lines{Begin: patterns(`^(?P<a>\w+)`), Again: patterns(`^ (?P<a>.)`), More: patterns(`(?P<b>.+)`)}}
		json := observation.Observation{JSON: &observation.JSON{Records: "*.*", Fields: map[string]string{"a": "@key", "b": "b.*", "c": ""}}}
		for _, o := range []observation.Observation{lines, json} {
			records, _ := o.Read(strings.Split(text, "\n"))
			if len(records) > 10_000 {
				t.Errorf("%d records", len(records))
			}
			for _, r := range records {
				for field, values := range r {
					if len(values) > 1000 {
						t.Errorf("field %s has %d values", field, len(values))
					}
				}
			}
		}
	})
}
