//go:build linux

package rehearse_test

import (
	"errors"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/raiz-dns/raiz/provision/rehearse"
)

// TestDisks does to each server what its own disk refuses, and what that of the
// other does.
func TestDisks(t *testing.T) {
	needTestbed(t)
	const (
		etc = "touch /etc/probe 2>&1 && rm /etc/probe; true"
		// link(2) does not fall back to a copy as mv(1) would.
		link = "touch /var/lib/probe && ln /var/lib/probe /root/probe 2>&1 && rm /root/probe; rm /var/lib/probe"
	)
	readOnly, other := syscall.EROFS.Error(), syscall.EXDEV.Error()
	for disk, refused := range map[rehearse.Disk][2]string{
		rehearse.DiskReadOnlyEtc: {readOnly, ""},
		rehearse.DiskVar:         {"", other},
	} {
		t.Run(string(disk), func(t *testing.T) {
			if _, err := exec.LookPath("mkfs.ext4"); err != nil && disk == rehearse.DiskVar {
				t.Fatal("mkfs.ext4 is not installed: apt-get install e2fsprogs")
			}
			tb := upWith(t, withoutBootstrap(), rehearse.Options{Disk: disk})
			login(t, tb, "192.0.2.20:22", "echo kept >/var/lib/kept")
			for range 2 { // and after a power failure
				for i, command := range []string{etc, link} {
					said := login(t, tb, "192.0.2.20:22", command)
					want := refused[i]
					if want == "" && said != "" || !strings.Contains(strings.ToLower(said), want) {
						t.Errorf("%s: said %q, want %q", command, said, want)
					}
				}
				if got := login(t, tb, "192.0.2.20:22", "cat /var/lib/kept"); got != "kept" {
					t.Errorf("what was written to /var reads %q", got)
				}
				if failed := mustRun(t, tb.Server, "systemctl", "list-units", "--failed", "--no-legend", "--plain"); failed != "" {
					t.Errorf("failed units:\n%s", failed)
				}
				if err := errors.Join(tb.Server.Kill(t.Context()), tb.Server.Boot(t.Context())); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
