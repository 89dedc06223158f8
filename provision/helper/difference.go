package helper

import (
	"cmp"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
)

// difference is what has to be done so that a server has a manifest. The server
// finds it by its own look, under the lock, and writes it down with the
// snapshot: what is done and what is put back are the same things.
type difference struct {
	Changes []change         `json:"changes,omitempty"`
	Disable []string         `json:"disable,omitempty"` // units that go, stopped before their files
	Enable  []string         `json:"enable,omitempty"`
	Actions []action         `json:"actions,omitempty"`
	Owners  map[string]owner `json:"owners,omitempty"` // of the links of the manifest, by name
	Taken   []server.File    `json:"taken,omitempty"`  // files of network managers that lose a link

	gap         bool          // queries or sessions are lost while it is done
	units       []string      // all that are concerned, for the snapshot
	reconfigure []string      // links that lack something
	running     []server.File // of which what runs may change
}

// change is a file that is to be written, or to go.
type change struct {
	Path string `json:"path"`
	// From is the index of a file of the manifest, or of Taken.
	From   int     `json:"from"`
	Kind   what    `json:"kind"`
	Secret secrecy `json:"secret,omitempty"`
	// Unit reads it.
	Unit string `json:"unit,omitempty"`
}

// what is done to a path.
type what string

const (
	write  what = "write"
	remove what = "remove"
	taken  what = "taken" // written, to have a network manager leave a link alone
)

// action is something to do once all files are in place.
type action struct {
	server.Action
	// Late ones come after the others of their order: a command speaks to a
	// unit that has just been acted on.
	Late bool `json:"late,omitempty"`
}

// networkdUnit runs every link that raiz manages.
const networkdUnit = "systemd-networkd.service"

// look finds the difference between what stands and a manifest. was is the
// manifest of the current generation.
func (h *Helper) look(m, was server.Manifest) (difference, error) {
	var d difference
	var effects []server.Action
	for i, f := range m.Files {
		s, err := h.stands(f.Path)
		if err != nil {
			return d, err
		}
		if f.Runtime != nil {
			d.running = append(d.running, f)
		}
		if s.is(f) {
			if h.runsOtherwise(f) {
				effects = append(effects, *f.Effect)
			}
			continue
		}
		d.Changes = append(d.Changes, change{Path: f.Path, From: i, Kind: write, Secret: secrecy(f.Secret), Unit: unitOf(f)})
		if f.Effect != nil {
			effects = append(effects, *f.Effect)
		}
	}
	for _, path := range m.Deletes {
		s, err := h.stands(path)
		if err != nil {
			return d, err
		}
		if s.Kind == server.IsAbsent {
			continue
		}
		old, _ := fileOf(was, path)
		if old.Runtime != nil {
			d.running = append(d.running, old)
		}
		d.Changes = append(d.Changes, change{Path: path, Kind: remove, Secret: secrecy(old.Secret), Unit: unitOf(old)})
		if old.Effect != nil && wanted(m, old.Effect.Unit) {
			effects = append(effects, *old.Effect)
		}
	}
	d.gap = slices.ContainsFunc(effects, func(a server.Action) bool { return a.Gap })
	if err := h.lookAtLinks(&d, m); err != nil {
		return d, err
	}
	return d, h.lookAtUnits(&d, m, effects, retired(m, was))
}

// unitOf is the unit that reads a file, or that it is; "" for none.
func unitOf(f server.File) string {
	if unit, ok := unitAt(f.Path); ok {
		return unit
	}
	if f.Effect == nil {
		return ""
	}
	return f.Effect.Unit
}

func fileOf(m server.Manifest, path string) (server.File, bool) {
	i := slices.IndexFunc(m.Files, func(f server.File) bool { return f.Path == path })
	if i < 0 {
		return server.File{}, false
	}
	return m.Files[i], true
}

// wanted reports whether a manifest has a unit, or acts on it.
func wanted(m server.Manifest, unit string) bool {
	return unit != "" && (slices.ContainsFunc(m.Units, func(u server.Unit) bool { return u.Name == unit }) ||
		slices.ContainsFunc(m.Files, func(f server.File) bool { return f.Effect != nil && f.Effect.Unit == unit }))
}

