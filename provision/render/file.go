package render

import (
	"fmt"

	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/templates"
)

// filesOf are the files of a pack that are wanted.
func filesOf(c templates.Component, open, closed Values) ([]state.Item, error) {
	var items []state.Item
	for _, f := range c.Files {
		inside := open
		if f.Secret {
			inside = closed
		}
		// What is wanted is decided by what anybody may see.
		made, err := f.Make(open.with, inside.with)
		if err != nil {
			return nil, fmt.Errorf("file %s: %w", f.Path, err)
		}
		for _, m := range made {
			file := fileItem(f, m)
			items = append(items, file)
			if m.Runtime != nil {
				items = append(items, state.Item{Key: state.RunningKey(m.Path), Value: state.AsDeclared(), Effect: file.Effect})
			}
		}
	}
	return items, nil
}

// with are the values for one element of a list.
func (v Values) with(item any) any {
	v.Item = item
	return v
}

func fileItem(f templates.File, m templates.Made) state.Item {
	effect := f.Effect
	effect.Check, effect.Command, effect.Runtime = m.Check, m.Command, m.Runtime
	value := state.NewFile(f.Mode, f.Owner, f.Group, []byte(m.Text), state.Secrecy(f.Secret))
	return state.Item{Key: state.Key{Kind: state.Path, Name: m.Path}, Value: value, Effect: effect}
}
