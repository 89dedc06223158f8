package templates

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/raiz-dns/raiz/provision/state"
)

// reader makes one pack of what its folder has.
type reader struct {
	fsys         fs.FS
	folder, kind string
}

func (r reader) component(name string, raw rawComponent) (Component, error) {
	c := Component{Name: raw.Name, Kind: raw.Kind, Default: raw.Default, Unit: raw.Unit, Listens: raw.Listens, BadZone: BadZone(raw.BadZone), Anchors: raw.Anchors}
	if raw.Name != name {
		return Component{}, fmt.Errorf("calls itself %q", raw.Name)
	}
	if raw.Kind != path.Base(r.kind) {
		return Component{}, fmt.Errorf("kind = %q, and it lies in the folder of %s", raw.Kind, r.kind)
	}
	if err := checkNames(raw); err != nil {
		return Component{}, err
	}
	c.Packages = packages(raw)
	for _, f := range raw.Files {
		file, err := r.file(f)
		if err != nil {
			return Component{}, fmt.Errorf("line %d: file %s: %w", f.Range.Start.Line, f.Path, err)
		}
		file.Effect.Component, file.Effect.Order = name, c.Order()
		c.Files = append(c.Files, file)
	}
	if err := checkPaths(c.Files); err != nil {
		return Component{}, err
	}
	for _, f := range raw.Rehearsal {
		file, err := r.file(rawFile{Path: f.Path, Template: f.Template})
		if err != nil {
			return Component{}, fmt.Errorf("line %d: rehearsal_file %s: %w", f.Range.Start.Line, f.Path, err)
		}
		c.Rehearsal = append(c.Rehearsal, file)
	}
	for _, s := range raw.Services {
		c.Services = append(c.Services, s.Unit)
	}
	var err error
	if c.Options, err = options(raw.Options); err != nil {
		return Component{}, err
	}
	if c.Observations, err = observations(raw.Observe); err != nil {
		return Component{}, err
	}
	if c.Guarded, err = r.guarded(raw.Guard); err != nil {
		return Component{}, fmt.Errorf("guard: %w", err)
	}
	if c.Commands, err = commands(raw.Commands); err != nil {
		return Component{}, err
	}
	if _, lab := r.lab(); lab {
		return c, labComplete(c)
	}
	return c, complete(c)
}

func packages(raw rawComponent) map[string][]string {
	if len(raw.Packages) == 0 && len(raw.Releases) == 0 {
		return nil
	}
	all := map[string][]string{"": raw.Packages}
	for _, r := range raw.Releases {
		all[r.Name] = append(all[r.Name], r.Packages...)
	}
	return all
}

// SyncUnit is the unit that ends when the clock is in sync. A pack of kind
// time brings it.
const SyncUnit = "raiz-clock.service"

// complete wants of a kind what the others need of it.
func complete(c Component) error {
	if len(c.Commands) > 0 {
		return errors.New("command blocks are for packs of the lab alone")
	}
	var missing []string
	want := func(there bool, what string) {
		if !there {
			missing = append(missing, what)
		}
	}
	observed := func(name string) { _, ok := c.Observations[name]; want(ok, `observe "`+name+`"`) }
	switch c.Kind {
	case "time":
		observed("clock")
		unit := "/etc/systemd/system/" + SyncUnit
		want(slices.ContainsFunc(c.Files, func(f File) bool { return f.Path == unit }), `file "`+unit+`" {}`)
	case "dns":
		want(c.Unit != "", `unit = "..."`)
		want(c.BadZone != "", `bad_zone = "refuses", "withdraws" or "serves"`)
	case "guard":
		want(c.Unit != "", `unit = "..."`)
	case "bgp":
		want(c.Unit != "", `unit = "..."`)
		want(c.Guarded != nil, "guard { ... }")
		observed("sessions")
		observed("exports")
	}
	if slices.Contains([]string{"time", "dns", "bgp", "firewall", "guard"}, c.Kind) {
		want(len(c.Services) > 0, `service "..." {}`)
	}
	if len(missing) > 0 {
		return fmt.Errorf("a pack of kind %s needs %s", c.Kind, strings.Join(missing, ", "))
	}
	if c.Kind == "dns" && !slices.Contains([]BadZone{RefusesBadZone, WithdrawsBadZone, ServesBadZone}, c.BadZone) {
		return fmt.Errorf(`bad_zone = %q is none of "refuses", "withdraws", "serves"`, c.BadZone)
	}
	return nil
}

