package bmc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/stmcginnis/gofish/schemas"
)

// object is a decoded JSON object. A struct would lose the whole resource to
// one property of an unexpected type, and could not tell null from absent.
type object = map[string]any

// document is one resource as it was read.
type document struct {
	uri   string
	etag  string
	props object
}

func decode(uri, etag string, body []byte) (document, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	var props object
	if err := d.Decode(&props); err != nil {
		return document{}, fmt.Errorf("decode %s: %w", uri, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return document{}, fmt.Errorf("decode %s: more follows the first json value", uri)
	}
	if props == nil {
		return document{}, fmt.Errorf("decode %s: null is no resource", uri)
	}
	if etag == "" {
		etag, _ = props["@odata.etag"].(string)
	}
	return document{uri: uri, etag: etag, props: props}, nil
}

// at returns the value at a path of property names, or nil.
func (d document) at(path ...string) any {
	var v any = d.props
	for _, name := range path {
		o, ok := v.(object)
		if !ok {
			return nil
		}
		v = o[name]
	}
	return v
}

// has reports whether the property at path is there, though it may be null.
func (d document) has(path ...string) bool {
	o, ok := d.at(path[:len(path)-1]...).(object)
	if !ok {
		return false
	}
	_, ok = o[path[len(path)-1]]
	return ok
}

func (d document) text(path ...string) string {
	s, _ := d.at(path...).(string)
	return strings.TrimSpace(s)
}

func (d document) list(path ...string) []any {
	l, _ := d.at(path...).([]any)
	return l
}

// link returns the target of the link at path, or "". A target that is no
// path on this controller counts as none: gofish appends it to the address.
func (d document) link(path ...string) string { return target(d.at(path...)) }

func target(v any) string {
	o, _ := v.(object)
	s, _ := o["@odata.id"].(string)
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "?\\ \r\n\t") {
		return ""
	}
	// Old OpenBMC links into a document: "/redfish/v1/Managers/bmc#/Oem".
	s, _, _ = strings.Cut(s, "#")
	return s
}

// targets returns the links of an array such as Members.
func (d document) targets(path ...string) []string {
	var out []string
	for _, e := range d.list(path...) {
		if t := target(e); t != "" {
			out = append(out, t)
		}
	}
	return out
}

// kind is the unversioned schema: "EthernetInterface" of
// "#EthernetInterface.v1_9_0.EthernetInterface".
func (d document) kind() string {
	s, _, _ := strings.Cut(strings.TrimPrefix(d.text("@odata.type"), "#"), ".")
	return s
}

// privacy says whether the controller's own words may be repeated.
type privacy bool

const (
	public       privacy = false
	confidential privacy = true // the request held a password
)

// maxWords bounds a quotation of the controller.
const maxWords = 200

// notesIn collects the messages of an answer wherever DSP0266 clause 8.6 and
// the vendors put them: beside a property, at the top, inside "error".
func notesIn(props object, p privacy) []note {
	var out []note
	for _, key := range slices.Sorted(maps.Keys(props)) {
		property, ok := strings.CutSuffix(key, "@Message.ExtendedInfo")
		if ok {
			for _, e := range asList(props[key]) {
				if n, ok := noteOf(e, property, p); ok {
					out = append(out, n)
				}
			}
		}
	}
	for _, key := range []string{"error", "Error"} {
		if inner, ok := props[key].(object); ok {
			out = append(out, notesIn(inner, p)...)
		}
	}
	return out
}

func asList(v any) []any { l, _ := v.([]any); return l }

// noteOf reads one message; ok is false for one that only says "Success".
func noteOf(v any, property string, p privacy) (note, bool) {
	o, ok := v.(object)
	if !ok {
		return note{}, false
	}
	id, _ := o["MessageId"].(string)
	id = id[strings.LastIndex(id, ".")+1:]
	switch id {
	case "", "Success", "NoOperation":
		return note{}, false
	}
	n := note{id: words(id), property: property}
	if related := asList(o["RelatedProperties"]); property == "" && len(related) > 0 {
		s, _ := related[0].(string)
		n.property, _, _ = strings.Cut(strings.TrimLeft(s, "#/"), "/")
		n.property = words(n.property)
	}
	if args := asList(o["MessageArgs"]); len(args) > 0 && id == "PasswordChangeRequired" {
		s, _ := args[0].(string)
		n.account = target(object{"@odata.id": s})
	}
	if s, _ := o["Message"].(string); p == public {
		n.text = words(s)
	}
	return n, true
}

// words makes foreign text fit to print.
func words(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxWords {
		s = string(r[:maxWords]) + "…"
	}
	return s
}

// plain turns an error of gofish into one of ours, because gofish's prints
// the raw answer.
func plain(err error, p privacy) error {
	e, ok := errors.AsType[*schemas.Error](err)
	if !ok {
		return err
	}
	out := &statusError{method: "ask", path: "bmc", status: e.HTTPReturnedStatusCode}
	for _, info := range e.ExtendedInfos {
		o := object{"MessageId": info.MessageID, "Message": info.Message}
		related, args := []any{}, []any{}
		for _, s := range info.RelatedProperties {
			related = append(related, s)
		}
		for _, s := range info.MessageArgs {
			args = append(args, s)
		}
		o["RelatedProperties"], o["MessageArgs"] = related, args
		if n, ok := noteOf(o, "", p); ok {
			out.notes = append(out.notes, n)
		}
	}
	return out
}

func find(notes []note, ids ...string) (note, bool) {
	for _, n := range notes {
		if slices.Contains(ids, n.id) {
			return n, true
		}
	}
	return note{}, false
}
