package helper

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/server"
)

// recorded puts the record of a generation on a server.
func (w *wires) recorded(n int, s server.State) {
	w.files[recordOf(n)] = fmt.Sprintf(`{"number":%d,"run":"run%d","state":%q}`, n, n, s)
}

// What says which generation is under way is believed as far as it can be: where
// it is damaged the records say it, and a generation that was only staged, or
// whose record is another's, is not under way.
func TestPending(t *testing.T) {
	for _, tt := range []struct {
		name, pending, broken string
		records               []server.State
		spoil                 func(*wires)
		want                  int
		says                  string
	}{
		{name: "none", records: []server.State{server.Confirmed}},
		{name: "none, though a record says so", records: []server.State{server.Active}},
		{name: "one", pending: "2\n", records: []server.State{server.Confirmed, server.Active}, want: 2},
		{name: "one that is staged", pending: "2", records: []server.State{server.Confirmed, server.Staged}, want: 2},
		{name: "one whose last step is missing", pending: "1", records: []server.State{server.Confirmed}, want: 1},
		{name: "another has begun", pending: "1", records: []server.State{server.Confirmed, server.Armed}, want: 2},
		{name: "another is staged", pending: "1", records: []server.State{server.Reverted, server.Staged}, want: 1},
		{name: "garbage", pending: "garbage", records: []server.State{server.Confirmed, server.Reverting, server.Refused}, want: 2},
		{name: "nothing in it", pending: " ", records: []server.State{server.Active}, want: 1},
		{name: "no number of a generation", pending: "0", records: []server.State{server.Active}, want: 1},
		{name: "a negative one", pending: "-1", records: []server.State{server.Active}, want: 1},
		{name: "garbage, and nothing is under way", pending: "x", records: []server.State{server.Confirmed, server.Staged}, says: `holds "x", not the number of a generation; no generation is known to be under way`},
		{name: "it cannot be read", broken: "read " + pendingFile, records: []server.State{server.Active}, want: 1},
		{name: "its record cannot", pending: "1", broken: "read " + recordOf(1), records: []server.State{server.Active}, says: "input/output error; no generation is known"},
		{name: "its record is damaged", pending: "2", records: []server.State{server.Active, server.Active}, spoil: func(w *wires) { w.files[recordOf(2)] = `{"numb` }, want: 1},
		{name: "its record is of another one", pending: "2", records: []server.State{server.Confirmed, server.Active}, spoil: func(w *wires) { w.files[recordOf(2)] = w.files[recordOf(1)] },
			says: recordOf(2) + " is that of generation 1"},
		{name: "nothing can be listed", pending: "x", broken: "list " + generationsDir, records: []server.State{server.Active}, says: "not the number of a generation\ninput/output error"},
	} {
		w := newWires()
		if tt.pending != "" {
			w.files[pendingFile] = tt.pending
		}
		for i, s := range tt.records {
			w.recorded(i+1, s)
		}
		w.files[generationsDir+"/0/x"], w.files[generationsDir+"/-7/x"], w.files[generationsDir+"/old/x"] = "", "", ""
		if tt.spoil != nil {
			tt.spoil(w)
		}
		w.broken = tt.broken
		n, err := w.helper().pending()
		if n != tt.want || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %d, %v, want %d", tt.name, n, err, tt.want)
		}
	}
}

// What is told of a run is its own, and of an end what a loss of power leaves.
func TestStatus(t *testing.T) {
	stands := func() *wires {
		w := newWires()
		for i, s := range []server.State{server.Confirmed, server.Reverted, server.Active} {
			w.recorded(i+1, s)
		}
		w.files[generationsDir+"/4/files/0"] = "half pruned"
		w.files[currentFile] = "1\n"
		return w
	}
	for _, tt := range []struct {
		run, broken string
		want        server.Status
		did         string
		fails       bool
	}{
		{run: "run1", want: server.Status{Number: 1, Run: "run1", State: server.Confirmed, Current: true}, did: "flush " + dirOf(1)},
		{run: "run2", want: server.Status{Number: 2, Run: "run2", State: server.Reverted}, did: "flush " + dirOf(2)},
		{run: "run3", want: server.Status{Number: 3, Run: "run3", State: server.Active}},
		{run: "run", want: server.Status{Run: "run"}},
		{run: "run4", want: server.Status{Run: "run4"}},
		{run: "run1", broken: "flush", did: "flush " + dirOf(1), fails: true},
		{run: "run1", broken: "read " + currentFile, fails: true},
		{run: "run1", broken: "list " + generationsDir, fails: true},
	} {
		w := stands()
		w.broken = tt.broken
		got, err := w.helper().status(tt.run)
		if did := strings.Join(w.did, " | "); did != tt.did || (err != nil) != tt.fails || err == nil && *got != tt.want {
			t.Errorf("%s, %s: %+v, %v, did %s", tt.run, tt.broken, got, err, did)
		}
	}
	// The newest may be the one: that an older one can be read says nothing of it.
	w := stands()
	w.broken = "read " + recordOf(3)
	if got, err := w.helper().status("run4"); err == nil {
		t.Errorf("a record cannot be read, and it is told %+v", got)
	}
	all, err := stands().helper().history()
	var told []string
	for _, s := range all {
		told = append(told, fmt.Sprintf("%d %s %t", s.Number, s.State, s.Current))
	}
	if want := []string{"1 confirmed true", "2 reverted false", "3 active false"}; err != nil || !slices.Equal(told, want) {
		t.Errorf("history is %q, %v", told, err)
	}
	for _, broken := range []string{"list " + generationsDir, "read " + currentFile} {
		w := stands()
		w.broken = broken
		if all, err := w.helper().history(); err == nil {
			t.Errorf("%s: history is %v", broken, all)
		}
	}
}

