package templates

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/raiz-dns/raiz/provision/state"
)

var (
	ownerName = regexp.MustCompile(`^[a-z_][a-z0-9_-]*$`)
	action    = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
)

// releases are those of Debian that a site may name.
func releases() []string { return []string{"bookworm", "trixie"} }

// checkWords refuses a command that the lines of a server could not carry.
func checkWords(what string, argv []string) error {
	for _, w := range argv {
		if w == "" || strings.ContainsFunc(w, unicode.IsControl) {
			return fmt.Errorf("%s: %q has a word that is empty, or with a control character in it", what, argv)
		}
	}
	return nil
}

// checkFile looks at what a file says of itself. Where an action stands,
// anything may come: that is looked at when it has become a text.
func checkFile(raw rawFile) error {
	if err := state.CheckPath(action.ReplaceAllString(raw.Path, "x")); err != nil {
		return err
	}
	if _, err := parsed("path", raw.Path, new(budget), nil); err != nil {
		return err
	}
	for _, name := range []struct{ word, is string }{{"owner", raw.Owner}, {"group", raw.Group}} {
		if name.is != "" && !ownerName.MatchString(name.is) {
			return fmt.Errorf("%s = %q: a name has small letters, digits, _ and -, and begins with a letter or _", name.word, name.is)
		}
	}
	if raw.Unit != "" {
		if err := state.CheckUnit(raw.Unit); err != nil {
			return err
		}
	}
	for _, p := range []struct{ word, is string }{{"when", raw.When}, {"each", raw.Each}} {
		if p.is == "" {
			continue
		}
		if err := onePipeline(p.word, p.is); err != nil {
			return err
		}
	}
	for _, c := range []struct {
		word string
		argv []string
	}{{"check", raw.Check}, {"command", raw.Command}} {
		if err := checkWords(c.word, c.argv); err != nil {
			return err
		}
		for _, w := range c.argv {
			if _, err := parsed(c.word, w, new(budget), nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxFiles bounds the blocks of a pack that each name a file, and so the text that
// is read for it. A daemon has ten.
const maxFiles = 200

// isListen recognises a transport and a port, as "udp/53".
func isListen(s string) bool {
	network, port, ok := strings.Cut(s, "/")
	n, err := strconv.ParseUint(port, 10, 16)
	return ok && (network == "tcp" || network == "udp") && err == nil && n > 0 && strconv.FormatUint(n, 10) == port
}

// checkNames looks at the packages and units of a pack, and at how much it is.
func checkNames(raw rawComponent) error {
	if n := len(raw.Files) + len(raw.Rehearsal); n > maxFiles {
		return fmt.Errorf("it has %d files: %d at most", n, maxFiles)
	}
	packages, seen := slices.Clone(raw.Packages), map[string]bool{}
	for _, r := range raw.Releases {
		if !slices.Contains(releases(), r.Name) {
			return fmt.Errorf("release %q is none of %s", r.Name, strings.Join(releases(), ", "))
		}
		if seen[r.Name] {
			return fmt.Errorf("release %q is there twice", r.Name)
		}
		seen[r.Name] = true
		packages = append(packages, r.Packages...)
	}
	for _, p := range packages {
		if err := state.CheckPackage(p); err != nil {
			return err
		}
	}
	if raw.Unit != "" {
		if err := state.CheckUnit(raw.Unit); err != nil {
			return err
		}
	}
	for _, l := range raw.Listens {
		if !isListen(l) {
			return fmt.Errorf("listens: %q is no transport and port, such as \"tcp/53\"", l)
		}
	}
	for _, s := range raw.Services {
		if err := state.CheckUnit(s.Unit); err != nil {
			return fmt.Errorf("service: %w", err)
		}
		if seen[s.Unit] {
			return fmt.Errorf("service %q is there twice", s.Unit)
		}
		seen[s.Unit] = true
	}
	return nil
}

// checkPaths refuses two files of one path, and a file that is a folder of
// another one. Files of which each has its own when may be each other's other
// case, and a path with an action is known when it has become one.
func checkPaths(files []File) error {
	known := map[string]File{}
	for _, f := range files {
		if strings.Contains(f.Path, "{{") {
			continue
		}
		if other, twice := known[f.Path]; twice && (f.When == "" || other.When == "") {
			return fmt.Errorf("file %s is there twice", f.Path)
		}
		known[f.Path] = f
	}
	for _, f := range files {
		if strings.Contains(f.Path, "{{") {
			continue
		}
		for dir := path.Dir(f.Path); dir != "/" && dir != "."; dir = path.Dir(dir) {
			if above, ok := known[dir]; ok && (f.When == "" || above.When == "") {
				return fmt.Errorf("file %s lies below %s, which is a file too", f.Path, dir)
			}
		}
	}
	return nil
}
