package sim_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// reasonsDir has a file for each source of the transaction: paragraphs, each
// with the mutants, a tab before each, that nobody notices for that reason.
const reasonsDir = "testdata/survivors"

// reasons are why mutants survive, by their names.
func reasons(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(reasonsDir + "/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for paragraph := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
			var why string
			of := 0
			for line := range strings.Lines(paragraph) {
				line = strings.TrimRight(line, "\n")
				name, entry := strings.CutPrefix(line, "\t")
				switch {
				case !entry && of == 0:
					why += line + " "
					continue
				case !entry, why == "":
					t.Errorf("%s: %q is neither a reason nor a mutant of one", file, line)
				case out[name] != "":
					t.Errorf("%s: %s has two reasons", file, name)
				case !strings.HasPrefix(name, strings.TrimSuffix(filepath.Base(file), ".txt")+".go "):
					t.Errorf("%s: %s is of another source", file, name)
				}
				out[name] = why
				of++
			}
			if of == 0 {
				t.Errorf("%s: a reason of nothing: %s", file, why)
			}
		}
	}
	return out
}

// What has a reason is a mutant of today's code.
func TestReasons(t *testing.T) {
	all := map[string]bool{}
	for _, name := range mutateAll(t, func(string, []byte) {}) {
		all[name] = true
	}
	if len(all) < 1000 {
		t.Fatalf("%d mutants", len(all))
	}
	for name := range reasons(t) {
		if !all[name] {
			t.Errorf("%s: there is no such mutant any more", name)
		}
	}
}
