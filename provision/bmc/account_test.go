package bmc_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
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

// mighty and weak are roles by other names than DSP0266's.
func mighty(id string, predefined bool) simbmc.Role {
	return simbmc.Role{ID: id, Predefined: predefined, Privileges: []string{"Login", "ConfigureManager", "ConfigureUsers", "ConfigureSelf", "ConfigureComponents"}}
}

func weak(id string) simbmc.Role {
	return simbmc.Role{ID: id, Predefined: true, Privileges: []string{"Login", "ConfigureSelf", "ConfigureManager"}}
}

// TestRoles: an account is made an administrator by the role that has the
// privileges, whatever its name, and can change a setting then.
func TestRoles(t *testing.T) {
	own := []simbmc.Role{weak("user"), mighty("made", false), mighty("administrator", true), mighty("admin", true)}
	lame := []simbmc.Role{weak("AdministratorOfNothing"), weak("user")}
	for name, tc := range map[string]struct {
		roles     []simbmc.Role
		is, reads string // what raiz is before; "" is nobody
		want      string // role
		says      string
	}{
		"by its name":          {nil, "", "(absent)", "Administrator", ""},
		"operator":             {nil, "Operator", "(absent)", "Administrator", ""},
		"no collection":        {[]simbmc.Role{}, "", "(absent)", "Administrator", ""},
		"predefined first":     {own, "", "(absent)", "administrator", ""},
		"mended":               {own, "user", "(absent)", "administrator", ""},
		"stays what it is":     {own, "admin", "raiz", "admin", ""},
		"somebody's own":       {[]simbmc.Role{weak("user"), mighty("made", false)}, "", "(absent)", "made", ""},
		"the standard's, last": {append(own, mighty("Administrator", true)), "", "(absent)", "Administrator", ""},
		"none":                 {lame, "user", "(absent)", "user", "there are: AdministratorOfNothing, user"},
	} {
		for _, personality := range simbmc.Personalities() {
			t.Run(name+"/"+personality, func(t *testing.T) {
				t.Parallel()
				cfg := simbmc.Config{Personality: personality, Roles: tc.roles, Users: map[string]string{"root": factoryPassword}}
				if tc.is != "" {
					cfg.Users["raiz"], cfg.RoleOf = declaredPassword, map[string]string{"raiz": tc.is}
				}
				l := newLab(t, cfg)
				c := l.open(l.target(declared(), factory()))
				equal(t, []string{tc.reads}, read(t, c, bmc.Account)[bmc.Account])
				got, err := set(t, l, c, map[string][]string{bmc.Account: {"raiz"}})
				switch {
				case tc.says == "" && err != nil, tc.says != "" && (err == nil || got[bmc.Account] != bmc.Failed || !strings.Contains(err.Error(), tc.says)):
					t.Errorf("%v, %v; want it to say %q", got, err, tc.says)
				}
				all, err := c.Administrators(t.Context())
				if slices.Contains(all, "raiz") != (tc.says == "") || err != nil {
					t.Errorf("administrators: %v, %v", all, err)
				}
				l.close(c)
				if role := l.bmc.RoleOf("raiz"); role != tc.want {
					t.Errorf("its role is %q, not %q", role, tc.want)
				}
				if tc.says == "" {
					l.changes(l.at(declared()))
				}
			})
		}
	}
}

// changes makes sure that a user can change a setting.
func (l *lab) changes(e redfish.Endpoint) {
	l.t.Helper()
	c := l.open(l.target(e))
	defer l.close(c)
	if got, err := set(l.t, l, c, map[string][]string{bmc.NTP: {"192.0.2.7"}}); err != nil {
		l.t.Error(got, err)
	}
}

// TestRolesUnread: a look that finds the declared user at work reads no role, and
// one at an account of the standard's role none either.
func TestRolesUnread(t *testing.T) {
	l := newLab(t, simbmc.Config{Users: map[string]string{"root": factoryPassword, "raiz": declaredPassword}})
	for _, way := range []redfish.Endpoint{l.at(declared()), factory()} {
		c := l.open(l.target(way, declared()))
		equal(t, []string{"raiz"}, read(t, c, bmc.Account)[bmc.Account])
		l.close(c)
	}
	for _, r := range l.bmc.Log() {
		if strings.Contains(r.Path, "Roles") {
			t.Errorf("%s %s", r.Method, r.Path)
		}
	}
}
