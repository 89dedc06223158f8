//go:build linux

package rehearse_test

import (
	"context"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/rehearse"
)

// powered is what the BMC says, and what is so.
func powered(t *testing.T, tb *rehearse.Testbed) (said string, is bool) {
	t.Helper()
	text, err := redfish(t, tb, http.MethodGet, "192.168.0.120", "/redfish/v1/Systems/system", "")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(text, `"PowerState":"`)
	said, _, _ = strings.Cut(after, `"`)
	return said, tb.Server.Running()
}

func press(t *testing.T, tb *rehearse.Testbed, kind string) {
	t.Helper()
	if _, err := redfish(t, tb, http.MethodPost, "192.168.0.120", "/redfish/v1/Systems/system/Actions/ComputerSystem.Reset", `{"ResetType":"`+kind+`"}`); err != nil {
		t.Fatal(err)
	}
}

func awaitPower(t *testing.T, tb *rehearse.Testbed, want string) {
	t.Helper()
	eventually(t, "power "+want, func() (bool, string) {
		said, is := powered(t, tb)
		return said == want && is == (want == "On"), said
	})
}

// awaitBoot waits for another boot than that, and logs in.
func awaitBoot(t *testing.T, tb *rehearse.Testbed, was string) {
	t.Helper()
	eventually(t, "another boot", func() (bool, string) {
		now := tb.Server.Init()
		if now == "" || now == was {
			return false, now
		}
		out, _ := tb.Server.Run(t.Context(), "systemctl", "is-system-running", "--wait")
		state := strings.TrimSpace(out)
		return state == "running" || state == "degraded", state
	})
	eventually(t, "the address", func() (bool, string) {
		out, _ := tb.Server.Run(t.Context(), "ip", "-o", "address", "show", "dev", "eno1")
		return strings.Contains(out, "192.0.2.30/"), out
	})
	login(t, tb, "192.0.2.30:22", "true")
}

// switches does to a server what its controller and its own orders can do, and
// looks at the machine each time.
func switches(t *testing.T, tb *rehearse.Testbed) {
	t.Helper()
	if said, is := powered(t, tb); said != "On" || !is {
		t.Fatalf("at first: %s, %t", said, is)
	}
	mustRun(t, tb.Server, "ip", "address", "add", "203.0.113.77/32", "dev", "eno1")
	for _, off := range []string{"ForceOff", "GracefulShutdown"} {
		was := tb.Server.Init()
		press(t, tb, off)
		awaitPower(t, tb, "Off")
		press(t, tb, "On")
		awaitPower(t, tb, "On")
		awaitBoot(t, tb, was)
	}
	if out := mustRun(t, tb.Server, "ip", "address"); strings.Contains(out, "203.0.113.77") {
		t.Error("an address of before outlives the power")
	}
	for _, restart := range []string{"ForceRestart", "GracefulRestart"} {
		was := tb.Server.Init()
		press(t, tb, restart)
		awaitBoot(t, tb, was)
		awaitPower(t, tb, "On")
	}
	mustRun(t, tb.Server, "ip", "address", "add", "203.0.113.77/32", "dev", "eno1")
	was := tb.Server.Init()
	_, _ = tb.Server.Run(t.Context(), "systemctl", "reboot") // its answer goes down with it
	awaitBoot(t, tb, was)
	if out := mustRun(t, tb.Server, "ip", "address"); strings.Contains(out, "203.0.113.77") {
		t.Error("an address of before outlives a reboot")
	}
	_, _ = tb.Server.Run(t.Context(), "systemctl", "poweroff")
	awaitPower(t, tb, "Off")
	press(t, tb, "On")
	awaitBoot(t, tb, was)
}

// TestPowerActs switches the server of a rehearsal that lives in this process.
func TestPowerActs(t *testing.T) {
	switches(t, up(t, example()))
}

// TestPowerActsOnKept switches the server of one that is kept: who built it is
// not there any more, and another process looks after it.
func TestPowerActsOnKept(t *testing.T) {
	needTestbed(t)
	tb, err := rehearse.Up(t.Context(), example(), rehearse.Options{BMCCommand: []string{os.Args[0], "serve-bmc"}})
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
	switches(t, tb)
}
