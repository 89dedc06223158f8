//go:build linux

package linux_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/raiz-dns/raiz/provision/helper/linux"
)

// A file that nobody may replace is seen before anybody tries.
func TestLookSeesFixedFiles(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make a file immutable")
	}
	for _, flag := range []string{"", "i", "a"} {
		dir, err := os.MkdirTemp("/var/tmp", "raiz-fixed") // a tmpfs may have no such files
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		path := dir + "/a.conf"
		if err := os.WriteFile(path, []byte("x\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if flag != "" {
			if out, err := exec.Command("chattr", "+"+flag, path).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			t.Cleanup(func() { _ = exec.Command("chattr", "-"+flag, path).Run() })
		}
		i, err := linux.New().Look(path)
		fixed := flag != ""
		if err != nil || i.Fixed != fixed {
			t.Errorf("with %q it is %+v, %v", flag, i, err)
		}
		if moves := os.Rename(path, dir+"/b.conf") == nil; moves == fixed {
			t.Errorf("with %q it can be moved: %t", flag, moves)
		}
	}
}
