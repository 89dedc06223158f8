package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/server"
)

func newRelease(g *globals) *cobra.Command {
	var t target
	var yes bool
	cmd := &cobra.Command{
		Use:   "release PATH",
		Short: "End the change that is pending on the server, whoever it belongs to",
		Long: `release has the server put back what stood before the generation that is neither
confirmed nor reverted, whoever it belongs to and however much of its time is
left. A revert that has been tried before and cannot be finished is given up:
what is back stays, and the next plan shows the rest.`,
		Example: `  raiz history gru1.hcl
  raiz release gru1.hcl`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, o, _, err := t.aim(g, args[0])
			if err != nil {
				return err
			}
			run := provision.New(s, o)
			defer run.Close(cmd.Context())
			pending, err := run.Pending(cmd.Context())
			if err != nil {
				return exit(exitUnreachable, err)
			}
			if pending == nil {
				printable.Fprintf(g.people(), "nothing is pending\n")
				return g.put(releaseResult(s.Name, nil))
			}
			if !yes {
				if err := g.ask(toRelease(s.Name, *pending)); err != nil {
					return err
				}
			}
			ended, err := run.Release(cmd.Context(), *pending)
			if ended.Number != 0 {
				printable.Fprintf(g.people(), "generation %d of %s is %s: %s\n", ended.Number, ended.Who, string(ended.State), ended.Reason)
				_ = g.put(releaseResult(s.Name, &ended))
			}
			if err != nil {
				return exit(exitError, err)
			}
			return nil
		},
	}
	t.flags(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// toRelease is asked before somebody's change is ended.
func toRelease(name string, s server.Status) question {
	text := fmt.Sprintf("Generation %d of %s is %s. Put back what stood before it?", s.Number, s.Who, string(s.State))
	return namingSite(text, name, "not released", "give --yes")
}

// releaseResult is what was ended; null where nothing was pending.
func releaseResult(site string, ended *server.Status) any {
	var of *generationResult
	reason := ""
	if ended != nil {
		r := resultOf(*ended)
		of, reason = &r, ended.Reason
	}
	return struct {
		Site       string            `json:"site"`
		Generation *generationResult `json:"generation"`
		Reason     string            `json:"reason"`
	}{site, of, reason}
}
