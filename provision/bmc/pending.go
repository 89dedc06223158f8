package bmc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// Settings that the server's firmware reads when it starts are written to the
// settings object of their resource, and stay what they are until then
// (DSP0266 clause 9.10). What such an object holds and the resource does not
// waits for a reboot.

// errPending is the end of a change that was written, and read back from where
// it waits.
var errPending = errors.New("it waits for a reboot of the server")

// settingsObject is where a setting is written that takes effect at a reset, or
// "" where it is written to its resource like any other.
func (c *Controller) settingsObject(s setting) string {
	d, ok := c.where.docs[s.in]
	if !s.atReset || !ok {
		return ""
	}
	return d.Link("@Redfish.Settings", "SettingsObject")
}

// withoutSettings is fixed for what can be written to a settings object alone.
func withoutSettings(d redfish.Document) string {
	if d.Link("@Redfish.Settings", "SettingsObject") != "" {
		return ""
	}
	return fmt.Sprintf("the %s %s names no settings object to be written", d.Kind(), d.ID())
}

// pending tells whether a setting takes effect at a reboot alone, and what of it
// waits for one; nil is nothing. have is the value in effect.
func (c *Controller) pending(ctx context.Context, name string, have *state.Attr) (bool, state.Value, error) {
	first, ok := c.settingNamed(name)
	if !ok || c.where == nil {
		return false, nil, nil
	}
	_, s, err := c.value(ctx, first)
	if err != nil {
		return false, nil, err
	}
	uri := c.settingsObject(s)
	if uri == "" {
		return false, nil, nil
	}
	d, err := c.staged(ctx, uri)
	if err != nil {
		return true, nil, err
	}
	if v := waits(s, d, have); v != nil {
		return true, *v, nil
	}
	return true, nil, nil
}

func (c *Controller) settingNamed(name string) (setting, bool) {
	if c.where == nil {
		return setting{}, false
	}
	s, ok := c.where.profile.settings[name]
	return s, ok
}

// waits is the value in a settings object, where it is another than the one in
// effect. Some objects hold what was written since the last reset alone (iDRAC
// 7.10), and some all that there is (XCC 1.40, X13 11.01).
func waits(s setting, staged redfish.Document, have *state.Attr) *state.Attr {
	v, err := s.read(staged)
	if err != nil || v == nil || len(v.Values) == 0 || have != nil && same(have, *v) {
		return nil
	}
	return v
}

// staged reads a settings object, once until refresh.
func (c *Controller) staged(ctx context.Context, uri string) (redfish.Document, error) {
	if d, ok := c.where.docs[uri]; ok {
		return d, nil
	}
	d, err := c.session.Get(ctx, uri)
	switch {
	case gone(err):
		return d, &fixedError{fmt.Sprintf("the controller names the settings object %s but does not have it", uri)}
	case err != nil:
		return d, err
	}
	c.where.docs[uri] = d
	return d, nil
}

// stage makes a setting what is wanted at the next reboot, or takes back what
// would make it otherwise. It returns errPending where it is written and waits.
func (c *Controller) stage(ctx context.Context, s setting, uri string, want state.Attr) error {
	d := c.where.docs[s.in]
	have, err := s.read(d)
	if err != nil {
		return err
	}
	staged, err := c.staged(ctx, uri)
	if err != nil {
		return err
	}
	switch v := waits(s, staged, have); {
	case v == nil && same(have, want):
		return nil
	case v != nil && same(v, want):
		return errPending
	}
	if s.body == nil {
		return unsupported("%s", s.why)
	}
	body, err := s.body(d, want)
	if err != nil {
		return err
	}
	if v := waits(s, staged, have); v != nil {
		if done, err := c.withdraw(ctx, staged, body); err != nil || done && same(have, want) {
			return c.judgeStaged(ctx, s, uri, want, redfish.Answer{}, err)
		}
	}
	ans, err := c.session.Stage(ctx, staged, func(redfish.Document) (redfish.Object, error) { return atReset(d, body), nil })
	return c.judgeStaged(ctx, s, uri, want, ans, err)
}

// atReset asks for a write to take effect at the next reset, where the resource
// says that it can be asked (Settings v1_1_0 SupportedApplyTimes).
func atReset(d redfish.Document, body redfish.Object) redfish.Object {
	if !slices.Contains(d.List("@Redfish.Settings", "SupportedApplyTimes"), any("OnReset")) {
		return body
	}
	out := maps.Clone(body)
	out["@Redfish.SettingsApplyTime"] = redfish.Object{"ApplyTime": "OnReset"}
	return out
}

// judgeStaged compares what reads back: in effect, or waiting, as it is wanted.
func (c *Controller) judgeStaged(ctx context.Context, s setting, uri string, want state.Attr, ans redfish.Answer, wrote error) error {
	if redfish.StatusOf(wrote) != 0 || failed(wrote) {
		return refusal(wrote)
	}
	end := since(c.patience.ReadBack)
	return await.Until(ctx, min(c.session.Timing.Poll, c.patience.ReadBack), func(ctx context.Context) (bool, error) {
		c.refresh()
		have, _, err := c.value(ctx, s)
		if err != nil {
			return false, err
		}
		staged, err := c.staged(ctx, uri)
		if err != nil {
			return false, err
		}
		v := waits(s, staged, have)
		switch {
		case v == nil && same(have, want):
			return true, nil
		case v != nil && same(v, want):
			return false, errPending
		case wrote != nil:
			return false, wrote
		case !end.After(since(0)):
			notes := slices.DeleteFunc(slices.Clone(ans.Notes), redfish.Benign)
			return false, fmt.Errorf("%w: it is %s, and %s waits for a reboot, not %s%s", redfish.ErrRefused, show(have), show(v), show(&want), redfish.Because(notes))
		}
		return false, nil
	})
}
