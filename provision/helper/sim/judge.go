package sim

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/promise"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
)

// print tells one server from another: what is in /etc, and what is in effect.
type print struct{ files, effect uint64 }

// print looks at a server. raiz's own units, and the link that a boot starts
// one of them by, are left out.
func (w *world) print() print {
	return print{w.filesPrint(), w.effectPrint()}
}

func own(name string) bool { return slices.Contains(ownUnits[:], name) }

// ours reports whether a name is that of a unit of raiz itself, or of what
// becomes one.
func ours(name string) bool {
	return strings.Contains(name, "raiz-activate.") || strings.Contains(name, "raiz-boot.") || strings.Contains(name, "raiz-revert.")
}

// litter reports whether a name is one that raiz makes beside a file.
func litter(name string) bool {
	return (strings.HasPrefix(name, ".raiz") || strings.HasSuffix(name, ".raiz")) && !ours(name)
}

func (w *world) filesPrint() uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	d := w.m.disk
	var walk func(at number)
	walk = func(at number) {
		n := &d.inodes[at]
		write(&h, string(rune(n.kind)), n.attr.Owner, n.attr.Group, n.attr.Mode.String())
		if n.data != nil {
			write(&h, strconv.FormatUint(n.data.hash, 36))
		}
		for _, e := range n.names {
			empty := strings.HasSuffix(e.name, ".wants") && !slices.ContainsFunc(d.inodes[e.at].names, func(e entry) bool { return !own(e.name) })
			if ours(e.name) || litter(e.name) || empty {
				continue
			}
			write(&h, e.name)
			walk(e.at)
		}
		write(&h, "end")
	}
	if at, err := d.walk("/etc"); err == nil && at.found {
		walk(at.at)
	}
	return h.Sum64()
}

func write(h *maphash.Hash, words ...string) {
	for _, s := range words {
		_, _ = h.WriteString(s)
		_ = h.WriteByte(0)
	}
}

// effectUnits are the units whose effect is looked at.
var effectUnits = [...]string{networkdUnit, ifupdownUnit, nmUnit, "nsd.service", "knot.service", "bird.service", rulesUnit, "ssh.service", guardUnit}

// effectWords are what is in effect, whatever files say: daemons with what they
// have read, addresses, routes, and who manages the link.
func (w *world) effectWords() []string {
	m := w.m
	words := make([]string, 0, 24)
	for _, name := range effectUnits {
		u := m.units[name]
		if u == nil || u.active != "active" {
			continue
		}
		line := name
		for _, b := range u.runs {
			line += " reads " + strconv.FormatUint(b.hash, 36)
		}
		if u.since != nil {
			line += " since " + strconv.FormatUint(u.since.hash, 36)
		}
		words = append(words, line)
	}
	for _, l := range m.net.links {
		for i, a := range l.addresses {
			words = append(words, l.name+" has "+a.prefix+" noroute "+strconv.FormatBool(a.noRoute)+" lease "+strconv.FormatBool(a.ends != 0)+
				" second "+strconv.FormatBool(secondary(l.addresses[:i], a.prefix)))
		}
	}
	for _, r := range m.net.routes {
		words = append(words, "route "+r.To+" by "+r.Via+" "+r.Dev+" metric "+strconv.Itoa(r.Metric)+" table "+strconv.Itoa(r.Table))
	}
	for _, r := range m.net.rules {
		words = append(words, "rule from "+r.From+" table "+strconv.Itoa(r.Table))
	}
	words = append(words, m.run.words()...)
	slices.Sort(words)
	best, _ := m.net.winner()
	words = append(words, "wins "+best.Via+" "+best.Dev, "networkd has it from "+m.net.networkd["eno1"].path,
		"ifstate "+strconv.FormatBool(m.inState("eno1")), "dhclient "+strconv.FormatBool(m.net.dhclient["eno1"]), "nm "+w.nm())
	return words
}

func (w *world) effectPrint() uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	write(&h, w.effectWords()...)
	return h.Sum64()
}

// nm is what NetworkManager thinks of the link, if it runs.
func (w *world) nm() string {
	b := w.m.disk.read(nmDevice)
	if b == nil || w.m.units[nmUnit] == nil || w.m.units[nmUnit].active != "active" {
		return ""
	}
	return string(b.data)
}

// files is the generation whose files stand.
func (w *world) files() promise.Generation {
	if p := w.filesPrint(); p == w.base.before.files || p == w.base.meddled.files {
		return promise.Before
	}
	for _, s := range w.sides {
		if w.hasFiles(s.want) {
			return s.of
		}
	}
	return promise.Mixture
}

