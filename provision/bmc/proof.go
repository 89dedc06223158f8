package bmc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// differing names the wanted network settings that read otherwise. What the
// controller does not have at all is an error right away.
func (c *Controller) differing(ctx context.Context, want map[string]state.Attr) ([]string, error) {
	var out []string
	for _, name := range order() {
		w, ok := want[name]
		if !ok {
			continue
		}
		s := c.where.profile.settings[name]
		d, err := c.load(ctx, s.in)
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

// identity is what tells this controller from any other.
type identity struct{ uuid, serial, peer string }

func (c *Controller) ownIdentity(ctx context.Context) (identity, error) {
	m, err := c.load(ctx, inManager)
	if err != nil {
		return identity{}, err
	}
	a := identity{uuid: m.Text("UUID"), peer: c.session.Peer}
	if a.uuid == "" {
		s, err := c.load(ctx, inSystem)
		if err != nil && !errors.Is(err, state.ErrUnsupported) {
			return identity{}, err
		}
		a.serial = s.Text("SerialNumber")
	}
	return a, nil
}

// proof is what has to be shown after a change.
type proof struct {
	self  identity
	news  []netip.AddrPort // one of them has to answer; none: where we are
	want  map[string]state.Attr
	round int
	// visitors are at addresses where something answers, but has not shown
	// that it is the controller. Each keeps its session: to log in at every
	// look would fill the controller with them.
	visitors map[netip.AddrPort]*Controller
}

// prove looks at the new addresses and the present one until the same
// controller answers at a new one and the settings read back, or time is up.
// The Controller carries on where that was.
func (c *Controller) prove(ctx context.Context, p proof) error {
	if c.session.ResetDue {
		return c.resetAndProve(ctx, &p)
	}
	p.visitors = map[netip.AddrPort]*Controller{}
	own := c.session.SessionID()
	defer func() {
		for _, there := range p.visitors {
			there.session.Leave(ctx, own)
		}
	}()
	end := since(c.patience.Move)
	var seen error
	err := await.Until(ctx, c.session.Timing.Poll, func(ctx context.Context) (ok bool, err error) {
		if seen, ok = c.lookAround(ctx, p); !ok && ctx.Err() == nil && !end.After(since(0)) {
			return false, fmt.Errorf("prove the change: not within %s: %w", c.patience.Move, seen)
		}
		return ok, nil
	})
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("prove the change: %w; last seen: %v", ctx.Err(), seen)
	}
	return err
}

// lookAround tries every address once.
func (c *Controller) lookAround(ctx context.Context, p proof) (seen error, ok bool) {
	var all []error
	for _, to := range append(slices.Clone(p.news), c.session.At.Address) {
		if moved := slices.Contains(p.news, c.session.At.Address); moved && !slices.Contains(p.news, to) {
			break // it was seen at a new address: the old one proves nothing more
		}
		if err := c.visit(ctx, to, p); err != nil {
			all = append(all, fmt.Errorf("%s: %w", to, err))
			continue
		}
		c.refresh()
		left, err := c.differing(ctx, p.want)
		switch {
		case err != nil:
			all = append(all, fmt.Errorf("%s: %w", to, err))
		case len(left) > 0 && c.lostGateway(left, to, p):
			return nil, true
		case len(left) > 0:
			all = append(all, fmt.Errorf("%s: %v still reads back otherwise", to, left))
		case len(p.news) > 0 && !slices.Contains(p.news, to):
			all = append(all, fmt.Errorf("%s: the settings are accepted, but no new address answers from here", to))
		default:
			return nil, true
		}
	}
	return errors.Join(all...), false
}

// lostGateway reports whether all is well but a gateway, in the first round:
// another write may set it.
func (c *Controller) lostGateway(left []string, to netip.AddrPort, p proof) bool {
	for _, name := range left {
		if name != ipv4GatewayName && name != ipv6GatewayName {
			return false
		}
	}
	return p.round == 1 && (len(p.news) == 0 || slices.Contains(p.news, to))
}

// visit goes to an address and makes sure who is there. When it is this very
// controller, and not the address we are at, the session moves over.
func (c *Controller) visit(ctx context.Context, to netip.AddrPort, p proof) error {
	ctx, cancel := context.WithTimeout(ctx, c.session.Timing.Connect)
	defer cancel()
	if to == c.session.At.Address {
		return c.checkIdentity(ctx, p.self)
	}
	there := p.visitors[to]
	if there == nil {
		var err error
		if there, err = c.send(ctx, to); err != nil {
			return err
		}
		p.visitors[to] = there
	}
	if err := there.checkIdentity(ctx, p.self); err != nil {
		return err
	}
	delete(p.visitors, to)
	c.session.HangUp()
	c.session.Log.Info("bmc answers at its new address", "address", to)
	there.maybe = nil
	if w := there.where; w != nil && w.chosen.at != "" {
		w.chosen.at, w.dirty = to.Addr().String(), true // it was this interface that moved
	}
	*c = *there
	return nil
}

// send makes a visitor with the session of this Controller.
func (c *Controller) send(ctx context.Context, to netip.AddrPort) (*Controller, error) {
	seen, err := c.session.Visit(ctx, to, redfish.AnyPeer)
	if err != nil {
		return nil, err
	}
	there := *c
	there.session = *seen
	if c.where != nil {
		where := *c.where
		where.docs = map[string]redfish.Document{}
		there.where = &where
	}
	return &there, nil
}

// checkIdentity reads who is at the other end of the connection.
func (c *Controller) checkIdentity(ctx context.Context, self identity) error {
	c.refresh()
	now, err := c.ownIdentity(ctx)
	switch {
	case err != nil:
		return err
	case now.uuid != self.uuid || now.serial != self.serial:
		return fmt.Errorf("another controller answers: uuid %q serial %q, not %q %q", now.uuid, now.serial, self.uuid, self.serial)
	case self.uuid == "" && self.serial == "" && now.peer != self.peer:
		return fmt.Errorf("it gives neither uuid nor serial and shows another certificate: %s", now.peer)
	}
	return nil
}

// resetAndProve restarts the manager, which some need for settings to take
// effect, and waits until it answers again. p is what has to be so then; nil
// asks for no more than an answer.
func (c *Controller) resetAndProve(ctx context.Context, p *proof) error {
	c.session.ResetDue = false
	c.refresh()
	m, err := c.load(ctx, inManager)
	if err != nil {
		return err
	}
	if p == nil {
		self, err := c.ownIdentity(ctx)
		if err != nil {
			return err
		}
		p = &proof{self: self}
	}
	uri := m.Text("Actions", "#Manager.Reset", "target")
	if redfish.LinkTarget(redfish.Object{"@odata.id": uri}) == "" {
		return unsupported("the settings wait for a reset, and the manager has none")
	}
	c.session.ExpectNewLogin() // a reset ends the session, which is no surprise
	c.session.Log.Info("resetting the bmc: its settings wait for it", "address", c.session.At.Address)
	_, err = c.session.Write(ctx, http.MethodPost, uri, resetBody(m), "", redfish.Public)
	if err != nil && redfish.StatusOf(err) != 0 {
		return refusal(err)
	}
	return c.prove(ctx, *p)
}

// afterSelfReset waits until a controller that resets itself after a write answers
// again. It need not: of one that stays, and keeps its session, nothing more is
// expected after a while.
func (c *Controller) afterSelfReset(ctx context.Context, self identity) error {
	before, end := c.session.SessionID(), since(c.session.Timing.Connect)
	c.session.ExpectNewLogin() // a reset ends the session, which is no surprise
	left := false
	err := await.Until(ctx, c.session.Timing.Poll, func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, c.session.Timing.Connect)
		defer cancel()
		left = c.look(ctx) != nil || c.session.SessionID() != before
		return left || !end.After(since(0)), nil
	})
	if err != nil || !left {
		return err
	}
	c.session.ResetDue = false // this was one
	return c.prove(ctx, proof{self: self})
}

// resetBody names a kind of reset that the manager lists, the graceful one first.
func resetBody(m redfish.Document) redfish.Object {
	allowed := clean(m.List("Actions", "#Manager.Reset", "ResetType@Redfish.AllowableValues"))
	for _, kind := range []string{"GracefulRestart", "ForceRestart"} {
		if slices.Contains(allowed, kind) {
			return redfish.Object{"ResetType": kind}
		}
	}
	if len(allowed) == 0 {
		return redfish.Object{"ResetType": "GracefulRestart"}
	}
	return redfish.Object{"ResetType": allowed[0]}
}
