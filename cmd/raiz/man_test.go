package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// pages writes the manual and returns it by file name.
func pages(t *testing.T, dir string) map[string]string {
	t.Helper()
	if code, stdout, stderr := raiz(t, "man", dir); code != exitDone || stdout != "" || stderr != "" {
		t.Fatalf("exit code %d, %q, %q", code, stdout, stderr)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = string(text)
	}
	return out
}

// Every verb that --help shows has a page, which has its flags and its examples.
func TestMan(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1767323045") // 2026-01-02
	t.Setenv("TZ", "Pacific/Kiritimati")
	have := pages(t, filepath.Join(t.TempDir(), "made", "man1"))
	n := 0
	each(newRoot(&globals{}), func(cmd *cobra.Command) {
		if cmd.Hidden {
			return
		}
		n++
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		page := have[name+".1"]
		// roff(7): a "-" is a minus sign there, and a quotation is one word.
		plain := strings.NewReplacer(`\-`, "-", `\&`, "", `\fB`, "", `\fP`, "").Replace(page)
		if !strings.Contains(plain, `.TH "`+strings.ToUpper(name)+`" "1" "Jan 2026" "raiz `) || !strings.Contains(plain, name+" - ") {
			t.Errorf("%s: no page, or no head: %.200s", name, page)
		}
		for _, line := range commands(cmd.Example) {
			if want := "raiz " + strings.Join(line, " "); !strings.Contains(strings.Join(strings.Fields(plain), " "), want) {
				t.Errorf("%s: no example %q", name, want)
			}
		}
		if strings.Contains(page, "spf13") {
			t.Errorf("%s tells of the library", name)
		}
	})
	if n < 20 || !strings.Contains(have["raiz-apply.1"], "take-over") {
		t.Errorf("%d verbs, and of apply: %s", n, have["raiz-apply.1"])
	}
	again := pages(t, t.TempDir())
	for name, page := range have {
		if again[name] != page {
			t.Errorf("%s is another one the second time", name)
		}
	}
}

func TestManRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args  []string
		epoch string
		want  exitCode
	}{
		{[]string{"man"}, "", exitUsage}, {[]string{"man", ""}, "", exitUsage}, {[]string{"man", t.TempDir(), "--json"}, "", exitUsage},
		{[]string{"man", t.TempDir()}, "today", exitUsage}, {[]string{"man", t.TempDir()}, "-1", exitUsage}, {[]string{"man", file}, "", exitError},
	} {
		t.Setenv("SOURCE_DATE_EPOCH", tt.epoch)
		if code, _, stderr := raiz(t, tt.args...); code != tt.want || !bytes.HasPrefix([]byte(stderr), []byte("raiz: error: ")) && tt.args[len(tt.args)-1] != "--json" {
			t.Errorf("%q, %q: exit code %d, %s", tt.args, tt.epoch, code, stderr)
		}
	}
}
