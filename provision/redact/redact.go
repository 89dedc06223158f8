// Package redact makes a capture of a controller fit to be shown to others. It
// goes by what may be kept: a value stays where the name of its property is on
// a list and the value is of the form that the list wants there. Anything else
// becomes a placeholder of the same kind, the same one for the same value, so
// that the tree can still be read and served.
package redact

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Object is a decoded JSON object.
type Object = map[string]any

// Serials says whether a capture shows which machine it is of.
type Serials string

// The ways.
const (
	SerialsHidden Serials = "hidden"
	SerialsShown  Serials = "shown"
)

// Redactor redacts one capture. Placeholders come from a key that is thrown
// away with it: whoever guesses a value cannot compare.
type Redactor struct {
	serials Serials
	secrets []string // that nothing may hold, wherever it stands
	// machine is what says which machine this is, and whose: it has no place inside of
	// other values either, nor in a URI or the name of a property.
	machine []string
	allowed allowed
	key     []byte
	taken   map[netip.Addr]bool
	known   map[netip.Addr]netip.Addr
}

// New returns a redactor for one capture. Secrets are those that are known.
func New(serials Serials, secrets ...string) *Redactor {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails (crypto/rand)
	r := &Redactor{serials: serials, allowed: allowances(), key: key, taken: map[netip.Addr]bool{}, known: map[netip.Addr]netip.Addr{}}
	for _, s := range secrets {
		if s != "" {
			r.secrets = append(r.secrets, s)
		}
	}
	return r
}

// Tree redacts resources by URI.
func (r *Redactor) Tree(docs map[string]Object) Object {
	for _, doc := range docs {
		r.learn("", doc)
	}
	out := Object{}
	for _, uri := range slices.Sorted(maps.Keys(docs)) {
		out[r.uri(uri)] = r.value("", docs[uri])
	}
	return out
}

// learn collects what says which machine this is.
func (r *Redactor) learn(name string, v any) {
	switch v := v.(type) {
	case Object:
		for k, e := range v {
			r.learn(k, e)
		}
	case []any:
		for _, e := range v {
			r.learn(name, e)
		}
	case string:
		if s := squeezed(v); r.hides(name) && len(s) >= shortest && !r.allowed.speaks(v) && !slices.Contains(r.machine, s) {
			r.machine = append(r.machine, s)
		}
	}
}

// hides reports whether what a property says is also hidden elsewhere.
func (r *Redactor) hides(name string) bool {
	return namesSite(name) || r.serials == SerialsHidden && namesHardware(name)
}

// shortest is what is long enough to be told from a word by chance.
const shortest = 5

// squeezed is a text as it may stand in another: a MAC without its colons.
func squeezed(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, s)
}

func (r *Redactor) value(name string, v any) any {
	switch v := v.(type) {
	case nil, bool:
		return v
	case Object:
		out := Object{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out[r.property(k)] = r.value(k, v[k])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = r.value(name, e)
		}
		return out
	case float64:
		if r.allowed.number(name) {
			return v
		}
		return float64(r.sum("number", number(v))[0]) // from 0 to 255
	case string:
		return r.text(name, v)
	}
	return r.placeholder("value")
}

// text is a string, or what stands for it.
func (r *Redactor) text(name, s string) string {
	switch {
	case meansNone(s):
		return s
	case r.serials == SerialsShown && namesHardware(name) && !r.forbidden(s):
		return s
	case strings.HasPrefix(s, "/redfish"):
		return r.uri(s)
	case name == "Id" || name == "MemberId":
		return r.segment(s)
	case !r.forbidden(s) && r.allowed.text(name, s):
		return s
	}
	return r.instead(s)
}

// secretly reports whether a text holds a known secret.
func (r *Redactor) secretly(s string) bool {
	return slices.ContainsFunc(r.secrets, func(secret string) bool { return strings.Contains(s, secret) })
}

// forbidden reports whether a text holds what none may hold.
func (r *Redactor) forbidden(s string) bool {
	low := squeezed(s)
	return r.secretly(s) || slices.ContainsFunc(r.machine, func(part string) bool { return strings.Contains(low, part) })
}

// property is the name of a property. Names are the schema's or the vendor's;
// some vendors write a MAC into them, and some maps have one as their key. Seen:
// "NvidiaNetworkAdapter_08C0EB59D368__Slot5_CHAPSecret" on iDRAC 9.
func (r *Redactor) property(name string) string {
	if !propertyName.MatchString(name) || r.secretly(name) {
		return r.placeholder(name)
	}
	return r.parts(name, func(part string) bool {
		return !r.forbidden(part) && (r.serials == SerialsShown || !looksLikeMachine(part))
	})
}

// uri is a path whose segments are words of Redfish, or placeholders. The same
// segment is the same placeholder everywhere, also as an Id: links lead on.
func (r *Redactor) uri(s string) string {
	s, query, asks := strings.Cut(s, "?")
	segments := strings.FieldsFunc(s, func(c rune) bool { return c == '/' || c == '#' })
	at := 0
	var b strings.Builder
	for _, seg := range segments {
		i := strings.Index(s[at:], seg)
		b.WriteString(s[at : at+i])
		b.WriteString(r.segment(seg))
		at += i + len(seg)
	}
	b.WriteString(s[at:])
	if asks {
		b.WriteString("?" + r.placeholder(query))
	}
	return b.String()
}

func (r *Redactor) segment(s string) string {
	if !r.forbidden(s) && (r.serials == SerialsShown || r.allowed.speaks(s)) {
		return s
	}
	return r.placeholder(s)
}

// parts replaces those parts between separators that do not pass.
func (r *Redactor) parts(s string, passes func(string) bool) string {
	var b strings.Builder
	part := 0
	end := func(to int) {
		if p := s[part:to]; p != "" && !passes(p) {
			b.WriteString(r.placeholder(p))
		} else {
			b.WriteString(p)
		}
	}
	for i, c := range s {
		if strings.ContainsRune("._@#- ", c) {
			end(i)
			b.WriteRune(c)
			part = i + 1
		}
	}
	end(len(s))
	if r.forbidden(b.String()) { // what is hidden may go over a separator
		return r.placeholder(s)
	}
	return b.String()
}

func (r *Redactor) sum(kind, s string) []byte {
	m := hmac.New(sha256.New, r.key)
	m.Write([]byte(kind + "\x00" + s))
	return m.Sum(nil)
}
