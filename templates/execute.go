package templates

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template"

	"github.com/raiz-dns/raiz/provision/state"
)

// Made is a file of a pack once the actions in it are carried out.
type Made struct {
	Path    string // absolute and clean
	Text    string
	Check   []string
	Command []string
	Runtime *state.Runtime
}

// With gives what templates may substitute for one element of a list: nil for
// a file that is made once.
type With func(item any) any

// Make returns the files that one of a pack becomes: one, none, or one for
// each element of its list. Whether one is wanted is decided by what asked
// gives, which anybody may see; what is in it by what inside gives.
func (f File) Make(asked, inside With) ([]Made, error) {
	each := []any{nil}
	if f.Each != "" {
		var err error
		if each, err = elements(f.Each, inside(nil)); err != nil {
			return nil, err
		}
	}
	var all []Made
	for _, item := range each {
		holds, err := truth(f.When, asked(item))
		if err != nil {
			return nil, err
		}
		if !holds {
			continue
		}
		made, err := f.make(inside(item))
		if err != nil {
			return nil, err
		}
		all = append(all, made)
	}
	return all, nil
}

func (f File) make(values any) (made Made, err error) {
	if made.Text, err = Execute(cmp.Or(f.Source, f.Path), f.Template, values); err != nil {
		return Made{}, err
	}
	if made.Path, err = expand("path", f.Path, values); err != nil {
		return Made{}, err
	}
	if err := state.CheckPath(made.Path); err != nil {
		return Made{}, fmt.Errorf("the path becomes none for a file: %w", err)
	}
	if made.Check, err = expandAll("check", f.Effect.Check, values); err != nil {
		return Made{}, err
	}
	if made.Command, err = expandAll("command", f.Effect.Command, values); err != nil {
		return Made{}, err
	}
	made.Runtime, err = f.Running.make(made.Text, values)
	return made, err
}

// Execute returns what a template makes of the values: 4 MiB at most, in a
// bounded number of steps. The name is that of the template in errors.
func Execute(name, text string, values any) (string, error) {
	var b budget
	t, err := compile(name, text, &b)
	if err != nil {
		return "", err
	}
	if err := t.Execute(&b, values); err != nil {
		return "", worded(name, err)
	}
	return b.out.String(), nil
}

// joined is a list as text, with a separator between its elements.
func joined(separator string, list any) (string, error) {
	v := reflect.ValueOf(list)
	if v.Kind() != reflect.Slice {
		return "", fmt.Errorf("join: %T is no list", list)
	}
	out := make([]string, v.Len())
	for i := range out {
		out[i] = fmt.Sprint(v.Index(i).Interface())
	}
	return strings.Join(out, separator), nil
}

// shellWords are words as a shell takes them, whatever is in them.
func shellWords(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(out, " ")
}

// characterStrings is a text as the data of a TXT record in a zone file (RFC
// 1035 section 5.1): bytes outside of ASCII are escaped, and a string has at
// most 255 bytes.
func characterStrings(text string) string {
	var all []string
	for part := range slices.Chunk([]byte(text), 255) {
		var b strings.Builder
		for _, c := range part {
			switch {
			case c == '"' || c == '\\':
				b.WriteByte('\\')
				b.WriteByte(c)
			case c < ' ' || c > '~':
				fmt.Fprintf(&b, "\\%03d", c)
			default:
				b.WriteByte(c)
			}
		}
		all = append(all, `"`+b.String()+`"`)
	}
	return strings.Join(all, " ")
}

// expand is a short text with actions in it.
func expand(name, text string, values any) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	return Execute(name, text, values)
}

func expandAll(name string, argv []string, values any) ([]string, error) {
	out := slices.Clone(argv)
	for i := range out {
		var err error
		if out[i], err = expand(name, out[i], values); err != nil {
			return nil, err
		}
	}
	return out, checkWords(name, out)
}

// truth reports whether a pipeline is what templates take for true.
func truth(pipeline string, values any) (bool, error) {
	if pipeline == "" {
		return true, nil
	}
	out, err := Execute("when", "{{ if "+pipeline+" }}yes{{ end }}", values)
	if err != nil {
		return false, fmt.Errorf("when = %q: %w", pipeline, err)
	}
	return out == "yes", nil
}

// elements is the list that a pipeline gives.
func elements(pipeline string, values any) ([]any, error) {
	var out []any
	keep := template.FuncMap{"keep": func(list any) (string, error) {
		value := reflect.ValueOf(list)
		if value.Kind() != reflect.Slice {
			return "", errors.New("it is no list")
		}
		for i := range value.Len() {
			out = append(out, value.Index(i).Interface())
		}
		return "", nil
	}}
	var b budget
	t, err := parsed("each", "{{ keep ("+pipeline+") }}", &b, keep)
	if err == nil {
		err = worded("each", t.Execute(&b, values))
	}
	if err != nil {
		return nil, fmt.Errorf("each = %q: %w", pipeline, err)
	}
	return out, nil
}
