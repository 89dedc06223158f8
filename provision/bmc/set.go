package bmc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/await"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/state"
)

// Change is one setting that is to become Value.
type Change struct {
	Key   state.Key
	Value state.Value
	// Secret is the password of the account; other settings have none.
	Secret secret.Value
}

// Status is how a change ended.
type Status string

// The statuses. Only Done means that the setting reads back as wanted.
const (
	Done        Status = "done"
	Unsupported Status = "unsupported" // this controller has no such setting, or does not let it be written
	Failed      Status = "failed"      // it is not as wanted
	Unknown     Status = "unknown"     // nobody could look
)

// Outcome is what became of one change. Err is nil for Done alone.
type Outcome struct {
	Key    state.Key
	Status Status
	Err    error
}

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
	var network []Change
	for _, ch := range inOrder(changes) {
		switch {
		case ch.Key.Kind != state.Setting || !slices.Contains(order(), ch.Key.Name):
			out = append(out, Outcome{ch.Key, Unsupported, unsupported("raiz knows no bmc setting of this name")})
		case isNetwork(ch.Key.Name):
			network = append(network, ch)
		case ch.Key.Name == Account:
			out = append(out, c.outcome(ch, c.setAccount(ctx, ch)))
		case ch.Key.Name == HTTPSCertificate:
			out = append(out, c.outcome(ch, c.setHTTPS(ctx, ch)))
		default:
			out = append(out, c.outcome(ch, c.setOne(ctx, ch)))
		}
	}
	if len(network) > 0 {
		out = append(out, c.setNetwork(ctx, network)...)
	}
	if c.session.ResetDue {
		if err := c.resetAndProve(ctx, nil); err != nil {
			for i, o := range out {
				if o.Status == Done && !isNetwork(o.Key.Name) && o.Key.Name != Account {
					out[i].Status, out[i].Err = Unknown, err
				}
			}
		}
	}
	c.remember()
	return c.finish(out)
}

// order is the safe order of the groups; the network comes last.
func order() []string {
	return []string{
		Account, Hostname, DNS, NTP, IPMI, SSH, Telnet, SNMP, HTTP, KVMIP, VirtualMedia, SerialConsole, HTTPSCertificate,
		PowerPolicy, Boot, BootOrder, VLAN, IPv4DHCP, IPv4Address, IPv4Gateway, IPv6Address, IPv6Gateway,
	}
}

func isNetwork(name string) bool { return strings.HasPrefix(name, "ipv") || name == VLAN }

func inOrder(changes []Change) []Change {
	sorted := slices.Clone(changes)
	slices.SortStableFunc(sorted, func(a, b Change) int {
		return slices.Index(order(), a.Key.Name) - slices.Index(order(), b.Key.Name)
	})
	return sorted
}

// surveyAgain makes sure of the links before anything is written: one read of
// the manager, which also shows an update since the links were remembered.
func (c *Controller) surveyAgain(ctx context.Context) error {
	c.refresh()
	for range 2 {
		if err := c.survey(ctx); err != nil {
			return err
		}
		if _, err := c.load(ctx, inManager); !errors.Is(err, errStale) {
			return err
		}
		c.forget()
	}
	return nil
}

// errValue marks a wanted value that nothing was asked about.
var errValue = errors.New("this cannot be set")

// failed reports whether an error says that a setting is not as wanted, and
// not just that nobody knows.
func failed(err error) bool {
	return errors.Is(err, redfish.ErrRefused) || errors.Is(err, errValue) || errors.Is(err, redfish.ErrAuth)
}

// outcome classifies the error of one change.
func (c *Controller) outcome(ch Change, err error) Outcome {
	o := Outcome{Key: ch.Key, Status: Done}
	if err == nil {
		c.session.Log.Info("bmc setting proven", "setting", ch.Key.Name)
		return o
	}
	o.Err = fmt.Errorf("set %s of %s: %w", ch.Key.Name, c.session.At.Address, err)
	switch {
	case errors.Is(err, state.ErrUnsupported):
		o.Status = Unsupported
	case failed(err):
		o.Status = Failed
	default:
		o.Status = Unknown
	}
	return o
}

func (c *Controller) finish(out []Outcome) ([]Outcome, error) {
	var errs []error
	for _, o := range out {
		if o.Err != nil && !slices.ContainsFunc(errs, func(e error) bool { return e.Error() == o.Err.Error() }) {
			errs = append(errs, o.Err)
		}
	}
	return out, errors.Join(errs...)
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
	ans, err := c.patch(ctx, s.in, redfish.Public, func(d redfish.Document) (redfish.Object, error) { return s.body(d, want) })
	err = c.judge(ctx, s, want, ans, err)
	c.notePending(ctx, s.in)
	return err
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

func same(have *state.Attr, want state.Attr) bool { return have != nil && have.Equal(want) }

// judge compares what reads back with what is wanted. The answer to the write
// only explains a difference. A controller may take a moment to show a value
// it accepted (OpenBMC's network daemon reloads after 3 s).
func (c *Controller) judge(ctx context.Context, s setting, want state.Attr, ans redfish.Answer, wrote error) error {
	if errors.Is(wrote, state.ErrUnsupported) || errors.Is(wrote, errValue) {
		return wrote
	}
	end := since(c.session.Timing.ReadBack)
	return await.Until(ctx, min(c.session.Timing.Poll, c.session.Timing.ReadBack), func(ctx context.Context) (bool, error) {
		c.refresh()
		have, _, err := c.value(ctx, s)
		switch {
		case err == nil && same(have, want):
			return true, nil
		case err != nil && wrote == nil:
			return false, err
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

func show(a *state.Attr) string {
	switch {
	case a == nil:
		return "nothing"
	case len(a.Values) == 0:
		return "none"
	}
	return strings.Join(a.Values, ", ")
}

// refusal sorts the error of a write. Status 0 is no answer, and stays
// unknown; all others say that nothing was changed.
func refusal(err error) error {
	status := redfish.StatusOf(err)
	if e, ok := errors.AsType[*redfish.StatusError](err); ok {
		if _, unknown := redfish.FindNote(e.Notes, "PropertyUnknown", "PropertyNotWritable", "ActionNotSupported", "NoOperation"); unknown {
			return fmt.Errorf("%w: %w", err, state.ErrUnsupported)
		}
	}
	switch {
	case status == http.StatusMethodNotAllowed || status == http.StatusNotImplemented:
		return fmt.Errorf("%w: %w", err, state.ErrUnsupported)
	case status == 0 && !failed(err):
		return err
	}
	return fmt.Errorf("%w: %w", redfish.ErrRefused, err)
}

// since is a deadline from now.
func since(d time.Duration) time.Time { return time.Now().Add(d) }
