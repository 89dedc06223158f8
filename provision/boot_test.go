//go:build linux

package provision_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBootThatCannotRevert: the disk lost a copy that the boot needs. Services
// start all the same, and systemd goes on trying until the copy is back.
func TestBootThatCannotRevert(t *testing.T) {
	needMachines(t)
	t.Parallel()
	w, err := newWorker(t, startNamed(second))
	w.must(err)
	w.must(w.learn())
	w.must(w.stopBeforeConfirm(order{To: "B", Revert: 2 * time.Minute}))
	w.awaitActive()
	pending := w.pending()
	w.cutPower()

	lost := w.home("generations", pending, "then")
	w.must(os.Rename(lost, lost+".away"))
	seconds, err := filepath.Glob(filepath.Join(w.g.Server.Root(), "etc/nsd/.raiz-*.old"))
	w.must(err)
	for _, second := range seconds {
		w.must(os.Remove(second))
	}
	w.must(w.g.Server.Boot(t.Context()))

	log := func() string {
		out, _ := w.g.Server.Run(t.Context(), "sh", "-c", "journalctl -b -u raiz-boot -u raiz-revert -o cat; systemctl is-active multi-user.target")
		return out
	}
	w.await("boot that has gone on", time.Minute, func() bool { return strings.HasSuffix(strings.TrimSpace(log()), "active") })
	w.await("second try", time.Minute, func() bool {
		return strings.Count(log(), "cannot be put back yet") > 1
	})
	if w.pending() != pending {
		t.Fatalf("generation %s is not pending any more:\n%s", pending, log())
	}
	w.must(os.Rename(lost+".away", lost))
	w.must(w.settled())
	stands, err := w.whole()
	if err != nil || stands != "A" {
		t.Errorf("stands %q, %v\n%s", stands, err, log())
	}
}
