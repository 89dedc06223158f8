package sim

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"syscall"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/server"
)

// failed is an error of a file.
func failed(op, path string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: path, Err: err}
}

// at finds what is there.
func (p *Process) at(op, path string) (*inode, error) {
	p.alive()
	w, err := p.m.disk.walk(path)
	if err == nil && !w.found {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, failed(op, path, err)
	}
	return &p.m.disk.inodes[w.at], nil
}

// Look implements helper.Files.
func (p *Process) Look(path string) (helper.Info, error) {
	if err := p.looksAt("look", path); err != nil {
		return helper.Info{}, err
	}
	n, err := p.at("look", path)
	if err != nil {
		return helper.Info{}, err
	}
	i := helper.Info{Attributes: n.attr.Attributes, Special: n.attr.special, Stamp: strconv.FormatUint(n.stamp, 36)}
	switch n.kind {
	case regular:
		i.Kind, i.Size = server.IsFile, int64(len(n.data.data))
	case symlink:
		i.Kind, i.Link = server.IsLink, string(n.data.data)
	default:
		i.Kind = server.IsOther
	}
	return i, nil
}

// Read implements helper.Files.
func (p *Process) Read(path string) ([]byte, error) {
	if err := p.looksAt("read", path); err != nil {
		return nil, err
	}
	n, err := p.at("read", path)
	switch {
	case err != nil:
		return nil, err
	case n.kind == symlink:
		return nil, failed("read", path, helper.ErrLink)
	case n.kind != regular:
		return nil, failed("read", path, syscall.EISDIR)
	}
	return n.data.data, nil
}

// List implements helper.Files.
func (p *Process) List(dir string) ([]string, error) {
	if err := p.looksAt("list", dir); err != nil {
		return nil, err
	}
	n, err := p.at("list", dir)
	switch {
	case err != nil:
		return nil, err
	case n.kind == symlink:
		return nil, failed("list", dir, helper.ErrLink)
	case n.kind != directory:
		return nil, failed("list", dir, syscall.ENOTDIR)
	}
	names := make([]string, len(n.names))
	for i, e := range n.names {
		names[i] = e.name
	}
	return names, nil
}

// Create implements helper.Files.
func (p *Process) Create(file string, data []byte, a helper.Attributes) error {
	if err := p.changes("create", file, ""); err != nil {
		return err
	}
	for _, who := range []string{a.Owner, a.Group} {
		if !slices.Contains(users[:], who) {
			return failed("create", file, fmt.Errorf("there is no %q", who))
		}
	}
	if w, err := p.m.disk.walk(file); err != nil || w.found {
		if err == nil {
			err = fs.ErrExist
		}
		return failed("create", file, err)
	}
	if p.m.disk.exposed(path.Dir(file)) {
		return failed("create", file, helper.ErrExposed)
	}
	return failed("create", file, p.m.disk.make(file, inode{kind: regular, attr: &attributes{Attributes: a}, data: newBlob(data)}))
}

// users are those that there are.
var users = [...]string{"root", "bird", "nsd", "knot"}

// Symlink implements helper.Files.
func (p *Process) Symlink(text, file string) error {
	if err := p.changes("symlink", text, file); err != nil {
		return err
	}
	return failed("symlink", file, p.m.disk.symlink(text, file))
}

func (d *disk) symlink(text, file string) error {
	return d.make(file, inode{kind: symlink, attr: linkAttributes, data: newBlob([]byte(text)), kept: true})
}

var linkAttributes = &attributes{Attributes: helper.Attributes{Mode: 0o777, Owner: "root", Group: "root"}}

// MakeDir implements helper.Files.
func (p *Process) MakeDir(dir string, mode fs.FileMode) error {
	if err := p.changes("mkdir", dir, ""); err != nil {
		return err
	}
	return failed("mkdir", dir, p.m.disk.make(dir, inode{kind: directory, kept: true, attr: &attributes{Attributes: helper.Attributes{Mode: mode, Owner: "root", Group: "root"}}}))
}

// Link implements helper.Files.
func (p *Process) Link(file, second string) error {
	if err := p.changes("link", file, second); err != nil {
		return err
	}
	return failed("link", second, p.m.disk.link(file, second))
}

