//go:build linux

package linux

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/helper"
)

// pruneAge is how old a helper has to be before it goes. A younger one may be
// on its way here: it is put in place without the lock.
const pruneAge = 24 * time.Hour

// unitsDir is where the units of the way back are, which name the helper that
// they start.
const unitsDir = "/etc/systemd/system"

// Prune takes away the helpers beside this program that no unit of raiz's
// starts any more. Each is alone in a directory named by its SHA-256; whatever
// is named otherwise is left alone, and so is all where this program lies
// elsewhere.
func Prune(program string) error { return prune(program, unitsDir, time.Now()) }

func prune(program, units string, now time.Time) error {
	own := path.Dir(program)
	all := path.Dir(own)
	if !isSum(path.Base(own)) {
		return nil
	}
	started, err := startedBy(units)
	if err != nil {
		return err
	}
	names, err := machine{}.List(all)
	if err != nil {
		return err
	}
	var problems []error
	for _, name := range names {
		dir := all + "/" + name
		if !isSum(name) || dir == own || strings.Contains(started, dir+"/") {
			continue
		}
		st, err := os.Lstat(dir)
		if err != nil || !st.IsDir() || now.Sub(st.ModTime()) < pruneAge {
			continue
		}
		problems = append(problems, pruneDir(dir))
	}
	return errors.Join(problems...)
}

// startedBy is the text of the units of raiz's, and where the name for people
// leads. A unit that cannot be read may name any helper.
func startedBy(units string) (string, error) {
	names, err := machine{}.List(units)
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, name := range names {
		if !strings.HasPrefix(name, "raiz-") || path.Ext(name) != ".service" {
			continue
		}
		text, err := machine{}.Read(units + "/" + name)
		if err != nil {
			return "", err
		}
		all.Write(text)
	}
	if to, err := os.Readlink(helper.Name); err == nil {
		all.WriteString(to)
	}
	return all.String(), nil
}

// pruneDir takes away a directory with the files in it, and no further one.
func pruneDir(dir string) error {
	names, err := machine{}.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := (machine{}).Remove(dir + "/" + name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return machine{}.Remove(dir)
}

func isSum(name string) bool {
	return len(name) == 64 && strings.Trim(name, "0123456789abcdef") == ""
}
