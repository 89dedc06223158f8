package verify

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/raiz-dns/raiz/provision/verdict"
)

// finding is what a check found; the tree makes a Result of it.
type finding struct {
	status                Status
	got, evidence, advice []verdict.Message
}

func pass(got verdict.Message) finding { return finding{status: Pass, got: []verdict.Message{got}} }

func warn(got verdict.Message, advice ...verdict.Message) finding {
	return finding{status: Warn, got: []verdict.Message{got}, advice: advice}
}

func fail(got verdict.Message, advice ...verdict.Message) finding {
	return finding{status: Fail, got: []verdict.Message{got}, advice: advice}
}

// unknown is the verdict where nobody could look; evidence says why.
func unknown(evidence ...verdict.Message) finding {
	return finding{status: Unknown, got: []verdict.Message{verdict.New("verify.could-not-look")}, evidence: evidence}
}

// notLooked is the verdict on what nobody is there to look at.
func notLooked(evidence verdict.Message) finding {
	return finding{status: Skipped, got: []verdict.Message{verdict.New("verify.not-looked-at")}, evidence: []verdict.Message{evidence}}
}

// with adds to what was seen.
func (f finding) with(evidence ...verdict.Message) finding {
	f.evidence = append(f.evidence, evidence...)
	return f
}

// and is the worse of two findings, or all of two that are alike. What another
// copy has answered makes none of it a verdict on this one.
func (f finding) and(other finding) finding {
	rank := func(f finding) int { return slices.Index([]Status{Pass, Warn, Unknown, Fail, OtherInstance}, f.status) }
	switch {
	case rank(f) > rank(other):
		return f
	case rank(f) < rank(other):
		return other
	}
	f.got, f.evidence = append(f.got, other.got...), append(f.evidence, other.evidence...)
	for _, m := range other.advice {
		if !slices.ContainsFunc(f.advice, m.Equal) {
			f.advice = append(f.advice, m)
		}
	}
	return f
}

// maxSaid is how many faults of one kind are told: a whole routing table that
// leaks is known by its first routes.
const maxSaid = 20

// few are the first of many, and how many more there are.
func few(all []verdict.Message) []verdict.Message {
	if len(all) <= maxSaid {
		return all
	}
	return append(all[:maxSaid:maxSaid], verdict.New("verify.more", verdict.Count("count", len(all)-maxSaid)))
}

// errNotLooked is why nobody knows of what is not in the evidence.
var errNotLooked = errors.New("nobody looked")

func why(err error) verdict.Message {
	if errors.Is(err, errNotLooked) {
		return verdict.New("verify.nobody-looked")
	}
	return verdict.New("verify.why", verdict.Error("error", err))
}

// check is a node of the tree. needs and explained must stand before it.
type check struct {
	id      string
	vantage Vantage
	title   verdict.Message
	want    verdict.Message
	// about are the things that it looks at, of the site and its packs:
	// addresses, zones, sessions, blocks, units. A check about nothing may
	// find a fault, and never passes.
	about []string
	// kinds are those of the units that it rests on.
	kinds []string
	needs []string
	// explained are checks whose failure explains that this one does not
	// pass: it is looked at all the same, because it may.
	explained []string
	find      func() finding
}

// evaluate makes each check whose needs have passed. The reason of a skipped
// one is the first check that really failed, however far up it is.
func evaluate(checks []check) []Result {
	results := make([]Result, 0, len(checks))
	blocked := map[string]string{} // check to the reason why nothing may rest on it
	status := map[string]Status{}
	for _, c := range checks {
		r := Result{ID: c.id, Title: c.title, Vantage: c.vantage, Want: c.want}
		for _, other := range append(slices.Clone(c.needs), c.explained...) {
			if status[other] == "" {
				panic("verify: " + c.id + " needs " + other + ", which does not come before it")
			}
		}
		for _, need := range c.needs {
			r.Because = cmp.Or(r.Because, blocked[need])
		}
		if r.Because != "" {
			r.Status = Skipped
		} else {
			r.judge(c, status)
		}
		status[c.id] = r.Status
		switch r.Status {
		case Pass, Warn:
		case Skipped:
			blocked[c.id] = cmp.Or(r.Because, c.id) // nobody could look from there; nothing rests on it
		default:
			blocked[c.id] = c.id
		}
		results = append(results, r)
	}
	return results
}

// judge makes a check, and lays what it finds wrong to what explains it.
func (r *Result) judge(c check, status map[string]Status) {
	f := c.find()
	if good := f.status == Pass || f.status == Warn; good && len(c.about) == 0 {
		f = unknown(verdict.New("verify.no-object"))
	}
	if f.status == Fail || f.status == OtherInstance {
		for _, other := range c.explained {
			if status[other] == Fail {
				r.Status, r.Because = Skipped, other
				return
			}
		}
	}
	r.Status, r.Got, r.Evidence, r.Advice = f.status, f.got, f.evidence, f.advice
}

// names are what is looked at, as about takes it.
func names[T fmt.Stringer](all []T) []string {
	out := make([]string, len(all))
	for i, x := range all {
		out[i] = x.String()
	}
	return out
}

func treeCodes() []verdict.Definition {
	return []verdict.Definition{
		verdict.Define("verify.could-not-look", "nobody could look, so nobody knows"),
		verdict.Define("verify.not-looked-at", "there was nobody to look from there"),
		verdict.Define("verify.nobody-looked", "the evidence does not have it"),
		verdict.Define("verify.no-object", "the site and its packs have nothing that the check could be about"),
		verdict.Define("verify.why", "why something could not be done", verdict.TypeError.Named("error")),
		verdict.Define("verify.more", "so many more say the same, or the like", verdict.TypeCount.Named("count")),
		verdict.Define("verify.apply.configures", "raiz apply configures what is missing"),
	}
}
