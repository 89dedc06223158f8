package observation

import (
	"regexp"
	"strconv"
	"strings"
)

var digits = regexp.MustCompile(`[0-9]+`)

// ASPath reads the AS numbers of a path, whatever stands between them. What is
// no AS number is left out.
func ASPath(values []string) []uint32 {
	var path []uint32
	for _, v := range values {
		for _, word := range digits.FindAllString(v, -1) {
			if n, err := strconv.ParseUint(word, 10, 32); err == nil {
				path = append(path, uint32(n))
			}
		}
	}
	return path
}

// Communities reads communities of any kind as numbers with colons between
// them: from "(65535,65281) (112, 1, 2)", from "65535:65281", and from the
// names of well-known ones (RFC 1997, RFC 7999, RFC 8326).
func Communities(values []string) []string {
	var out []string
	for _, v := range values {
		if groups := strings.Split(v, "(")[1:]; len(groups) > 0 {
			for _, group := range groups {
				inside, _, _ := strings.Cut(group, ")")
				out = append(out, strings.Join(commaOrSpace(inside), ":"))
			}
			continue
		}
		for _, word := range commaOrSpace(v) {
			out = append(out, wellKnown(word))
		}
	}
	return out
}

func commaOrSpace(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

func wellKnown(word string) string {
	switch strings.ToLower(word) {
	case "graceful-shutdown", "graceful_shutdown", "gshut":
		return "65535:0"
	case "blackhole":
		return "65535:666"
	case "no-export", "no_export":
		return "65535:65281"
	case "no-advertise", "no_advertise":
		return "65535:65282"
	case "local-as", "no-export-subconfed", "no_export_subconfed":
		return "65535:65283"
	}
	return word
}
