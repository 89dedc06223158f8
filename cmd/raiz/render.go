package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/state"
)

func newRender(g *globals) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "render PATH [FILE...]",
		Short: "Print the files that a site becomes, without its secrets",
		Example: `  raiz render gru1.hcl
  raiz render gru1.hcl /etc/hosts`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := g.one(args[0], name)
			if err != nil {
				return err
			}
			packs, err := g.packFS()
			if err != nil {
				return err
			}
			images, err := helpers()
			if err != nil {
				return exit(exitError, err)
			}
			set, err := render.Desired(s, packs, render.With{Secrets: render.Withheld, Program: images.Sum()})
			if err != nil {
				return exit(exitError, err)
			}
			return g.printFiles(set, args[1:])
		},
	}
	cmd.Flags().StringVar(&name, "site", "", "name of the site, where the files hold several")
	return cmd
}

func noFile(set *state.Set, name string) error {
	return exit(exitUsage, fmt.Errorf("site %s has no file %s", set.Site(), name))
}

// renderedFile is a file in JSON.
type renderedFile struct {
	Path    string `json:"path"`
	Mode    string `json:"mode"` // octal
	Owner   string `json:"owner"`
	Group   string `json:"group"`
	Secret  bool   `json:"secret"` // what is secret of it is not in the content
	Content string `json:"content"`
}

func (g *globals) renderJSON(set *state.Set, names []string) error {
	for _, name := range names {
		if _, ok := set.Get(state.Key{Kind: state.Path, Name: name}); !ok {
			return noFile(set, name)
		}
	}
	files := []renderedFile{}
	for it := range set.Of(state.Path) {
		f := it.Value.(state.File)
		if len(names) == 0 || slices.Contains(names, it.Key.Name) {
			files = append(files, renderedFile{it.Key.Name, fmt.Sprintf("%04o", uint32(f.Mode)), f.Owner, f.Group, f.Secret, string(f.Data)})
		}
	}
	return g.put(struct {
		Site  string         `json:"site"`
		Files []renderedFile `json:"files"`
	}{set.Site(), files})
}

// printFiles prints the named files as they are, or all of them with a line
// above each.
func (g *globals) printFiles(set *state.Set, names []string) error {
	if g.json {
		return g.renderJSON(set, names)
	}
	for _, name := range names {
		it, ok := set.Get(state.Key{Kind: state.Path, Name: name})
		if !ok {
			return noFile(set, name)
		}
		_, _ = g.std.out.Write(it.Value.(state.File).Data) // an error is told at the end
	}
	if len(names) > 0 {
		return nil
	}
	for it := range set.Of(state.Path) {
		f := it.Value.(state.File)
		printable.Fprintf(g.std.out, "==> %s (%04o %s:%s)\n", it.Key.Name, uint32(f.Mode), f.Owner, f.Group)
		_, _ = g.std.out.Write(append(f.Data, '\n'))
	}
	return nil
}
