package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/site"
)

func newFmt(g *globals) *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt PATH...",
		Short: "Lay site files out in the one way",
		Example: `  raiz fmt sites/
  raiz fmt --check sites/    exit 2 when a file would change, and change none`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			changed := []string{}
			for _, path := range args {
				some, err := g.format(path, check)
				changed = append(changed, some...)
				_ = g.put(map[string][]string{"changed": changed})
				if err != nil {
					return err
				}
			}
			if check && len(changed) > 0 {
				return exit(exitPending, fmt.Errorf("%s not laid out as raiz fmt does", plural(len(changed), "file")))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing; exit 2 when something would change")
	return cmd
}

// format returns which files it changed, or would have.
func (g *globals) format(path string, check bool) (changed []string, err error) {
	folder, dir, name, err := openSites(path)
	if err != nil {
		return nil, exit(exitUsage, fmt.Errorf("%s: %w", path, err))
	}
	defer folder.Close()
	files := []string{name}
	if name == "." {
		// Editors keep hidden copies, which are not opened.
		if files, err = fs.Glob(folder, "[^.]*.hcl"); err != nil || len(files) == 0 {
			return nil, exit(exitUsage, fmt.Errorf("%s holds no *.hcl file", path))
		}
	}
	for _, name := range files {
		differs, err := g.formatFile(folder, name, filepath.Join(dir, name), check)
		if err != nil {
			return changed, err
		}
		if differs {
			changed = append(changed, filepath.Join(dir, name))
			printable.Fprintf(g.people(), "%s\n", filepath.Join(dir, name))
		}
	}
	return changed, nil
}

// formatFile lays one file out; path is where it is from here.
func (g *globals) formatFile(folder *secret.Folder, name, path string, check bool) (bool, error) {
	fail := func(err error) (bool, error) { return false, exit(exitUsage, fmt.Errorf("%s: %w", path, err)) }
	f, err := folder.Open(name)
	if err != nil {
		return fail(errors.Unwrap(err))
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fail(err)
	}
	src, err := secret.ReadAll(f)
	if err != nil {
		return fail(err)
	}
	out, diags := site.Format(src)
	for i := range diags {
		diags[i].Pos.File = path
	}
	if err := g.say(diags); err != nil {
		return false, err
	}
	if diags.HasErrors() {
		return false, exit(exitUsage, fmt.Errorf("%s is not HCL", path))
	}
	if bytes.Equal(src, out) || check {
		return !bytes.Equal(src, out), nil
	}
	return true, replaceFile(path, out, st.Mode())
}

// replaceFile puts the whole new content in place of the old, or nothing.
func replaceFile(name string, data []byte, mode os.FileMode) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".raiz-*")
	if err != nil {
		return exit(exitError, err)
	}
	defer func() {
		if err != nil {
			err = exit(exitError, errors.Join(err, os.Remove(f.Name())))
		}
	}()
	if _, err = f.Write(data); err == nil {
		err = f.Chmod(mode.Perm())
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
