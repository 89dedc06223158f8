//go:build linux

package rehearse_test

import (
	"context"
	"os/exec"
	"testing"

	"github.com/raiz-dns/raiz/provision/rehearse"
)

// TestCutPower loses what was not flushed, and only that; Kill loses nothing.
func TestCutPower(t *testing.T) {
	needTestbed(t)
	if _, err := exec.LookPath("mkfs.ext4"); err != nil {
		t.Skip("mkfs.ext4 is not installed: apt-get install e2fsprogs")
	}
	tb, err := rehearse.Up(t.Context(), example(), rehearse.Options{Disk: rehearse.DiskJournaled})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tb.Down(context.Background()); err != nil {
			t.Error(err)
		}
		if got := leftovers(t, tb.ID); len(got) > 0 {
			t.Errorf("left behind: %q", got)
		}
	})
	for range 2 { // a second failure after the first
		mustRun(t, tb.Server, "sh", "-c", "echo old >/root/file; echo kept >/root/synced; sync -f /root/file; echo new >/root/file.new; mv /root/file.new /root/file; echo lost >/root/unsynced")
		if err := tb.CutPower(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := tb.Server.Boot(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := login(t, tb, "192.0.2.30:22", "cat /root/file /root/synced; ls /root/unsynced 2>/dev/null; true")
		if got != "old\nkept" {
			t.Errorf("after the power cut: %q, want the flushed files alone", got)
		}
	}
	mustRun(t, tb.Server, "sh", "-c", "echo lucky >/root/unsynced")
	if err := tb.Server.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := tb.Server.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := login(t, tb, "192.0.2.30:22", "cat /root/unsynced"); got != "lucky" {
		t.Errorf("after Kill: %q", got)
	}
	for _, step := range []func(context.Context) error{tb.KeepDisk, tb.Server.Boot} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // a disk that was laid aside is there to be had again
		mustRun(t, tb.Server, "sh", "-c", "echo more >/root/unsynced; echo new >/root/later; sync")
		for _, step := range []func(context.Context) error{tb.RestoreDisk, tb.Server.Boot} {
			if err := step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if got := login(t, tb, "192.0.2.30:22", "cat /root/unsynced; ls /root/later 2>/dev/null; true"); got != "lucky" {
			t.Errorf("after RestoreDisk: %q", got)
		}
	}
}

func TestCutPowerNeedsADisk(t *testing.T) {
	tb := up(t, example())
	const want = "cut power of the server: its disk cannot lose anything: build the rehearsal with DiskJournaled"
	if err := tb.CutPower(t.Context()); err == nil || err.Error() != want {
		t.Errorf("error = %v, want %q", err, want)
	}
	if !tb.Server.Running() {
		t.Error("the refused power cut stopped the server")
	}
}
