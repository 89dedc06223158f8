package verify

import (
	"errors"
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

// check is a node of the tree. needs must stand before it.
type check struct {
	id      string
	title   string
	vantage Vantage
	want    string
	needs   []string
	find    func() finding
}

// Judge returns the verdict on every check, in the order of the tree: BMC,
// login, system, DNS, BGP, router, outside. It is pure.
func Judge(s *site.Site, e Evidence) []Result {
	var checks []check
	checks = append(checks, bmcChecks(s, e)...)
	checks = append(checks, systemChecks(s, e)...)
	checks = append(checks, dnsChecks(s, e)...)
	checks = append(checks, bgpChecks(s, e)...)
	checks = append(checks, routerChecks(s, e)...)
	checks = append(checks, outsideChecks(s, e)...)
	return evaluate(checks)
}

// evaluate makes each check whose needs have passed. The reason of a skipped
// one is the first check that really failed, however far up it is.
func evaluate(checks []check) []Result {
	results := make([]Result, 0, len(checks))
	blocked := map[string]string{} // check to the reason why nothing may rest on it
	known := map[string]bool{}
	for _, c := range checks {
		r := Result{ID: c.id, Title: c.title, Vantage: c.vantage, Want: c.want}
		for _, need := range c.needs {
			if !known[need] {
				panic("verify: " + c.id + " needs " + need + ", which does not come before it")
			}
			if reason := blocked[need]; reason != "" && r.Because == "" {
				r.Because = reason
			}
		}
		if r.Because != "" {
			r.Status = Skipped
		} else {
			f := c.find()
			r.Status, r.Got, r.Detail = f.status, f.got, f.detail
		}
		known[c.id] = true
		switch r.Status {
		case Pass, Warn:
		case Skipped:
			blocked[c.id] = r.Because
			if r.Because == "" { // nobody could look from there; nothing rests on it
				blocked[c.id] = c.id
			}
		default:
			blocked[c.id] = c.id
		}
		results = append(results, r)
	}
	return results
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
