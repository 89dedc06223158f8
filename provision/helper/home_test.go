package helper

import (
	"slices"
	"testing"

	"github.com/raiz-dns/raiz/provision/state"
)

// Directories that another run has made are flushed as well: it may have been
// killed before it did so, and all that is in them would go with the power.
func TestHomeIsFlushed(t *testing.T) {
	w := newWires()
	h := w.helper()
	for _, who := range []string{"the first", "who comes after one that was killed"} {
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
		if err := h.makeHome(); err == nil {
			t.Errorf("%s: no error", broken)
		}
	}
}
