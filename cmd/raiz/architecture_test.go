package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// ARCHITECTURE.md has every room, and none that is not there.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile("../../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../provision/*/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	rooms := map[string]bool{}
	for _, f := range files {
		rooms["provision/"+filepath.Base(filepath.Dir(f))] = true
	}
	for room := range rooms {
		if !strings.Contains(string(text), "| `"+room+"` |") {
			t.Errorf("%s has no line", room)
		}
	}
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "| `"), "`")
		if strings.HasPrefix(line, "| `provision/") && !rooms[name] {
			t.Errorf("there is no %s", name)
		}
	}
}
