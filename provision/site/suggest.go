package site

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// didYouMean returns a sentence that names the nearest of the known names,
// with a space before it, or all of them where none is near and they are few.
func didYouMean(given string, known []string) string {
	best, least := "", 3 // the distance hcl itself takes for its suggestions
	for _, k := range known {
		if d := levenshtein.Distance(strings.ToLower(given), strings.ToLower(k), nil); d < least {
			best, least = k, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf(" Did you mean %q?", best)
	case len(known) > 0 && len(known) <= 12:
		return fmt.Sprintf(" Known are: %s.", strings.Join(known, ", "))
	}
	return ""
}
