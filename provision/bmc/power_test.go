package bmc_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redact"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

func TestPower(t *testing.T) {
	for _, personality := range simbmc.Personalities() {
		t.Run(personality, func(t *testing.T) {
			l := newLab(t, simbmc.Config{Personality: personality})
			c := l.open(l.target(factory()))
			for _, step := range []struct {
				do   bmc.PowerAction
				want string
			}{{bmc.PowerOff, "Off"}, {bmc.PowerOff, "Off"}, {bmc.PowerOn, "On"}, {bmc.PowerCycle, "On"}, {bmc.PowerRestart, "On"}} {
				if err := c.SetPower(t.Context(), step.do, bmc.Graceful, time.Second); err != nil {
					t.Error(step.do, err)
				}
				if got, err := c.Power(t.Context()); got != step.want || err != nil {
					t.Errorf("after %s it is %s, %v", step.do, got, err)
				}
			}
			l.close(c)
		})
	}
}

// TestPowerHangs never cuts the power of a server that does not shut down,
// unless it is told to.
func TestPowerHangs(t *testing.T) {
	l := newLab(t, simbmc.Config{})
	c := l.open(l.target(factory()))
	l.bmc.SetFaults(simbmc.Faults{Hangs: true})
	for _, do := range []bmc.PowerAction{bmc.PowerOff, bmc.PowerCycle} {
		if err := c.SetPower(t.Context(), do, bmc.Graceful, 20*time.Millisecond); !errors.Is(err, bmc.ErrStillOn) {
			t.Errorf("%s: got %v", do, err)
		}
	}
	if got, _ := c.Power(t.Context()); got != "On" {
		t.Errorf("it is %s", got)
	}
	if err := c.SetPower(t.Context(), bmc.PowerOff, bmc.Forced, time.Second); err != nil {
		t.Error(err)
	}
	if err := c.SetPower(t.Context(), "explode", bmc.Graceful, time.Second); err == nil {
		t.Error("no error")
	}
	l.close(c)
}

// TestBootOnce sets the next boot alone, which is no change of the setting.
func TestBootOnce(t *testing.T) {
	for _, personality := range simbmc.Personalities() {
		l := newLab(t, simbmc.Config{Personality: personality})
		c := l.open(l.target(factory()))
		if err := c.BootOnce(t.Context(), "pxe"); err != nil {
			t.Error(personality, err)
		}
		equal(t, map[string][]string{bmc.Boot: {"order"}}, read(t, c, bmc.Boot))
		for _, from := range []string{"floppy", "order"} {
			if err := c.BootOnce(t.Context(), from); err == nil {
				t.Errorf("%s: no error", from)
			}
		}
		l.bmc.SetFaults(simbmc.Faults{Ignore: true})
		if err := c.BootOnce(t.Context(), "cd"); err == nil {
			t.Error("what was not set is said to be")
		}
		l.bmc.SetFaults(simbmc.Faults{})
		l.close(c)
	}
}

// TestDiagnose names every setting, the quirks that fired, and captures
// nothing that lets anybody in.
func TestDiagnose(t *testing.T) {
	for _, personality := range simbmc.Personalities() {
		t.Run(personality, func(t *testing.T) {
			l := newLab(t, simbmc.Config{Personality: personality, Serial: "PLANTED-SERIAL", Model: "Planted " + factoryPassword})
			c := l.open(l.target(factory()))
			d, err := c.Diagnose(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range d.Settings {
				names = append(names, f.Key.Name)
				if f.Unknown() && f.Key.Name != bmc.Account {
					t.Error(f.Err)
				}
			}
			equal(t, bmc.SettingNames(), names)
			if personality != "openbmc" && len(d.Quirks) == 0 {
				t.Error("no quirk fired")
			}
			for serials, shown := range map[redact.Serials]bool{redact.SerialsHidden: false, redact.SerialsShown: true} {
				text, err := json.Marshal(c.Capture(serials))
				if err != nil || len(text) < 500 {
					t.Fatal(err, len(text))
				}
				l.noSecrets(string(text))
				if strings.Contains(string(text), "PLANTED-SERIAL") != shown {
					t.Errorf("serials are %s, and in the capture: %t", serials, !shown)
				}
			}
			l.close(c)
		})
	}
}

// TestCaptureTrees redacts what real controllers show: nothing that is named
// like a secret keeps its value.
func TestCaptureTrees(t *testing.T) {
	dir := treesDir(t)
	l := treeLab(t, dir+"/dell-idrac9-710-r750", nil, oldV4.Addr())
	c := l.open(l.target(factory()))
	if _, err := c.Diagnose(t.Context()); err != nil {
		t.Fatal(err)
	}
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				walk(k, e)
			}
		case []any:
			for _, e := range v {
				walk(name, e)
			}
		case string:
			low := strings.ToLower(name)
			if (strings.Contains(low, "community") || strings.Contains(low, "password")) && v != "" && !strings.HasPrefix(v, "redacted-") {
				t.Errorf("%s is %q", name, v)
			}
		}
	}
	walk("", map[string]any(c.Capture(redact.SerialsHidden)))
	l.close(c)
}
