package shell

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/state"
)

// checkGeneration refuses what the manifest's lines could not carry, or what
// the script would take for something else.
func checkGeneration(g Generation) error {
	if g.Plan != "" {
		if err := state.CheckWord(g.Plan); err != nil {
			return fmt.Errorf("plan %q: %w", g.Plan, err)
		}
	}
	seen := map[string]bool{}
	for _, p := range g.Puts {
		if err := checkPut(p); err != nil {
			return err
		}
		if seen[p.Path] {
			return fmt.Errorf("path %q is in it twice", p.Path)
		}
		seen[p.Path] = true
	}
	for _, path := range g.Deletes {
		if err := state.CheckPath(path); err != nil {
			return err
		}
		if seen[path] {
			return fmt.Errorf("path %q is in it twice", path)
		}
		seen[path] = true
	}
	for _, a := range g.Actions {
		if err := checkAction(a); err != nil {
			return err
		}
	}
	return nil
}

func checkPut(p Put) error {
	if err := state.CheckPath(p.Path); err != nil {
		return err
	}
	if err := checkOwner(p.File.Owner); err != nil {
		return fmt.Errorf("%s: owner %q: %w", p.Path, p.File.Owner, err)
	}
	if err := checkOwner(p.File.Group); err != nil {
		return fmt.Errorf("%s: group %q: %w", p.Path, p.File.Group, err)
	}
	if p.File.Mode&^fs.ModePerm != 0 {
		return fmt.Errorf("%s: mode %v: only permission bits are allowed", p.Path, p.File.Mode)
	}
	if sha256.Sum256(p.File.Data) != p.File.Sum {
		return fmt.Errorf("%s: its bytes are not those of its sum", p.Path)
	}
	if err := checkCommand(p.Check); err != nil {
		return fmt.Errorf("%s: check %w", p.Path, err)
	}
	if p.Effect.Unit == "" && len(p.Effect.Run) == 0 {
		return nil
	}
	return checkAction(p.Effect)
}

// checkAction knows the verbs that the script acts on.
func checkAction(a Action) error {
	if len(a.Run) > 0 {
		if err := checkCommand(a.Run); err != nil {
			return fmt.Errorf("command %w", err)
		}
		return nil
	}
	if err := state.CheckUnit(a.Unit); err != nil {
		return err
	}
	if !slices.Contains([]string{"enable", "disable", "start", "reload", "restart"}, a.Verb) {
		return fmt.Errorf("unit %q: no such action %q", a.Unit, a.Verb)
	}
	return nil
}

// checkCommand holds a command to one line, which is all that quoting cannot
// carry.
func checkCommand(words []string) error {
	for _, w := range words {
		if strings.ContainsAny(w, "\n\r\x00") {
			return fmt.Errorf("%q: a word of a command is one line", words)
		}
	}
	return nil
}

// checkOwner holds the name of a user or a group: chown takes a colon for
// what separates the two.
func checkOwner(name string) error {
	if strings.Contains(name, ":") {
		return fmt.Errorf("a name holds no colon")
	}
	return state.CheckWord(name)
}
