package watch_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/watch"
)

// rendered is a configuration as a site file comes to it.
func rendered(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("../render/testdata/as112-gru1/files/etc/raiz/guard.json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// changed is a text with something else in the place of what is in it once or
// more.
func changed(t *testing.T, text []byte, from, to string) []byte {
	t.Helper()
	out := strings.Replace(string(text), from, to, 1)
	if out == string(text) {
		t.Fatalf("%q is not in it", from)
	}
	return []byte(out)
}

func TestReadConfig(t *testing.T) {
	text := rendered(t)
	c, err := watch.ReadConfig(text)
	if err != nil || len(c.Zones) == 0 || len(c.Blocks) != 4 || len(c.Router.Exports) == 0 || c.Rise == 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	again, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := watch.ReadConfig(again); err != nil || fmt.Sprint(back) != fmt.Sprint(c) {
		t.Errorf("written and read again: %v", err)
	}
}

func TestReadConfigRefuses(t *testing.T) {
	text := rendered(t)
	with := func(from, to string) []byte { return changed(t, text, from, to) }
	field := func(change func(m map[string]any)) []byte {
		var m map[string]any
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	set := func(name string, v any) []byte { return field(func(m map[string]any) { m[name] = v }) }
	block := func(change func(b map[string]any)) []byte {
		return field(func(m map[string]any) { change(m["blocks"].([]any)[0].(map[string]any)) })
	}
	export := func(name string, v any) []byte {
		return field(func(m map[string]any) {
			m["router"].(map[string]any)["exports"].([]any)[0].(map[string]any)[name] = v
		})
	}
	for name, tt := range map[string]struct {
		text []byte
		says string
	}{
		"nothing":                   {nil, "EOF"},
		"half of it":                {text[:len(text)/2], "unexpected EOF"},
		"two of it":                 {append(text, text...), "something follows it"},
		"noise behind it":           {append(text, 'x'), "something follows it"},
		"too much":                  {append(text, make([]byte, 4<<20)...), "a configuration of 4"},
		"an unknown field":          {with(`"rise"`, `"rice"`), `unknown field "rice"`},
		"an unknown field inside":   {with(`"addresses"`, `"adresses"`), "unknown field"},
		"another version":           {set("version", 2), "version 2, and this guard reads version 1"},
		"no version":                {set("version", 0), "version 0"},
		"no zones":                  {set("zones", nil), "no zones, or no blocks"},
		"no blocks":                 {set("blocks", []any{}), "no zones, or no blocks"},
		"a zone without a name":     {set("zones", []any{map[string]any{}}), "a zone without a name"},
		"no feed":                   {set("feed", nil), "no feed over IPv4"},
		"a feed without an AS":      {with(`"asn": 112`, `"asn": 0`), "no feed over IPv4"},
		"a feed over IPv6":          {with(`"source": "127.0.0.2"`, `"source": "::1"`), "no feed over IPv4"},
		"a feed to no port":         {with(`:179"`, `:0"`), "no feed over IPv4"},
		"no prefix":                 {block(func(b map[string]any) { b["prefix"] = "" }), "is no block"},
		"a block of a host":         {block(func(b map[string]any) { b["prefix"] = "192.175.48.1/24" }), "192.175.48.1/24 is no block"},
		"one family in the other":   {block(func(b map[string]any) { b["prefix"] = "::ffff:192.175.48.0/120" }), "is no block"},
		"a block twice":             {block(func(b map[string]any) { b["prefix"] = "2620:4f:8000::/48" }), "2620:4f:8000::/48 is no block, or one twice"},
		"a block without addresses": {block(func(b map[string]any) { b["addresses"] = nil }), "has no address that is asked"},
		"a block with no address":   {block(func(b map[string]any) { b["addresses"] = []string{"192.175.48.1", ""} }), "has no address that is asked"},
		"exports that nobody shows": {export("argv", []string{}), "cannot be looked at"},
		"exports of no family":      {export("family", 5), "cannot be looked at"},
		"rise 0":                    {set("rise", 0), "rise = 0 is not between 1 and 60 looks"},
		"fall 61":                   {set("fall", 61), "fall = 61"},
		"drain -1":                  {set("drain", -1), "drain = -1 is not between 0 and"},
		"drain too long":            {set("drain", 1e6), "drain = 1000000"},
		"damping too long":          {set("damping", 1e6), "damping = 1000000"},
		"half a look":               {set("rise", 1.5), "cannot unmarshal"},
		"on_stale":                  {set("onStale", ""), `on_stale = "" is neither "alarm" nor "withdraw"`},
		"on_overload":               {set("onOverload", "die"), `on_overload = "die"`},
	} {
		if _, err := watch.ReadConfig(tt.text); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
	}
}

func TestReadDrain(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	whole := watch.Drain{Wanted: true, Now: true, By: "anna", At: at, Until: 12.5}
	text, err := whole.Text()
	if err != nil || watch.ReadDrain(text) != whole {
		t.Errorf("written and read again: %+v, %v", watch.ReadDrain(text), err)
	}
	for _, text := range []string{"", "\n", "x", "null", "[]", "{", `{"now":true`, `{"now":1}`, `{"wanted":false}`, `{"by":["x"]}`, `{"at":"yesterday"}`, `{"until":1e400}`, `{"by":"` + strings.Repeat("x", watch.MaxDrain) + `"}`} {
		if d := watch.ReadDrain([]byte(text)); !d.Wanted || d.Until != 0 || len(d.By) > 100 {
			t.Errorf("%.40q: %+v", text, d)
		}
	}
}

func TestReadStatus(t *testing.T) {
	s := watch.Status{Version: watch.Version, At: time.Unix(1, 0).UTC(), Uptime: 1.5, Blocks: []watch.BlockStatus{{State: watch.Draining, Reason: "x", Fell: []float64{1.5}}}, Drain: &watch.Drain{By: "anna"}}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := watch.ReadStatus(text)
	if err != nil || !cmp.Equal(s, got, cmp.Comparer(func(a, b watch.BlockStatus) bool { return reflect.DeepEqual(a, b) })) {
		t.Errorf("%+v, %v", got, err)
	}
	for says, text := range map[string]string{
		"unexpected end":            "",
		"invalid character":         string(text) + "x",
		"version 2":                 `{"version":2,"blocks":[{}]}`,
		"version 0":                 `{}`,
		"has no blocks":             `{"version":1}`,
		"a status of 1":             strings.Repeat(" ", 1<<20+1),
		"cannot unmarshal":          `{"version":1,"blocks":{}}`,
		"cannot parse":              `{"version":1,"at":"x"}`,
		"ParsePrefix":               `{"version":1,"blocks":[{"prefix":"x"}]}`,
		"cannot unmarshal number -": `{"version":1,"blocks":[{}],"counts":{"looks":-1.5}}`,
	} {
		if _, err := watch.ReadStatus([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40q: %v, want %q", text, err, says)
		}
	}
}

func TestShort(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "": "", "\x1b[2J\n": "\uFFFD[2J\uFFFD", `a "b"`: `a "b"`, "\xff": "\uFFFD", "é": "é", "\u202e": "\uFFFD",
		strings.Repeat("é", 200): strings.Repeat("é", 200),
		strings.Repeat("x", 999): strings.Repeat("x", 200) + "…",
	} {
		if got := watch.Short(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
