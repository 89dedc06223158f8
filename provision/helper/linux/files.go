//go:build linux

package linux

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

// Look implements helper.Files.
func (machine) Look(path string) (helper.Info, error) {
	p, err := open(path)
	if err != nil {
		return helper.Info{}, err
	}
	defer p.close()
	return p.look()
}

func (p place) look() (helper.Info, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(p.dir, p.name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return helper.Info{}, p.failed("look at", err)
	}
	info := helper.Info{
		Kind:       server.IsOther,
		Attributes: helper.Attributes{Mode: fs.FileMode(st.Mode & 0o777), Owner: userName(st.Uid), Group: groupName(st.Gid)},
		Special:    st.Mode&0o7000 != 0,
		Size:       st.Size,
		Stamp:      fmt.Sprintf("%d.%d.%d.%d", st.Ino, st.Size, st.Ctim.Sec, st.Ctim.Nsec),
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		info.Kind, info.Fixed = server.IsFile, p.fixed()
	case unix.S_IFLNK:
		text, err := p.linkText()
		if err != nil {
			return helper.Info{}, err
		}
		info.Kind, info.Link = server.IsLink, text
	}
	return info, nil
}

// fixed reports whether a file system keeps the name from being moved over
// (statx(2)). One that does not say so has no such files.
func (p place) fixed() bool {
	var st unix.Statx_t
	err := unix.Statx(p.dir, p.name, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS, &st)
	return err == nil && st.Attributes&(unix.STATX_ATTR_IMMUTABLE|unix.STATX_ATTR_APPEND) != 0
}

func (p place) linkText() (string, error) {
	text := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(p.dir, p.name, text)
	if err != nil {
		return "", p.failed("read link", err)
	}
	return string(text[:n]), nil
}

// Read implements helper.Files.
func (machine) Read(path string) ([]byte, error) {
	p, err := open(path)
	if err != nil {
		return nil, err
	}
	defer p.close()
	f, err := p.regular()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, server.MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(data) > server.MaxFile {
		return nil, fmt.Errorf("read %s: it is larger than %d bytes", path, server.MaxFile)
	}
	return data, nil
}

// regular opens a regular file to read. Anything else is looked at and not
// opened: a FIFO would wait for its writer, and a device may do something.
func (p place) regular() (*os.File, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(p.dir, p.name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return nil, p.failed("read", err)
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFLNK:
		return nil, p.failed("read", unix.ELOOP)
	default:
		return nil, fmt.Errorf("read %s: it is not a regular file", p.path)
	}
	return p.openat("read", unix.O_RDONLY|unix.O_NONBLOCK)
}

// List implements helper.Files.
func (machine) List(dir string) ([]string, error) {
	p, err := open(dir)
	if err != nil {
		return nil, err
	}
	defer p.close()
	f, err := p.openat("list", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	slices.Sort(names)
	return names, nil
}

// Create implements helper.Files.
func (machine) Create(path string, data []byte, a helper.Attributes) error {
	uid, gid, err := ids(a)
	if err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	if a.Mode&^fs.ModePerm != 0 {
		return fmt.Errorf("create %s: mode %v is more than permissions", path, a.Mode)
	}
	p, err := open(path)
	if err != nil {
		return err
	}
	defer p.close()
	if err := p.safe(); err != nil {
		return p.failed("create", err)
	}
	f, err := p.openat("create", unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL)
	if err != nil {
		return err
	}
	// Owner and mode by the descriptor, before there are bytes: no umask
	// counts, and nobody can have opened it with less.
	err = errors.Join(
		f.Chown(uid, gid),
		f.Chmod(a.Mode),
	)
	if err == nil {
		_, err = f.Write(data)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return p.failed("create", errors.Join(err, unix.Unlinkat(p.dir, p.name, 0)))
	}
	return nil
}

// Symlink implements helper.Files.
func (machine) Symlink(text, path string) error {
	p, err := open(path)
	if err != nil {
		return err
	}
	defer p.close()
	return p.failed("make link", unix.Symlinkat(text, p.dir, p.name))
}

// Link implements helper.Files.
func (machine) Link(path, second string) error {
	return both(path, second, func(p, q place) error {
		return q.failed("link "+path+" to", unix.Linkat(p.dir, p.name, q.dir, q.name, 0))
	})
}

// Rename implements helper.Files.
func (machine) Rename(from, to string) error {
	return both(from, to, func(p, q place) error {
		return q.failed("rename "+from+" to", unix.Renameat2(p.dir, p.name, q.dir, q.name, 0))
	})
}

func both(path, second string, do func(p, q place) error) error {
	p, err := open(path)
	if err != nil {
		return err
	}
	defer p.close()
	q, err := open(second)
	if err != nil {
		return err
	}
	defer q.close()
	return do(p, q)
}

// Remove implements helper.Files.
func (machine) Remove(path string) error {
	p, err := open(path)
	if err != nil {
		return err
	}
	defer p.close()
	err = unix.Unlinkat(p.dir, p.name, 0)
	if errors.Is(err, unix.EISDIR) {
		err = unix.Unlinkat(p.dir, p.name, unix.AT_REMOVEDIR)
	}
	return p.failed("remove", err)
}

// MakeDir implements helper.Files.
func (machine) MakeDir(path string, mode fs.FileMode) error {
	if mode&^fs.ModePerm != 0 {
		return fmt.Errorf("make directory %s: mode %v is more than permissions", path, mode)
	}
	p, err := open(path)
	if err != nil {
		return err
	}
	defer p.close()
	if err := unix.Mkdirat(p.dir, p.name, 0o700); err != nil {
		return p.failed("make directory", err)
	}
	f, err := p.openat("make directory", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return p.failed("make directory", err)
	}
	if int(st.Uid) != os.Geteuid() {
		// Somebody who may change the directory above has put another one in
		// its place.
		return p.failed("make directory", helper.ErrExposed)
	}
	// A directory above with a set-group-ID bit would hand down its group.
	return p.failed("make directory", errors.Join(f.Chown(os.Geteuid(), os.Getegid()), f.Chmod(mode)))
}

// Flush implements helper.Files.
func (machine) Flush(path string) error {
	p, err := open(path)
	if err != nil {
		return err
	}
	defer p.close()
	var st unix.Stat_t
	if err := unix.Fstatat(p.dir, p.name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return p.failed("flush", err)
	}
	var f *os.File
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		f, err = p.openat("flush", unix.O_RDONLY|unix.O_DIRECTORY)
	default:
		f, err = p.regular()
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return p.failed("flush", f.Sync())
}
