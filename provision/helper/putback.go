package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/raiz-dns/raiz/provision/server"
)

// putBack puts everything back.
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
	if err := h.filesBack(r.Number, b); err != nil {
		return b, err
	}
	if !r.FilesBack {
		r.FilesBack = true
		_ = h.save(*r) // else files are looked at once more
	}
	if !r.UnitsBack {
		h.unitsBack(r, b)
		r.UnitsBack = true
		_ = h.save(*r) // else units are acted on once more
	}
	return b, h.effectBack(*r, b)
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

// filesBack puts every file back and sees that it is there.
func (h *Helper) filesBack(n int, b before) error {
	all := b.Files
	if b.Boot == h.os.BootID() {
		all = slices.Concat(b.Files, b.Passing)
	}
	errs := []error{h.pathsBack(n, 0, all)}
	for _, dir := range slices.Backward(b.Dirs) {
		err := h.remove(dir)
		if names, _ := h.os.List(dir); err != nil && len(names) == 0 {
			errs = append(errs, err) // it stays where somebody has put something into it
		}
	}
	return errors.Join(errs...)
}

// pathsBack puts paths back whose snapshots are numbered from first on.
func (h *Helper) pathsBack(n, first int, all []then) error {
	var errs []error
	var dirs []string
	for i, t := range all {
		if err := h.fileBack(n, first+i, t); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", t.Path, err))
		}
		dirs = append(dirs, path.Dir(t.Path))
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		if err := h.os.Flush(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	for _, t := range all {
		s, err := h.stands(t.Path)
		if err == nil && !t.was(s) {
			err = errors.New("it is not as it was")
		}
		if err != nil && len(errs) == 0 {
			errs = append(errs, fmt.Errorf("%s: %w", t.Path, err))
		}
	}
	return errors.Join(errs...)
}

// fileBack puts one file back: by its second name, which needs no room, else
// from the copy.
func (h *Helper) fileBack(n, i int, t then) error {
	_ = h.remove(t.New)
	s, err := h.stands(t.Path)
	if err != nil {
		return err
	}
	if t.was(s) {
		return nil
	}
	if t.Kind == server.IsAbsent {
		return h.remove(t.Path)
	}
	if old, err := h.stands(t.Old); err == nil && t.was(old) {
		return h.os.Rename(t.Old, t.Path)
	}
	if err := h.remove(t.Old); err != nil {
		return err
	}
	if err := h.copyThen(n, i, t); err != nil {
		return err
	}
	return h.os.Rename(t.New, t.Path)
}

// copyThen writes what stood at a path beside it, from the snapshot.
func (h *Helper) copyThen(n, i int, t then) error {
	missing, err := h.missing(path.Dir(t.Path))
	if err != nil {
		return err
	}
	for _, dir := range missing {
		if err := h.os.MakeDir(dir, 0o755); err != nil {
			return err
		}
	}
	if t.Kind == server.IsLink {
		return h.os.Symlink(t.Link, t.New)
	}
	data, err := h.os.Read(bytesThen(n, i))
	if err != nil {
		return err
	}
	if err := h.os.Create(t.New, data, t.attributes()); err != nil {
		return err
	}
	return h.os.Flush(t.New)
}

// unitsBack brings each unit that the change acted on to the state it had, with
// the files it had, in the order of the change. What does not succeed is seen
// afterwards.
func (h *Helper) unitsBack(r *record, b before) {
	_ = h.os.Do(OpReread, "", unitLimit)
	was := map[string]unitThen{}
	for _, u := range b.Units {
		was[u.Name] = u
		if u.Enabled {
			_ = h.os.Do(OpEnable, u.Name, unitLimit)
		}
	}
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
