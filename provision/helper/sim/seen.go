package sim

import (
	"bytes"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/helper/promise"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// seen is what is seen of a world that has come to rest. Looking ends it: time
// goes on until leases are over, and the server starts once more.
func (w *world) seen(past []server.Status) promise.Seen {
	hindered := w.m.disk.readOnly != "" || w.m.disk.full
	by := map[int]promise.Generation{0: promise.Before}
	s := promise.Seen{Ended: !w.stuck, Hindered: hindered, Litter: w.litter(), Owed: w.owed(), Refused: !w.touched, Panics: w.m.panics}
	for _, p := range past {
		g := w.runOf(p.Run)
		by[p.Number] = g
		if p.Current {
			s.Current = g
		}
	}
	for _, n := range w.confirmed(by) {
		s.Runs = append(s.Runs, promise.Run{Of: n.of, From: by[n.from], Told: n.told})
	}
	w.acts(&s)
	s.Belated, s.Hasty, s.Idle = w.belated(), w.hasty, w.idle
	if w.killed > 0 && s.Owed {
		s.Idle = w.m.now - w.killed
	}
	if b := w.m.disk.read(dnsConf("nsd")); w.edited && (b == nil || string(b.data) != byHand) {
		s.Overwritten = append(s.Overwritten, dnsConf("nsd"))
	}
	if b := w.m.disk.read(planted); b == nil || string(b.data) != operatorsKey {
		s.Overwritten = append(s.Overwritten, planted)
	}
	s.Files, s.Effect = w.files(), w.effect()
	if s.Current > 0 && s.Files > 0 && w.base.manifest(w.x, w.want(s.Current)).Plan == w.base.manifest(w.x, w.want(s.Files)).Plan {
		s.Files = s.Current // two sides wanted the same
	}
	if s.Files > 0 && s.Effect > 0 && w.inEffect(w.want(s.Files)) {
		s.Effect = s.Files
	}
	s.Reachable = w.reachable(s.Effect)
	w.m.now += 3 * lease
	w.m.expire()
	s.Steadily = w.reachable(s.Effect)
	if hindered || w.stuck {
		s.AfterBoot = s.Effect
		return s
	}
	w.m.Crash(KeepNothing) // what has ended has to be on the disk
	w.m.Boot()
	w.rest()
	s.AfterBoot = w.effect()
	if s.AfterBoot > 0 && s.Effect > 0 && w.inEffect(w.want(s.Effect)) {
		s.AfterBoot = s.Effect
	}
	s.Steadily = s.Steadily && w.reachable(s.AfterBoot)
	return s
}

// confirmed are the sides in the order in which their changes were confirmed, if
// they were: as they heard of it, but one whose plan was made over the change of
// another comes after that one, however late the other heard.
func (w *world) confirmed(by map[int]promise.Generation) []*side {
	order := slices.Clone(w.sides)
	slices.SortStableFunc(order, func(a, b *side) int { return a.confirmed - b.confirmed })
	for i := range order {
		over := slices.IndexFunc(order[i+1:], func(n *side) bool { return n.of == by[order[i].from] })
		if over >= 0 {
			at := i + 1 + over
			first := order[at]
			order = slices.Insert(slices.Delete(order, at, at+1), i, first)
		}
	}
	return order
}

// reachable: at the address of the generation in effect. Of a mixture either
// address will do: that it is a mixture is another promise.
func (w *world) reachable(g promise.Generation) bool {
	switch g {
	case promise.Before:
		return w.m.answers(w.base.ip)
	case promise.Mixture:
		for _, s := range w.sides {
			if w.m.answers(s.want.ip()) {
				return true
			}
		}
		return w.m.answers(w.base.ip)
	}
	return w.m.answers(w.want(g).ip())
}

// runOf is the generation of a run.
func (w *world) runOf(run string) promise.Generation {
	if g, ok := w.base.runs[run]; ok {
		return g
	}
	for _, s := range w.sides {
		if s.run == run {
			return s.of
		}
	}
	return promise.Mixture
}

// litter is what raiz left beside managed files.
func (w *world) litter() []string {
	return w.m.disk.below("/etc", func(name string, _ *inode) bool { return litter(name) })
}

// secrets are copies of one that raiz still has, and what holds the sum of one,
// from which it could be guessed.
func (w *world) secrets() []string {
	var sums [][]byte
	wants := slices.Clone(w.x.History)
	for _, s := range w.sides {
		wants = append(wants, s.want)
	}
	for _, want := range wants {
		for _, f := range w.base.manifest(w.x, want).Files {
			if f.Secret {
				sums = append(sums, []byte(f.Sum))
			}
		}
	}
	return w.m.disk.below(state.Home, func(name string, n *inode) bool {
		if n.kind != regular {
			return false
		}
		sum := slices.ContainsFunc(sums, func(s []byte) bool { return bytes.Contains(n.data.data, s) })
		return sum || bytes.Contains(n.data.data, []byte(secretWord))
	})
}

// below lists what is like that below a directory.
func (d *disk) below(dir string, like func(name string, n *inode) bool) []string {
	var out []string
	for _, e := range d.list(dir) {
		if like(e.name, &d.inodes[e.at]) {
			out = append(out, dir+"/"+e.name)
		}
		out = append(out, d.below(dir+"/"+e.name, like)...)
	}
	return out
}

// acts goes through what systemd has done.
func (w *world) acts(s *promise.Seen) {
	count := map[string]int{}
	for _, a := range w.m.Acts {
		byBoot := a.By == "boot" && a.Op == "start" || a.By == "isolate"
		if !byBoot {
			count[a.Unit]++
			s.Most = max(s.Most, count[a.Unit])
		}
		if !byBoot && a.By != "job" {
			s.Restarts = append(s.Restarts, a.Unit)
		}
		back := a.By == "revert" || a.By == "boot" || a.By == "job" || strings.HasPrefix(a.By, "revert of")
		if !back || s.Hindered {
			continue
		}
		for _, b := range a.Read {
			e := edition(b)
			wanted, kept := false, false
			for _, n := range w.sides {
				if n.want.Edition == e && n.want.Again == 0 {
					wanted = true
					kept = kept || n.told == promise.Confirmed || n.of == s.Current || builtOn(s.Runs, n.of)
				}
			}
			if wanted && !kept {
				s.Untimely = append(s.Untimely, a.Unit+" by "+a.By)
			}
		}
	}
}

// builtOn reports whether somebody was told that a run was confirmed which had
// been reviewed over a generation: that one was current, whoever heard of it.
func builtOn(runs []promise.Run, g promise.Generation) bool {
	return slices.ContainsFunc(runs, func(r promise.Run) bool { return r.Told == promise.Confirmed && r.From == g })
}
