package site

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/raiz-dns/raiz/provision/nesting"
)

// source is the text of one file.
type source struct {
	name string
	text []byte
	// hidden are the lines that are in no Diagnostic, because they may hold
	// a password somebody typed in. inspect finds them.
	hidden []lines
	// begins is where each line begins, and secret which of them are hidden:
	// a file may have a problem on each of its lines.
	begins []int
	secret []bool
}

// lines are the first and the last of some lines, counted from 1.
type lines struct{ first, last int }

// longestLine bounds the snippet of a Diagnostic, in bytes.
const longestLine = 200

// line returns the line a position is on, or "" when that line may hold a
// password somebody typed in.
func (s *source) line(at Pos) string {
	if s == nil || at.File != s.name || at.Line < 1 {
		return ""
	}
	s.index()
	if at.Line > len(s.begins) || s.secret[at.Line-1] {
		return ""
	}
	rest := s.text[s.begins[at.Line-1]:]
	// Clipped twice: what is looked at is no longer than what is shown.
	line, _, _ := bytes.Cut(rest[:min(len(rest), longestLine+utf8.UTFMax)], []byte("\n"))
	if whole := bytes.TrimSuffix(line, []byte("\r")); utf8.Valid(whole) {
		return clip(string(whole))
	}
	return cutRune(line)
}

// cutRune drops the rune that a long line was cut in; a line that is not text
// anywhere else is not shown.
func cutRune(line []byte) string {
	for n := 1; n < utf8.UTFMax && n < len(line); n++ {
		if cut := line[:len(line)-n]; len(line) > longestLine && utf8.Valid(cut) {
			return clip(string(cut))
		}
	}
	return ""
}

// index finds the lines, once.
func (s *source) index() {
	if s.begins != nil {
		return
	}
	s.begins = []int{0}
	for i, b := range s.text {
		if b == '\n' {
			s.begins = append(s.begins, i+1)
		}
	}
	s.secret = make([]bool, len(s.begins))
	for _, l := range s.hidden {
		for i := max(l.first, 1); i <= min(l.last, len(s.secret)); i++ {
			s.secret[i-1] = true
		}
	}
}

func clip(line string) string {
	if len(line) <= longestLine {
		return line
	}
	end := longestLine
	for !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end] + "…"
}

// typedSecrets returns the lines of the values of secret arguments that hold
// literal text. It looks at tokens, not at the parsed file, so that it also
// covers a file with a syntax error.
func typedSecrets(tokens hclsyntax.Tokens) []lines {
	var out []lines
	out = append(out, typedKeys(tokens)...)
	for i := 0; i < len(tokens); i++ {
		tok := tokens[i]
		if !setsSecret(tokens, i) {
			continue
		}
		// What is inside a value is hidden with it or holds no text: it is
		// looked at once.
		value := valueTokens(tokens[i+2:])
		i += 1 + len(value)
		if referencesOnly(value) && !setsInside(value) {
			continue
		}
		out = append(out, lines{tok.Range.Start.Line, value[len(value)-1].Range.End.Line})
	}
	return out
}

// typedKeys returns the lines of private keys, wherever somebody has put one.
func typedKeys(tokens hclsyntax.Tokens) []lines {
	var out []lines
	open := 0
	for _, tok := range tokens {
		first, last := tok.Range.Start.Line, tok.Range.End.Line
		if bytes.Contains(tok.Bytes, []byte("-----BEGIN ")) && bytes.Contains(tok.Bytes, []byte("PRIVATE KEY")) {
			open = first
		}
		if open > 0 && (bytes.Contains(tok.Bytes, []byte("-----END ")) || tok.Type == hclsyntax.TokenCQuote || tok.Type == hclsyntax.TokenEOF) {
			out, open = append(out, lines{open, last}), 0
		}
	}
	return out
}

func assigns(t hclsyntax.TokenType) bool {
	return t == hclsyntax.TokenEqual || t == hclsyntax.TokenColon
}

// namesSecret reports whether a token is, or ends in, the name of a secret
// argument; locals such as bmc_password count.
func namesSecret(tok hclsyntax.Token) bool {
	if tok.Type != hclsyntax.TokenIdent && tok.Type != hclsyntax.TokenQuotedLit {
		return false
	}
	name := strings.ToLower(string(tok.Bytes))
	return strings.HasSuffix(name, "password") || strings.HasSuffix(name, "secret") ||
		strings.HasSuffix(name, "passphrase")
}

// valueTokens returns the tokens up to the newline that ends the value.
func valueTokens(tokens hclsyntax.Tokens) hclsyntax.Tokens {
	depth := 0
	for i, tok := range tokens {
		depth += nesting.Bracket(tok.Type)
		if depth < 0 || (depth == 0 && tok.Type == hclsyntax.TokenNewline) {
			return tokens[:i]
		}
	}
	return tokens
}

// referencesOnly reports whether the value is a call of a function that looks
// a secret up, or a reference, and holds no other text.
func referencesOnly(value hclsyntax.Tokens) bool {
	if len(value) == 0 {
		return true
	}
	if value[0].Type != hclsyntax.TokenIdent {
		return false
	}
	call, depth := callsFirst(value), 0
	for i, tok := range value {
		depth += nesting.Bracket(tok.Type)
		switch tok.Type {
		case hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenNumberLit:
			if !call || i < 2 {
				return false
			}
		case hclsyntax.TokenCParen:
			if call && depth == 0 && i != len(value)-1 && value[i+1].Type != hclsyntax.TokenComment {
				return false
			}
		}
	}
	return true
}

// callsFirst reports whether a value begins with a call that looks something up.
func callsFirst(value hclsyntax.Tokens) bool {
	return len(value) > 1 && value[1].Type == hclsyntax.TokenOParen && slices.Contains(lookupNames(), string(value[0].Bytes))
}

// setsSecret reports whether the token at i is given a value, and names a secret.
func setsSecret(tokens hclsyntax.Tokens, i int) bool {
	return i+1 < len(tokens) && assigns(tokens[i+1].Type) && namesSecret(tokens[i])
}

// setsInside reports whether a call gives a secret a value, which is no HCL, and
// what people type by mistake.
func setsInside(value hclsyntax.Tokens) bool {
	for i := range value {
		if callsFirst(value) && setsSecret(value, i) {
			return true
		}
	}
	return false
}
