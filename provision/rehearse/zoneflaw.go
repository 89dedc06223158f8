//go:build linux

package rehearse

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Flaw is what Corrupt does to a zone that has just been signed well.
type Flaw string

// The flaws.
const (
	FlawRecord    Flaw = "record"    // a signed record is another: a signature and the ZONEMD do not fit
	FlawGlue      Flaw = "glue"      // an address below a delegation is another: only the ZONEMD tells
	FlawZONEMD    Flaw = "zonemd"    // the ZONEMD itself is another
	FlawTruncated Flaw = "truncated" // the last third is not there
)

// Flaws returns all of them, the first being the usual one.
func Flaws() []Flaw { return []Flaw{FlawRecord, FlawGlue, FlawZONEMD, FlawTruncated} }

// damage puts a flaw into a signed zone, which has one record a line.
func damage(text string, flaw Flaw) (string, error) {
	lines := slices.Collect(strings.Lines(text))
	i := -1
	switch flaw {
	case FlawRecord:
		for _, kind := range []string{"DS", "TXT", "A"} {
			if i = lastOf(lines, kind); i >= 0 {
				break
			}
		}
	case FlawGlue:
		i = lastGlue(lines)
	case FlawZONEMD:
		i = lastOf(lines, "ZONEMD")
	case FlawTruncated:
		return strings.Join(lines[:len(lines)*2/3], ""), nil
	default:
		return "", fmt.Errorf("no flaw %q: there are %q", flaw, Flaws())
	}
	if i < 0 {
		return "", errors.New("it has no record that this flaw could be put in")
	}
	lines[i] = otherDigit(lines[i])
	return strings.Join(lines, ""), nil
}

// fields splits a line of a signed zone into owner, TTL, class, type, data.
func fields(line string) []string {
	f := strings.Fields(line)
	if len(f) > 5 {
		f = append(f[:4:4], strings.Join(f[4:], " "))
	}
	return f
}

func lastOf(lines []string, kind string) int {
	for i := len(lines) - 1; i >= 0; i-- {
		if f := fields(lines[i]); len(f) == 5 && f[3] == kind {
			return i
		}
	}
	return -1
}

// lastGlue finds an address without a signature.
func lastGlue(lines []string) int {
	signed := map[string]bool{}
	for _, l := range lines {
		if f := fields(l); len(f) == 5 && f[3] == "RRSIG" && strings.HasPrefix(f[4], "A ") {
			signed[f[0]] = true
		}
	}
	for i := len(lines) - 1; i >= 0; i-- {
		if f := fields(lines[i]); len(f) == 5 && f[3] == "A" && !signed[f[0]] {
			return i
		}
	}
	return -1
}

// otherDigit changes the last digit of a record, which may be a hexadecimal
// one or within quotes.
func otherDigit(line string) string {
	i := strings.LastIndexAny(line, "0123456789abcdef")
	if i < 0 {
		return line
	}
	other := "1"
	if line[i] == '1' {
		other = "2"
	}
	return line[:i] + other + line[i+1:]
}
