package simbmc

import (
	"net/netip"
	"slices"
)

// rule says whether a property may become want, given what it is, and what it
// is then. An empty refusal id means yes.
type rule func(have, want any) (any, message)

// rules are the writable properties of an object. A property that is there
// and has no rule is read-only.
type rules map[string]rule

func kindOf(name string, ok bool, v any) (any, message) {
	if !ok {
		return nil, refusal("PropertyValueTypeError", "", name).about(name)
	}
	return v, message{}
}

func boolean(_, want any) (any, message) {
	v, ok := want.(bool)
	return kindOf("", ok, v)
}

func text(_, want any) (any, message) {
	v, ok := want.(string)
	return kindOf("", ok, v)
}

func oneOf(values ...string) rule {
	return func(_, want any) (any, message) {
		v, ok := want.(string)
		if !ok || !slices.Contains(values, v) {
			return nil, refusal("PropertyValueNotInList", v)
		}
		return v, message{}
	}
}

// nested is an object whose properties are written one by one.
func nested(r rules) rule {
	return func(have, want any) (any, message) {
		w, ok := want.(object)
		if !ok {
			return nil, refusal("PropertyValueTypeError")
		}
		out, refused := r.apply(obj(have), w)
		if len(refused) > 0 {
			return nil, refused[0]
		}
		return out, message{}
	}
}

// apply returns the object after the writes, and every refusal.
func (r rules) apply(have, want object) (object, []message) {
	out := obj(clone(have))
	if out == nil {
		out = object{} // it may be written although it does not show
	}
	var refused []message
	for _, k := range sortedKeys(want) {
		check, ok := r[k]
		if !ok {
			id := "PropertyUnknown"
			if _, there := have[k]; there {
				id = "PropertyNotWritable"
			}
			refused = append(refused, refusal(id, k).about(k))
			continue
		}
		v, m := check(out[k], want[k])
		if m.id != "" {
			refused = append(refused, m.about(k))
			continue
		}
		out[k] = v
	}
	return out, refused
}

// array is a positional array of objects: an object writes its place, {}
// keeps it, null empties it (DSP0266 clause 7.5.3).
type array struct {
	keys     []string // the only ones allowed
	required []string // for a new element
	slots    int      // fixed length, padded with pad; 0 is free
	pad      object
	keepTail bool // places beyond the end of what is sent stay
}

func (a array) rule(have, want any) (any, message) {
	w, ok := want.([]any)
	if !ok {
		return nil, refusal("PropertyValueTypeError")
	}
	old := list(have)
	if a.slots > 0 && len(w) > a.slots {
		return nil, refusal("ArraySizeTooLong")
	}
	out := []any{}
	for i, e := range w {
		var before object
		if i < len(old) {
			before = obj(old[i])
		}
		after, m := a.element(before, e)
		if m.id != "" {
			return nil, m
		}
		if after != nil {
			out = append(out, after)
		}
	}
	if len(w) < len(old) && (a.keepTail || a.slots > 0) {
		out = append(out, old[len(w):]...)
	}
	for len(out) < a.slots {
		out = append(out, clone(a.pad))
	}
	return out, message{}
}

func (a array) element(before object, want any) (any, message) {
	if want == nil {
		return nil, message{}
	}
	w, ok := want.(object)
	if !ok {
		return nil, refusal("PropertyValueTypeError")
	}
	if before == nil && len(w) == 0 {
		return nil, refusal("PropertyValueIncorrect")
	}
	out := obj(clone(before))
	for _, k := range sortedKeys(w) {
		v := w[k]
		if !slices.Contains(a.keys, k) {
			return nil, refusal("PropertyUnknown", k).about(k)
		}
		if m := checkAddress(k, v); m.id != "" {
			return nil, m.about(k)
		}
		out[k] = v
	}
	for _, k := range a.required {
		if _, sent := w[k]; !sent && (before == nil || len(w) > 0) {
			return nil, refusal("PropertyValueRequired", k).about(k)
		}
	}
	return out, message{}
}

func checkAddress(key string, v any) message {
	switch key {
	case "Address", "SubnetMask", "Gateway":
		if _, err := netip.ParseAddr(str(v)); err != nil {
			return refusal("PropertyValueFormatError", str(v), key)
		}
	case "PrefixLength":
		n, ok := v.(float64)
		if v != nil && (!ok || n < 0 || n > 128) {
			return refusal("PropertyValueTypeError", key)
		}
	}
	return message{}
}

// words is an array of strings, padded to slots with pad.
func words(slots int, pad ...string) rule {
	return func(_, want any) (any, message) {
		w, ok := want.([]any)
		if !ok || (slots > 0 && len(w) > slots) {
			return nil, refusal("PropertyValueTypeError")
		}
		out := []any{}
		for _, e := range w {
			if _, ok := e.(string); !ok {
				return nil, refusal("PropertyValueTypeError")
			}
			out = append(out, e)
		}
		for len(out) < slots {
			out = append(out, pad[len(out)%len(pad)])
		}
		return out, message{}
	}
}
