package main

import (
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/server"
)

func newHistory(g *globals) *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:     "history PATH",
		Short:   "List the generations that the server keeps",
		Example: `  raiz history gru1.hcl`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, o, _, err := t.aim(g, args[0])
			if err != nil {
				return err
			}
			run := provision.New(s, o)
			defer run.Close(cmd.Context())
			past, err := run.History(cmd.Context())
			if err != nil {
				return exit(exitUnreachable, err)
			}
			if g.json {
				return g.put(historyResult(s.Name, past))
			}
			w := tabwriter.NewWriter(g.std.out, 0, 8, 2, ' ', 0)
			printable.Fprintf(w, "GENERATION\tSTATE\tSINCE\tPLAN\tBY\n")
			for _, p := range past {
				g := resultOf(p)
				printable.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", g.Number, g.State, g.Since, g.Plan, g.By)
			}
			return w.Flush()
		},
	}
	t.flags(cmd)
	return cmd
}

// generationResult is one generation in JSON.
type generationResult struct {
	Number string `json:"number"`
	State  string `json:"state"`
	Since  string `json:"since"` // RFC 3339
	Plan   string `json:"plan"`  // the first digits of its digest
	By     string `json:"by"`
}

// resultOf says of the generation that is confirmed last that it is current.
func resultOf(s server.Status) generationResult {
	state := string(s.State)
	if s.Current {
		state = "current"
	}
	return generationResult{strconv.Itoa(s.Number), state, s.Changed.UTC().Format(time.RFC3339), s.Plan, s.Who}
}

func historyResult(site string, past []server.Status) any {
	all := []generationResult{}
	for _, p := range past {
		all = append(all, resultOf(p))
	}
	return struct {
		Site        string             `json:"site"`
		Generations []generationResult `json:"generations"`
	}{site, all}
}
