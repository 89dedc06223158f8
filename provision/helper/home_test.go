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
		for _, dir := range []string{"/var/lib", state.Home} {
			if !slices.Contains(w.did, "flush "+dir) {
				t.Errorf("%s did not flush %s: %q", who, dir, w.did)
			}
		}
	}
	w.broken = "flush /var/lib\n"
	if err := h.makeHome(); err == nil {
		t.Error("what could not be flushed was")
	}
}
