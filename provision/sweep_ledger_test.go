//go:build linux

package provision_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// ledger is where a sweep writes down each run that came by its place and held
// every promise, a line of JSON each. One that is begun again leaves these out: a
// whole sweep takes longer than most machines are idle. What another helper did
// does not count.
type ledger struct {
	file   string // "" for none
	helper string // digest of the one that the server has
}

// openLedger is the file's, for the helper as it is now.
func openLedger(file string) (ledger, error) {
	if file == "" {
		return ledger{}, nil
	}
	images, err := helpersOf(steppingHelper)
	return ledger{file, images[runtime.GOARCH].Sum}, err
}

// entry is one line of it.
type entry struct {
	Helper, Start, Place string
	Trouble              trouble
	Ended                string
}

func (l ledger) add(v ending) error {
	if l.file == "" || v.missed || len(v.problems) > 0 {
		return nil
	}
	line, err := json.Marshal(entry{l.helper, v.start, v.place.String(), v.trouble, v.ended})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(l.file, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n')) // in one, whoever else writes there
	return errors.Join(err, f.Close())
}

// left are the jobs that it does not have, and the endings of those it has.
func (l ledger) left(jobs []job) (left []job, done []ending, err error) {
	if l.file == "" {
		return jobs, nil, nil
	}
	text, err := os.ReadFile(l.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return jobs, nil, err
	}
	known := map[string]entry{}
	for line := range strings.Lines(string(text)) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return jobs, nil, fmt.Errorf("%s: %w", l.file, err)
		}
		if e.Helper != l.helper {
			continue
		}
		known[fmt.Sprint(e.Start, e.Place, e.Trouble)] = e
	}
	for _, j := range jobs {
		if e, ok := known[fmt.Sprint(j.start, j.place, j.trouble)]; ok {
			done = append(done, ending{job: j, ended: e.Ended})
		} else {
			left = append(left, j)
		}
	}
	return left, done, nil
}

// TestLedger: a sweep that is begun again leaves out what held, with the same
// helper, and nothing else.
func TestLedger(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ledger")
	at := func(step string) job { return job{second, place{phase: "apply", step: step}, killed} }
	l, older := ledger{file, "this"}, ledger{file, "older"}
	for _, err := range []error{
		l.add(ending{job: at("held"), ended: "new"}),
		l.add(ending{job: at("missed"), missed: true}),
		l.add(ending{job: at("broken"), problems: []problem{{kind: "lockout"}}}),
		older.add(ending{job: at("of another"), ended: "new"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	all := []job{at("held"), at("missed"), at("broken"), at("of another"), {"two operators", at("held").place, killed}, {second, at("held").place, powerCut}}
	left, done, err := l.left(all)
	if err != nil || len(done) != 1 || done[0].job != all[0] || done[0].ended != "new" || !slices.Equal(left, all[1:]) {
		t.Errorf("left %v, done %v, %v", left, done, err)
	}
	none, _, err := ledger{}.left(all)
	if err != nil || !slices.Equal(none, all) {
		t.Errorf("without a ledger %v are left, %v", none, err)
	}
}
