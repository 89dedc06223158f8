package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"reflect"
	"slices"
	"strings"
	"text/template"

	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/templates"
)

// filesOf are the files of a pack that are wanted.
func filesOf(c templates.Component, open, closed Values) ([]state.Item, error) {
	var items []state.Item
	for _, f := range c.Files {
		made, err := fileItems(f, open, closed)
		if err != nil {
			return nil, fmt.Errorf("file %s: %w", f.Path, err)
		}
		items = append(items, made...)
	}
	return items, nil
}

// fileItems is one file, none, or one for each element of a list.
func fileItems(f templates.File, open, closed Values) ([]state.Item, error) {
	v := open
	if f.Secret {
		v = closed
	}
	each := []any{nil}
	if f.Each != "" {
		var err error
		if each, err = elements(f.Each, v); err != nil {
			return nil, err
		}
	}
	var items []state.Item
	for _, element := range each {
		v.Item = element
		// What is wanted is decided by what anybody may see.
		asked := open
		asked.Item = element
		holds, err := truth(f.When, asked)
		if err != nil {
			return nil, err
		}
		if !holds {
			continue
		}
		item, err := fileItem(f, v)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func fileItem(f templates.File, v Values) (state.Item, error) {
	var text bytes.Buffer
	if err := execute(&text, f.Path, f.Template, v); err != nil {
		return state.Item{}, err
	}
	where, err := expand(f.Path, v)
	if err != nil {
		return state.Item{}, err
	}
	if !path.IsAbs(where) || path.Clean(where) != where {
		return state.Item{}, fmt.Errorf("the path becomes %q, which is not absolute and clean", where)
	}
	effect := f.Effect
	if effect.Check, err = expandAll(effect.Check, v); err != nil {
		return state.Item{}, err
	}
	if effect.Command, err = expandAll(effect.Command, v); err != nil {
		return state.Item{}, err
	}
	value := state.NewFile(f.Mode, f.Owner, f.Group, text.Bytes(), state.Secrecy(f.Secret))
	return state.Item{Key: state.Key{Kind: state.Path, Name: where}, Value: value, Effect: effect}, nil
}

// execute writes what a template makes of the values.
func execute(to io.Writer, name, text string, v Values) error {
	t, err := template.New(name).Option("missingkey=error").Funcs(functions()).Parse(text)
	if err != nil {
		return err
	}
	return t.Execute(to, v)
}

// functions are what templates have besides those of text/template.
func functions() template.FuncMap {
	return template.FuncMap{
		"join":  joined,
		"sh":    shellWords,
		"txt":   characterStrings,
		"quote": func(word string) string { return shellWords([]string{word}) },
	}
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
func expand(text string, v Values) (string, error) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	var out strings.Builder
	err := execute(&out, text, text, v)
	return out.String(), err
}

func expandAll(texts []string, v Values) ([]string, error) {
	out := slices.Clone(texts)
	for i := range out {
		var err error
		if out[i], err = expand(out[i], v); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// truth reports whether a pipeline is what templates take for true.
func truth(pipeline string, v Values) (bool, error) {
	if pipeline == "" {
		return true, nil
	}
	var out strings.Builder
	if err := execute(&out, "when", "{{ if "+pipeline+" }}yes{{ end }}", v); err != nil {
		return false, fmt.Errorf("when = %q: %w", pipeline, err)
	}
	return out.String() == "yes", nil
}

// elements is the list that a pipeline gives.
func elements(pipeline string, v Values) ([]any, error) {
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
	t, err := template.New("each").Option("missingkey=error").Funcs(functions()).Funcs(keep).Parse("{{ keep (" + pipeline + ") }}")
	if err == nil {
		err = t.Execute(io.Discard, v)
	}
	if err != nil {
		return nil, fmt.Errorf("each = %q: %w", pipeline, err)
	}
	return out, nil
}
