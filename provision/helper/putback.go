package helper

import (
	"errors"
	"fmt"

	"github.com/raiz-dns/raiz/provision/server"
)

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
