//go:build linux

package linux

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPrune(t *testing.T) {
	all, units := t.TempDir(), t.TempDir()
	put := func(path, text string) { t.Helper(); write(t, path, text) }
	now := time.Now()
	for name, age := range map[string]time.Duration{
		sum("a"): 100 * time.Hour, // this one
		sum("b"): 100 * time.Hour, // old
		sum("c"): time.Hour,       // it may be on its way
		sum("d"): 100 * time.Hour, // started by a unit
		"notes":  100 * time.Hour,
	} {
		put(all+"/"+name+"/raiz-helper", "x")
		put(all+"/"+name+"/.raiz-helper.left", "x")
		if err := os.Chtimes(all+"/"+name, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	outside := t.TempDir()
	put(outside+"/kept", "x")
	if err := os.Symlink(outside, all+"/"+sum("e")); err != nil {
		t.Fatal(err)
	}
	put(units+"/raiz-revert.service", "[Service]\nExecStart="+all+"/"+sum("d")+"/raiz-helper pending\n")
	left := func() []string {
		names, err := machine{}.List(all)
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	whole := left()
	// Where this program is not one of them, and where a unit cannot be read,
	// nothing goes.
	if err := prune("/usr/bin/raiz-helper", units, now); err != nil || !slices.Equal(left(), whole) {
		t.Errorf("left are %q, %v", left(), err)
	}
	trap := units + "/raiz-trap.service"
	if err := os.Symlink("/dev/null", trap); err != nil {
		t.Fatal(err)
	}
	if err := prune(all+"/"+sum("a")+"/raiz-helper", units, now); err == nil || !slices.Equal(left(), whole) {
		t.Errorf("left are %q, %v", left(), err)
	}
	if err := os.Remove(trap); err != nil {
		t.Fatal(err)
	}
	if err := prune(all+"/"+sum("a")+"/raiz-helper", units, now); err != nil {
		t.Fatal(err)
	}
	if got, want := left(), []string{sum("a"), sum("c"), sum("d"), sum("e"), "notes"}; !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
	if _, err := os.Stat(outside + "/kept"); err != nil {
		t.Error(err)
	}
}

func sum(digit string) string { return strings.Repeat(digit, 64) }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
