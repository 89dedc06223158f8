package bmc

import (
	"context"
	"errors"
	"fmt"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// Settings that the server's firmware reads when it starts are written to the
// settings object of their resource, and stay what they are until then
// (DSP0266 clause 9.10). What such an object holds and the resource does not
// waits for a reboot.

// settingsObject is where a setting is written that takes effect at a reset, or
// "" where it is written to its resource like any other.
func (v values) settingsObject(s setting) string {
	d, ok := v.where.docs[s.in]
	if !s.atReset || !ok {
		return ""
	}
	return d.Link("@Redfish.Settings", "SettingsObject")
}

// pending tells whether a setting takes effect at a reboot alone, and what of it
// waits for one; nil is nothing. have is the value in effect, which has just been
// read where s says.
func (v values) pending(ctx context.Context, s setting, have *state.Attr) (bool, state.Value, error) {
	uri := v.settingsObject(s)
	if uri == "" {
		return false, nil, nil
	}
	d, err := v.staged(ctx, uri)
	if err != nil {
		return true, nil, err
	}
	due, err := v.due(ctx, s, d, have)
	if due == nil {
		return true, nil, err
	}
	return true, *due, nil
}

// due is the value in a settings object that the next reboot makes the one in
// effect. What an iDRAC has there without a job is never carried out.
func (v values) due(ctx context.Context, s setting, staged redfish.Document, have *state.Attr) (*state.Attr, error) {
	due, err := waits(s, staged, have)
	if due == nil || !v.where.profile.oneJob {
		return due, err
	}
	if job, kept, err := v.job(ctx); err != nil || kept && !job {
		return nil, err
	}
	return due, nil
}

// waits is the value in a settings object, where it is another than the one in
// effect. Some objects hold what was written since the last reset alone (iDRAC
// 7.10), and some all that there is (XCC 1.40, X13 11.01).
func waits(s setting, staged redfish.Document, have *state.Attr) (*state.Attr, error) {
	v, err := s.read(staged)
	switch {
	case errors.Is(err, state.ErrUnsupported): // it holds nothing of this
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("what waits for a reboot in %s: %w", staged.URI, err)
	case v == nil || len(v.Values) == 0 || have != nil && same(have, *v):
		return nil, nil
	}
	return v, nil
}

// staged reads a settings object, once until refresh.
func (v values) staged(ctx context.Context, uri string) (redfish.Document, error) {
	if d, ok := v.where.docs[uri]; ok {
		return d, nil
	}
	d, err := v.session.Get(ctx, uri)
	switch {
	case gone(err):
		return d, &fixedError{fmt.Sprintf("the controller names the settings object %s but does not have it", uri)}
	case err != nil:
		return d, err
	}
	v.where.docs[uri] = d
	return d, nil
}

// queued marks the settings that are not as they are wanted and cannot be written
// while another one waits, whoever's that is.
func (v values) queued(ctx context.Context, wanted []state.Item, facts []state.Fact) {
	if v.where == nil || !v.where.profile.oneJob {
		return
	}
	waits, known := false, false
	for i, f := range facts {
		want, ok := wanted[i].Value.(state.Attr)
		if have, is := f.Value.(state.Attr); !f.AtReboot || f.Pending != nil || f.Err != nil || !ok || is && want.Equal(have) {
			continue
		}
		if !known {
			var err error
			if waits, _, err = v.job(ctx); err != nil {
				return // the write tells
			}
			known = true
		}
		if waits {
			facts[i].Queued = errQueued.Error()
		}
	}
}
