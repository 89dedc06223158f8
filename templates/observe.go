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

// Fields returns what each observation may tell, by its name, and what that
// means: a group of a pattern, or a field of JSON, has one of these names.
func Fields() map[string]map[string]string {
	route := map[string]string{
		"prefix":      "of the route",
		"as_path":     "AS numbers, the nearest first; what stands between them does not matter",
		"communities": "as (65535,65281), 65535:65281 or no-export, of any kind and any number",
		"next_hop":    "an address",
		"med":         "its MULTI_EXIT_DISC, a number; nothing where there is none (RFC 4271 section 5.1.4)",
		"origin":      "IGP, EGP or incomplete, by word or by its first letter (RFC 4271 section 5.1.1)",
	}
	exported := maps.Clone(route)
	delete(exported, "next_hop")
	return map[string]map[string]string{
		"sessions": {
			"name": "as the daemon calls it", "neighbor": "address of the other side", "as": "AS number of the other side",
			"state": "established, or anything else", "error": "the last one",
		},
		"exports": exported,
		"imports": {"prefix": "of a route that was taken from the neighbor"},
		"clock": {
			"synced":  "anything but no, false, 0 or nothing when the clock is in sync",
			"offset":  "of the clock: seconds, or a number with its unit such as +1.2ms",
			"stratum": "1 to 15 (RFC 5905)",
		},
		"zones":   {"zone": "its name", "serial": "of what is served", "state": "as the server calls it", "expires": "when it is served no more, as +6D23h59m57s", "refused": "that what was transferred last was not right, and is not served"},
		"routes":  route,
		"refused": route,
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

func observe(raw rawObserve, fields map[string]string) (o observation.Observation, err error) {
	if len(raw.Command) == 0 {
		return o, errors.New("command is empty")
	}
	if err := checkWords("command", raw.Command); err != nil {
		return o, err
	}
	known := slices.Sorted(maps.Keys(fields))
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
