package templates

import (
	"errors"
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
