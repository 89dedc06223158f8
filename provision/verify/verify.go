package verify

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/site"
)

// Status is the verdict on one check.
type Status string

// The verdicts. What could not be looked at is Unknown, never Pass.
const (
	Pass          Status = "pass"
	Warn          Status = "warn"
	Fail          Status = "fail"
	Unknown       Status = "unknown"
	Skipped       Status = "skipped"
	OtherInstance Status = "other-instance"
)

// Vantage is from where something was seen.
type Vantage string

// The vantages.
const (
	FromBMC     Vantage = "bmc"
	FromServer  Vantage = "server"
	FromRouter  Vantage = "router"
	FromOutside Vantage = "outside"
)

// Result is one check with its verdict.
type Result struct {
	ID      string
	Title   string
	Vantage Vantage
	Status  Status
	Want    string
	Got     string
	Detail  string // what to do, or more of what was seen
	Because string // ID of the check that kept this one from being made
}

// finding is what a check found; the tree makes a Result of it.
type finding struct {
	status Status
	got    string
	detail string
}

func pass(got string) finding         { return finding{status: Pass, got: got} }
func fail(got, detail string) finding { return finding{status: Fail, got: got, detail: detail} }

// errNotLooked is why nobody knows of what is not in the evidence.
var errNotLooked = errors.New("nobody looked")

func unknown(err error) finding {
	return finding{status: Unknown, got: "could not look", detail: err.Error()}
}

// check is a node of the tree. needs and explained must stand before it.
type check struct {
	id      string
	title   string
	vantage Vantage
	want    string
	needs   []string
	// explained are checks whose failure explains that this one does not
	// pass: it is looked at all the same, because it may.
	explained []string
	find      func() finding
}

// Judge returns the verdict on every check, in the order of the tree: BMC,
// login, system, DNS, BGP, router, outside. It is pure.
func Judge(s *site.Site, e Evidence) []Result { return evaluate(allChecks(s, e)) }

func allChecks(s *site.Site, e Evidence) []check {
	var checks []check
	checks = append(checks, bmcChecks(s, e)...)
	checks = append(checks, systemChecks(s, e)...)
	checks = append(checks, dnsChecks(s, e)...)
	checks = append(checks, bgpChecks(s, e)...)
	checks = append(checks, routerChecks(s, e)...)
	return append(checks, outsideChecks(s, e)...)
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
	r.Status, r.Got, r.Detail = f.status, f.got, f.detail
	if r.Status != Fail && r.Status != OtherInstance {
		return
	}
	for _, other := range c.explained {
		if status[other] == Fail {
			r.Status, r.Got, r.Detail, r.Because = Skipped, "", "", other
			return
		}
	}
}

// Failed returns the results that say no.
func Failed(results []Result) []Result { return having(results, Fail) }

// Undecided returns the results of which nobody knows.
func Undecided(results []Result) []Result { return having(results, Unknown) }

func having(results []Result, status Status) []Result {
	var out []Result
	for _, r := range results {
		if r.Status == status {
			out = append(out, r)
		}
	}
	return out
}

func joined(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}
