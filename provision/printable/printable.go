// Package printable makes text of others fit for people: what a terminal would
// obey, what turns the direction of reading around, what nobody can see and
// what is no text at all is shown as U+FFFD. It is the only one to do so, and
// Writer is the only way to a terminal or a log.
package printable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// What others say is cut: a line to so many characters, and a text to so many
// lines.
const (
	MaxLine  = 4000
	MaxLines = 1000
)

// maxMarks is how many marks one character may carry. No script needs more, and
// a hundred of them reach into the lines above.
const maxMarks = 4

const (
	instead = '\uFFFD' // of what is not shown
	cut     = "…"      // where more stood
)

// harmful reports whether a character is no part of a text that one reads:
// control characters, C1 too, since terminals of eight bits take U+009B for
// ESC [ (ECMA-48 §5.3); what has no form of its own, such as U+202E (UAX #9) and
// U+200B; what ends a line and is no newline; what Unicode has not assigned.
func harmful(r rune) bool {
	switch {
	case r == ' ':
		return false
	case r == utf8.RuneError || !unicode.IsPrint(r):
		return true
	}
	// Some that have no form are letters or marks, such as U+3164.
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// blank are the spaces that are not ' ': they would pass for one.
func blank(r rune) bool { return r == '\t' || unicode.Is(unicode.Zs, r) }

// Line is a text as one line.
func Line(s string) string { return Short(s, MaxLine) }

// Short is a text as one line of at most so many characters, and a mark where
// more stood.
func Short(s string, most int) string {
	var c cleaner
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == most {
			b.WriteString(cut)
			break
		}
		if r = c.rune(r); r == '\n' {
			r = instead
		}
		if r == '\t' {
			r = ' '
		}
		if r >= 0 {
			b.WriteRune(r)
			n++
		}
	}
	return b.String()
}

// Lines is what has lines of its own: they stay lines, and tabs stay in them.
// An end of line of Windows is one.
func Lines(s string) string {
	var out []string
	for line := range strings.SplitSeq(strings.TrimRight(s, "\r\n"), "\n") {
		if len(out) == MaxLines {
			out = append(out, cut)
			break
		}
		line = Text(strings.TrimRight(line, "\r"))
		if r := []rune(line); len(r) > MaxLine {
			line = string(r[:MaxLine]) + cut
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// Quoted is Lines for behind what is ours: what is not its first line shows
// that it goes on, since a line may be a command to whoever reads a log.
func Quoted(s string) string { return strings.ReplaceAll(Lines(s), "\n", "\n  | ") }

// Text is a text with its lines and tabs, and nothing cut: what somebody
// reviews has to be whole.
func Text(s string) string {
	var c cleaner
	return strings.Map(c.rune, s)
}

// cleaner cleans characters in turn.
type cleaner struct{ marks int }

// rune is what is shown of a character; -1 is nothing.
func (c *cleaner) rune(r rune) rune {
	if unicode.Is(unicode.M, r) && !harmful(r) {
		if c.marks++; c.marks > maxMarks {
			return -1
		}
		return r
	}
	c.marks = 0
	switch {
	case r == '\n' || r == '\t':
		return r
	case blank(r):
		return ' '
	case harmful(r):
		return instead
	}
	return r
}
