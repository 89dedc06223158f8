package observation

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// JSON says where in a JSON document the records are, and where in each of
// them the fields are. A path is names with dots between them; "*" stands for
// every element of a list or an object, in order; "" is the place itself. A field "@key" is the name
// under which the last "*" of Records found it.
type JSON struct {
	Records string
	Fields  map[string]string
}

// found is a value in a document and the name that the last "*" went by.
type found struct {
	value any
	key   string
}

func (j JSON) read(text string) ([]Record, error) {
	var doc any
	// A program may grumble before it answers.
	if i := strings.IndexAny(text, "{["); i > 0 {
		text = text[i:]
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber() // an AS number is no float
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	all, err := walk([]found{{value: doc}}, j.Records)
	if err != nil {
		return nil, err
	}
	out := make([]Record, 0, len(all))
	for _, f := range all {
		r := Record{}
		for _, name := range slices.Sorted(maps.Keys(j.Fields)) {
			if j.Fields[name] == "@key" {
				r[name] = []string{bounded(f.key)}
				continue
			}
			values, err := walk([]found{f}, j.Fields[name])
			if err != nil {
				return nil, err
			}
			r.add(Record{name: scalars(values)})
			if len(r[name]) == 0 {
				delete(r, name)
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// walk goes one path from every place. What is not there is left out.
func walk(from []found, path string) ([]found, error) {
	if path == "" { // the place itself
		return from, nil
	}
	for step := range strings.SplitSeq(path, ".") {
		var next []found
		for _, f := range from {
			next = append(next, f.step(step)...)
			if len(next) > maxRecords {
				return nil, fmt.Errorf("more than %d values at %q", maxRecords, path)
			}
		}
		from = next
	}
	return from, nil
}

func (f found) step(name string) []found {
	switch v := f.value.(type) {
	case map[string]any:
		if name != "*" {
			if inner, ok := v[name]; ok {
				return []found{{inner, f.key}}
			}
			return nil
		}
		var out []found
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = append(out, found{v[key], key})
		}
		return out
	case []any:
		var out []found
		for _, inner := range v {
			if name == "*" {
				out = append(out, found{inner, f.key})
			}
		}
		return out
	}
	return nil
}

// scalars are values as text; a list of them counts as many.
func scalars(all []found) []string {
	var out []string
	for _, f := range all {
		switch v := f.value.(type) {
		case string:
			out = append(out, bounded(v))
		case json.Number:
			out = append(out, bounded(v.String()))
		case bool:
			out = append(out, fmt.Sprint(v))
		case []any:
			var inner []found
			for _, e := range v {
				if _, nested := e.([]any); !nested {
					inner = append(inner, found{value: e})
				}
			}
			out = append(out, scalars(inner)...)
		}
	}
	return out
}
