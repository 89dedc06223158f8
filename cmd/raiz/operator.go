package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

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
	return w.trust(name).Grant
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
	w := operatorWord{file: &site.OperatorFile{Path: name}, dir: dir}
	w.real, err = outside(name, dir)
	if errors.Is(err, fs.ErrNotExist) && (!given || why == toWrite) {
		return w, nil
	}
	if err == nil {
		w.text, err = readOperatorFile(w.real)
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
// one that a change of site files could touch: in their folder, or in the same
// git work tree. With fs.ErrNotExist it returns where the file would be.
func outside(name, dir string) (string, error) {
	real, err := resolved(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	for _, around := range []string{dir, workTree(dir)} {
		if around != "" && within(real, around) {
			return "", fmt.Errorf("it is in %s, where whoever changes the site files can change it: keep it elsewhere, and name it with --operator", around)
		}
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

// readOperatorFile reads what nobody but its owner can write.
func readOperatorFile(name string) ([]byte, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" && st.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("its mode is %04o, so others can write it: chmod go-w %s", st.Mode().Perm(), name)
	}
	return secret.ReadRegular(name)
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