func (r reader) file(raw rawFile) (File, error) {
	if err := checkFile(raw); err != nil {
		return File{}, err
	}
	text, err := r.read(raw.Template)
	if err != nil {
		return File{}, fmt.Errorf("read template: %w", err)
	}
	source := path.Join(r.folder, raw.Template)
	if _, err := compile(source, string(text), new(budget)); err != nil {
		return File{}, err
	}
	mode, err := modeOf(raw)
	if err != nil {
		return File{}, err
	}
	bad, err := r.bad(raw)
	if err != nil {
		return File{}, err
	}
	effect, err := effectOf(raw)
	if err != nil {
		return File{}, err
	}
	running, err := runningOf(raw)
	return File{
		Path: raw.Path, Template: string(text), Source: source, Mode: mode,
		Owner: cmp.Or(raw.Owner, "root"), Group: cmp.Or(raw.Group, "root"),
		Secret: raw.Secret, When: raw.When, Each: raw.Each, Bad: bad, Running: running, Effect: effect,
	}, err
}

func modeOf(raw rawFile) (fs.FileMode, error) {
	text := cmp.Or(raw.Mode, "0644")
	mode, err := strconv.ParseUint(text, 8, 32)
	switch {
	case err != nil:
		return 0, fmt.Errorf("mode %q is not an octal mode such as \"0644\"", raw.Mode)
	case mode > uint64(fs.ModePerm):
		return 0, fmt.Errorf("mode %q: only permission bits are allowed, such as \"0644\"", raw.Mode)
	case raw.Secret && mode&0o027 != 0:
		return 0, fmt.Errorf("mode %s is too open for a secret: 0640 at most", text)
	}
	return fs.FileMode(mode), nil
}

// bad is what the check of a file has to refuse: one that refuses nothing
// checks nothing.
func (r reader) bad(raw rawFile) (string, error) {
	switch {
	case len(raw.Check) == 0 && raw.Bad == "":
		return "", nil
	case len(raw.Check) == 0:
		return "", errors.New("bad = ... is there for a check, and there is none")
	case !slices.Contains(raw.Check, "{}"):
		return "", errors.New(`check has no "{}", which stands for the file that is to be checked`)
	case raw.Bad == "":
		return "", errors.New("a check needs bad = \"FILE\": an example that it refuses")
	}
	text, err := r.read(raw.Bad)
	if err != nil {
		return "", fmt.Errorf("read the bad example: %w", err)
	}
	return string(text), nil
}

// read takes nothing but what lies in the pack's own folder.
func (r reader) read(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("%q is no file of the pack", name)
	}
	return ReadFile(r.fsys, path.Join(r.folder, name))
}

func effectOf(raw rawFile) (state.Effect, error) {
	e := state.Effect{Unit: raw.Unit, How: state.How(raw.How), Command: raw.Command, Check: raw.Check, Name: state.EffectName(raw.Effect)}
	switch {
	case len(raw.Command) > 0 && (raw.Unit != "" || raw.How != ""):
		return e, errors.New("a command stands alone, without unit or how")
	case len(raw.Command) > 0:
		e.How = state.Command
	case e.How == state.Nothing && e.Unit != "":
		return e, fmt.Errorf("unit = %q needs how = \"reload\" or \"restart\"", raw.Unit)
	case e.How != state.Nothing && e.How != state.Reload && e.How != state.Restart:
		return e, fmt.Errorf("how = %q is neither \"reload\" nor \"restart\"", raw.How)
	case e.How != state.Nothing && e.Unit == "":
		return e, fmt.Errorf("how = %q needs a unit", raw.How)
	}
	if !e.Name.Known() {
		return e, fmt.Errorf("there is no effect = %q: there are %q", raw.Effect, state.EffectNames())
	}
	if (e.Name == state.RestartsUnit || e.Name == state.RestartsRouter) && e.How != state.Restart {
		return e, fmt.Errorf("effect = %q needs a unit, and how = \"restart\"", raw.Effect)
	}
	return e, nil
}

func (r reader) guarded(raw *rawGuard) (*Guarded, error) {
	if raw == nil {
		return nil, nil
	}
	if err := checkWords("groups", raw.Groups); err != nil {
		return nil, err
	}
	if len(raw.Groups) == 0 {
		return nil, errors.New(`groups = [] names nobody: ["GROUP"] are those who may ask the daemon how it is`)
	}
	a, err := netip.ParseAddr(raw.Address)
	switch bgp := r.kind == "bgp"; {
	case !bgp && raw.Address != "":
		return nil, errors.New("address is for a pack of kind bgp: no other takes routes")
	case bgp && raw.Address != OwnAddress && (err != nil || !a.Is4() || !a.IsLoopback()):
		return nil, fmt.Errorf("address = %q is neither an IPv4 address of the loopback nor %q", raw.Address, OwnAddress)
	}
	return &Guarded{Address: raw.Address, Groups: raw.Groups}, nil
}
