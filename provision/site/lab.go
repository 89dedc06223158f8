package site

import (
	"fmt"
	"slices"
	"strings"
)

// documentationRule is the rule of everything that only a lab may use.
const documentationRule = "addr-documentation"

// shownUses is how many places are named when many have one cause.
const shownUses = 6

// oneCause makes one problem of all those that a single lab = true would
// solve: thirty of them bury the two that are real.
func (c *converter) oneCause() {
	isOne := func(d Diagnostic) bool { return d.Rule == documentationRule }
	var uses []string
	for _, d := range c.diags {
		if isOne(d) {
			what, _, _ := strings.Cut(d.Detail, " ")
			uses = append(uses, fmt.Sprintf("%s (line %d)", what, d.Pos.Line))
		}
	}
	if len(uses) < 2 {
		return
	}
	c.diags = slices.DeleteFunc(c.diags, isOne)
	more := ""
	if n := len(uses) - shownUses; n > 0 {
		uses, more = uses[:shownUses], fmt.Sprintf(", and %d more", n)
	}
	c.failAt("site", problem{documentationRule, "documentation addresses", fmt.Sprintf(
		"Set aside for documentation are %s%s. Write the real ones, or lab = true in a site that is only rehearsed.", strings.Join(uses, ", "), more)})
}
