package main

import (
	"fmt"

	"github.com/spf13/cobra"

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
			set, err := render.Desired(s, packs, render.Withheld)
			if err != nil {
				return exit(exitError, err)
			}
			return g.printFiles(set, args[1:])
		},
	}
	cmd.Flags().StringVar(&name, "site", "", "name of the site, where the files hold several")
	return cmd
}

// printFiles prints the named files as they are, or all of them with a line
// above each.
func (g *globals) printFiles(set *state.Set, names []string) error {
	for _, name := range names {
		it, ok := set.Get(state.Key{Kind: state.Path, Name: name})
		if !ok {
			return exit(exitUsage, fmt.Errorf("site %s has no file %s", set.Site(), name))
		}
		fmt.Fprintf(g.std.out, "%s", it.Value.(state.File).Data)
	}
	if len(names) > 0 {
		return nil
	}
	for it := range set.Of(state.Path) {
		f := it.Value.(state.File)
		fmt.Fprintf(g.std.out, "==> %s (%04o %s:%s)\n%s\n", it.Key.Name, uint32(f.Mode), f.Owner, f.Group, f.Data)
	}
	return nil
}
