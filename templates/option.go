package templates

import (
	"fmt"
	"regexp"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

var optionName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func options(raw []rawOption) ([]Option, error) {
	var all []Option
	seen := map[string]bool{}
	for _, r := range raw {
		if !optionName.MatchString(r.Name) {
			return nil, fmt.Errorf("option %q: a name has small letters, digits and underscores", r.Name)
		}
		if seen[r.Name] {
			return nil, fmt.Errorf("option %q is there twice", r.Name)
		}
		seen[r.Name] = true
		v, diags := r.Default.Value(nil)
		if diags.HasErrors() {
			return nil, fmt.Errorf("option %q: %w", r.Name, diags)
		}
		value, err := plain(v)
		if err != nil {
			return nil, fmt.Errorf("option %q: default: %w", r.Name, err)
		}
		all = append(all, Option{Name: r.Name, Default: value, Doc: r.Doc})
	}
	return all, nil
}

// plain is a value as Go has it.
func plain(v cty.Value) (any, error) {
	if v.IsNull() || !v.IsWhollyKnown() {
		return nil, fmt.Errorf("it has no value")
	}
	switch t := v.Type(); {
	case t == cty.String:
		return v.AsString(), nil
	case t == cty.Bool:
		return v.True(), nil
	case t == cty.Number:
		if n, exact := v.AsBigFloat().Int64(); exact == 0 {
			return n, nil
		}
	case t.IsTupleType(), t.IsListType():
		words, err := convert.Convert(v, cty.List(cty.String))
		if err != nil {
			return nil, fmt.Errorf("a list has words only")
		}
		out := []string{}
		for _, w := range words.AsValueSlice() {
			if w.IsNull() {
				return nil, fmt.Errorf("a list has words only")
			}
			out = append(out, w.AsString())
		}
		return out, nil
	}
	return nil, fmt.Errorf("it is no string, whole number, boolean or list of strings")
}
