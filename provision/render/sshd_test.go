package render_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/state"
)

// TestDropInWins: whatever other files of Debian's folder say, sshd goes by the
// pack's. It says so itself, of the login that raiz uses, and it is these words
// that a plan compares.
func TestDropInWins(t *testing.T) {
	t.Parallel()
	sshd := need(t, "sshd")
	var it state.Item
	for one := range desired(t, load(t, "../../sites/as112-gru1.hcl"), render.Withheld).Of(state.Path) {
		if strings.HasPrefix(one.Key.Name, "/etc/ssh/sshd_config.d/") {
			it = one
		}
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "sshd_config")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// As Debian's begins: what is included comes first, and of a setting the first
	// counts.
	write(config, "Include "+dir+"/*.conf\nPasswordAuthentication yes\n")
	write(filepath.Join(dir, "50-cloud-init.conf"), "PasswordAuthentication yes\nPermitRootLogin yes\nX11Forwarding yes\nAllowTcpForwarding yes\nPermitTunnel yes\nGatewayPorts yes\nKbdInteractiveAuthentication yes\nPubkeyAuthentication no\n")
	shown := func() map[string]string {
		t.Helper()
		argv := append([]string{"-f", config, "-h", hostKey(t, dir)}, it.Effect.Runtime.Shows[1:]...)
		out, err := exec.Command(sshd, argv...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		all := map[string]string{}
		for line := range strings.Lines(string(out)) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
			all[name] = value
		}
		return all
	}
	if got := shown(); got["passwordauthentication"] != "yes" {
		t.Fatalf("without the file passwords are %q", got["passwordauthentication"])
	}
	write(filepath.Join(dir, filepath.Base(it.Key.Name)), string(it.Value.(state.File).Data))
	got := shown()
	for name, want := range it.Effect.Runtime.Settings {
		if got[name] != want {
			t.Errorf("%s is %q, not %q", name, got[name], want)
		}
	}
	if len(it.Effect.Runtime.Settings) < 8 {
		t.Errorf("only %v are compared", it.Effect.Runtime.Settings)
	}
}
