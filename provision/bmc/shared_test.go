package bmc_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// TestPendingTogether takes nothing back that would take another setting along: an
// iDRAC has one queue of jobs for all that waits for its BIOS.
func TestPendingTogether(t *testing.T) {
	l := newLab(t, simbmc.Config{Personality: "idrac"})
	c := l.open(l.target(declared(), factory()))
	defer l.close(c)
	both := map[string][]string{bmc.PowerPolicy: {"always-on"}, bmc.BootOrder: {"Boot0002", "Boot0001"}}
	if out, err := c.Set(t.Context(), changes(both)); err != nil || out[0].Status != bmc.Pending || out[1].Status != bmc.Pending {
		t.Fatalf("%v %v", out, err)
	}
	for name, before := range waiting("idrac") {
		out, err := c.Set(t.Context(), changes(map[string][]string{name: before}))
		if out[0].Status != bmc.Failed || err == nil || strings.Contains(err.Error(), "does not take it") {
			t.Errorf("%s: %s %v", name, out[0].Status, err)
		}
	}
	for _, f := range c.Read(t.Context(), items(both)) {
		if f.Pending == nil {
			t.Errorf("%s does not wait any more", f.Key)
		}
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
