package promise

import "testing"

// TestNoLostUpdate holds what may have been confirmed before a run, and that
// something else may not.
func TestNoLostUpdate(t *testing.T) {
	for name, c := range map[string]struct {
		runs []Run
		ok   bool
	}{
		"over what was confirmed":      {[]Run{{Of: 1, Told: Confirmed}, {Of: 2, From: 1, Told: Confirmed}}, true},
		"over what stood before":       {[]Run{{Of: 1, Told: Confirmed}, {Of: 2, From: 0, Told: Confirmed}}, false},
		"over one that nobody heard":   {[]Run{{Of: 1, Told: None}, {Of: 2, From: 1, Told: Confirmed}}, true},
		"over two that nobody heard":   {[]Run{{Of: 1}, {Of: 2, From: 1}, {Of: 3, From: 2, Told: Confirmed}}, true},
		"over one that was put back":   {[]Run{{Of: 1, Told: Reverted}, {Of: 2, From: 1, Told: Confirmed}}, false},
		"over one that came elsewhere": {[]Run{{Of: 1, Told: Confirmed}, {Of: 2, From: 0}, {Of: 3, From: 2, Told: Confirmed}}, false},
	} {
		if err := noLostUpdate(Seen{Runs: c.runs}); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
