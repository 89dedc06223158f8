package main

import (
	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/server"
)

func newDrain(g *globals) *cobra.Command {
	var now, yes bool
	var t target
	cmd := &cobra.Command{
		Use:   "drain PATH",
		Short: "Withdraw the blocks, and keep them withdrawn",
		Long: `drain has the guard on the server announce the blocks with GRACEFUL_SHUTDOWN
(RFC 8326), wait until routers have left, and withdraw them. They stay withdrawn
over reboots and applies, whatever answers, until raiz undrain.`,
		Example: `  raiz drain gru1.hcl
  raiz undrain gru1.hcl`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return drain(cmd, g, &t, args[0], yes, server.DrainRequest{Wanted: true, Now: now})
		},
	}
	t.flags(cmd)
	cmd.Flags().BoolVar(&now, "now", false, "withdraw at once, without a time in which routers leave")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func newUndrain(g *globals) *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "undrain PATH",
		Short: "Let the blocks be announced again",
		Long: `undrain takes a drain back: the guard on the server announces each block once
every zone is served at every address of it. Where one is not, it says why.`,
		Example: `  raiz undrain gru1.hcl`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return drain(cmd, g, &t, args[0], true, server.DrainRequest{})
		},
	}
	t.flags(cmd)
	return cmd
}

func drain(cmd *cobra.Command, g *globals, t *target, path string, yes bool, q server.DrainRequest) error {
	s, o, _, err := t.aim(g, path)
	if err != nil {
		return err
	}
	if !yes {
		if err := g.ask(namingSite("Withdraw all blocks of this copy, until raiz undrain?", s.Name, "not drained", "give --yes")); err != nil {
			return err
		}
	}
	run := provision.New(s, o)
	defer run.Close(cmd.Context())
	guard, err := run.Drain(cmd.Context(), q)
	if err != nil {
		return exit(exitError, err)
	}
	for _, b := range guard.Blocks {
		printable.Fprintf(g.people(), "%s %s: %s\n", b.Prefix, string(b.State), b.Reason)
	}
	if guard.Silent != "" {
		printable.Fprintf(g.people(), "the guard on the server: %s\n", guard.Silent)
	}
	if err := g.put(drainResult(s.Name, guard)); err != nil {
		return err
	}
	if !q.Wanted {
		return exit(exitCodeOf(provision.Announced(guard), exitFailed))
	}
	return exit(exitCodeOf(provision.Withdrawn(guard), exitError))
}

// exitCodeOf is a code with its error, or the end of what went well.
func exitCodeOf(err error, code exitCode) (exitCode, error) {
	if err == nil {
		return exitDone, nil
	}
	return code, err
}

// drainResult is how the blocks stand then.
func drainResult(site string, g server.Guard) any {
	type block struct {
		Prefix string `json:"prefix"`
		State  string `json:"state"`
		Reason string `json:"reason"`
	}
	blocks := []block{}
	for _, b := range g.Blocks {
		blocks = append(blocks, block{b.Prefix.String(), string(b.State), b.Reason})
	}
	return struct {
		Site    string  `json:"site"`
		Drained bool    `json:"drained"`
		Silent  string  `json:"silent,omitempty"`
		Lingers string  `json:"lingers,omitempty"`
		Blocks  []block `json:"blocks"`
	}{site, g.Wanted != nil, g.Silent, g.Lingers, blocks}
}
