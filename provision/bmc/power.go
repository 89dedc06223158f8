package bmc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// BootOnce makes the next boot of the server come from one of BootTargets,
// and the ones after it as before. It reads back what it has set.
func (c *Controller) BootOnce(ctx context.Context, from string) error {
	if _, err := c.fresh(ctx, inManager); err != nil {
		return fmt.Errorf("boot the server of %s from %s: %w", c.session.At.Address, from, err)
	}
	ans, err := c.patch(ctx, inSystem, redfish.Public, func(d redfish.Document) (redfish.Object, error) { return bootTo(d, "Once", from) })
	c.refresh()
	d, seen := c.load(ctx, inSystem)
	if err = cmp.Or(err, seen); err != nil {
		return fmt.Errorf("boot the server of %s from %s: %w", c.session.At.Address, from, err)
	}
	var target string
	for _, w := range bootTargets() {
		if w.ours == from {
			target = w.theirs
		}
	}
	if d.Text("Boot", "BootSourceOverrideEnabled") == "Disabled" || d.Text("Boot", "BootSourceOverrideTarget") != target {
		return fmt.Errorf("boot the server of %s from %s: %w%s", c.session.At.Address, from, redfish.ErrRefused, redfish.Because(ans.Notes))
	}
	return nil
}

// PowerAction is what is done to the power of the server.
type PowerAction string

// The actions. Off, Restart and Cycle ask the operating system first.
const (
	PowerOn      PowerAction = "on"
	PowerOff     PowerAction = "off"
	PowerRestart PowerAction = "restart"
	PowerCycle   PowerAction = "cycle" // off, then on
)

// PowerMode says what happens when the operating system does not shut down.
type PowerMode string

// The ways.
const (
	Graceful PowerMode = "graceful" // then nothing more is done, and said
	Forced   PowerMode = "forced"   // the power is cut at once
)

// errStillOn means that the operating system did not shut down in time. The
// server is on.
var errStillOn = errors.New("the server is still on")

// Power tells whether the server is on: "On", "Off", "PoweringOn" or
// "PoweringOff".
func (c *Controller) Power(ctx context.Context) (string, error) { return power{c.resources}.state(ctx) }

// SetPower carries an action out and waits until the server is so. A restart
// cannot be seen from here: there it is enough that the controller took it.
func (c *Controller) SetPower(ctx context.Context, do PowerAction, how PowerMode, patience time.Duration) error {
	err := power{c.resources}.set(ctx, do, how, patience)
	if err != nil {
		return fmt.Errorf("power %s of %s: %w", do, c.session.At.Address, err)
	}
	return nil
}

// power is whether the server is on.
type power struct{ *resources }

func (p power) state(ctx context.Context) (string, error) {
	d, err := p.fresh(ctx, inSystem)
	if err != nil {
		return "", fmt.Errorf("read the power of %s: %w", p.session.At.Address, err)
	}
	s := d.Text("PowerState")
	if s == "" {
		return "", fmt.Errorf("read the power of %s: %w", p.session.At.Address, unsupported("the system %s does not tell its PowerState", d.ID()))
	}
	return redfish.Short(s), nil
}

func (p power) set(ctx context.Context, do PowerAction, how PowerMode, patience time.Duration) error {
	off, restart := []string{"GracefulShutdown"}, []string{"GracefulRestart"}
	if how == Forced {
		off, restart = []string{"ForceOff"}, []string{"ForceRestart", "PowerCycle"}
	}
	switch do {
	case PowerOn:
		return p.on(ctx, patience)
	case PowerOff:
		return p.off(ctx, off, patience)
	case PowerRestart:
		err := p.reset(ctx, restart)
		if !errors.Is(err, state.ErrUnsupported) {
			return err
		}
	case PowerCycle:
	default:
		return fmt.Errorf("%w: there is no such action", errValue)
	}
	if err := p.off(ctx, off, patience); err != nil {
		return err
	}
	return p.on(ctx, patience)
}

// on switches on, unless it is so already, and waits.
func (p power) on(ctx context.Context, patience time.Duration) error {
	have, err := p.state(ctx)
	if err != nil || have == "On" {
		return err
	}
	ask := []string{"On", "ForceOn"}
	asked := p.reset(ctx, ask)
	if asked != nil && !errors.Is(asked, ErrUnanswered) {
		return asked
	}
	end := since(patience)
	return await.Until(ctx, p.session.Timing.Poll, func(ctx context.Context) (bool, error) {
		have, err := p.state(ctx)
		switch over := !end.After(since(0)); {
		case err == nil && have == "On":
			return true, nil
		case over:
			return false, errors.Join(fmt.Errorf("it is not On after %s", patience), err)
		case err == nil && asked != nil: // and it was not heard
			asked = p.reset(ctx, ask)
		}
		return false, nil
	})
}

