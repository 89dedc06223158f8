package helper

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/raiz-dns/raiz/provision/server"
)

// tamperedError says that only paths are not back in whose directory somebody
// but root may change names. Such a user can undo whatever is put there, for as
// long as he likes.
type tamperedError struct {
	error
	paths []string
}

func onlyTampered(err error) bool {
	_, is := errors.AsType[tamperedError](err)
	return is
}

// held are the units that read what is not back. They are left as they are:
// started or told anew they would run with what nobody has confirmed.
func held(b before, files error) []string {
	t, _ := errors.AsType[tamperedError](files)
	var out []string
	for _, c := range b.Changes {
		if slices.Contains(t.paths, c.Path) && c.Unit != "" {
			out = append(out, c.Unit)
		}
	}
	return out
}

// filesBack puts every file back and sees that it is there.
func (h *Helper) filesBack(n int, b before) error {
	all := b.Files
	if b.Boot == h.os.BootID() {
		all = slices.Concat(b.Files, b.Passing)
	}
	files := h.pathsBack(n, 0, all)
	var errs []error
	for _, dir := range slices.Backward(b.Dirs) {
		err := h.remove(dir)
		if names, _ := h.os.List(dir); err != nil && len(names) == 0 {
			errs = append(errs, err) // it stays where somebody has put something into it
		}
	}
	if len(errs) == 0 {
		return files
	}
	return errors.Join(errs...)
}

// pathsBack puts paths back whose snapshots are numbered from first on.
func (h *Helper) pathsBack(n, first int, all []then) error {
	var errs, tampered []error
	var paths []string
	failed := func(t then, err error) {
		if t.Exposed {
			tampered = append(tampered, fmt.Errorf("%s: %w; its directory is not root's alone", t.Path, err))
			paths = append(paths, t.Path)
			return
		}
		errs = append(errs, fmt.Errorf("%s: %w", t.Path, err))
	}
	var dirs []string
	for i, t := range all {
		if err := h.fileBack(n, first+i, t); err != nil {
			failed(t, err)
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
		if err != nil && len(errs) == 0 && !slices.Contains(paths, t.Path) {
			failed(t, err)
		}
	}
	if err := errors.Join(errs...); err != nil || len(tampered) == 0 {
		return err
	}
	return tamperedError{errors.Join(tampered...), paths}
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
