package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
)

// unitTries is how many tries of a revert act on units.
const unitTries = 3

// putBack puts everything back. A daemon's user who does not let its own files
// come back holds up nothing else: the way in has to.
func (h *Helper) putBack(r *record) (before, error) {
	b, err := h.before(r.Number)
	if err != nil {
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
		r.FilesBack, r.UnitsBack = true, false // what was acted on before has read others
		_ = h.save(*r)                         // else files are looked at once more
	}
	held := held(b, files)
	if !r.UnitsBack {
		// systemd, or a manager of links, may fail once. What looks as it was
		// could still be run by what goes: they are asked again, not for ever.
		err := h.unitsBack(r, b, held)
		if r.UnitsBack = err == nil || r.Tries >= unitTries; !r.UnitsBack {
			return b, errors.Join(err, h.effectBack(*r, b, held), files)
		}
		_ = h.save(*r) // else units are acted on once more
	}
	return b, errors.Join(h.effectBack(*r, b, held), files)
}

// unlinkNew disables units that were not enabled before, while their files are
// there.
func (h *Helper) unlinkNew(b before) {
	facts, _ := h.os.Units(unitNames(b)) // without, links go by hand: at the end a unit without a file shows none
	for _, u := range b.Units {
		switch f := facts[u.Name]; {
		case u.Enabled:
		case enabled(f) && h.os.Do(OpDisable, u.Name, unitLimit) == nil:
		case enabled(f) || f.File == "": // a power cut may have brought a link back after its unit had gone
			h.unlink(u.Name)
		}
	}
	_ = h.flushLinks() // before the files go, for without its file a unit is not known to be enabled
}

// unlink takes away by hand the links that start a unit.
func (h *Helper) unlink(unit string) {
	names, _ := h.os.List(unitsDir) // what is left is seen at the end
	for _, name := range names {
		link := unitsDir + "/" + name + "/" + unit
		if _, err := h.os.Look(link); err == nil && (strings.HasSuffix(name, ".wants") || strings.HasSuffix(name, ".requires")) {
			_ = h.remove(link)
		}
	}
}

func unitNames(b before) []string {
	var out []string
	for _, u := range b.Units {
		out = append(out, u.Name)
	}
	return out
}

// unitsBack brings each unit that the change acted on to the state it had, with
// the files it had, in the order of the change. Nothing is left out because
// something else failed; units that are held keep what they run with.
func (h *Helper) unitsBack(r *record, b before, held []string) error {
	var errs []error
	do := func(op Op, unit string) {
		if !slices.Contains(held, unit) {
			errs = append(errs, h.os.Do(op, unit, unitLimit))
		}
	}
	do(OpReread, "")
	was := map[string]unitThen{}
	for _, u := range b.Units {
		was[u.Name] = u
	}
	h.enableBack(b)
	_ = h.flushLinks() // that they are there is seen at the end
	if r.Started == h.os.BootID() {
		return errors.Join(errs...) // with the files they had
	}
	for _, unit := range b.Disable {
		if was[unit].Active {
			do(OpStart, unit)
		}
	}
	for _, a := range b.Actions {
		switch u := was[a.Unit]; {
		case len(a.Run) > 0 && h.gone(a.Run[0]):
			// It came with the generation that goes.
		case len(a.Run) > 0:
			errs = append(errs, h.run(a.Run))
		case !u.Active:
			if a.Unit == networkdUnit {
				_ = h.os.Do(OpStop, networkdSocket, unitLimit) // it would start the service again
			}
			_ = h.os.Do(OpStop, a.Unit, unitLimit) // it may have no file any more; that it does not run is seen
		case a.Verb == server.ActRestart:
			do(OpRestart, a.Unit)
		default:
			do(OpReload, a.Unit)
		}
	}
	return errors.Join(append(errs, h.giveBack(b))...)
}

// gone reports whether a program is not there.
func (h *Helper) gone(program string) bool {
	_, err := h.os.Look(program)
	return strings.HasPrefix(program, "/") && errors.Is(err, fs.ErrNotExist)
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

// effectBack sees that what runs is what ran, and puts back what is left. The
// way in does not wait for a unit that does not come back.
func (h *Helper) effectBack(r record, b before, held []string) error {
	units := h.seeUnits(b, held)
	another := b.Boot != h.os.BootID()
	if another && r.Started == h.os.BootID() {
		return units // the network is what this boot has made of the old files
	}
	if err := errors.Join(units, h.networkBack(b), h.runningBack(r.Number, b)); err != nil {
		return err
	}
	passing := b.Passing
	if another { // which knows only that some were not there
		passing = slices.DeleteFunc(slices.Clone(passing), func(t then) bool { return t.Kind != server.IsAbsent })
	}
	// What was acted on may have made them anew.
	return h.pathsBack(r.Number, len(b.Files), passing)
}

// seeUnits waits until units are as they were, and does for the next look what
// one lacks.
func (h *Helper) seeUnits(b before, held []string) error {
	was := map[string]unitThen{}
	for _, u := range b.Units {
		was[u.Name] = u
	}
	fits := func(name string, u server.UnitFact) bool {
		w := was[name]
		switch {
		case w.Enabled != enabled(u):
			return false
		case slices.Contains(held, name):
			return true
		case !w.Active:
			return w.Enabled || !running(u) // a boot may have started what it is meant to
		}
		return running(u)
	}
	bad, err := h.waitUnits(networkLimit, unitNames(b), fits)
	if err != nil || bad == "" {
		return err
	}
	facts, err := h.os.Units([]string{bad})
	if err != nil {
		return err
	}
	switch was := was[bad]; {
	case was.Enabled && !enabled(facts[bad]):
		_ = h.os.Do(OpEnable, bad, unitLimit)
	case !was.Enabled && enabled(facts[bad]):
		_ = h.os.Do(OpDisable, bad, unitLimit)
	case was.Active && !running(facts[bad]):
		_ = h.os.Do(OpStart, bad, unitLimit)
	case !was.Active && !was.Enabled && running(facts[bad]):
		_ = h.os.Do(OpStop, bad, unitLimit)
	}
	return fmt.Errorf("%s is %s, %s", bad, facts[bad].Active, facts[bad].File)
}
