// Package secret holds values that must not be printed.
//
// A Value carries a password or a key from where it was looked up to the one
// place it is for. Every way of printing, formatting or encoding it gives
// "(secret)"; only Reveal gives the text, so that a search for Reveal lists
// every place a secret can leave from.
//
// A Value may also be known only by its source: `raiz validate` needs no
// secret to be present. Such a value has a Missing error, and Reveal of it
// panics: whoever needs the text checks first.
package secret

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
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

// IsZero reports whether no secret was declared.
func (v Value) IsZero() bool { return !v.set }

// Source says where the secret comes from; it is safe to print.
func (v Value) Source() string { return v.source }

// Err returns why the text is not there, or nil when it is.
func (v Value) Err() error { return v.missing }

// Reveal returns the text. It panics for a value whose text is missing: that
// is a bug of the caller, who has to look at Err first.
func (v Value) Reveal() string {
	if v.missing != nil {
		panic("secret: " + v.source + " revealed before it was looked up")
	}
	return v.text
}

// Equal compares in constant time.
func (v Value) Equal(o Value) bool {
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
