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

// identity is what tells this controller from any other.
type identity struct{ uuid, serial, peer string }

func identityOf(ctx context.Context, r *resources) (identity, error) {
	m, err := r.load(ctx, inManager)
	if err != nil {
		return identity{}, err
	}
	a := identity{uuid: m.Text("UUID"), peer: r.session.Peer}
	if a.uuid == "" {
		s, err := r.load(ctx, inSystem)
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
	visitors map[netip.AddrPort]*resources
}

// witness sees whether a change is so, and that the same controller shows it.
type witness struct {
	values
	patience Patience
	maybe    []netip.AddrPort // where an unproven change may have moved it
}

// prove looks at the new addresses and the present one until the same
// controller answers at a new one and the settings read back, or time is up. It
// carries on where that was.
func (w *witness) prove(ctx context.Context, p proof) error {
	if w.session.ResetDue {
		return w.resetAndProve(ctx, &p)
	}
	p.visitors = map[netip.AddrPort]*resources{}
	own := w.session.SessionID()
	defer func() {
		for _, there := range p.visitors {
			there.session.Leave(ctx, own)
		}
	}()
	end := since(w.patience.Move)
	var seen error
	err := await.Until(ctx, w.session.Timing.Poll, func(ctx context.Context) (ok bool, err error) {
		if seen, ok = w.lookAround(ctx, p); !ok && ctx.Err() == nil && !end.After(since(0)) {
			return false, fmt.Errorf("prove the change: not within %s: %w", w.patience.Move, seen)
		}
		return ok, nil
	})
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("prove the change: %w; last seen: %v", ctx.Err(), seen)
	}
	return err
}

// lookAround tries every address once.
func (w *witness) lookAround(ctx context.Context, p proof) (seen error, ok bool) {
	var all []error
	for _, to := range append(slices.Clone(p.news), w.session.At.Address) {
		if moved := slices.Contains(p.news, w.session.At.Address); moved && !slices.Contains(p.news, to) {
			break // it was seen at a new address: the old one proves nothing more
		}
		if err := w.visit(ctx, to, p); err != nil {
			all = append(all, fmt.Errorf("%s: %w", to, err))
			continue
		}
		w.refresh()
		left, err := w.differing(ctx, p.want)
		switch {
		case err != nil:
			all = append(all, fmt.Errorf("%s: %w", to, err))
		case len(left) > 0 && p.lostGateway(left, to):
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
func (p proof) lostGateway(left []string, to netip.AddrPort) bool {
	for _, name := range left {
		if name != ipv4GatewayName && name != ipv6GatewayName {
			return false
		}
	}
	return p.round == 1 && (len(p.news) == 0 || slices.Contains(p.news, to))
}

// visit goes to an address and makes sure who is there. When it is this very
// controller, and not the address we are at, the session moves over.
func (w *witness) visit(ctx context.Context, to netip.AddrPort, p proof) error {
	ctx, cancel := context.WithTimeout(ctx, w.session.Timing.Connect)
	defer cancel()
	if to == w.session.At.Address {
		return checkIdentity(ctx, w.resources, p.self)
	}
	there := p.visitors[to]
	if there == nil {
		var err error
		if there, err = send(ctx, w.resources, to); err != nil {
			return err
		}
		p.visitors[to] = there
	}
	if err := checkIdentity(ctx, there, p.self); err != nil {
		return err
	}
	delete(p.visitors, to)
	w.session.HangUp()
	w.session.Log.Info("bmc answers at its new address", "address", to)
	w.maybe = nil
	if m := there.where; m != nil && m.chosen.at != "" {
		m.chosen.at, m.dirty = to.Addr().String(), true // it was this interface that moved
	}
	w.carryOn(there)
	return nil
}

// send makes a visitor with the session of r.
func send(ctx context.Context, r *resources, to netip.AddrPort) (*resources, error) {
	seen, err := r.session.Visit(ctx, to, redfish.AnyPeer)
	if err != nil {
		return nil, err
	}
	there := &resources{reader: reader{seen}, links: r.links, distrust: r.distrust}
	if r.where != nil {
		where := *r.where
		where.docs = map[string]redfish.Document{}
		there.where = &where
	}
	return there, nil
}

// checkIdentity reads who is at the other end of the connection.
func checkIdentity(ctx context.Context, r *resources, self identity) error {
	r.refresh()
	now, err := identityOf(ctx, r)
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
func (w *witness) resetAndProve(ctx context.Context, p *proof) error {
	w.session.ResetDue = false
	w.refresh()
	m, err := w.load(ctx, inManager)
	if err != nil {
		return err
	}
	if p == nil {
		self, err := identityOf(ctx, w.resources)
		if err != nil {
			return err
		}
		p = &proof{self: self}
	}
	uri := m.Text("Actions", "#Manager.Reset", "target")
	if redfish.LinkTarget(redfish.Object{"@odata.id": uri}) == "" {
		return unsupported("the settings wait for a reset, and the manager has none")
	}
	w.session.ExpectNewLogin() // a reset ends the session, which is no surprise
	w.session.Log.Info("resetting the bmc: its settings wait for it", "address", w.session.At.Address)
	_, err = w.session.Write(ctx, http.MethodPost, uri, resetBody(m), "", redfish.Public)
	if err != nil && redfish.StatusOf(err) != 0 {
		return refusal(err)
	}
	return w.prove(ctx, *p)
}

// afterSelfReset waits until a controller that resets itself after a write answers
// again. It need not: of one that stays, and keeps its session, nothing more is
// expected after a while.
func (w *witness) afterSelfReset(ctx context.Context, self identity) error {
	before, end := w.session.SessionID(), since(w.session.Timing.Connect)
	w.session.ExpectNewLogin() // a reset ends the session, which is no surprise
	left := false
	err := await.Until(ctx, w.session.Timing.Poll, func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, w.session.Timing.Connect)
		defer cancel()
		_, err := w.look(ctx, inManager)
		left = err != nil || w.session.SessionID() != before
		return left || !end.After(since(0)), nil
	})
	if err != nil || !left {
		return err
	}
	w.session.ResetDue = false // this was one
	return w.prove(ctx, proof{self: self})
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

// notePending asks a controller that lost its answer whether what was written
// waits for a reset. One that does not say so is asked in the proof.
func (w *witness) notePending(ctx context.Context, name string) {
	pending := w.where.profile.pending
	if pending == nil || w.session.ResetDue {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, w.session.Timing.Connect)
	defer cancel()
	w.refresh()
	if d, err := w.load(ctx, name); err == nil {
		w.session.ResetDue = pending(d)
	}
}
