package bmc

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/state"
)

// SharedError is the refusal of one write of several settings. Which of them
// was meant is not known.
type SharedError struct{ Err error }

func (e *SharedError) Error() string { return e.Err.Error() }

// Unwrap returns the refusal.
func (e *SharedError) Unwrap() error { return e.Err }

// unprovenError is the end of a change that was accepted and then not seen to
// be so. Whatever went wrong in looking, it says nothing about the setting:
// neither that it is unsupported nor that it was refused.
type unprovenError struct{ err error }

func (e *unprovenError) Error() string { return e.err.Error() }

// Is finds what the proof failed of, such as a cancelled context.
func (e *unprovenError) Is(target error) bool {
	return target != state.ErrUnsupported && target != redfish.ErrRefused && target != errValue && target != redfish.ErrAuth && errors.Is(e.err, target)
}

// errPending is the end of a change that was written, and read back from where
// it waits.
var errPending = errors.New("it waits for a reboot of the server")

// errQueued is the end of a change that was refused while the job of another one
// waits for a reboot.
var errQueued = errors.New("another change of the firmware's settings waits for a reboot of the server, and the controller takes one at a time")

// Change is one setting that is to become Value.
type Change struct {
	Key   state.Key
	Value state.Value
	// Secret is the password of the account; other settings have none.
	Secret secret.Value
}

// Status is how a change ended.
type Status string

// The statuses. Only Done means that the setting is in effect as wanted.
const (
	Done        Status = "done"
	Pending     Status = "pending"     // written, and proven to be what the next reboot of the server makes it
	Queued      Status = "queued"      // it can be written once the server has been rebooted, and nothing was
	Unsupported Status = "unsupported" // this controller has no such setting, or does not let it be written
	Failed      Status = "failed"      // it is not as wanted
	Unknown     Status = "unknown"     // nobody could look
)

// Outcome is what became of one change. Err is nil for Done and Pending; that of
// Queued says what is waited for.
type Outcome struct {
	Key    state.Key
	Status Status
	Err    error
}

func inOrder(changes []Change) []Change {
	sorted := slices.Clone(changes)
	slices.SortStableFunc(sorted, func(a, b Change) int {
		return slices.Index(order(), a.Key.Name) - slices.Index(order(), b.Key.Name)
	})
	return sorted
}

// failed reports whether an error says that a setting is not as wanted, and
// not just that nobody knows.
func failed(err error) bool {
	return errors.Is(err, redfish.ErrRefused) || errors.Is(err, errValue)
}

// outcome classifies the error of one change.
func outcome(s *redfish.Session, ch Change, err error) Outcome {
	o := Outcome{Key: ch.Key, Status: Done}
	switch {
	case err == nil:
		s.Log.Info("bmc setting proven", "setting", ch.Key.Name)
		return o
	case errors.Is(err, errPending):
		s.Log.Info("bmc setting waits for a reboot of the server", "setting", ch.Key.Name)
		o.Status = Pending
		return o
	}
	o.Err = fmt.Errorf("set %s of %s: %w", ch.Key.Name, s.At.Address, err)
	switch {
	case errors.Is(err, errQueued):
		o.Status = Queued
	case errors.Is(err, state.ErrUnsupported):
		o.Status = Unsupported
	case failed(err):
		o.Status = Failed
	default:
		o.Status = Unknown
	}
	return o
}

func finish(out []Outcome) ([]Outcome, error) {
	var errs []error
	for _, o := range out {
		if o.Err != nil && o.Status != Queued && !slices.ContainsFunc(errs, func(e error) bool { return e.Error() == o.Err.Error() }) {
			errs = append(errs, o.Err)
		}
	}
	return out, errors.Join(errs...)
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

// Patience bounds how long a change may take to be seen.
type Patience struct {
	ReadBack time.Duration // until an accepted setting has to read back; 15 s
	Move     time.Duration // until a changed address has to answer; 3 min
	Network  time.Duration // a whole change of the network with its proofs; 10 min
}

func (p Patience) withDefaults() Patience {
	return Patience{
		ReadBack: cmp.Or(p.ReadBack, 15*time.Second), Move: cmp.Or(p.Move, 3*time.Minute), Network: cmp.Or(p.Network, 10*time.Minute),
	}
}
