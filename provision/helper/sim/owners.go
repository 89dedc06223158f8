package sim

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/promise"
	"github.com/raiz-dns/raiz/provision/state"
)

// owners watches who ends a change: nobody but its owner before its time, and
// systemd as soon as its activation is dead.
func (w *world) owners(c *Call) {
	if c.By.unit == helper.RevertUnit && w.killed > 0 {
		w.idle = max(w.idle, w.m.now-w.killed)
		w.killed = 0
	}
	who, reverts := strings.CutPrefix(c.By.name, "revert of ")
	if !reverts || c.Op != "rename" && c.Op != "remove" || !managed(c.A) && !managed(c.B) {
		return
	}
	for _, s := range w.sides {
		ends := s.sent + seconds(s.seconds)
		if s.name != who && s.sent >= w.m.booted && w.m.now < ends && w.isPending(s) {
			w.hasty = append(w.hasty, "that of "+s.name+" by "+who)
		}
	}
}

// isPending reports whether the run of a near side is the one that a way back
// is owed for.
func (w *world) isPending(s *side) bool {
	b := w.m.disk.read(state.Home + "/pending")
	if b == nil || s.run == "" {
		return false
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(b.data)))
	r := w.m.disk.read(state.Home + "/generations/" + strconv.Itoa(n) + "/record.json")
	return r != nil && bytes.Contains(r.data, []byte(s.run))
}

// belated are units that read files of a run, before or after its near side was
// told that nothing was changed, and that nobody else wanted.
func (w *world) belated() []string {
	var out []string
	wanted := map[int]int{}
	for _, s := range w.sides {
		wanted[s.want.Edition]++
	}
	for _, a := range w.m.Acts {
		for _, b := range a.Read {
			for _, s := range w.sides {
				if s.told == promise.Nothing && a.By == "activate" && s.want.Again == 0 && edition(b) == s.want.Edition && wanted[s.want.Edition] == 1 {
					out = append(out, a.Unit)
				}
			}
		}
	}
	return out
}
