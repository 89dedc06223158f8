package sim

import (
	"hash/maphash"
	"strconv"

	"github.com/raiz-dns/raiz/provision/server"
)

// wrongAddress is one at which nobody reaches the server.
const wrongAddress = "198.18.0.9/28"

// state tells one beginning from another: the disk, the time, and where the
// near sides stand.
func (w *world) state() uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	write(&h, strconv.FormatUint(w.m.disk.sum(), 36), strconv.FormatInt(int64(w.m.now), 36), strconv.Itoa(w.m.boots), w.m.disk.readOnly, strconv.FormatBool(w.m.disk.full))
	for _, s := range w.sides {
		write(&h, strconv.Itoa(int(s.phase)), s.address, s.run, string(s.told), strconv.FormatInt(int64(s.wake), 36))
	}
	return h.Sum64()
}

// outcome tells one end from another: the disk, what is in effect, and what the
// near sides were told.
func (w *world) outcome() uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	write(&h, strconv.FormatUint(w.m.disk.sum(), 36), strconv.FormatUint(w.effectPrint(), 36))
	for _, s := range w.sides {
		write(&h, string(s.told))
	}
	return h.Sum64()
}

// shape tells one end from another like outcome, but for the words of times in
// raiz's own records: a plain apply does the same on all that look alike.
func (w *world) shape(past []server.Status) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	d := w.m.disk
	var walk func(at number, bytes bool)
	walk = func(at number, bytes bool) {
		n := &d.inodes[at]
		write(&h, n.attr.Owner, strconv.Itoa(int(n.attr.Mode)))
		if n.data != nil && bytes {
			write(&h, strconv.FormatUint(n.data.hash, 36))
		}
		for _, e := range n.names {
			write(&h, e.name)
			walk(e.at, bytes && e.name != "generations" || e.name == "manifest.json")
		}
		write(&h, "end")
	}
	walk(root, true)
	write(&h, strconv.FormatUint(w.effectPrint(), 36))
	for _, p := range past {
		write(&h, strconv.Itoa(p.Number), string(p.State))
	}
	return h.Sum64()
}
