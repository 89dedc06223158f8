package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/watch"
)

// DefaultRebootWithin is how long a server may take to come back from a reboot:
// the firmware of a large one tests its memory for minutes, and carries out what
// waited for it.
const DefaultRebootWithin = 20 * time.Minute

// settles is how long a BMC may take, once the server answers, to show what the
// firmware has made of its settings.
const settles = 2 * time.Minute

// Waiting names the settings of the BMC that take effect at the next reboot of
// the server: written by this apply, and before it.
func (p Planned) Waiting(j apply.Journal) []string {
	out := j.Settings(apply.Waits)
	for _, f := range p.Plan.Waiting {
		out = append(out, f.Key.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Queued names the settings of the BMC that can be written once the server has
// been rebooted.
func (p Planned) Queued(j apply.Journal) []string {
	out := j.Settings(apply.Queued)
	for _, f := range p.Plan.Queued {
		out = append(out, f.Key.Name)
	}
	return out
}

// Reboot makes what waits for it take effect: the blocks are withdrawn, the
// server is restarted by its BMC, and once it answers again and the settings are
// seen to be in effect the blocks are announced. A drain that stood before stays.
// Its error says where that has ended: blocks that were withdrawn stay so, unless
// the server is well and its firmware alone has refused.
func (r *Run) Reboot(ctx context.Context, p Planned, names []string, within time.Duration) error {
	ctl, err := r.controller(ctx)
	if err != nil {
		return err
	}
	switch power, err := ctl.Power(ctx); {
	case err != nil:
		return fmt.Errorf("nothing was rebooted: %w", err)
	case power != "On":
		return fmt.Errorf("nothing was rebooted: the server is %s, and what waits takes effect when it is switched on", power)
	}
	ours, boot, err := r.drainFirst(ctx)
	if r.o.BMCOnly && errors.Is(err, remote.ErrUnreachable) { // there may be no system yet
		r.tell(verdict.New("notice.not-drained", verdict.Error("error", err)))
		err = nil
	}
	if err != nil {
		return fmt.Errorf("nothing was rebooted: %w", err)
	}
	wanted, err := wantedOf(p.Want, names)
	if err == nil {
		err = stillWaits(ctl.Read(ctx, wanted), p.Want) // somebody else may have been at work meanwhile
	}
	if err != nil {
		return errors.Join(fmt.Errorf("nothing was rebooted: %w", err), r.announceAgain(ctx, ours))
	}
	r.tell(verdict.New("notice.rebooting"))
	err = ctl.SetPower(ctx, bmc.PowerRestart, bmc.Graceful, within)
	if err == nil || errors.Is(err, bmc.ErrUnanswered) {
		err = r.cameBack(ctx, ctl, p.Want, wanted, boot, within)
	}
	if _, healthy := errors.AsType[*notTakenError](err); err != nil && !healthy {
		return leftDrained(ours, err)
	}
	return errors.Join(err, r.announceAgain(ctx, ours))
}

// Restart restarts a server through its BMC, with its blocks withdrawn meanwhile.
// One that does not answer has nobody to withdraw them, and is restarted all the
// same: that may be why. patience is for its operating system to shut down, within
// for it to be back.
func (r *Run) Restart(ctx context.Context, do bmc.PowerAction, patience, within time.Duration) error {
	ctl, err := r.controller(ctx)
	if err != nil {
		return err
	}
	ours, boot, err := r.drainFirst(ctx)
	if errors.Is(err, remote.ErrUnreachable) {
		r.tell(verdict.New("notice.not-drained", verdict.Error("error", err)))
		return ctl.SetPower(ctx, do, bmc.Graceful, patience)
	}
	if err != nil {
		return fmt.Errorf("nothing was restarted: %w", err)
	}
	err = ctl.SetPower(ctx, do, bmc.Graceful, patience)
	if end := time.Now().Add(within); err == nil || errors.Is(err, bmc.ErrUnanswered) {
		err = await.Until(ctx, poll, func(ctx context.Context) (bool, error) {
			err := r.booted(ctx, boot)
			if err != nil && time.Now().After(end) {
				return false, fmt.Errorf("%w, %s after the restart", err, within)
			}
			return err == nil, nil
		})
	}
	if err != nil {
		return leftDrained(ours, err)
	}
	return r.announceAgain(ctx, ours)
}

// announceAgain takes our own drain back. One that somebody has made meanwhile
// stays, and is said.
func (r *Run) announceAgain(ctx context.Context, ours *watch.Drain) error {
	if ours == nil {
		return nil
	}
	facts, err := r.probeAnew(ctx)
	if err != nil {
		return leftDrained(ours, err)
	}
	if g := facts.Guard; g == nil || g.Wanted == nil || g.Wanted.By != ours.By || !g.Wanted.At.Equal(ours.At) {
		r.tell(verdict.New("notice.drained-otherwise"))
		return nil
	}
	guard, err := r.Drain(ctx, server.DrainRequest{})
	if err == nil {
		err = Announced(guard)
	}
	return err
}

func leftDrained(ours *watch.Drain, err error) error {
	if ours == nil {
		return err
	}
	return fmt.Errorf("%w; the blocks stay withdrawn: raiz undrain announces them again", err)
}

// drainFirst withdraws the blocks; ours is our own word for it, nil where nobody
// announces or somebody else has withdrawn them before. boot is the boot that the
// server is in.
func (r *Run) drainFirst(ctx context.Context) (ours *watch.Drain, boot string, err error) {
	facts, err := r.probeAnew(ctx)
	if err != nil {
		return nil, "", err
	}
	switch {
	case facts.Pending != nil: // a boot would revert it
		return nil, "", fmt.Errorf("%w: its generation %d is not confirmed yet: wait for its end, or raiz release", apply.ErrBusy, facts.Pending.Number)
	case facts.Guard == nil: // there is nobody who announces
		return nil, facts.BootID, nil
	case facts.Guard.Wanted != nil:
		return nil, facts.BootID, Withdrawn(*facts.Guard)
	}
	guard, err := r.Drain(ctx, server.DrainRequest{Wanted: true})
	if err == nil {
		err = Withdrawn(guard)
	}
	if err != nil {
		err = fmt.Errorf("%w; a drain may stand: raiz undrain takes it back", err)
	}
	if guard.Wanted == nil {
		guard.Wanted = &watch.Drain{} // nobody's: it is not taken back unsaid
	}
	return guard.Wanted, facts.BootID, err
}

func wantedOf(want *state.Set, names []string) ([]state.Item, error) {
	var out []state.Item
	for _, name := range names {
		it, ok := want.Get(state.Key{Kind: state.Setting, Name: name})
		if !ok {
			return nil, fmt.Errorf("nobody wants the setting %s", name)
		}
		out = append(out, it)
	}
	return out, nil
}

// stillWaits is why a reboot would not bring what was planned.
func stillWaits(facts []state.Fact, want *state.Set) error {
	for _, f := range facts {
		it, _ := want.Get(f.Key)
		switch {
		case f.Err != nil:
			return f.Err
		case f.Pending == nil || !it.Value.Equal(f.Pending):
			return fmt.Errorf("%s does not wait as it was planned any more: make a new plan", f.Key.Name)
		}
	}
	return nil
}

// cameBack waits until nothing waits any more, and the server answers from
// another boot.
func (r *Run) cameBack(ctx context.Context, ctl *bmc.Controller, want *state.Set, wanted []state.Item, boot string, within time.Duration) error {
	end := time.Now().Add(within)
	var since time.Time // when the firmware was first seen not to have taken it
	return await.Until(ctx, poll, func(ctx context.Context) (bool, error) {
		err := r.booted(ctx, boot)
		if err == nil {
			err = inEffect(ctl.Read(ctx, wanted), want)
		}
		if boot != "" { // the server is up: what waits now was not taken
			err = leftWaiting(err)
		}
		if refused, ok := errors.AsType[*notTakenError](err); !ok {
			since = time.Time{}
		} else if since.IsZero() {
			since = time.Now()
		} else if time.Since(since) > min(settles, within/4) {
			return false, refused
		}
		if err != nil && time.Now().After(end) {
			return false, fmt.Errorf("%w, %s after the restart", err, within)
		}
		return err == nil, nil
	})
}

// booted wants the server to answer from another boot. Where it did not answer
// before nobody knows whether there is a system to answer.
func (r *Run) booted(ctx context.Context, before string) error {
	if before == "" {
		return nil
	}
	facts, err := r.probeAnew(ctx)
	if err == nil && facts.BootID == before {
		err = errors.New("the server has not been restarted")
	}
	return err
}

// notTakenError is a setting that waited for the reboot, and did not become so.
type notTakenError struct{ error }

// errWaits is a setting that waits after the restart as it did before.
var errWaits = errors.New("it waits for a reboot still")

// leftWaiting is what it means that something waits once a system is up again: its
// firmware is done. Where there is no system nobody knows that.
func leftWaiting(err error) error {
	if !errors.Is(err, errWaits) {
		return err
	}
	return &notTakenError{fmt.Errorf("%w, after one: the server's firmware has not taken it; its own log tells why, and whether it takes a power cycle", err)}
}

func inEffect(facts []state.Fact, want *state.Set) error {
	for _, f := range facts {
		it, _ := want.Get(f.Key)
		switch {
		case f.Err != nil:
			return f.Err
		case f.Pending != nil:
			return fmt.Errorf("%s: %w", f.Key.Name, errWaits)
		case f.Value == nil || !it.Value.Equal(f.Value):
			return &notTakenError{fmt.Errorf("%s: the server's firmware has not taken what waited for the reboot: its own log tells why; raiz plan has it again", f.Key.Name)}
		}
	}
	return nil
}

func (r *Run) tell(m verdict.Message) {
	if r.o.Tell != nil {
		r.o.Tell(m)
	}
}
