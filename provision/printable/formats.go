package printable

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON escapes in a JSON document what is harmful in a text: it stays the same
// document. Such characters stand inside of its strings only; what is white
// space of JSON stays.
func JSON(document []byte) []byte {
	out := make([]byte, 0, len(document))
	var c cleaner
	for i := 0; i < len(document); {
		r, n := utf8.DecodeRune(document[i:])
		switch shown := c.rune(r); {
		case r == utf8.RuneError:
			// Also where the document is not UTF-8: JSON has to be (RFC 8259 §8.1).
			out = utf8.AppendRune(out, r)
		case shown == r:
			out = append(out, document[i:i+n]...)
		case r == '\r':
			out = append(out, '\n')
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		i += n
	}
	return out
}

// XML is a text as a document of XML 1.0 may hold it: characters that it
// forbids even when escaped (§2.2), and all others that are harmful, are
// replaced. Whoever writes the document escapes the rest.
func XML(s string) string { return Lines(s) }

// Markdown is a text that stands for itself in a Markdown document: nothing in
// it begins a heading, a list, a link, a picture, a table cell or HTML. Only
// MarkdownText makes one of a text of others.
type Markdown string

// MarkdownText escapes a text as one line. Each ASCII punctuation that begins
// something may be escaped (CommonMark §2.4). What would be linked without any is broken by
// escaping its ':', '.' and '@' (GFM §6.9), and a digit at the beginning is a
// list only by the '.' or ')' behind it.
func MarkdownText(s string) Markdown {
	var b strings.Builder
	for _, r := range strings.TrimSpace(Line(s)) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@':
			b.WriteString("&#64;")
		case r < utf8.RuneSelf && strings.ContainsRune("!#$()*+-.:=[\\]^_`{|}~", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return Markdown(b.String())
}
