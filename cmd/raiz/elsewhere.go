//go:build !linux

package main

import (
	"errors"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/site"
)

// errElsewhere is what a rehearsal says where there are no namespaces.
var errElsewhere = errors.New("a rehearsal is built from Linux's namespaces, and this is " + runtime.GOOS +
	": run it as root on a Linux machine, a virtual one will do; every other verb runs here")

func newRehearse(*globals) *cobra.Command {
	return &cobra.Command{
		Use:                "rehearse PATH",
		Short:              "Build the site on a Linux machine and run everything on it",
		DisableFlagParsing: true,
		RunE:               func(*cobra.Command, []string) error { return exit(exitUsage, errElsewhere) },
	}
}

func (*target) onRehearsal(*site.Site, provision.Options) (*site.Site, provision.Options, provision.Vantages, error) {
	return nil, provision.Options{}, provision.Vantages{}, exit(exitUsage, errElsewhere)
}
