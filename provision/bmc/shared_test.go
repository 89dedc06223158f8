package bmc_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// TestQueued: an iDRAC has one job for all that waits for its BIOS. What comes
// second is not written, is said to come after the reboot by the next look, and
// can be written then; it takes the first one nowhere.
func TestQueued(t *testing.T) {
	l := newLab(t, simbmc.Config{Personality: "idrac"})
	c := l.open(l.target(declared(), factory()))
	defer l.close(c)
	both := map[string][]string{bmc.PowerPolicy: {"always-on"}, bmc.BootOrder: {"Boot0002", "Boot0001"}}
	look := func(pending, queued string) {
		t.Helper()
		for _, f := range c.Read(t.Context(), items(both)) {
			if f.Err != nil || (f.Pending != nil) != (f.Key.Name == pending) || (f.Queued != "") != (f.Key.Name == queued) {
				t.Fatalf("%s: %+v, want %s waiting and %s queued", f.Key, f, pending, queued)
			}
		}
	}
	look("", "")
	out, err := c.Set(t.Context(), changes(both))
	if err != nil || out[0].Status != bmc.Pending || out[1].Status != bmc.Queued || !strings.Contains(out[1].Err.Error(), "one at a time") {
		t.Fatalf("%v %v", out, err)
	}
	look(bmc.PowerPolicy, bmc.BootOrder)
	if out, err := c.Set(t.Context(), changes(map[string][]string{bmc.PowerPolicy: {"last-state"}})); err != nil || out[0].Status != bmc.Done {
		t.Fatalf("%v %v", out, err)
	}
	look("", "")
	first := map[string][]string{bmc.BootOrder: both[bmc.BootOrder]}
	if out, err := c.Set(t.Context(), changes(first)); err != nil || out[0].Status != bmc.Pending {
		t.Fatalf("%v %v", out, err)
	}
	look(bmc.BootOrder, bmc.PowerPolicy)
	if err := c.SetPower(t.Context(), bmc.PowerRestart, bmc.Forced, time.Second); err != nil {
		t.Fatal(err)
	}
	look("", "")
	if out, err := c.Set(t.Context(), changes(both)); err != nil || out[0].Status != bmc.Pending || out[1].Status != bmc.Done {
		t.Fatalf("%v %v", out, err)
	}
}

