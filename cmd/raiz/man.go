package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newMan(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages of raiz into a folder",
		Long: `man writes a page of section 1 for raiz and for each of its verbs into a folder,
which it makes where there is none. Pages that are there are overwritten. Where
SOURCE_DATE_EPOCH is set they bear that date, else today's.`,
		Example: `  raiz man ~/.local/share/man/man1`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.man(cmd.Root(), args[0])
		},
	}
}

func (g *globals) man(root *cobra.Command, dir string) error {
	date := time.Now()
	// reproducible-builds.org/specs/source-date-epoch: seconds.
	if epoch := g.std.env("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil || seconds < 0 {
			return exit(exitUsage, fmt.Errorf("SOURCE_DATE_EPOCH is %q: want seconds since 1970, as date +%%s prints them", epoch))
		}
		date = time.Unix(seconds, 0)
	}
	date = date.UTC()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return exit(exitError, err)
	}
	root.DisableAutoGenTag = true // it would say which library made them
	header := &doc.GenManHeader{Section: "1", Date: &date, Source: "raiz " + strings.Fields(version())[0], Manual: "raiz"}
	if err := doc.GenManTree(root, header, dir); err != nil {
		return exit(exitError, fmt.Errorf("write manual pages: %w", err))
	}
	return nil
}
