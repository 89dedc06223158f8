//go:build linux

package provision_test

import (
	"fmt"
	"slices"
	"testing"
)

// TestSweepTakesEveryKind: from each starting state a sweep by kinds takes every
// kind of step once, every place on the wire, and every trouble that fits.
func TestSweepTakesEveryKind(t *testing.T) {
	var steps []string
	for i, c := range []string{"mkdir", "flush", "create", "flush", "create", "flush", "create", "flush", "rename", "rename", "rename", "rename", "restart"} {
		steps = append(steps, fmt.Sprintf("apply-%d-%s", i+1, c))
	}
	steps = append(steps, "confirm-1-remove", "confirm-2-remove")
	places := placesOf("apply", steps, "")
	if len(places) != len(steps) {
		t.Fatalf("%d places of %d steps", len(places), len(steps))
	}
	want := []string{
		"apply nothing mkdir flush", "apply mkdir flush create", "apply flush create flush", "apply create flush create",
		"apply create flush rename", "apply flush rename rename", "apply rename rename rename", "apply rename rename restart",
		"apply rename restart nothing", "confirm nothing remove remove", "confirm remove remove nothing",
	}
	for i := range 9 {
		places = append(places, place{phase: "apply", write: i + 1})
	}
	taken := map[string]bool{}
	for _, st := range starts() {
		var got []string
		wire, troubles := 0, map[trouble]bool{}
		for _, j := range st.byTurns(st.everyJob(st.oneOfAKind(places))) {
			troubles[j.trouble] = true
			if j.place.kind == "" {
				wire++
				continue
			}
			got = append(got, j.place.kind)
			taken[j.place.step] = true
		}
		if !slices.Equal(got, want) || wire != 9 {
			t.Errorf("%s: %d places on the wire, and %q", st.name, wire, got)
		}
		if fit := len(st.troublesOf(places[0])); len(troubles) != fit {
			t.Errorf("%s: %d troubles, and %d fit", st.name, len(troubles), fit)
		}
	}
	if len(taken) != len(steps) {
		t.Errorf("all starting states together take %d of %d steps", len(taken), len(steps))
	}
}
