package verdict

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/printable"
)

// Type is the type of an argument, as docs/codes.md names it.
type Type string

// The types, each with its form in JSON.
const (
	TypeAddress  Type = "address"  // an IP address: string
	TypePrefix   Type = "prefix"   // an address with its length: string
	TypeASN      Type = "asn"      // an AS number: number
	TypePath     Type = "path"     // an AS path: array of numbers
	TypeCount    Type = "count"    // number
	TypeDuration Type = "duration" // number, in seconds
	TypeTime     Type = "time"     // string, RFC 3339 in UTC
	TypeZone     Type = "zone"     // a domain name: string
	TypeUnit     Type = "unit"     // a unit of systemd: string
	TypeWord     Type = "word"     // a name of ours or of the site: string
	TypeSeen     Type = "seen"     // text of somebody else: string
	TypeError    Type = "error"    // why something could not be done: string
	TypeMessage  Type = "message"  // what is said inside: object

	TypeAddresses Type = "addresses" // array of strings
	TypePrefixes  Type = "prefixes"  // array of strings
	TypeUnits     Type = "units"     // array of strings; in text with spaces between, as systemctl takes them
	TypeWords     Type = "words"     // array of strings
	TypeAllSeen   Type = "all-seen"  // array of strings, text of somebody else
	TypeMessages  Type = "messages"  // array of objects
)

// What somebody else says is cut: to so many characters of text, of an error,
// and so many items of a list.
const (
	maxSeen  = 200
	maxError = 1000
	maxItems = 100
)

// Arg is a named argument of a message.
type Arg struct {
	name  string
	typ   Type
	value any // as the constructor of its type has made it
}

// Address is an IP address.
func Address(name string, a netip.Addr) Arg { return Arg{name, TypeAddress, a} }

// Prefix is an address with its length, or a block.
func Prefix(name string, p netip.Prefix) Arg { return Arg{name, TypePrefix, p} }

// ASN is an AS number.
func ASN[N ~uint32](name string, n N) Arg { return Arg{name, TypeASN, uint32(n)} }

// Path is an AS path, the neighbor's AS first.
func Path[N ~uint32](name string, path []N) Arg {
	out := make([]uint32, len(path))
	for i, n := range path {
		out[i] = uint32(n)
	}
	return Arg{name, TypePath, out}
}

// Count is how many.
func Count(name string, n int) Arg { return Arg{name, TypeCount, n} }

// Duration is how long.
func Duration(name string, d time.Duration) Arg { return Arg{name, TypeDuration, d} }

// Time is when.
func Time(name string, t time.Time) Arg { return Arg{name, TypeTime, t.UTC().Truncate(time.Second)} }

// Zone is a domain name.
func Zone(name, zone string) Arg { return Arg{name, TypeZone, printable.Short(zone, maxError)} }

// Unit is a unit of systemd.
func Unit(name, unit string) Arg { return Arg{name, TypeUnit, printable.Short(unit, maxSeen)} }

// Word is a name of ours, or one that the site gave.
func Word[S ~string](name string, word S) Arg {
	return Arg{name, TypeWord, printable.Short(string(word), maxSeen)}
}

// Seen is text of somebody else.
func Seen(name, text string) Arg { return Arg{name, TypeSeen, printable.Short(text, maxSeen)} }

// Error is why something could not be done.
//
// Joined errors have a line each; here they are one.
func Error(name string, err error) Arg {
	return Arg{name, TypeError, printable.Short(strings.ReplaceAll(err.Error(), "\n", "; "), maxError)}
}

// Inner is what is said inside of what is said.
func Inner(name string, m Message) Arg { return Arg{name, TypeMessage, m} }

// Addresses are IP addresses.
func Addresses(name string, all []netip.Addr) Arg { return list(name, TypeAddresses, all) }

// Prefixes are blocks, or addresses with their length.
func Prefixes(name string, all []netip.Prefix) Arg { return list(name, TypePrefixes, all) }

// Units are units of systemd.
func Units(name string, all []string) Arg { return list(name, TypeUnits, cleaned(all)) }

// Words are names of ours, or of the site.
func Words(name string, all []string) Arg { return list(name, TypeWords, cleaned(all)) }

// AllSeen are texts of somebody else.
func AllSeen(name string, all []string) Arg { return list(name, TypeAllSeen, cleaned(all)) }

// Messages are what is said inside of what is said.
func Messages(name string, all []Message) Arg { return list(name, TypeMessages, all) }

func list[T any](name string, typ Type, all []T) Arg {
	return Arg{name, typ, append([]T{}, all[:min(len(all), maxItems)]...)}
}

func cleaned(all []string) []string {
	var out []string
	for _, s := range all {
		out = append(out, printable.Short(s, maxSeen))
	}
	return out
}

// Name is what the argument is called in the words.
func (a Arg) Name() string { return a.name }

// Type is what it is.
func (a Arg) Type() Type { return a.typ }

// Equal reports whether both are the same.
func (a Arg) Equal(b Arg) bool { return reflect.DeepEqual(a, b) }

// Inner are the messages that the argument holds, if it holds any.
func (a Arg) Inner() []Message {
	switch v := a.value.(type) {
	case Message:
		return []Message{v}
	case []Message:
		return v
	}
	return nil
}

// Items are the texts of what a list holds; isList is false for what is none.
func (a Arg) Items() (items []string, isList bool) {
	if a.typ == TypePath || reflect.ValueOf(a.value).Kind() != reflect.Slice {
		return nil, false
	}
	v := reflect.ValueOf(a.value)
	for i := range v.Len() {
		items = append(items, fmt.Sprint(v.Index(i).Interface()))
	}
	return items, true
}

// String is the one canonical text of the value.
func (a Arg) String() string {
	items, isList := a.Items()
	switch v := a.value.(type) {
	case time.Time:
		return v.Format(time.RFC3339)
	case int:
		return strconv.Itoa(v)
	default:
		switch {
		case a.typ == TypeUnits:
			return strings.Join(items, " ")
		case a.typ == TypeMessages:
			return strings.Join(items, "; ")
		case isList:
			return strings.Join(items, ", ")
		}
		return fmt.Sprint(v)
	}
}

// MarshalJSON writes the value in the form of its type.
func (a Arg) MarshalJSON() ([]byte, error) {
	if d, is := a.value.(time.Duration); is {
		return json.Marshal(d.Seconds())
	}
	return json.Marshal(a.value)
}
