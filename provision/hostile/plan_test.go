package hostile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/state"
)

// saved is a plan file of one change.
func saved(t *testing.T) (p plan.Plan, wants string, data []byte) {
	t.Helper()
	key := state.Key{Kind: state.Setting, Name: "hostname"}
	want, err := state.NewSet("gru1", []state.Item{{Key: key, Value: state.Attr{Values: []string{"new"}}}})
	if err != nil {
		t.Fatal(err)
	}
	p = plan.Diff(want, state.NewFacts([]state.Fact{{Key: key, Value: state.Attr{Values: []string{"old"}}}}))
	data, err = plan.Save(p, "gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	return p, plan.Wants(want), data
}

// TestPlanFile: a plan file that somebody has bent is refused, when it is read
// or when it is held against the plan that it is said to be.
func TestPlanFile(t *testing.T) {
	p, wants, data := saved(t)
	if s, err := plan.Open(data); err != nil || s.Check(p) != nil || s.Before(wants) != nil || s.Digest != p.Digest() {
		t.Fatalf("the plan itself: %v", err)
	}
	swap := func(old, by string) []byte {
		out := bytes.Replace(data, []byte(old), []byte(by), 1)
		if bytes.Equal(out, data) {
			t.Fatalf("no %q in %s", old, data)
		}
		return out
	}
	digest := `"` + p.Digest() + `"`
	for name, bent := range map[string][]byte{
		"empty": nil, "null": []byte("null"), "a list": []byte("[]"), "text": []byte(paint), "NUL": bytes.Repeat([]byte{0}, 1000),
		"huge":             append(bytes.Clone(data), bytes.Repeat([]byte(" "), 1<<20)...),
		"deep":             []byte(strings.Repeat(`{"changes":[`, 50_000) + strings.Repeat("]}", 50_000)),
		"more behind":      append(bytes.Clone(data), "{}"...),
		"a field more":     swap(`"site"`, `"note":"harmless","site"`),
		"a field twice":    swap(`"changes"`, `"changes":[{"key":"bmc ntp","action":"update"}],"changes"`),
		"another case":     swap(`"site"`, `"Site"`),
		"another version":  swap(`"schema": 3`, `"schema": 4`),
		"version as text":  swap(`"schema": 3`, `"schema": "3"`),
		"no digest":        swap(digest, `""`),
		"short digest":     swap(digest, digest[:20]+`"`),
		"other site files": swap(wants, strings.Repeat("0", 64)),
		"no site":          swap(`"gru1"`, `""`),
		"another change":   swap(`"update"`, `"delete"`),
		"no changes":       bytes.Replace(data, data[bytes.Index(data, []byte(`"changes"`)):], []byte(`"changes":[]}`), 1),
	} {
		t.Run(name, func(t *testing.T) { refused(t, p, wants, bent) })
	}
	each(t, func(t *testing.T, r *rand.Rand) {
		for range 500 {
			refused(t, p, wants, data[:r.IntN(len(data)-2)])
			flipped := bytes.Clone(data)
			flipped[r.IntN(len(data))] ^= byte(1 << r.IntN(8))
			var was, is any
			if json.Unmarshal(flipped, &is) == nil && json.Unmarshal(data, &was) == nil && equal(was, is) {
				continue // a space has become another
			}
			refused(t, p, wants, flipped)
		}
	})
}

func equal(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// refused demands that a bent file does not pass for the plan.
func refused(t *testing.T, p plan.Plan, wants string, data []byte) {
	t.Helper()
	err := ended(t, 5*time.Second, func() error {
		s, err := plan.Open(data)
		if err != nil {
			return err
		}
		if s.Digest != p.Digest() || s.Site != "gru1" || s.Source != "gru1.hcl" {
			return errors.New("another plan, and said so")
		}
		return errors.Join(s.Before(wants), s.Check(p))
	})
	if err == nil {
		t.Errorf("it passes: %.300q", data)
	}
	speaks(t, err, "")
}
