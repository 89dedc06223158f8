// Package secret holds values that must not be printed.
//
// A Value carries a password or a key from where it was looked up to the one
// place it is for. Every way of printing, formatting or encoding it gives
// "(secret)"; only Reveal gives the text, so that a search for Reveal lists
// every place a secret can leave from.
//
// A Value may also be known only by its source: `raiz validate` needs no
// secret to be present, and of two hundred sites in a folder only the one that
// is planned has its secrets looked up. Such a value is looked up when somebody
// asks for its Err. Reveal of one that has an error panics: whoever needs the
// text checks first.
package secret

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// redacted is what every printed form of a secret shows.
const redacted = "(secret)"

// Value is a secret, or the promise of one. The zero Value is no secret at
// all: IsZero tells it from an empty secret.
type Value struct {
	source  string // as written in the site file: env("NAME")
	text    string
	missing error
	set     bool
	later   func() (string, error) // finds the text once, when it is needed
}

// New returns a secret with its text. source says where it came from, in the
// words of the site file, and is safe to print.
func New(source, text string) Value {
	return Value{source: source, text: text, set: true}
}

// Missing returns a secret whose text could not be looked up, because of err.
func Missing(source string, err error) Value {
	if err == nil {
		panic("secret: Missing needs an error")
	}
	return Value{source: source, missing: err, set: true}
}

// Later returns a secret that find looks up, once, when it is first needed. An
// error of find must not repeat the text.
func Later(source string, find func() (string, error)) Value {
	return Value{source: source, set: true, later: sync.OnceValues(func() (string, error) {
		text, err := find()
		if err == nil && text == "" {
			err = errors.New("it is empty")
		}
		return text, err
	})}
}

// found is the value once it has been looked up.
func (v Value) found() Value {
	if v.later == nil {
		return v
	}
	text, err := v.later()
	if err != nil {
		return Missing(v.source, err)
	}
	return New(v.source, text)
}

// IsZero reports whether no secret was declared.
func (v Value) IsZero() bool { return !v.set }

// Source says where the secret comes from; it is safe to print.
func (v Value) Source() string { return v.source }

// Err returns why the text is not there, or nil when it is. It looks the text
// up where that has not been done yet.
func (v Value) Err() error { return v.found().missing }

// Reveal returns the text. It panics for a value whose text is missing: that
// is a bug of the caller, who has to look at Err first.
func (v Value) Reveal() string {
	if v = v.found(); v.missing != nil {
		panic("secret: " + v.source + " revealed before it was looked up")
	}
	return v.text
}

// Equal compares in constant time.
func (v Value) Equal(o Value) bool {
	v, o = v.found(), o.found()
	return v.set == o.set && (v.missing == nil) == (o.missing == nil) &&
		subtle.ConstantTimeCompare([]byte(v.text), []byte(o.text)) == 1
}

// String implements fmt.Stringer without the text.
func (Value) String() string { return redacted }

// GoString keeps %#v from printing the fields.
func (Value) GoString() string { return redacted }

// Format covers every verb, also those that would bypass String.
func (Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON implements json.Marshaler without the text.
func (Value) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalText implements encoding.TextMarshaler without the text.
func (Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer without the text.
func (Value) LogValue() slog.Value { return slog.StringValue(redacted) }
