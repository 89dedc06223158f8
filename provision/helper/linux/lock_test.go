//go:build linux

package linux_test

import (
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/helper/linux"
)

// Whoever waits for a lock is told of somebody, also where the one who has it
// gave no name.
func TestLockNamesSomebody(t *testing.T) {
	for who, want := range map[string]string{"": "locked by somebody since ", "bo@desk": "locked by bo@desk since "} {
		path := t.TempDir() + "/lock"
		unlock, err := linux.New().Lock(path, who, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := linux.New().Lock(path, "me", 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q has it: %v, want %q", who, err, want)
		}
		unlock()
	}
}