// settledPolls is how many looks in a row have to find a server off. One that
// restarts passes through Off, and reads so for a moment.
const settledPolls = 5

// off switches off, and waits until it stays so. One that comes up again in
// that time was restarting, and is switched off again.
func (p power) off(ctx context.Context, kinds []string, patience time.Duration) error {
	have, err := p.state(ctx)
	if err != nil {
		return err
	}
	s := shutdown{kinds: kinds}
	end := since(patience)
	return await.Until(ctx, p.session.Timing.Poll, func(ctx context.Context) (bool, error) {
		over := s.looks > 0 && !end.After(since(0))
		if s.looks++; s.looks > 1 {
			have, err = p.state(ctx)
		}
		switch {
		case err != nil && over:
			return false, errors.Join(fmt.Errorf("it is not Off after %s", patience), err)
		case err != nil:
			return false, nil
		case have == "Off":
			s.quiet++
			return s.quiet > settledPolls, nil
		case over:
			return false, errors.Join(fmt.Errorf("%w after %s; look at its console, or cut the power with --force", errStillOn, patience), s.refused)
		}
		return false, p.askOff(ctx, &s)
	})
}

// shutdown is a server on its way off.
type shutdown struct {
	kinds   []string
	looks   int
	quiet   int   // looks in a row that found it off
	asked   bool  // and nobody has seen it off since
	refused error // what it said when it was asked
}

// askOff asks a server that is on to go off, once until it has been seen off. Most
// controllers refuse that of a server that has gone off meanwhile (iLO:
// InvalidOperationForSystemState): the next look tells, and one that is on then is
// asked a second time.
func (p power) askOff(ctx context.Context, s *shutdown) error {
	seenOff := s.quiet > 0
	s.quiet = 0
	if s.asked && s.refused == nil && !seenOff {
		return nil
	}
	err := p.reset(ctx, s.kinds)
	if errors.Is(err, redfish.ErrRefused) && (s.refused == nil || seenOff) {
		s.asked, s.refused = true, err
		return nil
	}
	s.asked, s.refused = true, nil
	if errors.Is(err, ErrUnanswered) {
		s.asked = false // it is asked again while it is On
		return nil
	}
	return err
}

// ErrUnanswered marks a reset that was asked for and not answered: whether it is
// carried out tells the server alone.
var ErrUnanswered = errors.New("the controller did not answer whether it resets the server")

// reset asks for the first kind that the system takes. A lost answer is
// ErrUnanswered.
func (p power) reset(ctx context.Context, kinds []string) error {
	d, err := p.fresh(ctx, inSystem)
	if err != nil {
		return err
	}
	uri := redfish.LinkTarget(redfish.Object{"@odata.id": d.Text("Actions", "#ComputerSystem.Reset", "target")})
	if uri == "" {
		return unsupported("the system %s has no reset", d.ID())
	}
	allowed, err := p.resetKinds(ctx, d)
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		if len(allowed) > 0 && !slices.Contains(allowed, kind) {
			continue
		}
		ans, err := p.session.Write(ctx, http.MethodPost, uri, redfish.Object{"ResetType": kind}, "", redfish.Public)
		if err == nil {
			_, err = p.session.FollowTask(ctx, ans)
		} else if redfish.StatusOf(err) != 0 {
			return refusal(err)
		}
		if err != nil && redfish.StatusOf(err) == 0 && !errors.Is(err, redfish.ErrRefused) && ctx.Err() == nil {
			return fmt.Errorf("%w: %w", ErrUnanswered, err)
		}
		return err
	}
	return unsupported("the system %s takes %v, and none of %v", d.ID(), allowed, kinds)
}

// resetKinds lists what the system takes, inline or in an ActionInfo as AMI,
// OpenBMC and Supermicro X13 have it.
func (p power) resetKinds(ctx context.Context, d redfish.Document) ([]string, error) {
	action := []string{"Actions", "#ComputerSystem.Reset"}
	if list := clean(d.List(append(action, "ResetType@Redfish.AllowableValues")...)); len(list) > 0 {
		return list, nil
	}
	uri := redfish.LinkTarget(redfish.Object{"@odata.id": d.Text(append(action, "@Redfish.ActionInfo")...)})
	if uri == "" {
		return nil, nil
	}
	info, err := p.session.Get(ctx, uri)
	if gone(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	for _, p := range info.List("Parameters") {
		if o, _ := p.(redfish.Object); o["Name"] == "ResetType" {
			return clean(redfish.AsList(o["AllowableValues"])), nil
		}
	}
	return nil, nil
}
