package verify_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNoDaemonIsNamed: nothing outside a pack knows the name of a daemon or of
// its tools. What is said of one has its unit, by kind.
func TestNoDaemonIsNamed(t *testing.T) {
	// These read what a daemon prints.
	readers := []string{"bird.go", "clock.go"}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	names := regexp.MustCompile(`(?i)\b(birdc?|nsd|knotd?|kdig|chronyc?|chronyd|nft|nftables|frr|vtysh|bgpctl)\b`)
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || slices.Contains(readers, f) {
			continue
		}
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if name := names.FindString(line); name != "" {
				t.Errorf("%s:%d names %s", f, i+1, name)
			}
		}
	}
}
