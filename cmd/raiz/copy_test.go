//go:build linux

package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/raiz-dns/raiz/provision/rehearse"
)

// TestRehearsals runs testdata/rehearsal: scripts on the machines of a real
// rehearsal. "rehearsal x.hcl" builds that site, names it $ID, and takes it
// down when the script ends.
func TestRehearsals(t *testing.T) {
	if testing.Short() {
		t.Skip("boots machines")
	}
	if err := rehearse.Ready(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/rehearsal",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			for name, from := range map[string]string{"gru1.hcl": "as112-gru1.hcl", "root.hcl": "root-example.hcl"} {
				text, err := os.ReadFile(filepath.Join("../../sites", from))
				if err != nil {
					return err
				}
				if err := os.WriteFile(filepath.Join(env.WorkDir, name), text, 0o644); err != nil {
					return err
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"rehearsal": func(ts *testscript.TestScript, _ bool, args []string) {
				// The base tree, once built, serves every rehearsal.
				ts.Setenv("XDG_CACHE_HOME", cache)
				ts.Check(ts.Exec("raiz", "rehearse", "up", args[0]))
				ts.Setenv("XDG_CACHE_HOME", "")
				id := strings.TrimSpace(ts.ReadFile("stdout"))
				ts.Setenv("ID", id)
				ts.Defer(func() {
					testbed, err := rehearse.Find(id)
					if errors.Is(err, fs.ErrNotExist) {
						return // the script has taken it down
					}
					if err == nil {
						err = testbed.Down(context.Background())
					}
					if err != nil {
						t.Error(err)
					}
				})
			},
		},
	})
}
