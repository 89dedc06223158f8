package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/raiz-dns/raiz/provision/printable"
	"github.com/raiz-dns/raiz/provision/verdict"
	"github.com/raiz-dns/raiz/provision/verify"
)

// MaxKept is how many bytes of a verification are read; the copy of a root server
// has seventy thousand.
const MaxKept = 4 << 20

// What is read of one verification is bounded besides.
const (
	maxChecks = 10000
	maxTold   = 100 // messages of one kind, of one check; verify says a fifth of that
	maxID     = 300 // letters
)

// ErrKept says that a file is no verification of raiz.
var ErrKept = errors.New("not what raiz verify --json writes")

// Kept is a verification that somebody has kept, as raiz verify --json has told
// it. Whoever has had the file may have changed it: it is as good as the place
// where it was.
type Kept struct {
	Site    string
	Looked  *Looked // nil where it does not say
	Notices []verdict.Message
	Results []verify.Result
}

// keptDocument is as much as is read of an Envelope.
type keptDocument struct {
	Schema string `json:"schema"`
	Verb   string `json:"verb"`
	Result struct {
		Site    string            `json:"site"`
		Notices []json.RawMessage `json:"notices"`
		Verify  *struct {
			Looked  *lookedDocument `json:"looked"`
			Results []keptResult    `json:"results"`
		} `json:"verify"`
	} `json:"result"`
}

type keptResult struct {
	ID      string         `json:"id"`
	Vantage verify.Vantage `json:"vantage"`
	Status  verify.Status  `json:"status"`
	Because string         `json:"because"`
	Said    struct {
		Title    json.RawMessage   `json:"title"`
		Want     json.RawMessage   `json:"want"`
		Got      []json.RawMessage `json:"got"`
		Evidence []json.RawMessage `json:"evidence"`
		Advice   []json.RawMessage `json:"advice"`
	} `json:"messages"`
}

// ReadKept reads a verification, of which every word has to be one that this raiz
// knows. The error wraps ErrKept.
func ReadKept(text []byte, words verdict.Vocabulary) (Kept, error) {
	d, err := readDocument(text)
	if err != nil {
		return Kept{}, fmt.Errorf("%w: %w", ErrKept, err)
	}
	k := Kept{Site: printable.Line(d.Result.Site), Looked: d.Result.Verify.Looked.looked()}
	if k.Notices, err = readMessages(d.Result.Notices, words); err != nil {
		return Kept{}, fmt.Errorf("%w: notices: %w", ErrKept, err)
	}
	for _, r := range d.Result.Verify.Results {
		x, err := r.read(words)
		if err != nil {
			return Kept{}, fmt.Errorf("%w: check %.100q: %w", ErrKept, r.ID, err)
		}
		k.Results = append(k.Results, x)
	}
	for _, x := range k.Results {
		if x.Because != "" && !slices.ContainsFunc(k.Results, func(o verify.Result) bool { return o.ID == x.Because }) {
			return Kept{}, fmt.Errorf("%w: check %.100q waits for %.100q, which is not there", ErrKept, x.ID, x.Because)
		}
	}
	return k, nil
}

// ReadPast reads of a verification what is compared: how each check ended. It
// may be of an older raiz, or of a newer one, which had other words. It returns
// the site as well.
func ReadPast(text []byte, words verdict.Vocabulary) (Past, string, error) {
	d, err := readDocument(text)
	if err != nil {
		return Past{}, "", fmt.Errorf("%w: %w", ErrKept, err)
	}
	var p Past
	if l := d.Result.Verify.Looked.looked(); l != nil {
		p.At = l.At
	}
	for _, r := range d.Result.Verify.Results {
		x := verify.Result{ID: r.ID, Vantage: r.Vantage, Status: r.Status}
		if title, err := words.Decode(r.Said.Title); err == nil {
			x.Title = title // else its ID is said
		}
		p.Checks = append(p.Checks, x)
	}
	return p, printable.Line(d.Result.Site), nil
}

