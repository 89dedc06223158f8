// Package apart has a test run in a network of its own, where it may do what
// would disturb others. Start reading at Network.
package apart

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// inside is set for a test that is in its network.
const inside = "RAIZ_TEST_APART"

// Network runs the test that calls it again in an empty network namespace, and
// reports whether this is that run: the other one returns. Where a machine lets
// nobody have one (unshare(1)), a short run skips the test, and any other fails.
func Network(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		return true
	}
	how := "-rn"
	if os.Getuid() == 0 {
		how = "-n" // root in a chroot may have no users of its own
	}
	if exec.Command("unshare", how, "ip", "link").Run() != nil && testing.Short() {
		t.Skip("no network of its own here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", how, self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in a network of its own: %v\n%s", err, out)
	}
	return false
}
