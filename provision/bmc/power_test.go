package bmc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redact"
	"github.com/raiz-dns/raiz/provision/redfish"
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

// TestPowerOffRestarting: a server that restarts reads as off for a moment. It is
// off once it stays so.
func TestPowerOffRestarting(t *testing.T) {
	for _, personality := range simbmc.Personalities() {
		for _, how := range []bmc.PowerMode{bmc.Graceful, bmc.Forced} {
			for _, looks := range []int{1, 4} {
				t.Run(fmt.Sprint(personality, "/", how, "/", looks), func(t *testing.T) {
					t.Parallel()
					l := newLab(t, simbmc.Config{Personality: personality, Faults: simbmc.Faults{RestartsOff: looks}})
					c := l.open(l.target(factory()))
					defer l.close(c)
					for _, do := range []bmc.PowerAction{bmc.PowerRestart, bmc.PowerOff} {
						if err := c.SetPower(t.Context(), do, how, time.Minute); err != nil {
							t.Fatal(do, err)
						}
					}
					for range looks + 2 {
						if got, err := c.Power(t.Context()); got != "Off" || err != nil {
							t.Fatalf("it is %s, %v", got, err)
						}
					}
				})
			}
		}
	}
}

// TestPowerOffAlready says so of a server that is off, in bounded time, and switches
// nothing.
func TestPowerOffAlready(t *testing.T) {
	for _, personality := range simbmc.Personalities() {
		for _, how := range []bmc.PowerMode{bmc.Graceful, bmc.Forced} {
			l := newLab(t, simbmc.Config{Personality: personality, Powered: func() bool { return false }})
			c := l.open(l.target(factory()))
			if err := c.SetPower(t.Context(), bmc.PowerOff, how, 0); err != nil {
				t.Error(personality, how, err)
			}
			l.close(c)
			if n := l.bmc.Counters(); n.Writes != 0 || n.Gets > 12 {
				t.Errorf("%s, %s: it took %+v", personality, how, n)
			}
		}
	}
}

// TestPowerOffRefused: a server that goes off before it is told to is off, and one
// that was restarting then is switched off when it is up. A refusal of one that stays
// on is one.
func TestPowerOffRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg  simbmc.Config
		want error
	}{
		"gone off":    {simbmc.Config{Faults: simbmc.Faults{GoesOff: 1}}, nil},
		"restarting":  {simbmc.Config{Faults: simbmc.Faults{GoesOff: 1, RestartsOff: 2}}, nil},
		"not allowed": {simbmc.Config{Roles: []simbmc.Role{weak("user")}}, redfish.ErrRefused},
	} {
		for _, personality := range simbmc.Personalities() {
			t.Run(name+"/"+personality, func(t *testing.T) {
				t.Parallel()
				tc.cfg.Personality = personality
				l := newLab(t, tc.cfg)
				c := l.open(l.target(factory()))
				defer l.close(c)
				if err := c.SetPower(t.Context(), bmc.PowerOff, bmc.Forced, time.Minute); !errors.Is(err, tc.want) {
					t.Errorf("got %v, not %v", err, tc.want)
				}
				if got, err := c.Power(t.Context()); (got == "Off") != (tc.want == nil) || err != nil {
					t.Errorf("it is %s, %v", got, err)
				}
			})
		}
	}
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

// TestLostReset loses each answer of a change of power in turn: the server is what
// it was asked to be, or it is said that nobody knows.
func TestLostReset(t *testing.T) {
	for _, strike := range []simbmc.Strike{simbmc.StrikeLost, simbmc.StrikeReset} {
		for do, want := range map[bmc.PowerAction]string{bmc.PowerOff: "Off", bmc.PowerOn: "On", bmc.PowerRestart: "On"} {
			t.Run(string(strike)+"/"+string(do), func(t *testing.T) {
				unanswered := 0
				for at := 1; at <= 6; at++ {
					l := newLab(t, simbmc.Config{Personality: "idrac"})
					c := l.open(l.target(factory()))
					if do == bmc.PowerOn {
						if err := c.SetPower(t.Context(), bmc.PowerOff, bmc.Forced, time.Second); err != nil {
							t.Fatal(err)
						}
					}
					l.bmc.SetFaults(simbmc.Faults{Strike: strike, StrikeAt: at})
					err := c.SetPower(t.Context(), do, bmc.Forced, 2*time.Second)
					if errors.Is(err, bmc.ErrUnanswered) && do == bmc.PowerRestart {
						unanswered++
						err = nil
					}
					l.bmc.SetFaults(simbmc.Faults{})
					have, looked := c.Power(t.Context())
					if err == nil && (looked != nil || have != want) {
						t.Errorf("request %d: it is said to be done, and is %s, %v", at, have, looked)
					}
					if err != nil && !strings.Contains(err.Error(), "read the power") && !strings.Contains(err.Error(), "Systems") {
						t.Errorf("request %d: %v", at, err)
					}
					l.close(c)
				}
				if do == bmc.PowerRestart && unanswered == 0 {
					t.Error("no answer of a restart was lost")
				}
			})
		}
	}
}
