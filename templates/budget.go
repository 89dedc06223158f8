package templates

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"
)

// What one template may take.
const (
	maxText  = 4 << 20   // bytes of a file, or of one text on the way to it
	maxMade  = 64 << 20  // bytes of all texts on the way
	maxNodes = 1_000_000 // steps of text/template, some seconds at most
	maxWidth = 1000      // characters to which printf fills up
)

var (
	errText   = fmt.Errorf("a template makes more than %d MiB", maxText>>20)
	errBudget = errors.New("a template takes too many steps: a list is looked through for each of another one")
)

// spend is the function by which a template pays. Its name is none that
// somebody chooses by chance.
const spend = "_raiz_spend"

// budget is what one run of a template has taken. It is the writer of what
// the template makes, too.
type budget struct {
	nodes, made int
	out         strings.Builder
}

// Write implements io.Writer.
func (b *budget) Write(p []byte) (int, error) {
	if b.out.Len()+len(p) > maxText {
		return 0, errText
	}
	return b.out.Write(p)
}

func (b *budget) spend(nodes int) (string, error) {
	if b.nodes += max(nodes, 1); b.nodes > maxNodes {
		return "", errBudget
	}
	return "", nil
}

// text is a text that a function has made.
func (b *budget) text(s string) (string, error) {
	if b.made += len(s); len(s) > maxText || b.made > maxMade {
		return "", errText
	}
	return s, nil
}

// fits refuses before they are put together what would be too large.
func fits(times int, args []any) error {
	total := 0
	for _, a := range args {
		if s, ok := a.(string); ok {
			total += len(s)
		}
	}
	if times*(total+maxWidth) > 2*maxText {
		return errText
	}
	return nil
}

// printer is a function of text/template that puts texts together, within the
// budget.
func (b *budget) printer(made func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) {
		if err := fits(1, args); err != nil {
			return "", err
		}
		return b.text(made(args...))
	}
}

var tooWide = regexp.MustCompile(`%[-+# 0.\[\]\d]*(\d{4}|\*)`)

func (b *budget) printf(format string, args ...any) (string, error) {
	if tooWide.MatchString(format) {
		return "", fmt.Errorf("printf %.40q: a width has three digits at most", format)
	}
	if err := fits(1+strings.Count(format, "%"), append(args, format)); err != nil {
		return "", err
	}
	return b.text(fmt.Sprintf(format, args...))
}

// functions are what templates have: those of text/template that make a text
// within the budget, and ours besides.
func (b *budget) functions() template.FuncMap {
	return template.FuncMap{
		spend:      b.spend,
		"print":    b.printer(fmt.Sprint),
		"println":  b.printer(fmt.Sprintln),
		"html":     b.printer(template.HTMLEscaper),
		"js":       b.printer(template.JSEscaper),
		"urlquery": b.printer(template.URLQueryEscaper),
		"printf":   b.printf,
		"join": func(separator string, list any) (string, error) {
			s, err := joined(separator, list)
			if err != nil {
				return "", err
			}
			return b.text(s)
		},
		"sh":    func(words []string) (string, error) { return b.text(shellWords(words)) },
		"quote": func(word string) (string, error) { return b.text(shellWords([]string{word})) },
		"txt":   func(text string) (string, error) { return b.text(characterStrings(text)) },
	}
}
