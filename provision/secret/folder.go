package secret

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// maxFile bounds a looked-up file, in bytes.
const maxFile = 1 << 20

// Folder is a folder of site files as a file system that shows nothing else:
// no link leads out of it, nothing hidden is in it (a checkout keeps its
// token in .git/config), and only regular files and folders are opened. A FIFO
// would hang, and opening a device may do something.
type Folder struct{ root *os.Root }

// OpenFolder opens a folder; Close ends it.
func OpenFolder(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Folder{root}, nil
}

// Close implements io.Closer.
func (f *Folder) Close() error { return f.root.Close() }

// What a name in a folder may not be.
var (
	errLeadsOut = errors.New("a link leads out of the folder")
	errHidden   = errors.New("hidden files are not read")
	errNoFolder = errors.New("not a folder")
	errSpecial  = errors.New("not a regular file")
	errLinks    = errors.New("too many links")
)

// Open implements fs.FS.
func (f *Folder) Open(name string) (fs.File, error) {
	at, err := f.resolve("open", name)
	if err != nil {
		return nil, err
	}
	file, err := openPlain(f.root, at)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: bare(err)}
	}
	return file, nil
}

// Stat implements fs.StatFS.
func (f *Folder) Stat(name string) (fs.FileInfo, error) {
	at, err := f.resolve("stat", name)
	if err != nil {
		return nil, err
	}
	return f.root.Lstat(at)
}

// ReadDir implements fs.ReadDirFS.
func (f *Folder) ReadDir(name string) ([]fs.DirEntry, error) {
	at, err := f.resolve("readdir", name)
	if err != nil {
		return nil, err
	}
	// To open a FIFO in the place of a folder would hang.
	if st, err := f.root.Lstat(at); err != nil || !st.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: cmp.Or(err, errNoFolder)}
	}
	return fs.ReadDir(f.root.FS(), filepath.ToSlash(at))
}

// resolve follows the links of a name by itself, so that every step of the
// way is seen. It returns a path without links.
func (f *Folder) resolve(op, name string) (string, error) {
	fail := func(err error) (string, error) { return "", &fs.PathError{Op: op, Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	done, todo := ".", strings.Split(name, "/")
	for links := 0; len(todo) > 0; {
		part := todo[0]
		todo = todo[1:]
		switch {
		case part == "" || part == ".":
			continue
		case part == ".." && done == ".":
			return fail(errLeadsOut)
		case part == "..":
			done = path.Dir(done)
			continue
		case strings.HasPrefix(part, "."):
			return fail(errHidden)
		}
		at := path.Join(done, part)
		st, err := f.root.Lstat(filepath.FromSlash(at))
		if err != nil {
			return fail(bare(err))
		}
		if st.Mode()&fs.ModeSymlink == 0 {
			done = at
			continue
		}
		to, err := f.root.Readlink(filepath.FromSlash(at))
		switch links++; {
		case err != nil:
			return fail(bare(err))
		case links > 32:
			return fail(errLinks)
		case filepath.IsAbs(to):
			return fail(errLeadsOut)
		}
		todo = append(strings.Split(filepath.ToSlash(to), "/"), todo...)
	}
	return filepath.FromSlash(done), nil
}

// openPlain opens a regular file or a folder, and nothing else. It looks
// before and after: what is there may be changed in between.
func openPlain(root *os.Root, name string) (*os.File, error) {
	plain := func(st fs.FileInfo, err error) error {
		if err == nil && !st.Mode().IsRegular() && !st.IsDir() {
			err = errSpecial
		}
		return err
	}
	if err := plain(root.Stat(name)); err != nil {
		return nil, err
	}
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := plain(f.Stat()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// ReadRegular reads a file whole; one that is no regular file, or larger than
// a secret could be, is an error.
func ReadRegular(name string) ([]byte, error) {
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return nil, bare(err)
	}
	defer root.Close()
	return readRegular(root, filepath.Base(name))
}

// ReadNamed reads a file that the user has named, whole: a link in its path is
// the user's own. It may be no FIFO, which would hang, no device, and no larger
// than a secret could be.
func ReadNamed(name string) ([]byte, error) {
	st, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, bare(err)
	case !st.Mode().IsRegular():
		return nil, errSpecial
	}
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	return ReadAll(f)
}

func readRegular(root *os.Root, name string) ([]byte, error) {
	f, err := openPlain(root, name)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	return ReadAll(f)
}

// ReadAll reads an open file whole, within the bound of a looked-up file.
func ReadAll(f fs.File) ([]byte, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, bare(err)
	}
	if !st.Mode().IsRegular() {
		return nil, errSpecial
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, bare(err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("larger than %d bytes", maxFile)
	}
	return text, nil
}

// Chomp drops one newline at the end, which editors and echo add.
func Chomp(text []byte) string {
	text = bytes.TrimSuffix(text, []byte("\n"))
	return string(bytes.TrimSuffix(text, []byte("\r")))
}

// bare drops the path or program name, which the caller words itself.
func bare(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	if execErr, ok := errors.AsType[*exec.Error](err); ok {
		return execErr.Err
	}
	return err
}
