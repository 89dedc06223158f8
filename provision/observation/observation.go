package observation

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Bounds of what is read: a program that has gone wrong may say anything.
const (
	maxRecords = 10_000
	maxValues  = 1_000 // of one field
	maxValue   = 4_096 // bytes of one value
)

// Observation is how something is seen. It has line patterns or JSON paths.
type Observation struct {
	// Command is what to run, without a shell. In an observation that is made
	// once for each thing, "{field}" stands for what that thing has there.
	Command []string
	// Alive matches a line that shows that the program itself has answered:
	// only then is what is not there absent. Nil takes any output.
	Alive *regexp.Regexp
	Lines Lines
	JSON  *JSON
}

// Lines say what each line of the output is. Named groups become fields of a
// record; the first list that has a pattern which matches decides.
type Lines struct {
	Begin []*regexp.Regexp // a record begins
	Again []*regexp.Regexp // another one begins, with all that the line of Begin gave
	End   []*regexp.Regexp // something else begins: what follows is of no record
	More  []*regexp.Regexp // tells more of the record
}

// Record is one thing that was seen: the values of each field, in the order
// in which they were said. A field that was not said is not in it.
type Record map[string][]string

// Last is the value of a field that was said last, and "" for none.
func (r Record) Last(field string) string {
	if v := r[field]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// Argv is the command with the fields of one thing in the place of "{field}".
func (o Observation) Argv(fields map[string]string) []string { return Fill(o.Command, fields) }

// Fill returns words with fields in the place of "{field}".
func Fill(words []string, fields map[string]string) []string {
	out := slices.Clone(words)
	for name, value := range fields {
		for i := range out {
			out[i] = strings.ReplaceAll(out[i], "{"+name+"}", value)
		}
	}
	return out
}

// Read returns the records of an output, line by line without line ends. The
// error says that the program gave no answer, or one that nobody understands:
// then nothing is known, not even that there is nothing.
func (o Observation) Read(lines []string) ([]Record, error) {
	if o.Alive != nil && !slices.ContainsFunc(lines, o.Alive.MatchString) {
		return nil, o.mute(lines)
	}
	if o.JSON != nil {
		records, err := o.JSON.read(strings.Join(lines, "\n"))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", o.mute(lines), err)
		}
		return records, nil
	}
	return o.Lines.read(lines)
}

// ErrMute is in the error of Read when the program gave no answer that counts.
var ErrMute = errors.New("no answer that counts")

func (o Observation) mute(lines []string) error {
	said := strings.TrimSpace(strings.Join(lines, " "))
	if said == "" {
		return fmt.Errorf("%w from %s: it says nothing", ErrMute, o.program())
	}
	return fmt.Errorf("%w from %s: it says %.200q", ErrMute, o.program(), said)
}

func (o Observation) program() string {
	if len(o.Command) == 0 {
		return "nobody"
	}
	return o.Command[0]
}

func (l Lines) read(lines []string) ([]Record, error) {
	var out []Record
	var first Record // what the line of Begin gave
	inside := false
	for _, line := range lines {
		fields, what := l.classify(line)
		switch what {
		case begins, beginsAgain:
			if what == beginsAgain && !inside {
				continue
			}
			if len(out) == maxRecords {
				return nil, fmt.Errorf("more than %d records", maxRecords)
			}
			if what == begins {
				first = fields
				fields = nil
			}
			next := Record{}
			next.add(first)
			next.add(fields)
			out, inside = append(out, next), true
		case ends:
			inside = false
		case tells:
			if inside {
				out[len(out)-1].add(fields)
			}
		}
	}
	return out, nil
}

type lineKind uint8

const (
	nothing lineKind = iota
	begins
	beginsAgain
	ends
	tells
)

// classify returns what a line is, and the fields that it gives.
func (l Lines) classify(line string) (Record, lineKind) {
	for _, list := range []struct {
		patterns []*regexp.Regexp
		kind     lineKind
	}{{l.Begin, begins}, {l.Again, beginsAgain}, {l.End, ends}, {l.More, tells}} {
		for _, p := range list.patterns {
			if m := p.FindStringSubmatch(line); m != nil {
				return groups(p, m), list.kind
			}
		}
	}
	return nil, nothing
}

func groups(p *regexp.Regexp, match []string) Record {
	r := Record{}
	for i, name := range p.SubexpNames() {
		if name != "" && match[i] != "" {
			r[name] = append(r[name], bounded(match[i]))
		}
	}
	return r
}

func (r Record) add(more Record) {
	for name, values := range more {
		room := max(0, maxValues-len(r[name]))
		r[name] = append(slices.Clip(r[name]), values[:min(len(values), room)]...)
	}
}

func bounded(s string) string {
	if len(s) > maxValue {
		return s[:maxValue]
	}
	return s
}
