//go:build unix

package shell_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/shell"
)

func TestScriptIsCleanShell(t *testing.T) {
	need(t, "shellcheck")
	c := exec.Command("shellcheck", "-s", "sh", "-")
	c.Stdin = strings.NewReader(shell.Script())
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestScriptFitsItsShells(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		if a := b.sh(t, shell.Script(), "-n"); a.code != 0 || a.out != "" {
			t.Errorf("exit %d:\n%s", a.code, a.out)
		}
		// Sent over stdin it is only read: nothing happens without a call.
		if a := b.send(t, shell.Script()); a.code != 0 || a.out != "" {
			t.Errorf("without a call: exit %d:\n%s", a.code, a.out)
		}
		if _, err := os.Stat(b.home("")); err == nil {
			t.Error("reading the script has made its home")
		}
	})
}

func TestScriptRefusesAnUnknownVerb(t *testing.T) {
	eachShell(t, func(t *testing.T, b *box) {
		path := filepath.Join(b.dir, "raiz.sh")
		if err := os.WriteFile(path, []byte(shell.Script()), 0o600); err != nil {
			t.Fatal(err)
		}
		a := b.sh(t, "", path, "dance")
		if diff := cmp.Diff(answer{out: "error unknown verb dance\n", code: 1}, a, cmp.AllowUnexported(answer{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
