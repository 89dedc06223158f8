package bmc_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

const inAccounts = "/redfish/v1/AccountService/Accounts"

// written are the writes to accounts that a controller has seen.
func (l *lab) written() []simbmc.Request {
	return slices.DeleteFunc(l.bmc.Log(), func(r simbmc.Request) bool {
		return r.Method == "GET" || !strings.HasPrefix(r.Path, inAccounts)
	})
}

// TestAccountEnabled: whether accounts can be switched off is what their documents
// say, whoever made the controller. One that is off is switched on; one that has no
// such switch is never sent it.
func TestAccountEnabled(t *testing.T) {
	both := map[string]string{"root": factoryPassword, "raiz": "Planted-Other-22"}
	for name, cfg := range map[string]simbmc.Config{
		"switched off":   {Users: both, Disabled: []string{"raiz"}},
		"other password": {Users: both},
		"none":           {Users: map[string]string{"root": factoryPassword}},
		"no switch":      {Users: both, NoEnabled: true},
		"no switch none": {Users: map[string]string{"root": factoryPassword}, NoEnabled: true},
	} {
		for _, personality := range simbmc.Personalities() {
			t.Run(name+"/"+personality, func(t *testing.T) {
				t.Parallel()
				cfg.Personality = personality
				l := newLab(t, cfg)
				c := l.open(l.target(declared(), factory()))
				if slices.Contains(cfg.Disabled, "raiz") {
					equal(t, []string{"(absent)"}, read(t, c, bmc.Account)[bmc.Account])
				}
				if got, err := set(t, l, c, map[string][]string{bmc.Account: {"raiz"}}); err != nil {
					t.Error(got, err)
				}
				l.close(c)
				for _, r := range l.written() {
					if r.Status == 400 || slices.Contains(r.Keys, "Enabled") == cfg.NoEnabled {
						t.Errorf("%s %s %v: %d", r.Method, r.Path, r.Keys, r.Status)
					}
				}
				if !l.letsIn(l.at(declared())) {
					t.Error("the declared user cannot log in")
				}
			})
		}
	}
}
