package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Over returns a file system in which packs and profiles of upper stand in
// front of those of lower. A pack is taken whole: a folder KIND/NAME that upper
// has hides the one of the same name, so a changed pack never mixes with files
// of the old. An operator profile is one file.
func Over(lower, upper fs.FS) fs.FS { return layered{lower, upper} }

type layered struct{ lower, upper fs.FS }

// unit is what is taken whole: the first two steps of a path, with all that
// is below.
func unit(name string) string {
	steps := strings.SplitN(name, "/", 3)
	return path.Join(steps[:min(len(steps), 2)]...)
}

// Open implements fs.FS.
func (l layered) Open(name string) (fs.File, error) {
	if len(strings.Split(name, "/")) < 2 { // a folder of packs: see ReadDir
		if f, err := l.lower.Open(name); err == nil {
			return f, nil
		}
		return l.upper.Open(name)
	}
	// A pack that is there and cannot be read is not passed over.
	if _, err := fs.Stat(l.upper, unit(name)); errors.Is(err, fs.ErrNotExist) {
		return l.lower.Open(name)
	}
	return l.upper.Open(name)
}

// ReadDir implements fs.ReadDirFS: above a pack it lists what both have.
func (l layered) ReadDir(name string) ([]fs.DirEntry, error) {
	if name != "." && strings.Contains(name, "/") {
		if _, err := fs.Stat(l.upper, unit(name)); errors.Is(err, fs.ErrNotExist) {
			return fs.ReadDir(l.lower, name)
		}
		return fs.ReadDir(l.upper, name)
	}
	below, err := fs.ReadDir(l.lower, name)
	above, err2 := fs.ReadDir(l.upper, name)
	switch {
	case err2 != nil && !errors.Is(err2, fs.ErrNotExist):
		return nil, err2 // what is there and cannot be read is not passed over
	case err != nil && err2 != nil:
		return nil, err
	}
	for _, e := range above {
		same := func(o fs.DirEntry) bool { return o.Name() == e.Name() }
		below = append(slices.DeleteFunc(below, same), e)
	}
	slices.SortFunc(below, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return below, nil
}

// hides reports whether upper has something in the place of what lower has.
func (l layered) hides(name string) bool {
	_, below := fs.Stat(l.lower, name)
	_, above := fs.Stat(l.upper, name)
	return below == nil && !errors.Is(above, fs.ErrNotExist)
}

// complete wants of what upper has that it can be taken in the place of what
// it hides: what is not there would be missed later, and only by some sites.
func (l layered) complete() error {
	if err := l.folders(); err != nil {
		return err
	}
	for _, kind := range Kinds() {
		if err := l.packs(kind); err != nil {
			return err
		}
	}
	for role := range needs() {
		if folder := path.Join("lab", string(role)); !l.hides(folder) {
			continue
		}
		if _, err := DefaultLab(l, role); err != nil {
			return err
		}
	}
	for _, folder := range []string{"operators", "zones/static"} {
		if err := l.files(folder); err != nil {
			return err
		}
	}
	return nil
}

// folders wants a folder of upper to be one that is looked into: one whose
// name is misspelt would be in the place of nothing.
func (l layered) folders() error {
	entries, err := fs.ReadDir(l.upper, ".")
	if err != nil {
		return fmt.Errorf("the folder of packs: %w", err)
	}
	known := append([]string{"lab", "operators", "zones"}, Kinds()...)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || slices.Contains(known, e.Name()) {
			continue
		}
		if f, err := fs.Stat(l.upper, e.Name()); err == nil && f.IsDir() {
			return fmt.Errorf("%s is no folder that packs are looked for in: %s", e.Name(), strings.Join(known, ", "))
		}
	}
	return nil
}

// packs wants each folder of a kind to be a pack.
func (l layered) packs(kind string) error {
	entries, err := fs.ReadDir(l.upper, kind)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s has to be a folder of packs: %w", kind, err)
	}
	for _, e := range entries {
		name := path.Join(kind, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		f, err := fs.Stat(l.upper, name)
		if err != nil {
			return fmt.Errorf("component pack: %w", err)
		}
		if !f.IsDir() && !l.hides(name) {
			continue // words about the packs
		}
		_, err = fs.Stat(l.upper, path.Join(name, "component.hcl"))
		switch {
		case err == nil:
		case l.hides(name):
			return fmt.Errorf("%s hides the built-in pack and has no component.hcl", name)
		default:
			return fmt.Errorf("%s has no component.hcl", name)
		}
	}
	return nil
}

// files wants each file that a folder of lower has to be one that can be read.
func (l layered) files(folder string) error {
	above, err := fs.ReadDir(l.upper, folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s has to be a folder: %w", folder, err)
	}
	for _, e := range above {
		if _, err := fs.Stat(l.upper, path.Join(folder, e.Name())); err != nil && !strings.HasPrefix(e.Name(), ".") {
			return err // a link that leads nowhere is not absent
		}
	}
	names, err := fs.ReadDir(l.lower, folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range names {
		name := path.Join(folder, e.Name())
		if !l.hides(unit(name)) {
			continue
		}
		text, err := ReadFile(l, name)
		if err != nil {
			return fmt.Errorf("%s is in the place of the built-in one: %w", unit(name), err)
		}
		if path.Ext(name) != ".tmpl" {
			continue
		}
		if _, err := compile(name, string(text), new(budget)); err != nil {
			return err
		}
	}
	return nil
}