func (w *world) hasFiles(want Want) bool {
	m := w.base.manifest(w.x, want)
	for _, p := range paths() {
		i := slices.IndexFunc(m.Files, func(f server.File) bool { return f.Path == p })
		at, err := w.m.disk.walk(p)
		there := err == nil && at.found
		if i < 0 {
			if there && (p == guardFile || p == guardConf || p == serviceFile || p == peersFile || p == sysctlFile) {
				return false // only raiz ever wrote it
			}
			continue
		}
		f := m.Files[i]
		if !there {
			return false
		}
		n := &w.m.disk.inodes[at.at]
		if n.kind != regular || string(n.data.data) != string(f.Data) || uint32(n.attr.Mode) != f.Mode || n.attr.Owner != f.Owner || n.attr.Group != f.Group {
			return false
		}
	}
	for _, u := range m.Units {
		if u.Enabled && w.m.installed(unitDirs[0], u.Name) == "" {
			return false
		}
	}
	return want.Guard || w.m.installed(unitDirs[0], guardUnit) == ""
}

// effect is the generation that is in effect.
func (w *world) effect() promise.Generation {
	switch p := w.effectPrint(); {
	case p == w.base.before.effect, p == w.base.meddled.effect:
		return promise.Before
	case p == w.base.plain && w.m.boots > w.base.boots+1:
		return promise.Before // what somebody did by hand is gone with the boot
	}
	for _, s := range w.sides {
		if w.inEffect(s.want) {
			return s.of
		}
	}
	return promise.Mixture
}

// inEffect: each unit runs with the bytes of the generation, and the link has
// its address and its default route, for ever, by networkd, and no other.
func (w *world) inEffect(want Want) bool {
	m := w.base.manifest(w.x, want)
	for _, u := range m.Units {
		has := w.m.units[u.Name]
		if has == nil || has.active != "active" {
			return false
		}
		for _, path := range settings(has.since, "X-Config") {
			i := slices.IndexFunc(m.Files, func(f server.File) bool { return f.Path == path })
			if i < 0 || len(has.runs) == 0 || !slices.ContainsFunc(has.runs, func(b *blob) bool { return string(b.data) == string(m.Files[i].Data) }) {
				return false
			}
		}
	}
	if g := w.m.units[guardUnit]; g != nil && g.active == "active" {
		i := slices.IndexFunc(m.Files, func(f server.File) bool { return f.Path == guardFile })
		if i < 0 || string(g.since.data) != string(m.Files[i].Data) {
			return false
		}
	}
	for _, pack := range []string{"nsd", "knot"} {
		if u := w.m.units[pack+".service"]; pack != want.DNS && u != nil && u.active == "active" && slices.ContainsFunc(u.runs, func(b *blob) bool { return edition(b) != 0 }) {
			return false // what raiz has started goes on
		}
	}
	return w.m.runs(want) && w.linkIs(want)
}

func (w *world) linkIs(want Want) bool {
	n := &w.m.net
	l := n.link("eno1")
	if lo := n.link("lo").addresses; len(lo) > 1 || len(lo) == 0 && want.Service != "" || len(lo) == 1 && lo[0].prefix != want.Service {
		return false
	}
	if len(l.addresses) != 1 || l.addresses[0].prefix != want.Address || l.addresses[0].ends != 0 || l.addresses[0].noRoute {
		return false
	}
	defaults := 0
	for _, r := range n.routes {
		if r.To == anywhere && r.Table == mainTable {
			defaults++
			if r.Via != want.Gateway || r.Dev != "eno1" {
				return false
			}
		}
	}
	return defaults == 1 && n.networkd["eno1"].path == networkFile && !w.m.inState("eno1") && !n.dhclient["eno1"] && !strings.Contains(w.nm(), "managed=true")
}

// edition is which generation bytes are of; 0 for Debian's.
func edition(b *blob) int {
	rest, ok := strings.CutPrefix(string(b.data[:min(len(b.data), 24)]), "# edition ")
	if !ok {
		return 0
	}
	digits, _, _ := strings.Cut(rest, "\n")
	n, _ := strconv.Atoi(digits)
	return n
}

// manifest is what a want means in a case, made once: it is only looked at.
func (b *base) manifest(x *Case, want Want) server.Manifest {
	m, found := b.manifests[want]
	if !found {
		m = x.manifest(want)
		b.manifests[want] = m
	}
	return m
}

// manifest is what a want means in a case. A secret is kept by no generation:
// a rollback leaves the one that stands.
func (x *Case) manifest(want Want) server.Manifest {
	if want.Again == 0 {
		return want.manifest()
	}
	m := x.History[want.Again-1].manifest()
	for _, now := range x.History[len(x.History)-1].manifest().Files {
		for i := range m.Files {
			if m.Files[i].Path == now.Path && now.Secret {
				m.Files[i].Data = now.Data
			}
		}
	}
	return m
}

// owed reports whether a way back is owed: `pending` is the only word that says
// so (docs/transaction.md).
func (w *world) owed() bool {
	at, err := w.m.disk.walk(state.Home + "/pending")
	return err == nil && at.found
}

// history asks the server itself.
func (w *world) history() []server.Status {
	return w.asked(server.Request{Verb: server.VerbHistory}).History
}

func (w *world) asked(r server.Request) (out server.Answer) {
	r.Version, r.Who = server.Version, "judge"
	p := w.m.spawn("judge", "", func(os helper.OS) error {
		out = w.x.Code.Handle(os, r, func(server.Event) {})
		return nil
	})
	for !p.done && w.m.step(w.m.now+1) {
	}
	return out
}
