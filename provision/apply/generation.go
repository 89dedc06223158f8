package apply

import (
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/shell"
	"github.com/raiz-dns/raiz/provision/state"
)

// generation is everything the server needs for one transaction. It holds
// every managed file, changed or not: a generation is whole.
func generation(p plan.Plan, want *state.Set) shell.Generation {
	g := shell.Generation{Plan: p.Digest()}
	for it := range want.Of(state.Path) {
		g.Puts = append(g.Puts, shell.Put{
			Path: it.Key.Name, File: it.Value.(state.File), Check: it.Effect.Check,
			Effect: effect(it.Effect), Order: it.Effect.Order,
		})
	}
	for _, c := range p.Changes {
		if c.Key.Kind == state.Path && c.Action == plan.Delete {
			g.Deletes = append(g.Deletes, c.Key.Name)
		}
	}
	g.Actions = actions(p)
	return g
}

// effect is what a file needs whenever it changes.
func effect(e state.Effect) shell.Action {
	switch e.How {
	case state.Reload, state.Restart:
		return shell.Action{Verb: string(e.How), Unit: e.Unit}
	case state.Command:
		return shell.Action{Run: e.Command}
	}
	return shell.Action{}
}

// step is an action with its place.
type step struct {
	order  int
	late   int // commands speak to a unit that has just been acted on
	action shell.Action
}

// actions are the union of what the changes need, each unit once, in the
// order of the components.
func actions(p plan.Plan) []shell.Action {
	verbs := map[string]step{}
	var steps []step
	for _, c := range p.Changes {
		switch c.Key.Kind {
		case state.Path, state.Live:
			if c.Action == plan.Delete {
				steps = append(steps, retire(c.Key.Name)...)
			}
			steps = append(steps, commands(c)...)
			if c.Effect.How == state.Reload || c.Effect.How == state.Restart {
				merge(verbs, c.Effect.Unit, string(c.Effect.How), c.Effect.Order)
			}
		case state.Unit:
			was, _ := c.Before.(state.Service)
			if !was.Enabled {
				steps = append(steps, step{order: c.Effect.Order, late: -1, action: shell.Action{Verb: "enable", Unit: c.Key.Name}})
			}
			if !was.Active {
				merge(verbs, c.Key.Name, "start", c.Effect.Order)
			}
		}
	}
	for _, s := range verbs {
		steps = append(steps, s)
	}
	slices.SortStableFunc(steps, compareSteps)
	var out []shell.Action
	for _, s := range steps {
		same := func(a shell.Action) bool {
			return a.Verb == s.action.Verb && a.Unit == s.action.Unit && slices.Equal(a.Run, s.action.Run)
		}
		if !slices.ContainsFunc(out, same) {
			out = append(out, s.action)
		}
	}
	return out
}

func compareSteps(a, b step) int {
	if a.order != b.order {
		return a.order - b.order
	}
	if a.late != b.late {
		return a.late - b.late
	}
	return strings.Compare(a.action.Unit, b.action.Unit)
}

// merge keeps the strongest verb for a unit: what was reloaded need not be
// started, what is restarted need not be reloaded.
func merge(verbs map[string]step, unit, verb string, order int) {
	strength := map[string]int{"start": 1, "reload": 2, "restart": 3}
	if have, ok := verbs[unit]; ok && strength[have.action.Verb] >= strength[verb] {
		return
	}
	verbs[unit] = step{order: order, action: shell.Action{Verb: verb, Unit: unit}}
}

func commands(c plan.Change) []step {
	if c.Effect.How != state.Command {
		return nil
	}
	return []step{{order: c.Effect.Order, late: 1, action: shell.Action{Run: c.Effect.Command}}}
}

// retire stops a unit whose file goes.
func retire(path string) []step {
	unit, ok := strings.CutPrefix(path, "/etc/systemd/system/")
	if !ok || strings.Contains(unit, "/") {
		return nil
	}
	return []step{{order: -1, action: shell.Action{Verb: "disable", Unit: unit}}}
}
