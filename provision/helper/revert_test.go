package helper

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

// reverting is a server with a generation that is to be put back.
func reverting(t *testing.T) (*wires, *record) {
	t.Helper()
	text, err := json.Marshal(before{Boot: "this boot"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWires()
	w.files[beforeOf(3)], w.files[pendingFile] = string(text), "3\n"
	r := &record{Placing: true}
	r.Number = 3
	return w, r
}

// The end of a revert is on the disk before the generation is pending no more:
// cut off between the two it is finished. The other way round it would be told as
// one that is still put back, until the next change.
func TestEndOfARevert(t *testing.T) {
	w, r := reverting(t)
	said := false
	w.acted = func(line string) {
		var kept record
		if err := json.Unmarshal([]byte(w.files[recordOf(3)]), &kept); line == "remove "+pendingFile {
			said = err == nil && kept.State == server.Reverted
		}
	}
	if err := w.helper().revert(r, "a test"); err != nil || r.State != server.Reverted {
		t.Fatalf("%v, it is %s", err, r.State)
	}
	if _, is := w.files[pendingFile]; is || !said {
		t.Errorf("it was not said before it was pending no more: %q", w.did)
	}
	if w.armed || !slices.Contains(w.did, "disarm") {
		t.Errorf("the timer is set: %q", w.did)
	}
}

// A revert that fails is tried again, each time after a longer pause, and not for
// ever: a person is told what to type.
func TestTriesOfARevert(t *testing.T) {
	for tries, want := range map[int]string{
		1: "arm 5s", 2: "arm 10s", 7: "arm 5m0s", maxTries - 1: "arm 5m0s", maxTries: "", maxTries + 7: "",
	} {
		w, r := reverting(t)
		delete(w.files, beforeOf(3))
		r.Tries = tries - 1
		err := failure(w.helper().revert(r, "a test"))
		i := slices.IndexFunc(w.did, func(line string) bool { return strings.HasPrefix(line, "arm ") })
		if i >= 0 != (want != "") || i >= 0 && w.did[i] != want || w.armed != (want != "") {
			t.Errorf("try %d: did %q, want %q", tries, w.did, want)
		}
		if err == nil || err.Code != server.ErrReverts || strings.Contains(err.Next, "not tried again") != (want == "") {
			t.Errorf("try %d: %+v", tries, err)
		}
		var kept record
		if err := json.Unmarshal([]byte(w.files[recordOf(3)]), &kept); err != nil || kept.Tries != tries || kept.Trouble == "" {
			t.Errorf("try %d: written down is %s, %v", tries, w.files[recordOf(3)], err)
		}
	}
}