// TestPendingTogether takes nothing back that would take another's setting along.
func TestPendingTogether(t *testing.T) {
	l := newLab(t, simbmc.Config{Personality: "idrac"})
	at := l.target(factory())
	other, err := redfish.Open(t.Context(), at.Target)
	if err != nil {
		t.Fatal(err)
	}
	theirs := redfish.Object{"Attributes": redfish.Object{"AcPwrRcvry": "On", "AcPwrRcvryDelay": "Random"}}
	if _, err := other.Write(t.Context(), http.MethodPatch, "/redfish/v1/Systems/System.Embedded.1/Bios/Settings", theirs, "", redfish.Public); err != nil {
		t.Fatal(err)
	}
	if err := other.Close(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	c := l.open(at)
	defer l.close(c)
	mine := func(value string) map[string][]string { return map[string][]string{bmc.PowerPolicy: {value}} }
	for _, value := range []string{"last-state", "always-off"} {
		out, err := c.Set(t.Context(), changes(mine(value)))
		if out[0].Status != bmc.Failed || err == nil || !strings.Contains(err.Error(), "AcPwrRcvryDelay waits") {
			t.Errorf("%s: %s %v", value, out[0].Status, err)
		}
	}
	if f := c.Read(t.Context(), items(mine("always-on")))[0]; f.Pending == nil {
		t.Errorf("it does not wait any more: %+v", f)
	}
}

// TestNotQueued: what is refused while nothing waits is refused, whoever's setting
// it is.
func TestNotQueued(t *testing.T) {
	l := newLab(t, simbmc.Config{Personality: "idrac"})
	c := l.open(l.target(declared(), factory()))
	defer l.close(c)
	l.bmc.SetFaults(simbmc.Faults{ReadOnly: []string{"Boot"}})
	out, err := c.Set(t.Context(), changes(map[string][]string{bmc.BootOrder: {"Boot0002", "Boot0001"}}))
	if err == nil || out[0].Status != bmc.Unsupported && out[0].Status != bmc.Failed {
		t.Fatalf("%v %v", out, err)
	}
}

// TestPendingUnread: what waits and is not understood is unknown, and not absent.
func TestPendingUnread(t *testing.T) {
	dir := filepath.Join(treesDir(t), "dell-idrac9-710-r750")
	for name, x := range map[string]struct{ file, old, odd, setting string }{
		"power": {"Bios/Settings", `"Attributes": {}`, `"Attributes": {"AcPwrRcvry": "Delayed"}`, bmc.PowerPolicy},
		"order": {"Settings", `"BootOrder": []`, `"BootOrder": [7]`, bmc.BootOrder},
		"text":  {"Settings", `"BootOrder": []`, `"BootOrder": "Boot0001"`, bmc.BootOrder},
	} {
		t.Run(name, func(t *testing.T) {
			bent := t.TempDir()
			file := filepath.Join(bent, "redfish/v1/Systems/System.Embedded.1", x.file, "index.json")
			if err := os.CopyFS(bent, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(file)
			odd := strings.Replace(string(text), x.old, x.odd, 1)
			if err != nil || odd == string(text) || os.WriteFile(file, []byte(odd), 0o644) != nil {
				t.Fatalf("%v: %q is not there", err, x.old)
			}
			target, _ := serveTree(t, bent)
			c, err := bmc.Open(t.Context(), target)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(t.Context())
			f := c.Read(t.Context(), keys(x.setting))[0]
			if !f.Unknown() || errors.Is(f.Err, state.ErrUnsupported) || !strings.Contains(f.Err.Error(), "waits for a reboot") {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestWithoutJob: what is in the settings object of an iDRAC without a job is never
// carried out. It does not wait, and what is wanted is written with a job.
func TestWithoutJob(t *testing.T) {
	l := newLab(t, simbmc.Config{Personality: "idrac"})
	l.bmc.Stage("/redfish/v1/Systems/System.Embedded.1/Bios/Settings", map[string]any{"AcPwrRcvry": "On"})
	c := l.open(l.target(declared(), factory()))
	defer l.close(c)
	want := map[string][]string{bmc.PowerPolicy: {"always-on"}}
	if f := c.Read(t.Context(), items(want))[0]; f.Pending != nil || f.Queued != "" || f.Err != nil {
		t.Errorf("reads %+v", f)
	}
	if out, err := c.Set(t.Context(), changes(want)); err != nil || out[0].Status != bmc.Pending || c.Stats().Writes == 0 {
		t.Errorf("%v %v after %d writes", out, err, c.Stats().Writes)
	}
	if err := c.SetPower(t.Context(), bmc.PowerRestart, bmc.Forced, time.Second); err != nil {
		t.Fatal(err)
	}
	if out, err := c.Set(t.Context(), changes(want)); err != nil || out[0].Status != bmc.Done {
		t.Errorf("%v %v", out, err)
	}
}

// TestQueuedBehindOthers: the job may be of a setting that the site does not speak
// of.
func TestQueuedBehindOthers(t *testing.T) {
	l := newLab(t, simbmc.Config{Personality: "idrac"})
	c := l.open(l.target(declared(), factory()))
	defer l.close(c)
	if out, err := c.Set(t.Context(), changes(map[string][]string{bmc.BootOrder: {"Boot0002", "Boot0001"}})); err != nil || out[0].Status != bmc.Pending {
		t.Fatalf("%v %v", out, err)
	}
	for value, queued := range map[string]bool{"always-on": true, "last-state": false} { // which it is
		if f := c.Read(t.Context(), items(map[string][]string{bmc.PowerPolicy: {value}}))[0]; f.Err != nil || (f.Queued != "") != queued {
			t.Errorf("%s: %+v", value, f)
		}
	}
}

// TestJobsUntold: where a controller does not tell its jobs, what stands in its
// settings object waits, as far as anybody knows.
func TestJobsUntold(t *testing.T) {
	l := newLab(t, simbmc.Config{Personality: "idrac"})
	l.bmc.SetFaults(simbmc.Faults{Missing: []string{"/redfish/v1/Managers/iDRAC.Embedded.1/Oem/Dell/Jobs"}})
	c := l.open(l.target(declared(), factory()))
	defer l.close(c)
	want := map[string][]string{bmc.PowerPolicy: {"always-on"}}
	if out, err := c.Set(t.Context(), changes(want)); err != nil || out[0].Status != bmc.Pending {
		t.Errorf("%v %v", out, err)
	}
	if f := c.Read(t.Context(), items(want))[0]; f.Pending == nil || f.Err != nil {
		t.Errorf("reads %+v", f)
	}
}
