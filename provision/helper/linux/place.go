//go:build linux

package linux

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/helper"
)

// resolve is how every path is walked: a link on the way ends the walk, in
// /proc as well (openat2(2), Linux 5.6).
const resolve = unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS

// place is a name in a directory that is held open, so that nothing that
// happens to the path in between leads elsewhere.
type place struct {
	dir        int
	name, path string
}

// open walks to the directory of a path. The last part need not be there.
func open(name string) (place, error) {
	if !path.IsAbs(name) || path.Clean(name) != name {
		return place{}, fmt.Errorf("path %.200q is not absolute and clean", name)
	}
	p := place{name: path.Base(name), path: name}
	if name == "/" {
		p.name = "."
	}
	dir, err := openDir(path.Dir(name))
	if err != nil {
		return place{}, p.failed("reach", err)
	}
	p.dir = dir
	return p, nil
}

func openDir(dir string) (int, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: resolve}
	for {
		fd, err := unix.Openat2(unix.AT_FDCWD, dir, &how)
		// EAGAIN: something was renamed during the walk.
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return fd, err
		}
	}
}

func (p place) close() { _ = unix.Close(p.dir) }

// openat opens the name itself. What it makes is nobody else's to begin with.
func (p place) openat(what string, flags int) (*os.File, error) {
	how := unix.OpenHow{Flags: uint64(flags | unix.O_NOFOLLOW | unix.O_NOCTTY | unix.O_CLOEXEC), Resolve: resolve}
	if flags&unix.O_CREAT != 0 {
		how.Mode = 0o600
	}
	for {
		fd, err := unix.Openat2(p.dir, p.name, &how)
		if err == nil {
			return os.NewFile(uintptr(fd), p.path), nil
		}
		if flags&unix.O_DIRECTORY != 0 && errors.Is(err, unix.ENOTDIR) {
			return nil, p.notDir(what)
		}
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return nil, p.failed(what, err)
		}
	}
}

// notDir tells a link to a directory from what is none.
func (p place) notDir(what string) error {
	var st unix.Stat_t
	if err := unix.Fstatat(p.dir, p.name, &st, unix.AT_SYMLINK_NOFOLLOW); err == nil && st.Mode&unix.S_IFMT == unix.S_IFLNK {
		return p.failed(what, unix.ELOOP)
	}
	return fmt.Errorf("%s %s: it is not a directory", what, p.path)
}

// failed words an error, which stays recognisable. Below what is no directory
// there is nothing.
func (p place) failed(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.ELOOP):
		return fmt.Errorf("%s %s: %w", what, p.path, helper.ErrLink)
	case errors.Is(err, unix.ENOTDIR):
		return fmt.Errorf("%s %s: %w (%w)", what, p.path, fs.ErrNotExist, err)
	}
	return fmt.Errorf("%s %s: %w", what, p.path, err)
}

// Safe implements helper.Files.
func (machine) Safe(name string) (string, error) {
	if !path.IsAbs(name) || path.Clean(name) != name {
		return "", fmt.Errorf("path %.200q is not absolute and clean", name)
	}
	dir, fd, err := nearest(path.Dir(name))
	if err != nil {
		return "", err
	}
	defer func() { _ = unix.Close(fd) }()
	on, err := system(fd)
	if err != nil {
		return "", fmt.Errorf("look at %s: %w", dir, err)
	}
	for {
		p := place{dir: fd, path: name}
		err := p.safe()
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, helper.ErrExposed) || dir == "/" {
			return "", fmt.Errorf("find a directory for %s: %w", name, err)
		}
		above, err := unix.Openat(fd, "..", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return "", fmt.Errorf("look above %s: %w", dir, err)
		}
		_ = unix.Close(fd)
		fd, dir = above, path.Dir(dir)
		if now, err := system(fd); err != nil || now != on {
			return "", fmt.Errorf("find a directory for %s on its own file system: %w", name, errors.Join(helper.ErrExposed, err))
		}
	}
}

// nearest opens the nearest directory that is there.
func nearest(dir string) (string, int, error) {
	for {
		fd, err := openDir(dir)
		if err == nil {
			return dir, fd, nil
		}
		err = place{path: dir}.failed("reach", err)
		if !errors.Is(err, fs.ErrNotExist) || dir == "/" {
			return "", 0, err
		}
		dir = path.Dir(dir)
	}
}

// fileSystem is what a rename stays within: a bind mount of the same device is
// another one (rename(2), EXDEV).
type fileSystem struct {
	major, minor uint32
	mount        uint64
}

func system(fd int) (fileSystem, error) {
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &st); err != nil {
		return fileSystem{}, err
	}
	return fileSystem{st.Dev_major, st.Dev_minor, st.Mnt_id}, nil
}

// safe is ErrExposed where somebody but root may change the directory: make,
// rename or remove names in it, or put another one in its place. That is also
// whoever may do so further up; there a sticky bit keeps what is root's.
func (p place) safe() error {
	fd, err := unix.Dup(p.dir)
	if err != nil {
		return err
	}
	var before unix.Stat_t
	for depth := 0; ; depth++ {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			_ = unix.Close(fd)
			return err
		}
		if depth > 0 && st.Dev == before.Dev && st.Ino == before.Ino {
			_ = unix.Close(fd)
			return nil // above / is /
		}
		if !closed(st, depth) {
			_ = unix.Close(fd)
			return helper.ErrExposed
		}
		before = st
		above, err := unix.Openat(fd, "..", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		_ = unix.Close(fd)
		if err != nil {
			return err
		}
		fd = above
	}
}

// closed reports whether a directory so far above is root's alone to change.
// With an access list the group bits are its mask (acl(5)), so that they cover
// whoever is named there.
func closed(st unix.Stat_t, depth int) bool {
	if st.Uid != 0 {
		return false
	}
	return st.Mode&0o022 == 0 || depth > 0 && st.Mode&unix.S_ISVTX != 0
}
