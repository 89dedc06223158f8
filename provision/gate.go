package provision

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// zonePatience is how long a change waits for zones that were not there before
// it: one transfer takes a second or two, and primaries that have not opened
// their door may take days.
const zonePatience = 20 * time.Second

// gate decides whether a change may be confirmed: through the new connection
// every service address answers as this very copy, for every zone that it
// answered for before, and this server answers at every declared management
// address that can be reached from here at all. A zone that has never been
// there is waited for a little and reverts nothing. The units are looked at by
// the server itself when it confirms; BGP is not waited for, because the host's
// side may not be there yet.
func (r *Run) gate(ctx context.Context, conn apply.Server, declared []byte) error {
	s, err := declaredBy(r.site, declared)
	if err != nil {
		return err
	}
	through, ok := conn.(verify.Server)
	if !ok {
		return errors.New("the new connection cannot forward")
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.RevertAfter/2)
	defer cancel()
	patience := time.Now().Add(min(zonePatience, r.o.RevertAfter/4))
	var last []verdict.Message
	looked := false
	_ = await.Until(ctx, time.Second, func(ctx context.Context) (bool, error) {
		problems, missing := r.problems(ctx, s, through)
		// A look that was cut short says less than the one before.
		if ctx.Err() == nil || !looked {
			last, r.missing, looked = problems, missing, true
		}
		return len(last) == 0 && (len(r.missing) == 0 || time.Now().After(patience)), nil
	})
	if len(last) > 0 {
		return &GateError{reasons: last}
	}
	return nil // where the time is over, only zones are missing, which is no reason
}

// GateError is what kept the gate closed.
type GateError struct{ reasons []verdict.Message }

// Error has the reasons in English: the server keeps them with the revert.
func (e *GateError) Error() string { return messages.English().All(e.reasons) }

// Messages are the reasons.
func (e *GateError) Messages() []verdict.Message { return e.reasons }

// problems says what keeps the gate closed, and which zones are not there yet.
func (r *Run) problems(ctx context.Context, s *site.Site, conn verify.Server) (problems, missing []verdict.Message) {
	reached := make(chan []verdict.Message, 1)
	go func() { reached <- r.unreachable(ctx, s, conn.Addr()) }()
	dns, missing := verify.Gate(s, r.before, verify.AskThrough(ctx, s, conn))
	if len(dns) > 0 {
		problems = append(problems, verdict.New("gate.dns", verdict.Messages("problems", dns)))
	}
	return append(problems, <-reached...), missing
}

// lookBefore keeps which zones this copy answers for before it is changed. An
// address that is not on the server yet is not asked: the question would leave
// it, and reach another copy.
func (r *Run) lookBefore(ctx context.Context, conn verify.Server, p plan.Plan) {
	here := *r.site
	here.Anycast = nil
	for _, a := range r.site.Anycast {
		a.Addresses = slices.DeleteFunc(slices.Clone(a.Addresses), func(addr netip.Addr) bool {
			return slices.ContainsFunc(p.Of(state.Live), func(c plan.Change) bool {
				return c.Key == state.AddressKey("lo", netip.PrefixFrom(addr, addr.BitLen()).String())
			})
		})
		here.Anycast = append(here.Anycast, a)
	}
	r.before = verify.Served(&here, verify.AskThrough(ctx, &here, conn))
}

// unreachable are the declared addresses, other than the one we are logged in
// at, where this server does not answer SSH: a wrong gateway of one family, or
// an address that is somebody else's, must not hide behind the other family.
// Through jump hosts only the address in use can be looked at.
func (r *Run) unreachable(ctx context.Context, s *site.Site, in netip.AddrPort) []verdict.Message {
	if len(s.Server.SSH.Jump) > 0 {
		return nil
	}
	var out []verdict.Message
	for _, a := range declared(s.Server) {
		if a == in || !lets(s.Server.SSH.From, a.Addr()) {
			continue
		}
		if err := r.recognize(ctx, a); err != nil && !noFamily(err) {
			out = append(out, verdict.New("gate.address", verdict.Address("address", a.Addr()), verdict.Error("error", err)))
		}
	}
	return out
}

// lets reports whether anybody is let in over the family of an address.
func lets(from []netip.Prefix, a netip.Addr) bool {
	return len(from) == 0 || slices.ContainsFunc(from, func(p netip.Prefix) bool { return p.Addr().Is4() == a.Is4() })
}

// reachTimeout is for a link of 300 ms that loses packets.
const reachTimeout = 5 * time.Second

// recognize sees that this very server answers SSH at an address: somebody
// else there is as bad as nobody.
func (r *Run) recognize(ctx context.Context, a netip.AddrPort) error {
	ctx, cancel := context.WithTimeoutCause(ctx, reachTimeout, errors.New("no answer in "+reachTimeout.String()))
	defer cancel()
	return remote.VerifyHostKey(ctx, r.sshTarget([]netip.AddrPort{a}))
}

// noFamily reports whether this machine has no way to speak the family at
// all, which says nothing of the server.
func noFamily(err error) bool {
	return errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL)
}
