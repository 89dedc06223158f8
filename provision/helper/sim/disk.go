package sim

import (
	"hash/maphash"
	"io/fs"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/raiz-dns/raiz/provision/helper"
)

// number names an inode of a disk.
type number int32

// kind is what an inode is.
type kind uint8

const (
	directory kind = iota
	regular
	symlink
	socket // anything else
)

// blob is bytes that nobody changes.
type blob struct {
	data []byte
	hash uint64
	// parsed are its settings, once somebody has asked for one.
	parsed atomic.Pointer[map[string][]string]
}

// seed makes two hashes of one process comparable.
var seed = maphash.MakeSeed()

func newBlob(data []byte) *blob {
	return &blob{data: slices.Clone(data), hash: maphash.Bytes(seed, data)}
}

// attributes are shared by inodes, and not changed.
type attributes struct {
	helper.Attributes
	special bool
}

// inode is a file, a link or a directory.
type inode struct {
	kind    kind
	passing bool // on a file system that a boot empties
	kept    bool // its bytes are flushed
	stamp   uint64
	attr    *attributes
	data    *blob // bytes of a file, text of a link
	// names are what a directory holds, sorted; flushed is what of it is on
	// the disk. Neither is changed in place.
	names, flushed []entry
}

type entry struct {
	name string
	at   number
}

// disk is all file systems of a machine.
type disk struct {
	inodes []inode
	clock  uint64 // of stamps: each change has its own
	// tied are directories between which something was renamed: a journal has
	// both names or neither (ext4, XFS).
	tied [][2]number
	// full says that there is no room for new bytes, readOnly that nothing at
	// or below a path can be changed.
	full     bool
	readOnly string
}

const root number = 0

var rootOwned = &attributes{Attributes: helper.Attributes{Mode: 0o755, Owner: "root", Group: "root"}}

func newDisk() *disk {
	return &disk{inodes: []inode{{kind: directory, attr: rootOwned, kept: true}}}
}

// clone is a copy that does not change with it.
func (d *disk) clone() *disk {
	c := *d
	c.tied = d.tied[:len(d.tied):len(d.tied)]
	c.inodes = make([]inode, len(d.inodes), len(d.inodes)+32)
	copy(c.inodes, d.inodes)
	return &c
}

// find returns what a directory holds under a name.
func (d *disk) find(dir number, name string) (number, bool) {
	for _, e := range d.inodes[dir].names {
		if e.name == name {
			return e.at, true
		}
	}
	return 0, false
}

// place is where a path leads: the directory that holds it, and what is there.
type place struct {
	dir   number
	name  string
	at    number
	found bool
}

// walk follows a path; no symbolic link is followed.
func (d *disk) walk(path string) (place, error) {
	if path == "/" {
		return place{name: "/", found: true}, nil
	}
	if path == "" || path[0] != '/' || path[len(path)-1] == '/' {
		return place{}, fs.ErrInvalid
	}
	dir, rest := root, path[1:]
	for {
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			at, found := d.find(dir, rest)
			return place{dir, rest, at, found}, nil
		}
		at, found := d.find(dir, rest[:end])
		if !found {
			return place{}, fs.ErrNotExist
		}
		switch d.inodes[at].kind {
		case symlink:
			return place{}, helper.ErrLink
		case directory:
		default:
			return place{}, fs.ErrNotExist // and not a directory
		}
		dir, rest = at, rest[end+1:]
	}
}

// set puts an entry into a directory, or takes it out where at is negative.
func (d *disk) set(dir number, name string, at number) {
	old := d.inodes[dir].names
	i, found := slices.BinarySearchFunc(old, name, func(e entry, n string) int { return strings.Compare(e.name, n) })
	fresh := make([]entry, 0, len(old)+1)
	fresh = append(fresh, old[:i]...)
	if at >= 0 {
		fresh = append(fresh, entry{name, at})
	}
	if found {
		i++
	}
	n := &d.inodes[dir]
	n.names = append(fresh, old[i:]...)
	n.stamp = d.tick()
}

func (d *disk) tick() uint64 {
	d.clock++
	return d.clock
}

// add makes an inode.
func (d *disk) add(n inode) number {
	n.stamp = d.tick()
	d.inodes = append(d.inodes, n)
	return number(len(d.inodes) - 1)
}

// make puts a new inode at a path.
func (d *disk) make(path string, n inode) error {
	p, err := d.walk(path)
	switch {
	case err != nil:
		return err
	case p.found:
		return fs.ErrExist
	case d.isReadOnly(path):
		return syscall.EROFS
	}
	n.passing = d.inodes[p.dir].passing
	if d.full && !n.passing && n.kind != symlink {
		return syscall.ENOSPC // a short link has its text in the inode
	}
	d.set(p.dir, p.name, d.add(n))
	return nil
}

// isReadOnly reports whether the name of a path cannot be changed.
func (d *disk) isReadOnly(path string) bool {
	return d.readOnly != "" && (d.readOnly == "/" || strings.HasPrefix(path, d.readOnly+"/"))
}

// exposed reports whether somebody but root may change a directory, or put
// another one in its place.
func (d *disk) exposed(dir string) bool {
	at, rest := root, strings.Trim(dir, "/")
	for {
		a := d.inodes[at].attr
		if a.Owner != "root" || a.Mode&0o002 != 0 || a.Mode&0o020 != 0 && a.Group != "root" {
			return true
		}
		if rest == "" {
			return false
		}
		name, more, _ := strings.Cut(rest, "/")
		next, found := d.find(at, name)
		if !found || d.inodes[next].kind != directory {
			return false
		}
		at, rest = next, more
	}
}

// flush brings the bytes or names of an inode to the disk, and with names those
// of the directories that they were renamed from or to.
func (d *disk) flush(at number) {
	n := &d.inodes[at]
	if n.kept && sameNames(n.names, n.flushed) {
		return
	}
	n.kept, n.flushed = true, n.names
	for _, t := range d.tied {
		if t[0] == at {
			d.flush(t[1])
		} else if t[1] == at {
			d.flush(t[0])
		}
	}
}
