package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/secret"
)

func newPlan(g *globals) *cobra.Command {
	var t target
	var out string
	cmd := &cobra.Command{
		Use:   "plan PATH",
		Short: "Say what would change, and change nothing",
		Long: `plan looks at the BMC and the server, compares them with the site file, and says
what an apply would change and what that does to the service. After a "!" it
names what is on the server that nobody has declared. It exits 0 when all is as
declared, 2 when there is something to change, 3 when something else is not as
declared, and 4 when it could not look, or the server can take no change.
That the last change was reverted is a note.`,
		Example: `  raiz plan gru1.hcl
  raiz plan gru1.hcl --out gru1.plan && raiz apply gru1.plan`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, o, _, err := t.aim(g, args[0])
			if err != nil {
				return err
			}
			run := provision.New(s, o)
			defer run.Close(cmd.Context())
			planned, err := run.Plan(cmd.Context())
			if err != nil {
				return exit(exitError, err)
			}
			if err := g.show(run.PlanReport(planned)); err != nil {
				return exit(exitError, err)
			}
			code := planCode(planned)
			if out != "" && planned.Plan.Applicable() {
				data, err := plan.Save(planned.Plan, args[0])
				if err != nil {
					return exit(exitError, err)
				}
				if err := replaceFile(out, data, 0o644); err != nil {
					return err
				}
			}
			return exit(code, nil)
		},
	}
	t.flags(cmd)
	t.bmcFlag(cmd)
	cmd.Flags().StringVar(&out, "out", "", "keep the plan in this file, for raiz apply; it holds no secret")
	return cmd
}

// savedPlan reads path as a saved plan; ok is false when it is a site file.
func savedPlan(path string) (saved plan.Saved, ok bool, err error) {
	data, err := secret.ReadNamed(path)
	switch {
	case err == nil && len(data) > 0 && data[0] == '{':
	case err == nil && filepath.Ext(path) == ".plan":
		return plan.Saved{}, false, fmt.Errorf("%w: it does not begin with a {, as what raiz plan --out has written", plan.ErrSaved)
	default:
		return plan.Saved{}, false, nil // reading it as a site file says what is wrong
	}
	saved, err = plan.Open(data)
	return saved, true, err
}
