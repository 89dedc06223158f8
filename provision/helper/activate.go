package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
)

// Activate makes the pending generation active. It runs in ActivateUnit; what
// fails is put back at once, and where that fails too the error makes systemd
// start RevertUnit.
func (h *Helper) Activate() error {
	unlock, err := h.lock(lockWait)
	if err != nil {
		return err
	}
	defer unlock()
	n, err := h.pending()
	if err != nil || n == 0 {
		return err
	}
	r, err := h.load(n)
	if err != nil {
		return err
	}
	if r.State != server.Armed {
		return nil // somebody was faster
	}
	if h.over(r) {
		return h.revert(&r, "it was not activated in time")
	}
	if err := h.to(&r, server.Activating, ""); err != nil {
		return h.revert(&r, fmt.Sprintf("activation failed: %v", err))
	}
	if err := h.activate(&r); err != nil {
		return h.revert(&r, fmt.Sprintf("activation failed: %v", err))
	}
	if err := h.to(&r, server.Active, ""); err != nil {
		return h.revert(&r, fmt.Sprintf("activation failed: %v", err))
	}
	return nil
}

func (h *Helper) activate(r *record) error {
	n := r.Number
	m, err := h.manifest(n)
	if err != nil {
		return err
	}
	b, err := h.before(n)
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return h.writeBeside(n, m, b) },
		func() error { return h.asTaken(b) },
		func() error { return h.toPlace(r) },
		func() error { return h.retire(b) },
		func() error { return h.place(b) },
		func() error { return h.act(m, b) },
		func() error { return h.settleLinks(m) },
		func() error { return h.seeRunning(m) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// toPlace writes down that names change from here on.
func (h *Helper) toPlace(r *record) error {
	r.Placing = true
	err := h.save(*r)
	r.Placing = err == nil // else nothing has changed, and nothing has to be put back
	return err
}

// asTaken sees that what stands, and has its second name, is what the snapshot
// took down: only that can be put back.
func (h *Helper) asTaken(b before) error {
	for _, t := range b.Files {
		for _, name := range []string{t.Path, t.Old} {
			s, err := h.stands(name)
			if err != nil {
				return err
			}
			if !t.was(s) {
				return fmt.Errorf("%s has changed since the snapshot", t.Path)
			}
		}
	}
	return nil
}

// writeBeside writes every new file and gives every old one a second name, all
// flushed, so that what can fail has failed before the first name changes. The
// second name makes that a revert needs no room.
func (h *Helper) writeBeside(n int, m server.Manifest, b before) error {
	for i, c := range b.Changes {
		t := b.Files[i]
		for _, name := range []string{t.New, t.Old} {
			if err := h.remove(name); err != nil {
				return err
			}
		}
		if t.Kind != server.IsAbsent {
			if err := h.os.Link(c.Path, t.Old); err != nil {
				return fmt.Errorf("keep %s: %w", c.Path, err)
			}
		}
		if c.Kind == remove {
			continue
		}
		f, err := h.wantedFile(n, m, b, c)
		if err != nil {
			return err
		}
		if err := h.os.Create(t.New, f.Data, Attributes{Mode: fs.FileMode(f.Mode), Owner: f.Owner, Group: f.Group}); err != nil {
			return fmt.Errorf("write %s: %w", c.Path, err)
		}
		if err := h.os.Flush(t.New); err != nil {
			return fmt.Errorf("write %s: %w", c.Path, err)
		}
	}
	return h.flushDirs(b.Files)
}

// wantedFile is a file with the bytes that were staged.
func (h *Helper) wantedFile(n int, m server.Manifest, b before, c change) (server.File, error) {
	if c.Kind == taken {
		return b.Taken[c.From], nil
	}
	f := m.Files[c.From]
	data, err := h.os.Read(bytesOf(n, c.From))
	if err == nil && f.Sum != "" && sumOf(data) != f.Sum {
		err = errors.New("its staged bytes are damaged")
	}
	f.Data = data
	return f, err
}

// flushDirs flushes the directories beside which files were written.
func (h *Helper) flushDirs(files []then) error {
	var dirs []string
	for _, t := range files {
		dirs = append(dirs, path.Dir(t.New))
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		if err := h.os.Flush(dir); err != nil {
			return err
		}
	}
	return nil
}

// retire stops what is wanted no more, while its file is there to say how.
func (h *Helper) retire(b before) error {
	for _, unit := range b.Disable {
		if err := h.os.Do(OpDisable, unit, unitLimit); err != nil {
			return err
		}
		if err := h.os.Do(OpStop, unit, unitLimit); err != nil {
			return err
		}
	}
	return nil
}

// place changes the names, in the order of the manifest, and flushes them.
func (h *Helper) place(b before) error {
	for _, dir := range b.Dirs {
		if err := h.os.MakeDir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make %s: %w", dir, err)
		}
		if err := h.os.Flush(path.Dir(dir)); err != nil {
			return fmt.Errorf("make %s: %w", dir, err)
		}
	}
	var dirs []string
	for i, c := range b.Changes {
		var err error
		if c.Kind == remove {
			err = h.remove(c.Path)
		} else {
			err = h.os.Rename(b.Files[i].New, c.Path)
		}
		if err != nil {
			return fmt.Errorf("put %s in place: %w", c.Path, err)
		}
		dirs = append(dirs, path.Dir(c.Path), path.Dir(b.Files[i].New))
	}
	slices.Sort(dirs)
	for _, dir := range slices.Compact(dirs) {
		if err := h.os.Flush(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// act has the new files take effect, in the order of the components.
func (h *Helper) act(m server.Manifest, b before) error {
	if err := h.os.Do(OpReread, "", unitLimit); err != nil {
		return err
	}
	for _, unit := range b.Enable {
		if err := h.os.Do(OpEnable, unit, unitLimit); err != nil {
			return err
		}
	}
	if err := h.flushLinks(); err != nil {
		return err
	}
	if err := h.letGo(b); err != nil {
		return err
	}
	for _, a := range b.Actions {
		if err := h.perform(a.Action); err != nil {
			return err
		}
		if a.Unit == networkdUnit {
			if err := h.takeOver(b); err != nil {
				return err
			}
		}
	}
	return nil
}

// perform does one action.
func (h *Helper) perform(a server.Action) error {
	if len(a.Run) > 0 {
		return h.run(a.Run)
	}
	ops := map[string]Op{server.ActStart: OpStart, server.ActReload: OpReload, server.ActRestart: OpRestart}
	since := h.os.Now()
	if err := h.os.Do(ops[a.Verb], a.Unit, unitLimit); err != nil {
		return fmt.Errorf("%w; it says: %s", err, h.os.Said(a.Unit, since))
	}
	return nil
}

// run runs a command. An error names it and has the end of what it printed.
func (h *Helper) run(argv []string) error {
	out, err := h.os.Run(argv, commandLimit)
	if err != nil {
		return fmt.Errorf("%s: %w: %s", argv[0], err, lastLines(out))
	}
	return nil
}

// flushLinks flushes the links by which a boot starts units. systemd makes and
// removes them without: after a power cut a server could have lost the one that
// starts its network, or keep one of a unit that has gone.
func (h *Helper) flushLinks() error {
	names, err := h.os.List(unitsDir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".wants") || strings.HasSuffix(name, ".requires") {
			if err := h.os.Flush(unitsDir + "/" + name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return h.os.Flush(unitsDir)
}
