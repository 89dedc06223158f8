package verdict

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"time"

	"github.com/raiz-dns/raiz/provision/printable"
)

// What is read back is bounded as what is said: messages within messages to so
// many levels, and an AS path to so many numbers. BGP allows longer paths
// (RFC 4271 section 4.3); nobody reads one.
const (
	maxDepth = 8
	maxPath  = 1000
)

// maxSeconds is what a time.Duration bears, about 292 years.
const maxSeconds = 9e9

// ErrMessage says that something is no message of this raiz.
var ErrMessage = errors.New("not a message of this raiz")

// Vocabulary is what can be read back: each code with its definition.
type Vocabulary map[Code]Definition

// NewVocabulary returns the definitions by their codes.
func NewVocabulary(all []Definition) Vocabulary {
	out := Vocabulary{}
	for _, d := range all {
		out[d.Code] = d
	}
	return out
}

// Decode reads a message as MarshalJSON writes it. JSON does not tell the types
// of arguments: they are those of the definition, in its order. Texts are bounded and
// cleaned once more, since whoever has the document may have changed it. What
// else an object has, such as the text in English, is passed over. The error
// wraps ErrMessage.
func (v Vocabulary) Decode(data []byte) (Message, error) {
	m, err := v.decode(data, maxDepth)
	if err != nil {
		return Message{}, fmt.Errorf("%w: %w", ErrMessage, err)
	}
	return m, nil
}

func (v Vocabulary) decode(data []byte, depth int) (Message, error) {
	var d struct {
		Code Code                       `json:"code"`
		Args map[string]json.RawMessage `json:"args"`
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return Message{}, err
	}
	definition, ok := v[d.Code]
	switch {
	case !ok:
		return Message{}, fmt.Errorf("no code %.100q", d.Code)
	case depth == 0:
		return Message{}, fmt.Errorf("%s: messages within messages beyond %d levels", d.Code, maxDepth)
	case len(d.Args) != len(definition.Args):
		return Message{}, fmt.Errorf("%s has %d arguments, and %d are defined", d.Code, len(d.Args), len(definition.Args))
	}
	m := Message{Code: d.Code}
	for _, p := range definition.Args {
		raw, ok := d.Args[p.Name]
		if !ok {
			return Message{}, fmt.Errorf("%s has no argument %s", d.Code, p.Name)
		}
		a, err := v.arg(p, raw, depth)
		if err != nil {
			return Message{}, fmt.Errorf("%s of %s: %w", p.Name, d.Code, err)
		}
		m.Args = append(m.Args, a)
	}
	return m, nil
}

// arg reads an argument in the form of its type, by the constructor that makes
// it anywhere else.
func (v Vocabulary) arg(p Param, raw json.RawMessage, depth int) (Arg, error) {
	switch p.Type {
	case TypeAddress:
		return one(p, raw, address, Address)
	case TypePrefix:
		return one(p, raw, prefix, Prefix)
	case TypeASN:
		return one(p, raw, same, ASN[uint32])
	case TypePath:
		return some(p, raw, maxPath, same, Path[uint32])
	case TypeCount:
		return one(p, raw, same, Count)
	case TypeDuration:
		return one(p, raw, seconds, Duration)
	case TypeTime:
		return one(p, raw, moment, Time)
	case TypeZone:
		return one(p, raw, same, Zone)
	case TypeUnit:
		return one(p, raw, same, Unit)
	case TypeWord:
		return one(p, raw, same, Word[string])
	case TypeSeen:
		return one(p, raw, same, Seen)
	case TypeError:
		return one(p, raw, failure, Error)
	case TypeMessage:
		return one(p, raw, v.within(depth), Inner)
	case TypeAddresses:
		return some(p, raw, maxItems, address, Addresses)
	case TypePrefixes:
		return some(p, raw, maxItems, prefix, Prefixes)
	case TypeUnits:
		return some(p, raw, maxItems, same, Units)
	case TypeWords:
		return some(p, raw, maxItems, same, Words)
	case TypeAllSeen:
		return some(p, raw, maxItems, same, AllSeen)
	case TypeMessages:
		return some(p, raw, maxItems, v.within(depth), Messages)
	}
	return Arg{}, fmt.Errorf("no type %q", p.Type)
}

// within reads what is said inside of what is said.
func (v Vocabulary) within(depth int) func(json.RawMessage) (Message, error) {
	return func(raw json.RawMessage) (Message, error) { return v.decode(raw, depth-1) }
}

// one reads a value as JSON has it, and builds of it what its type has. null is
// the value of no type.
func one[J, T any](p Param, raw json.RawMessage, read func(J) (T, error), build func(string, T) Arg) (Arg, error) {
	var j *J
	if err := json.Unmarshal(raw, &j); err != nil {
		return Arg{}, err
	}
	if j == nil {
		return Arg{}, fmt.Errorf("null is no %s", p.Type)
	}
	value, err := read(*j)
	if err != nil {
		return Arg{}, err
	}
	return build(p.Name, value), nil
}

// some is one for a list of at most so many.
func some[J, T any](p Param, raw json.RawMessage, most int, read func(J) (T, error), build func(string, []T) Arg) (Arg, error) {
	return one(p, raw, func(all []*J) ([]T, error) {
		if len(all) > most {
			return nil, fmt.Errorf("%d items, and at most %d are read", len(all), most)
		}
		var out []T
		for _, j := range all {
			if j == nil {
				return nil, fmt.Errorf("null is in %s", p.Type)
			}
			value, err := read(*j)
			if err != nil {
				return nil, err
			}
			out = append(out, value)
		}
		return out, nil
	}, build)
}

func same[T any](v T) (T, error) { return v, nil }

// address reads an address; "" is the zero one, which stands for what was not
// understood. The zone of an address may be any text, and so has to be fit to be shown.
func address(s string) (netip.Addr, error) {
	if s == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(s)
	if err == nil && printable.Line(s) != s {
		err = errors.New("its zone cannot be shown")
	}
	return a, err
}

func prefix(s string) (netip.Prefix, error) {
	if s == "" {
		return netip.Prefix{}, nil
	}
	return netip.ParsePrefix(s)
}

func seconds(s float64) (time.Duration, error) {
	if math.Abs(s) > maxSeconds {
		return 0, errors.New("longer than a duration may be")
	}
	return time.Duration(math.Round(s * float64(time.Second))), nil
}

// moment bounds the year: what time.Time bears beyond 9999, RFC 3339 does not.
func moment(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, s)
	if year := t.UTC().Year(); err == nil && (year < 0 || year > 9999) {
		err = errors.New("no year of RFC 3339")
	}
	return t, err
}

func failure(s string) (error, error) { return errors.New(s), nil }
