package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	backticked  = regexp.MustCompile("`([^`]+/[^`]+)`")
	placeholder = regexp.MustCompile(`[A-Z]{2,}`)
)

// What CONTRIBUTING.md says is to be touched is there, and is never more than
// three files.
func TestContributing(t *testing.T) {
	text, err := os.ReadFile("../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| to add | files |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")
	if len(rows) < 6 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, row := range rows {
		paths := backticked.FindAllStringSubmatch(row, -1)
		if len(paths) < 1 || len(paths) > 3 {
			t.Errorf("%d files in %q", len(paths), row)
		}
		for _, p := range paths {
			found, err := filepath.Glob(filepath.Join("../..", placeholder.ReplaceAllString(p[1], "*")))
			if err != nil || len(found) == 0 {
				t.Errorf("%q: there is no %s", row, p[1])
			}
		}
	}
}