// A manifest that was cut, or that holds what no server may have written, is
// none: empty, it would have everything retired that it does not name.
func TestManifestIsWhole(t *testing.T) {
	const whole = `{"plan":"p","files":null,"units":null}`
	for text, says := range map[string]string{
		whole: "", `{"plan":"p"`: "unexpected", "": "unexpected",
		`{"plan":"p","deletes":["/etc/../root"]}`: manifestOf(2), `{"plan":"p\u0000"}`: manifestOf(2),
	} {
		w := newWires()
		w.files[manifestOf(2)] = text
		_, err := w.helper().manifest(2)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A file is written beside, flushed and renamed, or is what it was.
func TestPut(t *testing.T) {
	const file, fresh = "/var/lib/x", "/var/lib/x.new"
	for broken, did := range map[string]string{
		"": "remove|create|flush|rename|flush dir", "remove": "remove", "create": "remove|create",
		"flush " + fresh: "remove|create|flush", "rename": "remove|create|flush|rename",
	} {
		w := newWires()
		w.files[file], w.files[fresh], w.broken = "old", "half", broken
		err := w.helper().putNumber(file, 7)
		want := strings.NewReplacer("flush dir", "flush /var/lib", "remove", "remove "+fresh, "create", "create "+fresh, "flush", "flush "+fresh, "rename", "rename "+file, "|", " | ").Replace(did)
		if got := strings.Join(w.did, " | "); got != want || (err != nil) != (broken != "") || err != nil && w.files[file] != "old" {
			t.Errorf("%s: %v, %q, did\n%s\nwant\n%s", broken, err, w.files[file], got, want)
		}
	}
}

// A directory goes with all that is in it, and what does not go is said.
func TestErase(t *testing.T) {
	for broken, says := range map[string]string{
		"": "", "list /var/d": "input/output error", "list /var/d/below": "input/output error", "remove /var/d/a": "input/output error",
		"remove /var/d/below/b": "input/output error", "look at /var/d/a": "input/output error",
	} {
		w := newWires()
		w.files["/var/d/a"], w.files["/var/d/below/b"], w.files["/var/other"], w.broken = "a", "b", "", broken
		err := w.helper().erase("/var/d")
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", broken, err)
		}
		if left := len(w.files); broken == "" && left != 2 {
			t.Errorf("%d files are left", left)
		}
	}
	if err := newWires().helper().erase("/var/nothing"); err != nil {
		t.Error(err)
	}
}

// The log has each step with its reason, and the record keeps the last one.
func TestStatesAreSaid(t *testing.T) {
	w := newWires()
	h := w.helper()
	var r record
	r.Number = 5
	for i, reason := range []string{"why", ""} {
		if err := h.to(&r, server.Reverting, reason); err != nil || r.Reason != "why" {
			t.Errorf("%s: %v, %q", strconv.Itoa(i), err, r.Reason)
		}
	}
	var said []string
	for _, line := range w.did {
		if at, rest, _ := strings.Cut(line, " "); at == time.Unix(0, 0).UTC().Format(time.RFC3339) {
			said = append(said, rest)
		}
	}
	if want := []string{"generation 5 is reverting: why", "generation 5 is reverting"}; !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
	w.broken = "create"
	if err := h.save(r); err == nil {
		t.Error("it cannot be written down, and nobody says so")
	}
}
