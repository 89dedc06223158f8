package bmc

import (
	"context"
	"fmt"
	"slices"

	"github.com/raiz-dns/raiz/provision/state"
)

// Set carries changes out, one group at a time in an order that keeps the way
// in open as long as possible: the account, then names and services, the
// network last. It returns an outcome for every change in that order, and an
// error naming all that are not done. A change that reads back as wanted
// already is not written again.
func (c *Controller) Set(ctx context.Context, changes []Change) ([]Outcome, error) {
	var out []Outcome
	ended := func(ch Change, err error) { out = append(out, outcome(c.session, ch, err)) }
	if _, err := c.fresh(ctx, inManager); err != nil {
		for _, ch := range inOrder(changes) {
			ended(ch, err)
		}
		return finish(out)
	}
	c.session.ResetDue = false
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
			ended(ch, c.accounts.set(ctx, ch))
		case ch.Key.Name == httpsCertificateName:
			ended(ch, c.https.set(ctx, ch))
		default:
			ended(ch, c.setter.set(ctx, ch))
		}
	}
	if len(network) > 0 {
		out = append(out, c.network.set(ctx, network, c.nobodyThere(out))...)
	}
	if c.session.ResetDue {
		if err := c.witness.resetAndProve(ctx, nil); err != nil {
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
			err = c.factory.close(ctx, ch)
		}
		ended(ch, err)
	}
	c.remember()
	return finish(out)
}

// nobodyThere is why the network stays as it is: at its new address nobody but the
// declared user is known, and whether that one may log in is not.
func (c *Controller) nobodyThere(out []Outcome) error {
	for _, o := range out {
		if o.Key.Name == accountName && o.Status != Done && c.session.At.Username != c.accounts.declaredUser() {
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
