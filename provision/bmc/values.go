package bmc

import (
	"context"
	"errors"
	"strings"

	"github.com/raiz-dns/raiz/provision/state"
)

// values are the settings of a controller as they read, each where its profile
// says.
type values struct{ *resources }

// value reads a setting, and says which of its places it was found in.
func (v values) value(ctx context.Context, s setting) (*state.Attr, setting, error) {
	if s.in == "" {
		return nil, s, unsupported("%s", s.why)
	}
	d, err := v.load(ctx, s.in)
	var have *state.Attr
	if err == nil {
		have, err = s.read(d)
	}
	if errors.Is(err, state.ErrUnsupported) && s.orElse != nil {
		return v.value(ctx, *s.orElse)
	}
	return have, s, err
}

// named is how a setting is read and written here; of the accounts and of the
// certificate there is none.
func (v values) named(name string) (setting, bool) {
	if v.where == nil {
		return setting{}, false
	}
	s, ok := v.where.profile.settings[name]
	return s, ok
}

// unsettable says why a setting that reads otherwise cannot become what is
// wanted, or "" when that is not known.
func (v values) unsettable(ctx context.Context, it state.Item, want state.Attr) string {
	if first, ok := v.where.profile.settings[it.Key.Name]; ok {
		if _, s, err := v.value(ctx, first); err == nil && s.body != nil {
			if _, err = s.body(v.where.docs[s.in], want); errors.Is(err, state.ErrUnsupported) {
				return lackOf(err)
			}
		}
	}
	return ""
}

// lackOf is what is left of an error once it is clear that it says unsupported.
func lackOf(err error) string {
	return strings.TrimSuffix(err.Error(), ": "+state.ErrUnsupported.Error())
}

// differing names the wanted network settings that read otherwise. What the
// controller does not have at all is an error right away.
func (v values) differing(ctx context.Context, want map[string]state.Attr) ([]string, error) {
	var out []string
	for _, name := range order() {
		w, ok := want[name]
		if !ok {
			continue
		}
		s := v.where.profile.settings[name]
		d, err := v.load(ctx, s.in)
		if err != nil {
			return nil, err
		}
		have, err := s.read(d)
		if err != nil {
			return nil, err
		}
		if !same(have, w) {
			out = append(out, name)
		}
	}
	return out, nil
}