func readDocument(text []byte) (keptDocument, error) {
	var d keptDocument
	if len(text) > MaxKept {
		return d, fmt.Errorf("longer than %d bytes", MaxKept)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, err
	}
	switch {
	case d.Schema != Schema:
		return d, fmt.Errorf("its schema is %.40q, and %q is read", d.Schema, Schema)
	case d.Verb != "verify" && d.Verb != "report":
		return d, fmt.Errorf("it is of the verb %.40q", d.Verb)
	case d.Result.Verify == nil || len(d.Result.Verify.Results) == 0:
		return d, errors.New("it has no checks")
	case len(d.Result.Verify.Results) > maxChecks || len(d.Result.Notices) > maxChecks:
		return d, fmt.Errorf("it has more than %d checks or notices", maxChecks)
	}
	if l := d.Result.Verify.Looked; l != nil && l.At.UTC().Year() > 9999 {
		return d, errors.New("it is of no year of RFC 3339")
	}
	seen := map[string]bool{}
	for _, r := range d.Result.Verify.Results {
		if err := r.check(); err != nil {
			return d, err
		}
		if seen[r.ID] {
			return d, fmt.Errorf("check %.100q is there twice", r.ID)
		}
		seen[r.ID] = true
	}
	return d, nil
}

// check is what has to be right of a check, whatever it says.
func (r keptResult) check() error {
	vantages := []verify.Vantage{verify.FromBMC, verify.FromServer, verify.FromRouter, verify.FromOutside}
	switch {
	case r.ID == "" || printable.Short(r.ID, maxID) != r.ID:
		return fmt.Errorf("a check is called %.100q", r.ID)
	case !slices.Contains(statuses(), r.Status):
		return fmt.Errorf("check %.100q ended with %.40q", r.ID, r.Status)
	case !slices.Contains(vantages, r.Vantage):
		return fmt.Errorf("check %.100q was seen from %.40q", r.ID, r.Vantage)
	case r.Because != "" && r.Status != verify.Skipped:
		return fmt.Errorf("check %.100q was made, and waits for another", r.ID)
	}
	return nil
}

func (r keptResult) read(words verdict.Vocabulary) (verify.Result, error) {
	x := verify.Result{ID: r.ID, Vantage: r.Vantage, Status: r.Status, Because: r.Because}
	var err error
	if x.Title, err = words.Decode(r.Said.Title); err != nil {
		return x, err
	}
	if r.Said.Want != nil {
		if x.Want, err = words.Decode(r.Said.Want); err != nil {
			return x, err
		}
	}
	var errs [3]error
	x.Got, errs[0] = readMessages(r.Said.Got, words)
	x.Evidence, errs[1] = readMessages(r.Said.Evidence, words)
	x.Advice, errs[2] = readMessages(r.Said.Advice, words)
	return x, errors.Join(errs[:]...)
}

func readMessages(all []json.RawMessage, words verdict.Vocabulary) ([]verdict.Message, error) {
	if len(all) > maxTold {
		return nil, fmt.Errorf("%d messages, and at most %d are read", len(all), maxTold)
	}
	var out []verdict.Message
	for _, raw := range all {
		m, err := words.Decode(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// lookedDocument is a Looked in JSON.
type lookedDocument struct {
	At    time.Time `json:"at"`
	By    string    `json:"by"`
	Raiz  string    `json:"raiz"`
	Wants string    `json:"wants"`
}

func lookedJSON(l *Looked) *lookedDocument {
	if l == nil {
		return nil
	}
	return &lookedDocument{l.At.UTC().Truncate(time.Second), l.By, l.Raiz, l.Wants}
}

// looked bounds what somebody else may have written.
func (d *lookedDocument) looked() *Looked {
	if d == nil {
		return nil
	}
	return &Looked{d.At.UTC(), printable.Short(d.By, maxID), printable.Short(d.Raiz, maxID), printable.Short(d.Wants, maxID)}
}