// retired are the units that the current generation has and the next one has
// not: those that it started, and those whose files go.
func retired(m, was server.Manifest) []string {
	var out []string
	for _, u := range was.Units {
		if !slices.ContainsFunc(m.Units, func(v server.Unit) bool { return v.Name == u.Name }) {
			out = append(out, u.Name)
		}
	}
	for _, path := range m.Deletes {
		if name, ok := unitAt(path); ok && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// unitAt returns the unit whose file a path is.
func unitAt(path string) (string, bool) {
	name, ok := strings.CutPrefix(path, "/etc/systemd/system/")
	return name, ok && !strings.Contains(name, "/") && name != ""
}

// lookAtUnits adds what the units need: each once, by its strongest verb, in
// the order of the components.
func (h *Helper) lookAtUnits(d *difference, m server.Manifest, effects []server.Action, retired []string) error {
	d.units = unitsOf(m, effects, retired)
	if needed(d.Owners) {
		d.units = append(d.units, managerUnits(d.Owners)...)
		slices.Sort(d.units)
		d.units = slices.Compact(d.units)
	}
	facts, err := h.os.Units(d.units)
	if err != nil {
		return err
	}
	verbs := map[string]server.Action{}
	var all []action
	for _, e := range effects {
		if e.Unit == "" {
			all = append(all, action{Action: e, Late: true})
			continue
		}
		merge(verbs, e)
	}
	for _, u := range m.Units {
		if u.Enabled && !enabled(facts[u.Name]) && facts[u.Name].File != "static" && facts[u.Name].File != "alias" {
			d.Enable = append(d.Enable, u.Name)
		}
		if u.Active && !running(facts[u.Name]) {
			merge(verbs, server.Action{Order: u.Order, Verb: server.ActStart, Unit: u.Name})
		}
	}
	for _, name := range retired {
		if enabled(facts[name]) || running(facts[name]) {
			d.Disable = append(d.Disable, name)
		}
	}
	if _, reloads := verbs[networkdUnit]; reloads {
		d.reconfigure = nil // it looks at what has changed by itself
	}
	for _, link := range d.reconfigure {
		all = append(all, action{Action: server.Action{Order: orderOf(m, networkdUnit), Run: []string{"networkctl", "reconfigure", link}}, Late: true})
	}
	if needed(d.Owners) {
		merge(verbs, server.Action{Order: orderOf(m, networkdUnit), Verb: server.ActReload, Unit: networkdUnit})
	}
	for _, a := range verbs {
		all = append(all, action{Action: a})
	}
	slices.SortFunc(all, compareActions)
	d.Actions = slices.CompactFunc(all, func(a, b action) bool { return compareActions(a, b) == 0 })
	return nil
}

// unitsOf are the units that a manifest has or acts on.
func unitsOf(m server.Manifest, effects []server.Action, more []string) []string {
	out := slices.Clone(more)
	for _, u := range m.Units {
		out = append(out, u.Name)
	}
	for _, e := range effects {
		if e.Unit != "" {
			out = append(out, e.Unit)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func orderOf(m server.Manifest, unit string) int {
	for _, u := range m.Units {
		if u.Name == unit {
			return u.Order
		}
	}
	for _, f := range m.Files {
		if f.Effect != nil && f.Effect.Unit == unit {
			return f.Effect.Order
		}
	}
	return 0
}

// merge keeps the strongest verb for a unit.
func merge(verbs map[string]server.Action, a server.Action) {
	strength := func(verb string) int {
		return slices.Index([]string{server.ActStart, server.ActReload, server.ActRestart}, verb)
	}
	have, ok := verbs[a.Unit]
	if !ok {
		verbs[a.Unit] = a
		return
	}
	if strength(a.Verb) > strength(have.Verb) {
		have.Verb = a.Verb
	}
	have.Order = min(have.Order, a.Order)
	verbs[a.Unit] = have
}

func compareActions(a, b action) int {
	late := func(x action) int {
		if x.Late {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(late(a), late(b)), cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Verb, b.Verb), slices.Compare(a.Run, b.Run))
}
