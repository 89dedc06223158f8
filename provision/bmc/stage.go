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

// stager writes what takes effect at a reboot of the server.
type stager struct {
	values
	patience Patience
}

// stage makes a setting what is wanted at the next reboot, or takes back what
// would make it otherwise. It returns errPending where it is written and waits.
func (st stager) stage(ctx context.Context, s setting, uri string, want state.Attr) error {
	d := st.where.docs[s.in]
	have, err := s.read(d)
	if err != nil {
		return err
	}
	staged, err := st.staged(ctx, uri)
	if err != nil {
		return err
	}
	v, err := st.due(ctx, s, staged, have)
	switch {
	case err != nil:
		return err
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
	if v != nil {
		done, err := withdraw(ctx, st.values, staged, body)
		if errors.Is(err, errValue) { // nothing was asked of the controller
			return err
		}
		if err != nil || done && same(have, want) {
			return st.judgeStaged(ctx, s, uri, want, redfish.Answer{}, err)
		}
	}
	ans, err := st.session.Stage(ctx, staged, func(redfish.Document) (redfish.Object, error) { return atReset(d, body), nil })
	if redfish.StatusOf(err) != 0 && v == nil {
		if job, look := waitingJob(ctx, st.values); look == nil && job != "" {
			return errQueued
		}
	}
	return st.judgeStaged(ctx, s, uri, want, ans, err)
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
func (st stager) judgeStaged(ctx context.Context, s setting, uri string, want state.Attr, ans redfish.Answer, wrote error) error {
	if redfish.StatusOf(wrote) != 0 || failed(wrote) {
		return refusal(wrote)
	}
	end := since(st.patience.ReadBack)
	return await.Until(ctx, min(st.session.Timing.Poll, st.patience.ReadBack), func(ctx context.Context) (bool, error) {
		st.refresh()
		have, _, err := st.value(ctx, s)
		if err != nil {
			return false, &unprovenError{err}
		}
		staged, err := st.staged(ctx, uri)
		if err != nil {
			return false, &unprovenError{err}
		}
		v, err := st.due(ctx, s, staged, have)
		switch {
		case err != nil:
			return false, &unprovenError{err}
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
