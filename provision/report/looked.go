package report

import (
	"slices"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/provision/verify"
)

// Looked is how a verification came about.
type Looked struct {
	At    time.Time
	By    string // who, and on which machine, as "ana@laptop"
	Raiz  string // its version
	Wants string // digest of what site files, packs and raiz made of the site, as a saved plan has it
}

// Past is a verification before this one.
type Past struct {
	At     time.Time // zero where it does not say
	Checks []verify.Result
}

// rank orders verdicts: of several about one thing the highest is shown. What
// was skipped because another check has not passed is not green; what nobody
// is there to look at says nothing, unless it is all that there is.
func rank(r verify.Result) int {
	switch r.Status {
	case verify.Fail:
		return 6
	case verify.Unknown:
		return 5
	case verify.OtherInstance:
		return 4
	case verify.Warn:
		return 3
	case verify.Skipped:
		if r.Because != "" {
			return 2
		}
		return 0
	}
	return 1
}

// worst is the verdict on all results that are about something; Skipped where
// none is.
func worst(results []verify.Result, about func(id string) bool) verify.Status {
	out, most := verify.Skipped, -1
	for _, r := range results {
		if n := rank(r); about(r.ID) && n > most {
			out, most = r.Status, n
		}
	}
	return out
}

// unmade counts the checks that a site asks for and that are not among the
// results: somebody has looked at the BMC alone, or kept a part. Which units there
// are, only packs know.
func unmade(s *site.Site, results []verify.Result) int {
	if s == nil {
		return 0
	}
	n := 0
	for _, want := range verify.Judge(s, verify.Evidence{}) {
		made := func(r verify.Result) bool { return r.ID == want.ID }
		if !strings.HasPrefix(want.ID, "unit.") && !slices.ContainsFunc(results, made) {
			n++
		}
	}
	return n
}
