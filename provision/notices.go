package provision

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/state"
)

// Notices says what an operator must know before any change: a revert that
// the server made by itself, a change that is not confirmed, a lifeline that
// nobody proved, a setting that is left alone.
func (p Planned) Notices() []string {
	var out []string
	s := p.Seen.Server
	if s.Reverted != "" {
		out = append(out, "the server reverted a change after the last apply: generation "+s.Reverted)
	}
	if s.Pending != "" {
		out = append(out, "generation "+s.Pending+" is not confirmed: "+s.PendingIs+"; raiz apply waits until it is, or until the server has reverted it")
	}
	if p.handsOnSite {
		out = append(out, "somebody is on site (--hands-on-site): the BMC is not proven as a way in before a change that may cut access")
		if p.Seen.BMCErr != nil {
			out = append(out, "the BMC is left as it is: "+p.Seen.BMCErr.Error())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.unmanaged)) {
		out = append(out, fmt.Sprintf("bmc setting %s is left alone: %s", name, p.unmanaged[name]))
	}
	return out
}

// Reverted reports whether the server has reverted a change since the last
// apply.
func (p Planned) Reverted() bool { return p.Seen.Server.Reverted != "" }

// PlanReport is a plan as it is shown, with what it has cost so far.
func (r *Run) PlanReport(p Planned) report.Report {
	cost := r.Cost()
	return report.Report{Site: r.site, Notices: p.Notices(), Plan: &p.Plan, Cost: &cost}
}

// ApplyReport is the end of an apply, or of a rollback, as it is shown.
func (r *Run) ApplyReport(j apply.Journal, err error) report.Report {
	cost := r.Cost()
	return report.Report{Site: r.site, Apply: &j, ApplyErr: err, Declare: r.Declare(j), Cost: &cost}
}

// Declare returns what to write into the site file after an apply in which the
// controller has refused settings, line by line: otherwise every plan has them
// again. It is nil when nothing was refused.
func (r *Run) Declare(j apply.Journal) []string {
	alone, together := map[string]string{}, []string{}
	for _, e := range j.Entries {
		name, ok := strings.CutPrefix(e.Step, state.Setting.String()+" ")
		if !ok || e.Outcome != apply.Unsupported || e.Err == nil {
			continue
		}
		if _, shared := errors.AsType[*bmc.SharedError](e.Err); shared {
			together = append(together, name)
			continue
		}
		_, why, _ := strings.Cut(e.Err.Error(), ": ") // which setting of whom is said already
		why = strings.TrimSuffix(why, ": "+state.ErrUnsupported.Error())
		alone[name] = "refused on " + time.Now().UTC().Format(time.DateOnly) + ": " + why
	}
	var out []string
	if len(alone) > 0 && r.site.BMC != nil {
		lines, declared := r.site.BMC.UnmanagedLines(alone)
		where := "write into the bmc block of the site:"
		if len(r.site.BMC.Unmanaged) > 0 {
			where = "write in place of unmanaged in the bmc block of the site:"
		}
		out = append(out, "The controller refuses what the site declares. So that no plan has it again, "+where, "")
		for _, l := range lines {
			out = append(out, "    "+l)
		}
		if len(declared) > 0 {
			out = append(out, "", "and take out what declares it: "+strings.Join(declared, ", "))
		}
	}
	if len(together) > 0 {
		out = append(out, "The controller has refused "+strings.Join(together, ", ")+
			" in one write, and which of them it meant is not known: declare the one that its words name as unmanaged in the bmc block, and apply again.")
	}
	return out
}
