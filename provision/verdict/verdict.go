package verdict

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Code names what is said, such as "dns.zone.refused". It never changes its
// meaning; what means something else gets another.
type Code string

// Message is one thing that is said. The zero Message says nothing.
type Message struct {
	Code Code
	Args []Arg
}

// New says a code with its arguments.
func New(code Code, args ...Arg) Message { return Message{Code: code, Args: args} }

// IsZero reports whether nothing is said.
func (m Message) IsZero() bool { return m.Code == "" }

// Arg returns the argument of a name.
func (m Message) Arg(name string) (Arg, bool) {
	i := slices.IndexFunc(m.Args, func(a Arg) bool { return a.name == name })
	if i < 0 {
		return Arg{}, false
	}
	return m.Args[i], true
}

// Without is the message without one of its arguments: what two have in common
// that differ in it alone.
func (m Message) Without(name string) Message {
	return Message{m.Code, slices.DeleteFunc(slices.Clone(m.Args), func(a Arg) bool { return a.name == name })}
}

// Equal reports whether both say the same of the same.
func (m Message) Equal(other Message) bool {
	return m.Code == other.Code && slices.EqualFunc(m.Args, other.Args, Arg.Equal)
}

// String is the canonical text: the code and each argument as name=value. It
// is for logs and tests; people are given words.
func (m Message) String() string {
	words := []string{string(m.Code)}
	for _, a := range m.Args {
		text := a.String()
		if text == "" || strings.ContainsAny(text, " \"=") {
			text = strconv.Quote(text)
		}
		words = append(words, a.name+"="+text)
	}
	return strings.Join(words, " ")
}

// MarshalJSON writes the code and the arguments by name.
func (m Message) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Code Code           `json:"code"`
		Args map[string]Arg `json:"args,omitempty"`
	}{m.Code, m.ByName()})
}

// ByName are the arguments by name, nil for none.
func (m Message) ByName() map[string]Arg {
	if len(m.Args) == 0 {
		return nil
	}
	out := map[string]Arg{}
	for _, a := range m.Args {
		out[a.name] = a
	}
	return out
}

// Text is the canonical text of several messages.
func Text(ms []Message) string {
	var out []string
	for _, m := range ms {
		out = append(out, m.String())
	}
	return strings.Join(out, "; ")
}
