package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
)

// maxTries bounds how often a revert is tried by itself in one boot. A person,
// or the next boot, tries again.
const maxTries = 20

// startAgain is after what time a revert is started again that could not even
// begin: it has no number of tries to write down.
const startAgain = 30 * time.Second

// revertRun puts back what stood before a run, or what is overdue. A run that
// has not begun here may not begin any more: only then is it true that nothing
// was changed.
func (h *Helper) revertRun(q server.RunRequest) (*server.Status, error) {
	if err := h.makeHome(); err != nil {
		return nil, err
	}
	if q.Run != "" {
		if err := h.fence(q.Run); err != nil {
			return nil, err
		}
		// An activation that hangs would hold the lock; it has lost its right.
		if r, found, err := h.find(q.Run); err == nil && found && !r.State.Ended() {
			_ = h.os.Do(OpStop, ActivateUnit, unitLimit)
		}
	}
	unlock, err := h.lock(2 * lockWait)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := h.settle(); err != nil {
		return nil, err
	}
	n, err := h.pending()
	if err != nil {
		return nil, err
	}
	if q.Overdue {
		return h.revertOverdue(n, q.Reason)
	}
	r, found, err := h.find(q.Run)
	if err != nil || !found {
		return &server.Status{Run: q.Run}, err
	}
	if r.Number != n || r.State.Ended() {
		return &r.Status, nil
	}
	err = h.revert(&r, q.Reason)
	return &r.Status, err
}

// fence keeps a run from beginning.
func (h *Helper) fence(run string) error {
	file := fencesDir + "/" + run
	if _, err := h.os.Look(file); err == nil {
		return nil
	}
	if err := h.write(file, nil); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("keep run %s from beginning: %w", run, err)
	}
	return h.os.Flush(fencesDir)
}

func (h *Helper) revertOverdue(n int, reason string) (*server.Status, error) {
	if n == 0 {
		return nil, nil
	}
	r, err := h.load(n)
	if err != nil {
		return nil, err
	}
	if !h.over(r) {
		return &r.Status, h.busy(n)
	}
	err = h.revert(&r, reason)
	return &r.Status, err
}

// RevertPending puts back what stood before the pending generation. It runs in
// RevertUnit: by the timer, or because the activation has died. Called before
// its time, it arms the timer for the rest of it. Whatever keeps it from its
// work, it is called again.
func (h *Helper) RevertPending() error {
	h.who = "the server itself"
	err := h.revertPending()
	if e, is := errors.AsType[*server.Error](err); err == nil || is && e.Code == server.ErrReverts {
		return err // it has seen to that
	}
	return errors.Join(err, h.os.Arm(startAgain))
}

func (h *Helper) revertPending() error {
	n, err := h.pending()
	if err != nil || n == 0 {
		return err
	}
	if r, err := h.load(n); err == nil && h.over(r) {
		_ = h.os.Do(OpStop, ActivateUnit, unitLimit) // it may hang, with the lock
	}
	unlock, err := h.lock(2 * lockWait)
	if err != nil {
		return err
	}
	defer unlock()
	if n, err = h.pending(); err != nil || n == 0 {
		return err
	}
	r, err := h.load(n)
	if err != nil {
		return err
	}
	switch {
	case r.State.Ended():
		return h.finish(r)
	case r.State == server.Reverting:
		return h.revert(&r, r.Reason)
	case h.over(r) && r.Boot != h.os.BootID():
		return h.revert(&r, "the server started again before it was confirmed")
	case h.over(r):
		return h.revert(&r, fmt.Sprintf("it was not confirmed by %s", r.Until.Format(time.TimeOnly+" MST")))
	case r.State == server.Activating:
		return h.revert(&r, "the activation died")
	}
	return h.os.Arm(r.Deadline - h.os.Uptime())
}

// revert puts back files, then units, then what is left of the effect, and
// sees each. What was seen is not done again when it has to be tried again.
// Where files cannot be put back no unit is touched: it would start with what
// nobody has confirmed.
func (h *Helper) revert(r *record, reason string) error {
	r.Tries++
	// From its first file on it cannot be confirmed any more. A full disk has
	// no room for that word, and is no reason to stop.
	_ = h.to(r, server.Reverting, reason)
	b, err := h.putBack(r)
	if err != nil {
		return h.tryAgain(r, err)
	}
	// Before it has ended: nobody would come to take these away.
	if err := h.forget(*r, b); err != nil {
		return h.tryAgain(r, err)
	}
	if err := h.to(r, server.Reverted, ""); err != nil {
		h.log("cannot write down that generation %d was reverted: %v", r.Number, err)
	}
	if err := h.remove(pendingFile); err != nil {
		return h.tryAgain(r, err)
	}
	if err := h.os.Flush(dirOfHome); err != nil {
		return h.tryAgain(r, err)
	}
	_ = h.os.Disarm() // what fires finds nothing pending
	for _, unit := range []string{ActivateUnit, RevertUnit} {
		_ = h.os.Do(OpReset, unit, unitLimit) // that they failed is written down, and over
	}
	h.unhold(*r)
	return nil
}

// pauseAfter is how long a revert that has been tried so often waits.
func pauseAfter(tries int) time.Duration {
	return min(5*time.Second<<min(tries-1, 10), 5*time.Minute)
}

// tryAgain has systemd try the revert later, each time after a longer pause.
func (h *Helper) tryAgain(r *record, why error) error {
	r.Trouble = why.Error()
	_ = h.save(*r) // with the number of tries
	e := &server.Error{Code: server.ErrReverts, Text: fmt.Sprintf("generation %d cannot be put back yet: %v", r.Number, why)}
	if r.Tries >= maxTries {
		e.Next = "it is not tried again in this boot: mend the cause and type: raiz-helper revert"
		h.log("%v", e)
		return e
	}
	wait := pauseAfter(r.Tries)
	e.Next = fmt.Sprintf("it is tried again in %s", wait)
	if err := h.os.Arm(wait); err != nil {
		e.Next = "and no timer can be set: mend the cause and type: raiz-helper revert"
	}
	h.log("%v", e)
	return e
}
