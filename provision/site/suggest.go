package site

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// didYouMean returns a sentence that names the nearest of the known names, or
// the one whose last part it is, with a space before it, or all of them where
// none is near and they are few.
func didYouMean(given string, known []string) string {
	// Less than 3 is what hcl itself takes for its suggestions; of a short
	// word that would be all letters.
	best, least := "", min(3, len(given)/2+1)
	for _, k := range known {
		if d := levenshtein.Distance(strings.ToLower(given), strings.ToLower(k), nil); d < least {
			best, least = k, d
		}
		if strings.HasSuffix(k, "."+given) {
			best, least = k, 0
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf(" Did you mean %q?", best)
	case len(known) > 0 && len(known) <= 16:
		return fmt.Sprintf(" Known are: %s.", strings.Join(known, ", "))
	}
	return ""
}
