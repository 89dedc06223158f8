package printable

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"unicode/utf8"
)

// Style is how something looks on a terminal.
type Style uint8

// The styles. Green is as it should be, yellow is about to change or worth a
// look, red is wrong.
const (
	Plain Style = iota
	Green
	Yellow
	Red
	Dim
	Bold
)

// code is the parameter of SGR (ECMA-48 §8.3.117).
func (s Style) code() string {
	return [...]string{Plain: "0", Green: "32", Yellow: "33", Red: "31", Dim: "2", Bold: "1"}[s]
}

// Span is a text and how it looks. What is painted is told by its type, never
// by what stands in a text.
type Span struct {
	Style Style
	Text  string
}

// Palette says whether what is written has colours.
type Palette uint8

// The palettes.
const (
	Monochrome Palette = iota // for pipes, logs and NO_COLOR
	Colours                   // for terminals
)

// Writer is the way to a terminal or a log. Newlines and tabs pass; nothing
// else that a terminal obeys does, wherever a text was cut into writes.
type Writer struct {
	to      io.Writer
	palette Palette

	mu    sync.Mutex
	clean cleaner
	part  []byte // of a character whose rest is still to come
}

// NewWriter returns the way to w.
func NewWriter(w io.Writer, p Palette) *Writer { return &Writer{to: w, palette: p} }

// To returns w where it is such a way already, and else one to it.
func To(w io.Writer) *Writer {
	if already, is := w.(*Writer); is {
		return already
	}
	return NewWriter(w, Monochrome)
}

// Palette says whether spans get their colours.
func (w *Writer) Palette() Palette { return w.palette }

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := append(w.part, p...)
	w.part = nil
	if n := unfinished(text); n > 0 {
		w.part = bytes.Clone(text[len(text)-n:])
		text = text[:len(text)-n]
	}
	if _, err := io.WriteString(w.to, strings.Map(w.clean.rune, string(text))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Spans writes one line.
func (w *Writer) Spans(line ...Span) error {
	var b strings.Builder
	for _, s := range line {
		text := strings.ReplaceAll(Text(s.Text), "\n", string(instead))
		if w.palette == Colours && s.Style != Plain && text != "" {
			text = "\x1b[" + s.Style.code() + "m" + text + "\x1b[" + Plain.code() + "m"
		}
		b.WriteString(text)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w.to, b.String()+"\n")
	return err
}

// Flush writes what is left of a character that never came to its end.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush()
}

func (w *Writer) flush() error {
	if len(w.part) == 0 {
		return nil
	}
	w.part = nil
	_, err := io.WriteString(w.to, string(instead))
	return err
}

// unfinished is how many bytes at the end may be the beginning of a character.
func unfinished(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if b := text[len(text)-n]; utf8.RuneStart(b) {
			if utf8.FullRune(text[len(text)-n:]) {
				return 0
			}
			return n
		}
	}
	return 0
}
