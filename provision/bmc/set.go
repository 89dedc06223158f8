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

// Set carries changes out, one group at a time in an order that keeps the way
// in open as long as possible: the account, then names and services, the
// network last. It returns an outcome for every change in that order, and an
// error naming all that are not done. A change that reads back as wanted
// already is not written again.
func (c *Controller) Set(ctx context.Context, changes []Change) ([]Outcome, error) {
	if err := c.surveyAgain(ctx); err != nil {
		var out []Outcome
		for _, ch := range inOrder(changes) {
			out = append(out, c.outcome(ch, err))
		}
		return c.finish(out)
	}
	c.session.ResetDue = false
	var out []Outcome
	var network, door []Change
	for _, ch := range inOrder(changes) {
		switch {
		case ch.Key.Kind != state.Setting || !slices.Contains(order(), ch.Key.Name):
			out = append(out, Outcome{ch.Key, Unsupported, unsupported("raiz knows no bmc setting of this name")})
		case isNetwork(ch.Key.Name):
			network = append(network, ch)
		case ch.Key.Name == factoryAccountName:
			door = append(door, ch)
		case ch.Key.Name == accountName:
			out = append(out, c.outcome(ch, c.setAccount(ctx, ch)))
		case ch.Key.Name == httpsCertificateName:
			out = append(out, c.outcome(ch, c.setHTTPS(ctx, ch)))
		default:
			out = append(out, c.outcome(ch, c.setOne(ctx, ch)))
		}
	}
	if len(network) > 0 {
		out = append(out, c.setNetwork(ctx, network, c.nobodyThere(out))...)
	}
	if c.session.ResetDue {
		if err := c.resetAndProve(ctx, nil); err != nil {
			for i, o := range out {
				if o.Status == Done && !isNetwork(o.Key.Name) && o.Key.Name != accountName {
					out[i].Status, out[i].Err = Unknown, err
				}
			}
		}
	}
	// Of the ways in, one is changed at a time.
	for _, ch := range door {
		err := openBefore(out)
		if err == nil {
			err = c.closeFactory(ctx, ch)
		}
		out = append(out, c.outcome(ch, err))
	}
	c.remember()
	return c.finish(out)
}

// nobodyThere is why the network stays as it is: at its new address nobody but the
// declared user is known, and whether that one may log in is not.
func (c *Controller) nobodyThere(out []Outcome) error {
	for _, o := range out {
		if o.Key.Name == accountName && o.Status != Done && c.session.At.Username != c.declaredUser() {
			return fmt.Errorf("%w: the account that is to log in at the new address is %s; nothing of the network was changed", errValue, o.Status)
		}
	}
	return nil
}

// openBefore is why the account of the factory stays: something about the way in
// is in doubt.
func openBefore(out []Outcome) error {
	for _, o := range out {
		if (o.Status == Failed || o.Status == Unknown) && (isNetwork(o.Key.Name) || o.Key.Name == accountName) {
			return fmt.Errorf("the account of the factory stays until %s is as wanted", o.Key.Name)
		}
	}
	return nil
}

// setOne changes one setting outside the network group.
func (c *Controller) setOne(ctx context.Context, ch Change) error {
	want, ok := ch.Value.(state.Attr)
	if !ok {
		return fmt.Errorf("%w: a %T is no value of a bmc setting", errValue, ch.Value)
	}
	c.refresh()
	have, s, err := c.value(ctx, c.where.profile.settings[ch.Key.Name])
	if err != nil {
		return err
	}
	if uri := c.settingsObject(s); uri != "" {
		return c.stage(ctx, s, uri, want)
	}
	if same(have, want) {
		return nil
	}
	if s.fixed != nil && s.fixed(c.where.docs[s.in]) != "" {
		return &fixedError{s.fixed(c.where.docs[s.in])}
	}
	if s.body == nil {
		return unsupported("%s", s.why)
	}
	if s.before != nil {
		if err := c.before(ctx, s); err != nil {
			return err
		}
	}
	ans, err := c.writeOne(ctx, s, want)
	err = c.judge(ctx, s, want, ans, err)
	c.notePending(ctx, s.in)
	return err
}

// writeOne sends one setting, and waits for a controller that resets itself then.
// A lost answer is none there: what reads back tells.
func (c *Controller) writeOne(ctx context.Context, s setting, want state.Attr) (redfish.Answer, error) {
	build := func(d redfish.Document) (redfish.Object, error) { return s.body(d, want) }
	if !s.selfReset {
		return c.patch(ctx, s.in, redfish.Public, build)
	}
	self, err := c.ownIdentity(ctx)
	if err != nil {
		return redfish.Answer{}, err
	}
	ans, err := c.patch(ctx, s.in, redfish.Public, build)
	if err != nil && redfish.StatusOf(err) != 0 {
		return ans, err
	}
	if err := c.afterSelfReset(ctx, self); err != nil {
		return ans, &unprovenError{err}
	}
	return ans, nil
}

// before sends what has to precede a setting, such as HPE's switches that
// keep DHCP from overwriting it.
func (c *Controller) before(ctx context.Context, s setting) error {
	d, err := c.load(ctx, inEthernet)
	if err != nil {
		return err
	}
	body := s.before(d)
	if body == nil {
		return nil
	}
	_, err = c.patch(ctx, inEthernet, redfish.Public, func(redfish.Document) (redfish.Object, error) { return body, nil })
	return err
}

// judge compares what reads back with what is wanted. The answer to the write
// only explains a difference. A controller may take a moment to show a value
// it accepted (OpenBMC's network daemon reloads after 3 s).
func (c *Controller) judge(ctx context.Context, s setting, want state.Attr, ans redfish.Answer, wrote error) error {
	if errors.Is(wrote, state.ErrUnsupported) || errors.Is(wrote, errValue) {
		return wrote
	}
	end := since(c.patience.ReadBack)
	return await.Until(ctx, min(c.session.Timing.Poll, c.patience.ReadBack), func(ctx context.Context) (bool, error) {
		c.refresh()
		have, _, err := c.value(ctx, s)
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
