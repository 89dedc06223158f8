//go:build linux

package provision_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/harm"
)

var updateHarm = flag.Bool("update-harm", false, "write docs/verify.md of a whole TestHarm")

// harmDoc writes what verify has said of each harm.
func harmDoc(t *testing.T, all []seen, skipped map[string]string) {
	t.Helper()
	var b strings.Builder
	b.WriteString(`# What verify sees

Made by ` + "`make harm`" + `: a rehearsed root copy (NSD, BIRD, two routers, a simulated OpenBMC) is harmed in one way after the
other, as somebody at a shell would do it, and put right again. One harm is generated for each thing that the site wants
(` + "`provision/harm`" + `); the others are a table (` + "`provision/testdata/harm.json`" + `). Neither knows how verify looks.

A harm is **named** where a check says no that is about it. *Alone* is what a site sees that has a way to neither the host's
router nor the outside: any check that says no, of what the server and the BMC tell.

| class | harms | named | alone |
|---|---|---|---|
`)
	classes := map[harm.Class][3]int{}
	var total [3]int
	for _, s := range all {
		c := classes[s.Class]
		for i, yes := range []bool{true, s.Named, len(s.Alone) > 0} {
			if yes {
				c[i]++
				total[i]++
			}
		}
		classes[s.Class] = c
	}
	for _, class := range slices.Sorted(maps.Keys(classes)) {
		c := classes[class]
		fmt.Fprintf(&b, "| %s | %d | %d | %d |\n", class, c[0], c[1], c[2])
	}
	fmt.Fprintf(&b, "| all | %d | %d (%.0f %%) | %d (%.0f %%) |\n", total[0], total[1], 100*float64(total[1])/float64(total[0]), total[2], 100*float64(total[2])/float64(total[0]))
	b.WriteString("\n## Not named\n\n")
	for _, s := range all {
		if !s.Named {
			fmt.Fprintf(&b, "- %s: %s\n", s.Name, s.Missed)
		}
	}
	b.WriteString("\n## Not done\n\n")
	for _, key := range slices.Sorted(maps.Keys(skipped)) {
		fmt.Fprintf(&b, "- %s: %s\n", key, skipped[key])
	}
	b.WriteString("\n## Each\n\n| harm | what says no | alone |\n|---|---|---|\n")
	for _, s := range all {
		alone := "yes"
		if len(s.Alone) == 0 {
			alone = "no"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", s.Name, strings.Join(checksOf(s), ", "), alone)
	}
	if err := os.WriteFile("../docs/verify.md", []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// checksOf are the first few checks that said no, those that are about the harm
// first.
func checksOf(s seen) []string {
	var out []string
	for _, r := range s.Red {
		id, _, _ := strings.Cut(r, " ")
		out = append(out, "`"+id+"`")
	}
	const few = 4
	if len(out) > few {
		return append(out[:few:few], fmt.Sprintf("%d more", len(out)-few))
	}
	return out
}
