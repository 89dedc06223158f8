package sim_test

import (
	"encoding/json"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/server"
)

// decoder is json.Unmarshal that reads a text once: it remembers what came of
// it, and gives a copy of its own to each who asks.
type decoder struct {
	mu    sync.Mutex
	known map[reflect.Type]map[string]reflect.Value
	texts int
}

// remembered bounds how many texts are remembered; then all are forgotten.
const remembered = 1_000

// decode is asked by the helper for all that it has written down. What is not
// remembered, is no JSON, or is read over something else is json.Unmarshal's.
func (d *decoder) decode(text []byte, v any) error {
	to := reflect.ValueOf(v).Elem()
	if !to.IsZero() {
		return json.Unmarshal(text, v)
	}
	d.mu.Lock()
	have, found := d.known[to.Type()][string(text)]
	d.mu.Unlock()
	if !found {
		if err := json.Unmarshal(text, v); err != nil {
			return err
		}
		have = reflect.New(to.Type()).Elem()
		have.Set(to)
		own(have)
		d.keep(string(text), have)
		return nil
	}
	to.Set(have)
	own(to)
	return nil
}

func (d *decoder) keep(text string, v reflect.Value) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.texts++; d.known == nil || d.texts > remembered {
		d.known, d.texts = map[reflect.Type]map[string]reflect.Value{}, 0
	}
	if d.known[v.Type()] == nil {
		d.known[v.Type()] = map[string]reflect.Value{}
	}
	d.known[v.Type()][text] = v
}

// own gives a value its own copy of all that it shares with another one.
func own(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return // is never changed in place
		}
		for i := range v.NumField() {
			if f := v.Field(i); shares(f.Kind()) {
				own(f)
			}
		}
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		fresh := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(fresh, v)
		v.Set(fresh)
		ownEach(v)
	case reflect.Array:
		ownEach(v)
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		fresh := reflect.New(v.Type().Elem())
		fresh.Elem().Set(v.Elem())
		own(fresh.Elem())
		v.Set(fresh)
	case reflect.Map:
		if v.IsNil() {
			return
		}
		fresh := reflect.MakeMapWithSize(v.Type(), v.Len())
		for it := v.MapRange(); it.Next(); {
			one := reflect.New(v.Type().Elem()).Elem()
			one.Set(it.Value())
			if shares(one.Kind()) {
				own(one)
			}
			fresh.SetMapIndex(it.Key(), one)
		}
		v.Set(fresh)
	case reflect.Interface, reflect.Func, reflect.Chan:
		panic("nothing that the helper writes down holds a " + v.Kind().String())
	}
}

func ownEach(v reflect.Value) {
	for i := 0; i < v.Len() && shares(v.Type().Elem().Kind()); i++ {
		own(v.Index(i))
	}
}

// shares reports whether a copy of a value of a kind may share something that
// can be changed.
func shares(k reflect.Kind) bool { return k > reflect.Complex128 && k != reflect.String }

// TestDecoder: what is remembered is what json.Unmarshal gives, and whoever
// changes his copy changes nobody else's.
func TestDecoder(t *testing.T) {
	d := new(decoder)
	text, err := json.Marshal(server.Manifest{
		Files: []server.File{{Path: "/a", Check: []string{"true"}, Effect: &server.Action{Run: []string{"true"}}}},
		Units: []server.Unit{{Name: "a.service"}}, Links: []server.Link{{Addresses: []string{"192.0.2.1/28"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		var want, got server.Manifest
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		if err := d.decode(text, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" || len(d.known) != 1 {
			t.Fatalf("%d types; json.Unmarshal differs (-it +this):\n%s", len(d.known), diff)
		}
		got.Files[0].Check[0], got.Files[0].Effect.Run[0], got.Files[0].Path = "x", "x", "x"
		got.Links[0].Addresses[0], got.Units[0].Name = "x", "x"
		got.Units = append(got.Units[:0], server.Unit{Name: "y"})
	}
	for range 2 {
		var by struct{ By map[string][]int }
		if err := d.decode([]byte(`{"by":{"a":[1]}}`), &by); err != nil || len(by.By["a"]) != 1 || by.By["a"][0] != 1 {
			t.Fatalf("%v, %v", by, err)
		}
		by.By["a"][0], by.By["b"] = 2, nil
	}
	for _, bad := range []string{"", "{", `{"files":1}`} {
		for range 2 {
			if err := d.decode([]byte(bad), new(server.Manifest)); err == nil {
				t.Errorf("%q is read", bad)
			}
		}
	}
}
