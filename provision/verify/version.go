package verify

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// version is what a controller writes of its firmware, taken apart: "iLO 5 v2.72
// Jun 2023", "GB200Nvl-24.12-8", "2.14.0-dev-686-g100c36de90".
type version struct {
	product string   // what stands before the numbers: "iLO 5", "GB200Nvl"
	parts   []string // between dots
	stage   string   // such as "dev", which comes before the release
	commits string   // digits: since that tag, or the revision of a package
	rest    string   // what stands behind, such as a date
}

// parseVersion reports by ok whether there are numbers to compare. They are the
// one word with a dot in it, or the one that is a number and no part of a date: of
// two nobody knows which is the version.
func parseVersion(text string) (v version, ok bool) {
	words := strings.Fields(text)
	at, ok := theNumber(words)
	if !ok {
		return version{}, false
	}
	glued, n, _ := numbers(words[at])
	product := append(words[:at:at], strings.Fields(glued)...)
	if slices.ContainsFunc(product, early) {
		return version{}, false // "beta 9.99" may be of 9.99 or of what comes after
	}
	v.product = strings.Join(product, " ")
	n, tail, _ := strings.Cut(n, "-")
	v.parts = strings.Split(n, ".")
	if tail != "" {
		v.stage, v.commits = staged(tail)
	}
	rest := words[at+1:]
	if len(rest) > 0 && v.stage == "" && early(rest[0]) {
		v.stage, rest = bare(rest[0]), rest[1:]
		if len(rest) > 0 && v.commits == "" && digits(bare(rest[0])) {
			v.commits, rest = bare(rest[0]), rest[1:]
		}
	}
	v.rest = strings.Join(rest, " ")
	return v, true
}

// theNumber is the place of the word that has the numbers.
func theNumber(words []string) (at int, ok bool) {
	var plain, dotted []int
	for i, w := range words {
		_, n, found := numbers(strings.Trim(w, "()[],;"))
		_, date := dated(strings.Join(words[i:], " "))
		_, month := dated(strings.Join(words[max(i-1, 0):], " "))
		_, day := dated(strings.Join(words[max(i-2, 0):], " "))
		switch {
		case !found:
		case strings.Contains(n, "."):
			dotted = append(dotted, i)
		case !date && !month && !day:
			plain = append(plain, i)
		}
	}
	if len(dotted) > 0 {
		plain = dotted
	}
	if len(plain) != 1 {
		return 0, false
	}
	return plain[0], true
}

// numbers splits a word into a product that is glued to it with a hyphen, and
// what begins with a digit.
func numbers(word string) (product, rest string, ok bool) {
	rest = word
	if !digit(strings.TrimLeft(word, "vV")) {
		product, rest, ok = strings.Cut(word, "-")
		if !ok {
			return "", "", false
		}
	}
	rest = strings.TrimLeft(rest, "vV")
	return product, rest, digit(rest)
}

func digit(s string) bool { return s != "" && s[0] >= '0' && s[0] <= '9' }

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// staged takes what follows the numbers apart: "dev-686-g100c36de90" is 686
// commits after the tag "dev", by git describe; "8" is a revision.
func staged(tail string) (stage, commits string) {
	words := strings.Split(tail, "-")
	if n := len(words); n >= 2 && digits(words[n-2]) && strings.HasPrefix(words[n-1], "g") {
		words = words[:n-1]
	}
	if n := len(words); digits(words[n-1]) {
		words, commits = words[:n-1], words[n-1]
	}
	if len(words) == 0 {
		return "", commits
	}
	return bare(strings.Join(words, "-")), commits
}

// bare is a word without what stands round it.
func bare(word string) string { return strings.ToLower(strings.Trim(word, "()[],;")) }

// early reports a stage that comes before its release, whatever number it has.
func early(stage string) bool {
	first, _, _ := strings.Cut(bare(stage), "-")
	return slices.Contains([]string{"dev", "rc", "alpha", "beta", "pre", "preview", "prerelease", "snapshot"}, strings.TrimRight(first, "0123456789."))
}

// compareVersions is negative where have is older than want. ok is false where
// nobody can tell.
func compareVersions(have, want string) (order int, ok bool) {
	if strings.EqualFold(strings.Join(strings.Fields(have), " "), strings.Join(strings.Fields(want), " ")) {
		return 0, true
	}
	h, can := parseVersion(have)
	w, may := parseVersion(want)
	if !can || !may || w.product != "" && !strings.EqualFold(h.product, w.product) {
		return 0, false
	}
	for i := range max(len(h.parts), len(w.parts)) {
		a, b := part(h.parts, i), part(w.parts, i)
		if c, ok := compareParts(a, b); c != 0 || !ok {
			return c, ok
		}
	}
	if h.stage != w.stage {
		switch {
		case early(h.stage) && w.stage == "":
			return -1, true
		case early(w.stage) && h.stage == "":
			return 1, true
		}
		return 0, false
	}
	if c := compareDigits(h.commits, w.commits); c != 0 {
		return c, true
	}
	return compareRest(h.rest, w.rest)
}

// part is one between dots; what is not there is zero.
func part(parts []string, i int) string {
	if i < len(parts) {
		return parts[i]
	}
	return "0"
}

// compareParts compares what stands between two dots: a number, which may have
// one letter behind it, as Supermicro's "3.4a" has. Whether "3.4" is older than
// "3.4a" nobody says.
func compareParts(a, b string) (int, bool) {
	if strings.EqualFold(a, b) {
		return 0, true
	}
	n, l := lettered(a)
	m, k := lettered(b)
	if !digits(n) || !digits(m) {
		return 0, false
	}
	if c := compareDigits(n, m); c != 0 {
		return c, true
	}
	return strings.Compare(l, k), (l == "") == (k == "")
}

func lettered(part string) (number, letter string) {
	end := len(part) - 1
	if l := strings.ToLower(part[max(end, 0):]); end > 0 && l >= "a" && l <= "z" {
		return part[:end], l
	}
	return part, ""
}

// compareDigits compares numbers of any length.
func compareDigits(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// compareRest compares what stands behind the same numbers: nothing, the same, or
// dates. A date where none is wanted says nothing; other words may say anything.
func compareRest(have, want string) (int, bool) {
	if strings.EqualFold(have, want) {
		return 0, true
	}
	h, can := dated(have)
	w, may := dated(want)
	if can && want == "" {
		return 0, true
	}
	return h.Compare(w), can && may
}

func dated(text string) (time.Time, bool) {
	for _, form := range []string{"Jan 2006", "Jan 2 2006", "Jan 02 2006", time.DateOnly, "(01/02/2006)", "01/02/2006"} {
		if t, err := time.Parse(form, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}
