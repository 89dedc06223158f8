package render_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/raiz-dns/raiz/provision/watch"
)

// Programs look for the guard's unit by the name that its pack gives it.
func TestUnitOfTheGuard(t *testing.T) {
	all, err := filepath.Glob("testdata/*/files/etc/systemd/system/" + watch.Unit)
	if err != nil || len(all) == 0 {
		t.Fatalf("no site has %s: %v", watch.Unit, err)
	}
	for _, file := range all {
		guards := filepath.Join(filepath.Dir(file), "../../../", watch.ConfigFile)
		if _, err := os.Stat(guards); err != nil {
			t.Errorf("%s has a guard without what it reads: %v", file, err)
		}
	}
}
