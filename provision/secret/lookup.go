package secret

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Lookup finds the text behind a reference in a site file. Each method may be
// called from several goroutines at once and any number of times; an error
// never holds the text.
type Lookup interface {
	// Env returns the value of an environment variable; one that is not set
	// is an error.
	Env(name string) (string, error)
	// File returns what a file holds, without one newline at its end.
	File(name string) (string, error)
	// Exec runs a program without a shell and returns its standard output,
	// without one newline at its end.
	Exec(argv []string) (string, error)
}

// ErrNotAllowed is the error of a lookup that nobody has allowed. It says
// nothing about whether there is something to be found.
var ErrNotAllowed = errors.New("the operator file does not allow it")

// Grant is what the operator file lets the files of one site look up: in this
// process and on this machine. The zero Grant allows nothing.
type Grant struct {
	// Dir is the folder of the site files: relative names start there.
	Dir string
	// Variables are the names of environment variables, with * and ?.
	Variables []string
	// Folders hold what file() may read; absolute.
	Folders []string
	// Programs are what exec() may run.
	Programs []Program
	// Done ends a program that runs when it is closed; nil never is.
	Done <-chan struct{}
}

// Env implements Lookup.
func (g Grant) Env(name string) (string, error) {
	if !slices.ContainsFunc(g.Variables, func(pattern string) bool { return Matches(pattern, name) }) {
		return "", ErrNotAllowed
	}
	text, ok := os.LookupEnv(name)
	if !ok {
		return "", fmt.Errorf("environment variable %s is not set", name)
	}
	return text, nil
}

// File implements Lookup. A name that starts with "~/" is in the home folder
// of the user. No link leads out of a folder that is allowed.
func (g Grant) File(name string) (string, error) {
	where, err := Absolute(g.Dir, name)
	if err != nil {
		return "", err
	}
	for _, folder := range g.Folders {
		rel, err := filepath.Rel(folder, where)
		if err != nil || rel == "." || !filepath.IsLocal(rel) {
			continue
		}
		root, err := os.OpenRoot(folder)
		if err != nil {
			return "", fmt.Errorf("open %s: %w", folder, bare(err))
		}
		defer root.Close()
		text, err := readRegular(root, rel)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", name, err)
		}
		return Chomp(text), nil
	}
	return "", ErrNotAllowed
}

// Exec implements Lookup.
func (g Grant) Exec(argv []string) (string, error) {
	for _, p := range g.Programs {
		if p.Allows(argv) {
			return p.run(argv, g.Done)
		}
	}
	return "", ErrNotAllowed
}

// Absolute returns the clean path of a name that a file in dir gives: "~/" is
// the home folder of the user.
func Absolute(dir, name string) (string, error) {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the home folder: %w", err)
		}
		return filepath.Join(home, rest), nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	return filepath.Abs(name)
}

// Matches compares with a pattern in which * stands for any characters and ?
// for one. There are no classes: what is allowed should be plain to read. The
// text is a stranger's: the work grows with both lengths, and no faster.
func Matches(pattern, text string) bool {
	star, from := -1, 0 // the last * so far, and what it has not taken yet
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p, t = p+1, t+1
		case star >= 0: // the star takes one more
			from++
			p, t = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
