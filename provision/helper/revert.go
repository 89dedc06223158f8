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
// its time, it arms the timer for the rest of it.
func (h *Helper) RevertPending() error {
	h.who = "the server itself"
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
	noted := h.to(r, server.Reverting, reason)
	b, err := h.putBack(r)
	if err != nil {
		return h.tryAgain(r, err)
	}
	// Before it has ended: nobody would come to take these away.
	if err := h.forget(r.Number, b); err != nil {
		return h.tryAgain(r, err)
	}
	if noted == nil || r.State == server.Reverting {
		if err := h.to(r, server.Reverted, ""); err != nil {
			h.log("cannot write down that generation %d was reverted: %v", r.Number, err)
		}
	}
	if err := h.remove(pendingFile); err != nil {
		return h.tryAgain(r, err)
	}
	if err := h.os.Flush(dirOfHome); err != nil {
		return h.tryAgain(r, err)
	}
	_ = h.os.Disarm() // what fires finds nothing pending
	return nil
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
	wait := min(5*time.Second<<min(r.Tries-1, 10), 5*time.Minute)
	e.Next = fmt.Sprintf("it is tried again in %s", wait)
	if err := h.os.Arm(wait); err != nil {
		e.Next = "and no timer can be set: mend the cause and type: raiz-helper revert"
	}
	h.log("%v", e)
	return e
}

// putBack puts everything back. A daemon's user who does not let its own files
// come back holds up nothing else: the way in has to.
func (h *Helper) putBack(r *record) (before, error) {
	var b before
	if err := h.readJSON(beforeOf(r.Number), &b); err != nil {
		return b, err
	}
	if !r.Placing {
		return b, nil
	}
	if !r.FilesBack {
		h.unlinkNew(b)
	}
	files := h.filesBack(r.Number, b)
	if files != nil && !onlyTampered(files) {
		return b, files
	}
	if files == nil && !r.FilesBack {
		r.FilesBack = true
		_ = h.save(*r) // else files are looked at once more
	}
	if !r.UnitsBack {
		h.unitsBack(r, b)
		r.UnitsBack = true
		_ = h.save(*r) // else units are acted on once more
	}
	return b, errors.Join(h.effectBack(*r, b), files)
}

// unlinkNew disables units that were not enabled before, while their files are
// there.
func (h *Helper) unlinkNew(b before) {
	facts, err := h.os.Units(unitNames(b))
	if err != nil {
		return // looked at again at the end
	}
	for _, u := range b.Units {
		if !u.Enabled && enabled(facts[u.Name]) {
			_ = h.os.Do(OpDisable, u.Name, unitLimit)
		}
	}
	_ = h.flushLinks() // before the files go, for without its file a unit is not known to be enabled
}

func unitNames(b before) []string {
	var out []string
	for _, u := range b.Units {
		out = append(out, u.Name)
	}
	return out
}

// unitsBack brings each unit that the change acted on to the state it had, with
// the files it had, in the order of the change. What does not succeed is seen
// afterwards.
func (h *Helper) unitsBack(r *record, b before) {
	_ = h.os.Do(OpReread, "", unitLimit)
	was := map[string]unitThen{}
	for _, u := range b.Units {
		was[u.Name] = u
	}
	h.enableBack(b)
	_ = h.flushLinks() // that they are there is seen at the end
	if r.Started == h.os.BootID() {
		return // with the files they had
	}
	for _, unit := range b.Disable {
		if was[unit].Active {
			_ = h.os.Do(OpStart, unit, unitLimit)
		}
	}
	for _, a := range b.Actions {
		switch u := was[a.Unit]; {
		case len(a.Run) > 0:
			_, _ = h.os.Run(a.Run, commandLimit)
		case !u.Active:
			if a.Unit == networkdUnit {
				_ = h.os.Do(OpStop, networkdSocket, unitLimit) // it would start the service again
			}
			_ = h.os.Do(OpStop, a.Unit, unitLimit)
		case a.Verb == server.ActRestart:
			_ = h.os.Do(OpRestart, a.Unit, unitLimit)
		default:
			_ = h.os.Do(OpReload, a.Unit, unitLimit)
		}
	}
	h.giveBack(b)
}

// enableBack enables the units that were enabled and are so no more. One that
// still is would take along what its file names with it (Also= in
// systemd.unit(5)), which was not enabled before.
func (h *Helper) enableBack(b before) {
	facts, err := h.os.Units(unitNames(b))
	for _, u := range b.Units {
		if u.Enabled && (err != nil || !enabled(facts[u.Name])) {
			_ = h.os.Do(OpEnable, u.Name, unitLimit)
		}
	}
}

// effectBack sees that what runs is what ran, and puts back what is left.
func (h *Helper) effectBack(r record, b before) error {
	was := map[string]unitThen{}
	for _, u := range b.Units {
		was[u.Name] = u
	}
	fits := func(name string, u server.UnitFact) bool {
		w := was[name]
		if w.Enabled != enabled(u) {
			return false
		}
		if !w.Active {
			return w.Enabled || !running(u) // a boot may have started what it is meant to
		}
		return running(u)
	}
	bad, err := h.waitUnits(networkLimit, unitNames(b), fits)
	if err != nil {
		return err
	}
	if bad != "" {
		facts, err := h.os.Units([]string{bad})
		if err != nil {
			return err
		}
		switch was := was[bad]; { // for the next look
		case was.Active && !running(facts[bad]):
			_ = h.os.Do(OpStart, bad, unitLimit)
		case !was.Active && !was.Enabled && running(facts[bad]):
			_ = h.os.Do(OpStop, bad, unitLimit)
		}
		return fmt.Errorf("%s is %s, %s", bad, facts[bad].Active, facts[bad].File)
	}
	if b.Boot != h.os.BootID() {
		return nil // the network is what this boot has made of the old files
	}
	if err := h.networkBack(b); err != nil {
		return err
	}
	// What was acted on may have made them anew.
	return h.pathsBack(r.Number, len(b.Files), b.Passing)
}
