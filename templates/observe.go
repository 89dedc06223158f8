package templates

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/observation"
)

// Fields returns what each observation may tell, by its name: a group of a
// pattern, or a field of JSON, has one of these names.
func Fields() map[string][]string {
	return map[string][]string{
		"sessions": {"as", "error", "name", "neighbor", "state"},
		"exports":  {"as_path", "communities", "prefix"},
		"clock":    {"offset", "stratum", "synced"},
		"zones":    {"expires", "serial", "state", "zone"},
		"routes":   {"as_path", "communities", "next_hop", "prefix"},
		"refused":  {"as_path", "communities", "next_hop", "prefix"},
	}
}

func observations(raw []rawObserve) (map[string]observation.Observation, error) {
	var all map[string]observation.Observation
	for _, r := range raw {
		known, ok := Fields()[r.Name]
		if !ok {
			return nil, fmt.Errorf("observe %q is none of %s", r.Name, strings.Join(slices.Sorted(maps.Keys(Fields())), ", "))
		}
		o, err := observe(r, known)
		if err != nil {
			return nil, fmt.Errorf("observe %q: %w", r.Name, err)
		}
		if _, twice := all[r.Name]; twice {
			return nil, fmt.Errorf("observe %q is there twice", r.Name)
		}
		if all == nil {
			all = map[string]observation.Observation{}
		}
		all[r.Name] = o
	}
	return all, nil
}

func observe(raw rawObserve, known []string) (o observation.Observation, err error) {
	if len(raw.Command) == 0 {
		return o, errors.New("command is empty")
	}
	o.Command = raw.Command
	if raw.Alive != "" {
		if o.Alive, err = regexp.Compile(raw.Alive); err != nil {
			return o, fmt.Errorf("alive: %w", err)
		}
	}
	for _, list := range []struct {
		name string
		from []string
		to   *[]*regexp.Regexp
	}{{"begin", raw.Begin, &o.Lines.Begin}, {"again", raw.Again, &o.Lines.Again}, {"end", raw.End, &o.Lines.End}, {"more", raw.More, &o.Lines.More}} {
		for _, text := range list.from {
			p, err := regexp.Compile(text)
			if err != nil {
				return o, fmt.Errorf("%s: %w", list.name, err)
			}
			for _, group := range p.SubexpNames() {
				if group != "" && !slices.Contains(known, group) {
					return o, unknownField(group, known)
				}
			}
			*list.to = append(*list.to, p)
		}
	}
	switch {
	case raw.JSON == nil && len(o.Lines.Begin) == 0:
		return o, errors.New("it needs begin, the pattern of a line that begins a record, or json")
	case raw.JSON == nil:
		return o, nil
	case len(o.Lines.Begin)+len(o.Lines.Again)+len(o.Lines.End)+len(o.Lines.More) > 0:
		return o, errors.New("it has patterns of lines and json: one of them")
	}
	for field := range raw.JSON.Fields {
		if !slices.Contains(known, field) {
			return o, unknownField(field, known)
		}
	}
	o.JSON = &observation.JSON{Records: raw.JSON.Records, Fields: raw.JSON.Fields}
	return o, nil
}

func unknownField(name string, known []string) error {
	return fmt.Errorf("field %q is none of %s", name, strings.Join(known, ", "))
}
