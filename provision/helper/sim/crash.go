package sim

import (
	"hash/maphash"
)

// Keep says what of the unflushed is on the disk after a crash. Values above
// KeepNames are seeds: of each directory and each file by itself, one or the
// other.
type Keep int

const (
	KeepNothing Keep = iota // only what was flushed
	KeepAll                 // everything
	KeepNames               // names, but no bytes: what is new is empty (ext4 without auto_da_alloc, XFS)
)

// String implements fmt.Stringer.
func (k Keep) String() string {
	switch k {
	case KeepNothing:
		return "what was flushed"
	case KeepAll:
		return "everything"
	case KeepNames:
		return "names without bytes"
	}
	return "some of it"
}

// after is the disk as it is found after a crash: without what is passing, and
// of what was not flushed only as much as that.
func (d *disk) after(k Keep) *disk {
	out := &disk{clock: d.clock, full: d.full, readOnly: d.readOnly, inodes: make([]inode, 0, len(d.inodes)+32)}
	if k > KeepNames {
		d = d.someNames(k)
		k = keepSome
	}
	moved := make([]number, len(d.inodes))
	for i := range moved {
		moved[i] = -1
	}
	d.carry(out, moved, root, k)
	return out
}

// carry copies an inode, and what is below it.
func (d *disk) carry(out *disk, moved []number, at number, k Keep) number {
	if moved[at] >= 0 {
		return moved[at]
	}
	n := d.inodes[at]
	to := number(len(out.inodes))
	moved[at] = to
	out.inodes = append(out.inodes, n)
	switch {
	case n.kind == regular && !n.kept && !k.bytes():
		n.data = newBlob(nil)
	case n.kind == directory:
		names := n.flushed
		if k.names() {
			names = n.names
		}
		fresh := make([]entry, 0, len(names)+1)
		for _, e := range names {
			if !d.inodes[e.at].passing {
				fresh = append(fresh, entry{e.name, d.carry(out, moved, e.at, k)})
			}
		}
		n.names, n.flushed = fresh, fresh
	}
	n.kept = true
	out.inodes[to] = n
	return to
}

// keepSome is KeepNothing of a disk that was flushed in part.
const keepSome = KeepNothing

// someNames is a disk of which some directories and some files were flushed.
func (d *disk) someNames(k Keep) *disk {
	c := d.clone()
	for i := range c.inodes {
		at := number(i)
		if coin(uint64(k), uint64(at)) {
			c.flush(at)
		}
	}
	return c
}

func (k Keep) names() bool { return k == KeepAll || k == KeepNames }

func (k Keep) bytes() bool { return k == KeepAll }

// coin is a fair coin that falls the same way each time (splitmix64).
func coin(a, b uint64) bool {
	z := a*0x9e3779b97f4a7c15 + b*0xbf58476d1ce4e5b9
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return (z^z>>31)&1 == 1
}

// loose reports whether a crash could lose anything.
func (d *disk) loose() bool {
	for i := range d.inodes {
		n := &d.inodes[i]
		if n.passing {
			continue
		}
		if n.kind == regular && !n.kept {
			return true
		}
		if n.kind == directory && !sameNames(n.names, n.flushed) {
			return true
		}
	}
	return false
}

func sameNames(a, b []entry) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// sum hashes all that can be read of a disk.
func (d *disk) sum() uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	d.sumOf(&h, root)
	return h.Sum64()
}

func (d *disk) sumOf(h *maphash.Hash, at number) {
	n := &d.inodes[at]
	_ = h.WriteByte(byte(n.kind))
	_ = h.WriteByte(byte(n.attr.Mode))
	_ = h.WriteByte(byte(n.attr.Mode >> 8))
	_, _ = h.WriteString(n.attr.Owner)
	if n.data != nil {
		for s := range 8 {
			_ = h.WriteByte(byte(n.data.hash >> (8 * s)))
		}
	}
	for _, e := range n.names {
		_, _ = h.WriteString(e.name)
		_ = h.WriteByte('/')
		d.sumOf(h, e.at)
	}
	_ = h.WriteByte('.')
}
