package provision

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/report"
	"github.com/raiz-dns/raiz/provision/report/messages"
	"github.com/raiz-dns/raiz/provision/server"
	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/watch"
)

// Notices says what an operator must know before any change: a revert that
// the server made by itself, a change that is not confirmed, a lifeline that
// nobody proved, a setting that is left alone.
func (p Planned) Notices() []verdict.Message {
	var out []verdict.Message
	s := p.Seen.Server
	if s.Last != nil && s.Last.State == server.Reverted {
		out = append(out, verdict.New("notice.reverted", verdict.Seen("generation", numberOf(*s.Last)), verdict.Error("error", errors.New(s.Last.Reason))))
	}
	if s.Pending != nil {
		out = append(out, verdict.New("notice.pending", verdict.Seen("generation", numberOf(*s.Pending)), verdict.Seen("state", standsOf(*s.Pending))))
	}
	out = append(out, guarded(s.Guard)...)
	if s.Guard != nil && s.Guard.Wanted != nil {
		out = append(out, verdict.New("notice.drained", verdict.Seen("by", s.Guard.Wanted.By), verdict.Word("at", s.Guard.Wanted.At.UTC().Format(time.RFC3339))))
		if why := s.Guard.Wanted.Passing; why != "" {
			out = append(out, verdict.New("notice.drained.passing", verdict.Seen("why", why)))
		}
	} else if s.Guard != nil && s.Guard.Silent == "" && (p.Plan.Risk(state.SessionReset) || p.Plan.Risk(state.ServiceGap)) {
		out = append(out, verdict.New("notice.gap"))
	}
	if p.Plan.Part == plan.BMCAlone {
		return append(out, append([]verdict.Message{BMCAlone()}, p.leftAlone()...)...)
	}
	if p.handsOnSite {
		out = append(out, verdict.New("notice.hands-on-site"))
		if p.Seen.BMCErr != nil {
			out = append(out, verdict.New("notice.bmc-left", verdict.Error("error", p.Seen.BMCErr)))
		}
	}
	out = append(out, resets(p.Plan)...)
	return append(out, p.leftAlone()...)
}

// leftAlone are the settings of the BMC that the site does not want to be managed.
func (p Planned) leftAlone() []verdict.Message {
	var out []verdict.Message
	for _, name := range slices.Sorted(maps.Keys(p.unmanaged)) {
		out = append(out, verdict.New("notice.unmanaged", verdict.Word("setting", name), verdict.Seen("reason", p.unmanaged[name])))
	}
	return out
}

// BMCAlone is the note of whatever has looked at nothing else.
func BMCAlone() verdict.Message { return verdict.New("notice.bmc-alone") }

// guarded says what is not announced although nobody wants that: a plan in which
// all is as declared is no proof that all is well.
func guarded(g *server.Guard) []verdict.Message {
	switch {
	case g == nil || g.Wanted != nil:
		return nil
	case g.Silent != "":
		return []verdict.Message{verdict.New("notice.guard-silent", verdict.Seen("why", g.Silent))}
	}
	var out []verdict.Message
	blocks := map[string][]string{}
	for _, b := range g.Blocks {
		if b.State != watch.Announced {
			blocks[b.Reason] = append(blocks[b.Reason], b.Prefix.String())
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(blocks)) {
		out = append(out, verdict.New("notice.withdrawn", verdict.Seen("blocks", strings.Join(blocks[reason], ", ")), verdict.Seen("reason", reason)))
	}
	return out
}

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

// RebootReport is the end of a reboot that has brought what waited for it.
// queued can be written now.
func (r *Run) RebootReport(names, queued []string) report.Report {
	cost := r.Cost()
	out := report.Report{Site: r.site, Notices: []verdict.Message{verdict.New("notice.in-effect", verdict.Words("settings", names))}, Cost: &cost}
	if len(queued) > 0 {
		out.Notices = append(out.Notices, verdict.New("notice.queued", verdict.Words("settings", queued)))
	}
	return out
}

// Declare returns what to write into the site file after an apply in which the
// controller has refused settings: otherwise every plan has them again. It is
// empty when nothing was refused.
func (r *Run) Declare(j apply.Journal) report.Declaration {
	alone, together := map[string]string{}, []string{}
	for _, e := range j.Entries {
		name, ok := apply.SettingOf(e.Step)
		if !ok || e.Outcome != apply.Unsupported || e.Err == nil {
			continue
		}
		if _, shared := errors.AsType[*bmc.SharedError](e.Err); shared {
			together = append(together, name)
			continue
		}
		alone[name] = refusedToday(e.Err)
	}
	var out report.Declaration
	if len(alone) > 0 && r.site.BMC != nil {
		out.Before = append(out.Before, verdict.New("declare.write"))
		if len(r.site.BMC.Unmanaged) > 0 {
			out.Before = []verdict.Message{verdict.New("declare.replace")}
		}
		var declared []string
		if out.Lines, declared = r.site.BMC.UnmanagedLines(alone); len(declared) > 0 {
			out.After = append(out.After, verdict.New("declare.remove", verdict.Words("attributes", declared)))
		}
	}
	if len(together) > 0 {
		shared := verdict.New("declare.shared", verdict.Words("settings", together))
		out.Before = append([]verdict.Message{shared}, out.Before...)
	}
	return out
}

// refusedToday is the reason that goes into the site file, which is in
// English, without which setting of whom it was: the file says that itself.
func refusedToday(err error) string {
	_, why, _ := strings.Cut(err.Error(), ": ")
	why = strings.TrimSuffix(why, ": "+state.ErrUnsupported.Error())
	day := verdict.Seen("day", time.Now().UTC().Format(time.DateOnly))
	return messages.English().Say(verdict.New("declare.reason", day, verdict.Error("error", errors.New(why))))
}
