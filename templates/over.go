package templates

import (
	"errors"
	"io/fs"
)

// Over returns a file system in which packs of upper stand in front of those
// of lower. A pack is taken whole: a folder that upper has hides the one of
// the same name, so a changed pack never mixes with files of the old.
func Over(lower, upper fs.FS) fs.FS { return layered{lower, upper} }

type layered struct{ lower, upper fs.FS }

// Open implements fs.FS.
func (l layered) Open(name string) (fs.File, error) {
	pack := name
	for i := range name {
		if name[i] == '/' {
			pack = name[:i]
			break
		}
	}
	st, err := fs.Stat(l.upper, pack)
	switch {
	case pack == ".", errors.Is(err, fs.ErrNotExist), err == nil && !st.IsDir():
		return l.lower.Open(name)
	}
	// A pack that is there and cannot be read is not passed over.
	return l.upper.Open(name)
}
