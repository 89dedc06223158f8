package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

// operatorWord is what the operator file says, once it has been read. The zero
// operatorWord allows nothing: site files are read before it, since a site that
// is only rehearsed needs none.
type operatorWord struct {
	file *site.OperatorFile
	dir  string // of the site files, absolute
	real string // where the operator file is, or would be
	text []byte
	done <-chan struct{}
}

// purpose is what an operator file is opened for.
type purpose bool

const (
	toRead  purpose = false
	toWrite purpose = true // it may be missing, wherever it was said to be
)

func (w *operatorWord) trust(name string) site.Trust { return w.file.For(name, w.dir) }

// lookup is asked when a secret is needed, which is after the file was read.
func (w *operatorWord) lookup(name string) secret.Lookup {
	if w.file == nil {
		return secret.Grant{}
	}
	grant := w.trust(name).Grant
	grant.Done = w.done
	return grant
}

// operatorWord reads the operator file for the site files at path. That there
// is none is no error: then nothing is allowed.
func (g *globals) operatorWord(path string, why purpose) (operatorWord, error) {
	dir, err := siteFolder(path)
	if err != nil {
		return operatorWord{}, exit(exitUsage, err)
	}
	name, given, err := g.operatorPath()
	if err != nil {
		return operatorWord{}, exit(exitUsage, err)
	}
	w := operatorWord{file: &site.OperatorFile{Path: name}, dir: dir, done: g.done}
	w.real, err = outside(name, dir)
	if errors.Is(err, fs.ErrNotExist) && (!given || why == toWrite) {
		return w, nil
	}
	if err == nil {
		w.text, err = secret.ReadRegular(w.real)
	}
	if err != nil {
		return w, exit(exitUsage, fmt.Errorf("operator file %s: %w", name, err))
	}
	file, diags := site.ParseOperatorFile(w.text, w.real)
	if err := g.say(diags); err != nil {
		return w, exit(exitError, err)
	}
	if diags.HasErrors() {
		return w, exit(exitUsage, fmt.Errorf("operator file %s is not valid", name))
	}
	file.Path = name
	w.file = file
	return w, nil
}

// operatorPath is where the operator file is; given is false for the place
// where it is looked for unasked.
func (g *globals) operatorPath() (name string, given bool, err error) {
	if g.operator != "" {
		return g.operator, true, nil
	}
	if name := g.std.env("RAIZ_OPERATOR"); name != "" {
		return name, true, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", false, fmt.Errorf("find the operator file: %w; name it with --operator", err)
	}
	return filepath.Join(home, ".config", "raiz", "operator.hcl"), false, nil
}

// outside returns the operator file without links in its path, and refuses
// one that others could touch. A change of site files can touch what lies in
// their folder or in the same git work tree: the file, and as well a link on the
// way to it, which can be made to lead elsewhere. With fs.ErrNotExist it returns
// where the file would be.
func outside(name, dir string) (string, error) {
	// First, since a device has modes that nobody should mend.
	if st, err := os.Stat(name); err == nil && !st.Mode().IsRegular() {
		return "", errors.New("not a regular file")
	}
	real, err := resolved(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	way, lost := wayTo(name)
	if lost != nil && !errors.Is(lost, fs.ErrNotExist) {
		return "", lost
	}
	for _, around := range []string{dir, workTree(dir)} {
		if around == "" {
			continue
		}
		for _, s := range append(way, step{at: real}) {
			if within(s.at, around) {
				return "", fmt.Errorf("%s is in %s, where whoever changes the site files can change it: keep the file elsewhere, and name it with --operator by a way that does not lead through there", s.at, around)
			}
		}
	}
	if unsafe := ours(way, real); unsafe != nil {
		return "", unsafe
	}
	return real, err
}

// resolved is the path without links, also of a file that is not there yet.
func resolved(name string) (string, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(name)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return real, err
	}
	if up := filepath.Dir(name); up != name {
		parent, above := resolved(up)
		if above != nil && !errors.Is(above, fs.ErrNotExist) {
			return "", above
		}
		return filepath.Join(parent, filepath.Base(name)), err
	}
	return name, err
}

// workTree is the checkout that a folder is in, or "".
func workTree(dir string) string {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

func within(name, dir string) bool {
	rel, err := filepath.Rel(dir, name)
	return err == nil && filepath.IsLocal(rel)
}

// openSites opens the folder of the site files at path; name is what of it is
// meant, dir is how people call it.
func openSites(path string) (folder *secret.Folder, dir, name string, err error) {
	dir, name = sitesAt(path)
	if err := staysHere(path); err != nil {
		return nil, dir, name, err
	}
	folder, err = secret.OpenFolder(dir)
	return folder, dir, name, err
}

// sitesAt splits a path into the folder of the site files and what of it is
// meant: "." is all of it.
func sitesAt(path string) (dir, name string) {
	path = filepath.Clean(path)
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return path, "."
	}
	return filepath.Dir(path), filepath.Base(path)
}

// staysHere refuses a path that was a folder here and has become a link to
// somewhere else: whoever changes the site files can do that. What leads to
// where raiz was started, or to a folder above, is not theirs.
func staysHere(path string) error {
	path = filepath.Clean(path)
	from := filepath.Dir(path)
	switch {
	case filepath.Base(path) == "..":
		return nil
	case filepath.IsLocal(path):
		from = "."
	}
	real, err := resolved(path)
	if err != nil {
		return err
	}
	around, err := resolved(from)
	if err != nil {
		return err
	}
	if !within(real, around) {
		return fmt.Errorf("a link leads to %s; name that itself", real)
	}
	return nil
}

// siteFolder is the folder of the site files, absolute and without links.
func siteFolder(path string) (string, error) {
	dir, _ := sitesAt(path)
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	return filepath.Abs(real)
}

// writeOperatorFile puts the new text in place of the old, or makes the file
// and its folder.
func writeOperatorFile(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return exit(exitUsage, fmt.Errorf("make the folder of the operator file: %w", err))
	}
	mode := fs.FileMode(0o600)
	if st, err := os.Stat(name); err == nil {
		mode = st.Mode().Perm()
	}
	return replaceFile(name, text, mode)
}

// writable says why a file that is there, or its folder, cannot be changed.
func writable(name string) error {
	st, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case st.Mode().Perm()&0o200 == 0:
		return fmt.Errorf("%s is read-only (%04o): chmod u+w it, or name another with --operator", name, st.Mode().Perm())
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", name, errors.Unwrap(err))
	}
	return f.Close()
}
