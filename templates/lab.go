package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Role is a machine around the server of a rehearsal. A site cannot choose
// what fills it.
type Role string

// The roles.
const (
	Router  Role = "router"  // the host's side: BGP, the time, a resolver
	Primary Role = "primary" // what the zones are transferred from
)

// need is what a rehearsal asks of the pack of a role.
type need struct {
	observations []string
	commands     map[string][]string // the fields of each
}

func needs() map[Role]need {
	key := []string{"directory"}
	return map[Role]need{
		Router: {observations: []string{"refused", "routes"}},
		Primary: {commands: map[string][]string{
			"prepare": nil,             // once, before anything else
			"serve":   nil,             // stays in the foreground, and serves
			"reload":  {"zone"},        // the file of a zone is another one
			"ksk":     key, "zsk": key, // leaves a key in an empty directory: NAME.key, a DNSKEY record, and NAME.private
			"sign": {"zone", "inception", "expiration", "in", "out", "ksk", "zsk"}, // with NSEC and ZONEMD; the keys are files without their suffix
		}},
	}
}

// LoadLab reads the pack NAME of a role from fsys.
func LoadLab(fsys fs.FS, role Role, name string) (Component, error) {
	if _, ok := needs()[role]; !ok {
		return Component{}, fmt.Errorf("lab pack %s/%s: there are roles router and primary", role, name)
	}
	return load(fsys, path.Join("lab", string(role)), name)
}

// DefaultLab reads the default pack of a role from fsys.
func DefaultLab(fsys fs.FS, role Role) (Component, error) {
	files, err := fs.Glob(fsys, path.Join("lab", string(role), "*", "component.hcl"))
	if err != nil {
		return Component{}, err
	}
	var found []Component
	for _, file := range files {
		c, err := LoadLab(fsys, role, path.Base(path.Dir(file)))
		if err != nil {
			return Component{}, err
		}
		if c.Default {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		return Component{}, fmt.Errorf("lab/%s: one of its %d packs has to say default = true, and %d do", role, len(files), len(found))
	}
	return found[0], nil
}

// lab returns the role of a pack of the lab.
func (r reader) lab() (Role, bool) {
	role, ok := strings.CutPrefix(r.kind, "lab/")
	return Role(role), ok
}

func commands(raw []rawCommand) (map[string][]string, error) {
	var all map[string][]string
	for _, r := range raw {
		if len(r.Argv) == 0 {
			return nil, fmt.Errorf("command %q: argv is empty", r.Name)
		}
		if err := checkWords("argv", r.Argv); err != nil {
			return nil, fmt.Errorf("command %q: %w", r.Name, err)
		}
		if _, twice := all[r.Name]; twice {
			return nil, fmt.Errorf("command %q is there twice", r.Name)
		}
		if all == nil {
			all = map[string][]string{}
		}
		all[r.Name] = r.Argv
	}
	return all, nil
}

// labComplete wants of a pack of the lab what a rehearsal asks of it, and no
// more: nothing is checked there, taken back or chosen.
func labComplete(c Component) error {
	n := needs()[Role(c.Kind)]
	var missing []string
	for _, name := range n.observations {
		if _, ok := c.Observations[name]; !ok {
			missing = append(missing, fmt.Sprintf("observe %q", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(n.commands)) {
		argv, ok := c.Commands[name]
		if !ok {
			missing = append(missing, fmt.Sprintf("command %q", name))
		}
		for _, field := range n.commands[name] {
			if ok && !strings.Contains(strings.Join(argv, " "), "{"+field+"}") {
				missing = append(missing, fmt.Sprintf("{%s} in command %q", field, name))
			}
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the pack of the %s needs %s", c.Kind, strings.Join(missing, ", "))
	}
	for name := range c.Commands {
		if _, ok := n.commands[name]; !ok {
			return fmt.Errorf("command %q is none that the %s is asked for", name, c.Kind)
		}
	}
	idle := len(c.Services)+len(c.Options)+len(c.Rehearsal) > 0 || c.Guarded != nil || c.Unit != "" || c.BadZone != ""
	for _, f := range c.Files {
		idle = idle || f.Secret || len(f.Effect.Check) > 0 || f.Effect.How != ""
	}
	if idle {
		return errors.New("a pack of the lab has packages, observe and command blocks, and files with template, mode, owner, group, when and each: nothing else is looked at")
	}
	return nil
}
