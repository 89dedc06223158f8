package verify

import (
	"slices"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verdict"
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

// Result is one check with its verdict. What it says is data; provision/report
// has the words.
type Result struct {
	ID       string
	Vantage  Vantage
	Status   Status
	Title    verdict.Message // what it is about
	Want     verdict.Message
	Got      []verdict.Message
	Evidence []verdict.Message // more of what was seen
	Advice   []verdict.Message // what to do
	Because  string            // ID of the check that kept this one from being made
}

// Messages are all that the result says.
func (r Result) Messages() []verdict.Message {
	var out []verdict.Message
	for _, m := range []verdict.Message{r.Title, r.Want} {
		if !m.IsZero() {
			out = append(out, m)
		}
	}
	return append(append(append(out, r.Got...), r.Evidence...), r.Advice...)
}

// group is the checks of one subject, with the codes that they use and what
// programs they want to be run on the server. Each has a file of its own.
type group struct {
	checks func(*site.Site, Evidence) []check
	codes  func() []verdict.Definition
	probes func(*site.Site, Vantages) []probe // nil for none
}

// groups are in the order of the tree: what others rest on comes first.
func groups() []group {
	return []group{
		{bmcChecks, bmcCodes, nil},
		{hardwareChecks, hardwareCodes, nil},
		{inventoryChecks, inventoryCodes, nil},
		{partChecks, partCodes, nil},
		{logChecks, logCodes, nil},
		{loginChecks, loginCodes, nil},
		{addressChecks, addressCodes, nil},
		{unitChecks, unitCodes, nil},
		{aroundChecks, aroundCodes, nil},
		{clockChecks, clockCodes, clockProbes},
		{zoneChecks, zoneCodes, zoneProbes},
		{dnsChecks, dnsCodes, nil},
		{contentChecks, contentCodes, nil},
		{offersChecks, offersCodes, nil},
		{ageChecks, ageCodes, nil},
		{guardChecks, guardCodes, nil},
		{bgpChecks, bgpCodes, sessionProbes},
		{routerChecks, routerCodes, nil},
		{outsideChecks, outsideCodes, nil},
	}
}

// Judge returns the verdict on every check, in the order of the tree. It is
// pure.
func Judge(s *site.Site, e Evidence) []Result { return evaluate(allChecks(s, e)) }

func allChecks(s *site.Site, e Evidence) []check {
	var checks []check
	for _, g := range groups() {
		checks = append(checks, g.checks(s, e)...)
	}
	for i, c := range checks {
		checks[i].needs = slices.Concat(c.needs, unitNeeds(e.Units, c.kinds))
	}
	return checks
}

// Codes are the definitions of everything that a result may say.
func Codes() []verdict.Definition {
	out := append(treeCodes(), resultCodes()...)
	for _, g := range groups() {
		out = append(out, g.codes()...)
	}
	return append(out, faultCodes()...)
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
