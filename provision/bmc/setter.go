package bmc

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// setter changes settings outside the network, one at a time.
type setter struct {
	values
	stager  stager
	witness *witness
}

// set changes one setting outside the network group.
func (t setter) set(ctx context.Context, ch Change) error {
	want, ok := ch.Value.(state.Attr)
	if !ok {
		return fmt.Errorf("%w: a %T is no value of a bmc setting", errValue, ch.Value)
	}
	t.refresh()
	have, s, err := t.value(ctx, t.where.profile.settings[ch.Key.Name])
	if err != nil {
		return err
	}
	if uri := t.settingsObject(s); uri != "" {
		return t.stager.stage(ctx, s, uri, want)
	}
	if same(have, want) {
		return nil
	}
	if s.fixed != nil && s.fixed(t.where.docs[s.in]) != "" {
		return &fixedError{s.fixed(t.where.docs[s.in])}
	}
	if s.body == nil {
		return unsupported("%s", s.why)
	}
	if s.before != nil {
		if err := t.before(ctx, s); err != nil {
			return err
		}
	}
	ans, err := t.write(ctx, s, want)
	err = t.judge(ctx, s, want, ans, err)
	t.witness.notePending(ctx, s.in)
	return err
}

// write sends one setting, and waits for a controller that resets itself then.
// A lost answer is none there: what reads back tells.
func (t setter) write(ctx context.Context, s setting, want state.Attr) (redfish.Answer, error) {
	build := func(d redfish.Document) (redfish.Object, error) { return s.body(d, want) }
	if !s.selfReset {
		return t.patch(ctx, s.in, redfish.Public, build)
	}
	self, err := identityOf(ctx, t.resources)
	if err != nil {
		return redfish.Answer{}, err
	}
	ans, err := t.patch(ctx, s.in, redfish.Public, build)
	if err != nil && redfish.StatusOf(err) != 0 {
		return ans, err
	}
	if err := t.witness.afterSelfReset(ctx, self); err != nil {
		return ans, &unprovenError{err}
	}
	return ans, nil
}

// before sends what has to precede a setting, such as HPE's switches that
// keep DHCP from overwriting it.
func (t setter) before(ctx context.Context, s setting) error {
	d, err := t.load(ctx, inEthernet)
	if err != nil {
		return err
	}
	body := s.before(d)
	if body == nil {
		return nil
	}
	_, err = t.patch(ctx, inEthernet, redfish.Public, func(redfish.Document) (redfish.Object, error) { return body, nil })
	return err
}

// judge compares what reads back with what is wanted. The answer to the write
// only explains a difference. A controller may take a moment to show a value
// it accepted (OpenBMC's network daemon reloads after 3 s).
func (t setter) judge(ctx context.Context, s setting, want state.Attr, ans redfish.Answer, wrote error) error {
	if errors.Is(wrote, state.ErrUnsupported) || errors.Is(wrote, errValue) {
		return wrote
	}
	end := since(t.witness.patience.ReadBack)
	return await.Until(ctx, min(t.session.Timing.Poll, t.witness.patience.ReadBack), func(ctx context.Context) (bool, error) {
		t.refresh()
		have, _, err := t.value(ctx, s)
		switch {
		case err == nil && same(have, want):
			return true, nil
		case err != nil && wrote == nil:
			return false, &unprovenError{err}
		case wrote != nil:
			return false, refusal(wrote)
		}
		notes := slices.DeleteFunc(slices.Clone(ans.Notes), redfish.Benign)
		if _, ok := redfish.FindNote(notes, "PropertyNotWritable", "PropertyUnknown"); ok {
			return false, unsupported("the controller says %s", redfish.NoteText(notes))
		}
		if len(notes) > 0 || !end.After(since(0)) {
			return false, fmt.Errorf("%w: it reads back %s, not %s%s", redfish.ErrRefused, show(have), show(&want), redfish.Because(notes))
		}
		return false, nil
	})
}
