package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/raiz-dns/raiz/provision/state"
)

// savedSchema is the version of the format of a saved plan.
const savedSchema = 3

// maxSaved bounds a plan file in bytes: it is read from wherever CI kept it.
const maxSaved = 1 << 20

// Saved is a plan in a file: what was reviewed, bound to the state it was made
// from by the digest. It holds no secret and no content of files, so it may
// lie in public.
type Saved struct {
	Schema  int           `json:"schema"`
	Site    string        `json:"site"`
	Source  string        `json:"source"` // the site file or directory
	Wants   string        `json:"wants"`  // what the site files made of it, whatever the machines have
	Digest  string        `json:"digest"`
	Changes []SavedChange `json:"changes"`
}

// SavedChange is one line of a saved plan.
type SavedChange struct {
	Key    string           `json:"key"`
	Action Action           `json:"action"`
	Effect state.EffectName `json:"effect,omitempty"`
}

// ErrSaved says that a file is no plan that this raiz understands.
var ErrSaved = errors.New("not a plan file")

// Save returns the plan as the bytes of a file. source is where the site was
// read from. The same plan gives the same bytes.
func Save(p Plan, source string) ([]byte, error) {
	s := Saved{Schema: savedSchema, Site: p.Site, Source: source, Wants: p.wants, Digest: p.digest, Changes: p.list()}
	out, err := json.MarshalIndent(s, "", "  ")
	return append(out, '\n'), err
}

func (p Plan) list() []SavedChange {
	out := []SavedChange{}
	for _, c := range p.Changes {
		out = append(out, SavedChange{Key: c.Key.String(), Action: c.Action, Effect: c.Effect.Name})
	}
	return out
}

// ErrList says that the list in a plan file is not what its digest stands for:
// somebody has reviewed another change than the one that would be made.
var ErrList = errors.New("its list of changes is not the one of its digest")

// ErrOther says that a plan is of other site files, packs or another raiz than those
// at hand.
var ErrOther = errors.New("it is not of these site files")

// Before holds a saved plan against what the site files at hand want, before
// anybody is contacted.
func (s Saved) Before(wants string) error {
	if s.Wants != wants {
		return fmt.Errorf("%w, these packs, this raiz, or was made with other flags (--bmc-only), so that nobody was contacted: make and review a new plan", ErrOther)
	}
	return nil
}

// Check holds a saved plan against one that has just been made. Where the digest
// is another one the plan has moved, which is not said here; where it is the
// same, so has to be everything that was shown.
func (s Saved) Check(p Plan) error {
	if s.Digest == p.digest && !slices.Equal(s.Changes, p.list()) {
		return fmt.Errorf("%w: the file was altered; make and review a new plan", ErrList)
	}
	return nil
}

// Open reads a saved plan. Its bytes are untrusted.
func Open(data []byte) (Saved, error) {
	if len(data) > maxSaved {
		return Saved{}, fmt.Errorf("%w: over %d bytes", ErrSaved, maxSaved)
	}
	var s Saved
	if err := json.Unmarshal(data, &s); err != nil {
		return Saved{}, fmt.Errorf("%w: %w", ErrSaved, err)
	}
	if s.Schema != savedSchema {
		return Saved{}, fmt.Errorf("%w: schema %d, this raiz reads %d", ErrSaved, s.Schema, savedSchema)
	}
	if s.Site == "" || s.Source == "" || !isSum(s.Digest) || !isSum(s.Wants) {
		return Saved{}, fmt.Errorf("%w: site, source or a digest is missing", ErrSaved)
	}
	if !s.isAll(data) {
		return Saved{}, fmt.Errorf("%w: it holds more than raiz writes, or a name twice: make and review a new plan", ErrSaved)
	}
	return s, nil
}

func isSum(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == sha256.Size
}

// isAll reports whether a file holds what was read from it and nothing else.
// Of a name that is there twice encoding/json takes the last, and whoever
// reviews the file may have seen the first.
func (s Saved) isAll(data []byte) bool {
	again, err := json.Marshal(s)
	if err != nil {
		return false
	}
	var want, have bytes.Buffer
	return json.Compact(&want, again) == nil && json.Compact(&have, data) == nil && bytes.Equal(want.Bytes(), have.Bytes())
}
