package redfish

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"

	"github.com/raiz-dns/raiz/provision/printable"
)

// Object is a decoded JSON object. A struct would lose the whole resource to
// one property of an unexpected type, and could not tell null from absent.
type Object = map[string]any

// Document is one resource as it was read.
type Document struct {
	URI   string
	etag  string
	size  int
	Props Object
}

const (
	// maxValues bounds how many values a resource has: each takes up to maxValue
	// bytes once it is decoded, however few were sent of it. The largest of the
	// saved trees has some 1,200, and a page of 1,000 log entries 20,000.
	maxValues = 60_000
	// maxValue is what an object of one property takes, for two values; all others
	// take less.
	maxValue = 192
)

// Size is about the most memory that it takes, in bytes; 0 where it was not read
// as a resource of its own.
func (d Document) Size() int { return d.size }

// values counts the values of a JSON text by what stands before each.
func values(text []byte) int {
	n, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == ',' || c == '{' || c == '['):
			n++
		}
	}
	return n
}

func decode(uri, etag string, body []byte) (Document, error) {
	n := values(body)
	if n > maxValues {
		return Document{}, fmt.Errorf("decode %s: it has more than %d values", uri, maxValues)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	var props Object
	if err := d.Decode(&props); err != nil {
		return Document{}, fmt.Errorf("decode %s: %w", uri, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Document{}, fmt.Errorf("decode %s: more follows the first json value", uri)
	}
	if props == nil {
		return Document{}, fmt.Errorf("decode %s: null is no resource", uri)
	}
	if etag == "" {
		etag, _ = props["@odata.etag"].(string)
	}
	return Document{URI: uri, etag: etag, size: len(body) + n*maxValue, Props: props}, nil
}

// At returns the value at a path of property names, or nil.
func (d Document) At(path ...string) any {
	var v any = d.Props
	for _, name := range path {
		o, ok := v.(Object)
		if !ok {
			return nil
		}
		v = o[name]
	}
	return v
}

// Has reports whether the property at path is there, though it may be null.
func (d Document) Has(path ...string) bool {
	o, ok := d.At(path[:len(path)-1]...).(Object)
	if !ok {
		return false
	}
	_, ok = o[path[len(path)-1]]
	return ok
}

// Text returns the string at path without the space around it, or "".
func (d Document) Text(path ...string) string {
	s, _ := d.At(path...).(string)
	return strings.TrimSpace(s)
}

// ID is the name that the resource gives itself, for people.
func (d Document) ID() string { return printable.Short(d.Text("Id"), maxWords) }

// List returns the array at path, or nil.
func (d Document) List(path ...string) []any {
	l, _ := d.At(path...).([]any)
	return l
}

// Link returns the target of the link at path, or "". A target that is no
// path on this controller counts as none: gofish appends it to the address.
func (d Document) Link(path ...string) string { return LinkTarget(d.At(path...)) }

// LinkTarget returns where a link leads, or "".
func LinkTarget(v any) string {
	o, _ := v.(Object)
	s, _ := o["@odata.id"].(string)
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "?\\ \r\n\t") {
		return ""
	}
	// Old OpenBMC links into a document: "/redfish/v1/Managers/bmc#/Oem".
	s, _, _ = strings.Cut(s, "#")
	return s
}

// Targets returns the links of an array such as Members.
func (d Document) Targets(path ...string) []string {
	var out []string
	for _, e := range d.List(path...) {
		if t := LinkTarget(e); t != "" {
			out = append(out, t)
		}
	}
	return out
}

// maxNext bounds the address of a page, in bytes; iDRAC's are some 100.
const maxNext = 2000

// Next is where a collection goes on, or "" where this is all of it. It is
// opaque (DSP0266, nextLink); an address that is none on this controller is an
// error, because it is not followed and what it leads to stays unseen.
func (d Document) Next() (string, error) {
	v := d.At("Members@odata.nextLink")
	if v == nil {
		return "", nil
	}
	s, _ := v.(string)
	if len(s) > maxNext || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsFunc(s, outOfPlace) {
		return "", fmt.Errorf("read on after %s: %q is no address on this controller", d.URI, Short(s))
	}
	s, _, _ = strings.Cut(s, "#")
	return s, nil
}

// outOfPlace reports what no request has in its address.
func outOfPlace(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' }

// Kind is the unversioned schema: "EthernetInterface" of
// "#EthernetInterface.v1_9_0.EthernetInterface".
func (d Document) Kind() string {
	s, _, _ := strings.Cut(strings.TrimPrefix(d.Text("@odata.type"), "#"), ".")
	return s
}

// Privacy says whether the controller's own words may be repeated.
type Privacy bool

const (
	Public       Privacy = false
	Confidential Privacy = true // the request held a password
)

// maxWords bounds a quotation of the controller.
const maxWords = 200

// notesIn collects the messages of an answer wherever DSP0266 clause 8.6 and
// the vendors put them: beside a property, at the top, inside "error".
func notesIn(props Object, p Privacy) []Note {
	var out []Note
	for _, key := range slices.Sorted(maps.Keys(props)) {
		property, ok := strings.CutSuffix(key, "@Message.ExtendedInfo")
		if ok {
			for _, e := range AsList(props[key]) {
				if n, ok := noteOf(e, property, p); ok {
					out = append(out, n)
				}
			}
		}
	}
	for _, key := range []string{"error", "Error"} {
		if inner, ok := props[key].(Object); ok {
			out = append(out, notesIn(inner, p)...)
		}
	}
	return out
}

// AsList returns v where it is an array, or nil.
func AsList(v any) []any { l, _ := v.([]any); return l }

// noteOf reads one message; ok is false for one that only says "Success".
func noteOf(v any, property string, p Privacy) (Note, bool) {
	o, ok := v.(Object)
	if !ok {
		return Note{}, false
	}
	id, _ := o["MessageId"].(string)
	id = id[strings.LastIndex(id, ".")+1:]
	switch id {
	case "", "Success", "NoOperation":
		return Note{}, false
	}
	n := Note{id: Short(id), property: property}
	if related := AsList(o["RelatedProperties"]); property == "" && len(related) > 0 {
		s, _ := related[0].(string)
		n.property, _, _ = strings.Cut(strings.TrimLeft(s, "#/"), "/")
		n.property = Short(n.property)
	}
	if args := AsList(o["MessageArgs"]); len(args) > 0 && id == "PasswordChangeRequired" {
		s, _ := args[0].(string)
		n.account = LinkTarget(Object{"@odata.id": s})
	}
	if s, _ := o["Message"].(string); p == Public {
		n.text = Short(s)
	}
	return n, true
}

// Short is a quotation of the controller; some send their sentences in lines.
func Short(s string) string {
	return printable.Short(strings.Join(strings.Fields(s), " "), maxWords)
}

// maxText bounds a value, in characters; a name of DNS has 253.
const maxText = 255

// Value is a value of the controller as it may be kept and shown, letter by letter
// as far as it can be.
func Value(s string) string { return printable.Short(s, maxText) }

// plain turns an error of gofish into one of ours, because gofish's prints
// the raw answer.
func plain(err error, p Privacy) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("its %s is a json %s", cmp.Or(wrong.Field, "document"), wrong.Value) // encoding/json names a type of gofish, of a page
	}
	e, ok := errors.AsType[*schemas.Error](err)
	if !ok {
		return err
	}
	out := &StatusError{Method: "ask", Path: "bmc", Status: e.HTTPReturnedStatusCode}
	for _, info := range e.ExtendedInfos {
		o := Object{"MessageId": info.MessageID, "Message": info.Message}
		related, args := []any{}, []any{}
		for _, s := range info.RelatedProperties {
			related = append(related, s)
		}
		for _, s := range info.MessageArgs {
			args = append(args, s)
		}
		o["RelatedProperties"], o["MessageArgs"] = related, args
		if n, ok := noteOf(o, "", p); ok {
			out.Notes = append(out.Notes, n)
		}
	}
	return out
}

// FindNote returns the first message with one of these ids.
func FindNote(notes []Note, ids ...string) (Note, bool) {
	for _, n := range notes {
		if slices.Contains(ids, n.id) {
			return n, true
		}
	}
	return Note{}, false
}