func (d *disk) link(file, second string) error {
	from, err := d.walk(file)
	if err != nil {
		return err
	}
	to, err := d.walk(second)
	switch {
	case err != nil:
		return err
	case !from.found:
		return fs.ErrNotExist
	case to.found:
		return fs.ErrExist
	case d.inodes[from.at].kind == directory:
		return syscall.EPERM
	case d.inodes[to.dir].passing != d.inodes[from.at].passing:
		return syscall.EXDEV
	case d.isReadOnly(second) || d.isReadOnly(file):
		return syscall.EROFS
	}
	d.set(to.dir, to.name, from.at)
	d.inodes[from.at].stamp = d.tick()
	return nil
}

// Rename implements helper.Files.
func (p *Process) Rename(from, to string) error {
	if err := p.changes("rename", from, to); err != nil {
		return err
	}
	return failed("rename", to, p.m.disk.rename(from, to))
}

func (d *disk) rename(from, to string) error {
	a, err := d.walk(from)
	if err != nil {
		return err
	}
	b, err := d.walk(to)
	switch {
	case err != nil:
		return err
	case !a.found:
		return fs.ErrNotExist
	case d.inodes[a.at].passing != d.inodes[b.dir].passing:
		return syscall.EXDEV
	case d.isReadOnly(from) || d.isReadOnly(to):
		return syscall.EROFS
	case b.found && a.at == b.at:
		return nil // rename(2): two names of one file are both left there
	}
	if b.found {
		isDir, overDir := d.inodes[a.at].kind == directory, d.inodes[b.at].kind == directory
		switch {
		case isDir && !overDir:
			return syscall.ENOTDIR
		case !isDir && overDir:
			return syscall.EISDIR
		case overDir && len(d.inodes[b.at].names) > 0:
			return syscall.ENOTEMPTY
		}
	}
	if a.dir != b.dir {
		d.tied = append(d.tied, [2]number{a.dir, b.dir})
	}
	d.set(a.dir, a.name, -1)
	d.set(b.dir, b.name, a.at)
	d.inodes[a.at].stamp = d.tick()
	return nil
}

// Remove implements helper.Files.
func (p *Process) Remove(file string) error {
	if err := p.changes("remove", file, ""); err != nil {
		return err
	}
	return failed("remove", file, p.m.disk.remove(file))
}

func (d *disk) remove(file string) error {
	w, err := d.walk(file)
	switch {
	case err != nil:
		return err
	case !w.found:
		return fs.ErrNotExist
	case d.isReadOnly(file):
		return syscall.EROFS
	case d.inodes[w.at].kind == directory && len(d.inodes[w.at].names) > 0:
		return syscall.ENOTEMPTY
	}
	d.set(w.dir, w.name, -1)
	return nil
}

// Flush implements helper.Files.
func (p *Process) Flush(file string) error {
	if err := p.changes("flush", file, ""); err != nil {
		return err
	}
	n, err := p.at("flush", file)
	if err != nil {
		return err
	}
	if n.kind == symlink {
		return failed("flush", file, helper.ErrLink)
	}
	w, err := p.m.disk.walk(file)
	if err != nil {
		return failed("flush", file, err)
	}
	p.m.disk.flush(w.at)
	return nil
}

// Safe implements helper.Files. What is passing is a file system of its own.
func (p *Process) Safe(file string) (string, error) {
	p.alive()
	d := p.m.disk
	dir := path.Dir(file)
	at, err := d.walk(dir)
	if err == nil && at.found && d.inodes[at.at].kind == symlink {
		err = helper.ErrLink
	}
	for ; dir != "/" && (errors.Is(err, fs.ErrNotExist) || err == nil && !at.found); at, err = d.walk(dir) {
		dir = path.Dir(dir)
	}
	if err != nil {
		return "", failed("safe", file, err)
	}
	for passing := d.inodes[at.at].passing; d.exposed(dir); {
		dir = path.Dir(dir)
		if at, err = d.walk(dir); err != nil || dir == "/" || d.inodes[at.at].passing != passing {
			return "", failed("safe", file, helper.ErrExposed)
		}
	}
	return dir, nil
}

// lockFile makes the file that a lock is on.
func (m *Machine) lockFile(file string) error {
	w, err := m.disk.walk(file)
	if err != nil || w.found {
		return failed("lock", file, err)
	}
	if m.disk.isReadOnly(file) {
		return failed("lock", file, syscall.EROFS)
	}
	n := inode{kind: regular, passing: m.disk.inodes[w.dir].passing, kept: true, attr: private, data: newBlob(nil)}
	m.disk.set(w.dir, w.name, m.disk.add(n)) // an empty file finds room
	return nil
}

var private = &attributes{Attributes: helper.Attributes{Mode: 0o600, Owner: "root", Group: "root"}}
