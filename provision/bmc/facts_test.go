package bmc_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
)

// fact is what a vendor's documentation, its own programs or a public report say
// of settings, with where.
type fact struct {
	Line     string   `json:"line"`
	Firmware string   `json:"firmware"` // "" is not told
	Settings []string `json:"settings"`
	Settable string   `json:"settable"` // "yes", "no", "at-reset" or "unknown"
	Fact     string   `json:"fact"`
	Write    string   `json:"write"` // the request, where it is documented
	URL      string   `json:"url"`
	Excerpt  string   `json:"excerpt"`
}

func facts(t *testing.T) []fact {
	t.Helper()
	text, err := os.ReadFile("testdata/facts.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []fact
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFacts wants each to be one that somebody can look up.
func TestFacts(t *testing.T) {
	names := append(allNames(), bmc.HTTPSCertificate, bmc.FactoryAccount)
	all := facts(t)
	for i, f := range all {
		u, err := url.Parse(f.URL)
		switch {
		case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path == "":
			t.Errorf("%d: %q is no address: %v", i, f.URL, err)
		case f.Excerpt == "" || len(f.Excerpt) > 300 || f.Fact == "" || f.Line == "" || len(f.Settings) == 0:
			t.Errorf("%d: %+v lacks something", i, f)
		case !slices.Contains([]string{"yes", "no", "at-reset", "unknown"}, f.Settable):
			t.Errorf("%d: settable %q", i, f.Settable)
		}
		for _, s := range f.Settings {
			if !slices.Contains(names, s) {
				t.Errorf("%d: there is no setting %q", i, s)
			}
		}
	}
	if len(all) < 100 {
		t.Errorf("%d facts: this looks at nothing", len(all))
	}
	holdWhole(t, filepath.Join("..", "..", "docs", "bmc-sources.md"), sources(all))
}

// standingOf is what the facts say of a cell.
type standingOf string

const (
	assumed    standingOf = ""  // nothing was found
	documented standingOf = "†" // somebody says the same
	otherwise  standingOf = "‡" // somebody says that it is settable another way than raiz knows
)

// agree holds a cell against what is documented of its line. None says that what
// is set can be set nowhere.
func agree(t *testing.T, line, name string, status bmc.Status, all []fact) standingOf {
	t.Helper()
	var says []string
	for _, f := range all {
		if f.Line == line && f.Settable != "unknown" && slices.Contains(f.Settings, name) {
			says = append(says, f.Settable)
		}
	}
	yes, later := slices.Contains(says, "yes"), slices.Contains(says, "at-reset")
	settable := yes || later
	is := status == bmc.Done || status == bmc.Pending
	ofServer := slices.Contains([]string{bmc.Boot, bmc.BootOrder, bmc.PowerPolicy}, name) // the manager resets itself for others
	switch {
	case len(says) == 0:
		return assumed
	case status == bmc.Done && ofServer && !yes:
		return otherwise
	case is == settable, !is && slices.Contains(says, "no"):
		return documented
	case is:
		t.Errorf("%s of %s is set, and its vendor says that it cannot be", name, line)
	}
	return otherwise
}

// sources words the facts for docs/bmc-sources.md.
func sources(all []fact) string {
	var b strings.Builder
	b.WriteString(`# What is documented of which BMC

Made by ` + "`TestFacts`" + ` of ` + "`provision/bmc`" + ` from ` + "`testdata/facts.json`" + `, which has an excerpt of each source. None of it was tried on
hardware by us. ` + "`docs/bmc.md`" + ` marks with † what one of these says as well.

`)
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b fact) int {
		return strings.Compare(a.Line+" "+a.Settings[0], b.Line+" "+b.Settings[0])
	})
	line := ""
	for _, f := range sorted {
		if f.Line != line {
			line = f.Line
			fmt.Fprintf(&b, "## %s\n\n", line)
		}
		firmware := ""
		if f.Firmware != "" {
			firmware = " (" + f.Firmware + ")"
		}
		fmt.Fprintf(&b, "- **%s**%s: %s [source](%s)\n", strings.Join(f.Settings, ", "), firmware, f.Fact, f.URL)
		if next := slices.IndexFunc(sorted, func(o fact) bool { return o.Line > line }); next >= 0 && sorted[next-1].Fact == f.Fact {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// holdWhole compares a document with what it has to be, or writes it.
func holdWhole(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, want, string(have))
}
