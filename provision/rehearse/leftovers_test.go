//go:build linux

package rehearse_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/rehearse"
)

// leftovers lists all on this machine that carries the ID of a rehearsal.
func leftovers(t *testing.T, id string) []string {
	t.Helper()
	var left []string
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, id) {
			left = append(left, "mount "+line)
		}
		if f := strings.Fields(line); strings.Contains(line, " - cgroup2 ") {
			dirs, _ := filepath.Glob(filepath.Join(f[4], "*"+id+"*"))
			left = append(left, dirs...)
		}
	}
	cache := os.Getenv("RAIZ_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(user, "raiz")
	}
	for _, pattern := range []string{"/run/netns/*" + id + "*", "/run/raiz/*/*" + id + "*", cache + "/machines/*" + id + "*"} {
		found, _ := filepath.Glob(pattern)
		left = append(left, found...)
	}
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range procs {
		if text, err := os.ReadFile(p); err == nil && strings.Contains(string(text), id) {
			left = append(left, "process "+strings.ReplaceAll(string(text), "\x00", " "))
		}
	}
	return left
}

func TestDownLeavesNothing(t *testing.T) {
	tb := up(t, example())
	if got := leftovers(t, tb.ID); len(got) < 8 {
		t.Fatalf("of a standing rehearsal only this is seen: %q", got)
	}
	for range 2 { // the second time there is nothing left to do
		if err := tb.Down(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := leftovers(t, tb.ID); len(got) > 0 {
			t.Fatalf("left behind: %q", got)
		}
	}
	all, err := rehearse.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if r.ID == tb.ID {
			t.Error("it is still listed")
		}
	}
}
