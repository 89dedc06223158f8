package helper

import (
	"errors"
	"io/fs"
	"slices"
	"testing"

	"github.com/raiz-dns/raiz/provision/state"
)

// settled is a server that has every directory.
type settled struct{ *wires }

func (s settled) MakeDir(dir string, mode fs.FileMode) error {
	return errors.Join(s.wires.MakeDir(dir, mode), fs.ErrExist)
}

// Directories that another run has made are flushed as well: it may have been
// killed before it did so, and all that is in them would go with the power.
func TestHomeIsFlushed(t *testing.T) {
	w := newWires()
	for who, h := range map[string]*Helper{"the first": w.helper(), "who comes after one that was killed": New(settled{w}, Options{})} {
		w.did = nil
		if err := h.makeHome(); err != nil {
			t.Fatal(err)
		}
		for made, dir := range map[string]string{state.Home: "/var/lib", generationsDir: state.Home, fencesDir: state.Home} {
			made := slices.Index(w.did, "mkdir "+made)
			if made < 0 || !slices.Contains(w.did[made:], "flush "+dir) {
				t.Errorf("%s did not flush %s: %q", who, dir, w.did)
			}
		}
	}
	for _, broken := range []string{"flush /var/lib\n", "mkdir " + state.Home + "\n"} {
		w.broken = broken
		if err := w.helper().makeHome(); err == nil {
			t.Errorf("%s: no error", broken)
		}
	}
}
