//go:build linux

package provision_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// ledger is the file in which a sweep writes down each run that came by its
// place and held every promise, a line of JSON each. One that is begun again leaves these out: a whole
// sweep takes longer than most machines are idle. "" is none.
type ledger string

// entry is one line of it.
type entry struct {
	Start, Place string
	Trouble      trouble
	Ended        string
}

func (l ledger) add(v ending) error {
	if l == "" || v.missed || len(v.problems) > 0 {
		return nil
	}
	line, err := json.Marshal(entry{v.start, v.place.String(), v.trouble, v.ended})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(string(l), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n')) // in one, whoever else writes there
	return errors.Join(err, f.Close())
}

// left are the jobs that it does not have, and the endings of those it has.
func (l ledger) left(jobs []job) (left []job, done []ending, err error) {
	if l == "" {
		return jobs, nil, nil
	}
	text, err := os.ReadFile(string(l))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return jobs, nil, err
	}
	known := map[string]entry{}
	for line := range strings.Lines(string(text)) {
		var e entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			return jobs, nil, fmt.Errorf("%s: %w", l, err)
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
