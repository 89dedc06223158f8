package bmc_test

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// outcomeOf is what became of one setting.
func outcomeOf(t *testing.T, out []bmc.Outcome, name string) bmc.Outcome {
	t.Helper()
	i := slices.IndexFunc(out, func(o bmc.Outcome) bool { return o.Key.Name == name })
	if i < 0 {
		t.Fatalf("%s has no outcome among %v", name, out)
	}
	return out[i]
}

// letsIn asks the controller itself, in a session of its own.
func (l *lab) letsIn(e redfish.Endpoint) bool {
	l.t.Helper()
	c, err := bmc.Open(l.t.Context(), l.target(e))
	if err != nil {
		if !errors.Is(err, redfish.ErrAuth) {
			l.t.Error(err)
		}
		return false
	}
	l.close(c)
	return true
}

// at is an endpoint where the controller answers.
func (l *lab) at(e redfish.Endpoint) redfish.Endpoint {
	e.Address = netip.AddrPortFrom(l.bmc.Addresses()[0].Addr(), 443)
	return e
}

// TestFactoryAccount ends the account of the factory on every personality, once
// the declared user has been seen to log in, and not before.
func TestFactoryAccount(t *testing.T) {
	kinds := map[string]simbmc.Config{"ilo without Enabled": {Personality: "ilo", NoEnabled: true}}
	for _, personality := range simbmc.Personalities() {
		kinds[personality] = simbmc.Config{Personality: personality}
	}
	for name, cfg := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, cfg)
			target := l.target(declared(), factory())
			target.Links = &cache{}
			c := l.open(target)
			equal(t, []string{"root: on"}, read(t, c, bmc.FactoryAccount)[bmc.FactoryAccount])
			out, err := c.Set(t.Context(), changes(map[string][]string{bmc.FactoryAccount: {"root: off"}}))
			if o := outcomeOf(t, out, bmc.FactoryAccount); err == nil || o.Status == bmc.Done {
				t.Errorf("it was ended before anybody else could log in: %s", o.Status)
			}
			l.close(c)
			if !l.letsIn(factory()) {
				t.Fatal("nobody can log in any more")
			}

			c = l.open(target)
			out, err = c.Set(t.Context(), changes(map[string][]string{bmc.FactoryAccount: {"root: off"}, bmc.Account: {"raiz"}}))
			if err != nil {
				t.Fatalf("%v %v", out, err)
			}
			l.close(c)
			if l.letsIn(factory()) || !l.letsIn(l.at(declared())) {
				t.Error("the door of the factory stands open, or nobody can log in")
			}

			var cost []int
			for range 2 {
				target.Endpoints = []redfish.Endpoint{l.at(declared()), factory()}
				c = l.open(target)
				equal(t, []string{"root: off"}, read(t, c, bmc.FactoryAccount)[bmc.FactoryAccount])
				cost = append(cost, c.Stats().Gets)
				l.close(c)
			}
			// The service root comes with the login.
			if cost[1] > 2 && !cfg.NoEnabled { // where it is gone there is nothing to remember
				t.Errorf("a look at it costs %v reads", cost)
			}
			l.noSecrets(l.logs.String())
		})
	}
}

// TestFactoryStays is for doubts about the other ways in.
func TestFactoryStays(t *testing.T) {
	l := newLab(t, simbmc.Config{})
	l.unroutable = newV4.Addr() // the address that it moves to does not answer from here
	target := l.target(declared(), factory())
	target.Patience.Move = target.Patience.ReadBack
	c := l.open(target)
	want := wanted()
	delete(want, bmc.IPv6Address)
	delete(want, bmc.IPv6Gateway)
	want[bmc.FactoryAccount] = []string{"root: off"}
	out, err := c.Set(t.Context(), changes(want))
	o := outcomeOf(t, out, bmc.FactoryAccount)
	if err == nil || o.Status == bmc.Done || !strings.Contains(o.Err.Error(), "stays until") {
		t.Errorf("%s: %v", o.Status, o.Err)
	}
	_ = c.Close(t.Context())
	if u := l.bmc.Users(); !slices.Contains(u, "root") {
		t.Errorf("who may log in: %v", u)
	}
}

// TestFactoryStillLogsIn is a controller that takes the change and goes on as
// before: what reads back is no proof.
func TestFactoryStillLogsIn(t *testing.T) {
	l := newLab(t, simbmc.Config{Faults: simbmc.Faults{DisabledLogsIn: true}})
	c := l.open(l.target(declared(), factory()))
	defer l.close(c)
	out, err := c.Set(t.Context(), changes(map[string][]string{bmc.FactoryAccount: {"root: off"}, bmc.Account: {"raiz"}}))
	if o := outcomeOf(t, out, bmc.FactoryAccount); err == nil || o.Status != bmc.Failed || !strings.Contains(o.Err.Error(), "root still logs in") {
		t.Errorf("%s: %v", o.Status, o.Err)
	}
}

// TestFactoryPasswords: enroll may have given the account of the factory the
// declared password, which opens it as well.
func TestFactoryPasswords(t *testing.T) {
	l := newLab(t, simbmc.Config{Users: map[string]string{"root": declaredPassword, "raiz": declaredPassword}, Faults: simbmc.Faults{DisabledLogsIn: true}})
	second := factory()
	second.Password = declared().Password
	c := l.open(l.target(l.at(declared()), factory(), second))
	defer l.close(c)
	out, _ := c.Set(t.Context(), changes(map[string][]string{bmc.FactoryAccount: {"root: off"}}))
	if o := outcomeOf(t, out, bmc.FactoryAccount); o.Status != bmc.Failed {
		t.Errorf("%s: %v", o.Status, o.Err)
	}
}

// TestFactoryOtherUser: where the factory's user is the declared one, its new
// password is all there is to it.
func TestFactoryOtherUser(t *testing.T) {
	l := newLab(t, simbmc.Config{Users: map[string]string{"root": declaredPassword}})
	own := l.at(declared())
	own.Username = "root"
	c := l.open(l.target(own, factory()))
	equal(t, []string{"root: off"}, read(t, c, bmc.FactoryAccount)[bmc.FactoryAccount])
	out, err := c.Set(t.Context(), changes(map[string][]string{bmc.FactoryAccount: {"root: off"}}))
	l.close(c)
	if err == nil || out[0].Status == bmc.Done || !l.letsIn(own) {
		t.Errorf("%v: the only account may not end", out)
	}
}

func TestAdministrators(t *testing.T) {
	own := func(id string, privileges ...string) simbmc.Role { return simbmc.Role{ID: id, Privileges: privileges} }
	all := []simbmc.Role{mighty("Administrator", true), weak("Operator"), mighty("boss", false), own("climber", "Login", "ConfigureUsers"), own("clerk", "Login", "ConfigureManager")}
	for name, tc := range map[string]struct {
		roles []simbmc.Role
		role  string // of eve
		is    bool
	}{
		"predefined":         {nil, "", true},
		"operator":           {nil, "Operator", false},
		"other name":         {all, "boss", true},
		"could make himself": {all, "climber", true},
		"less":               {all, "clerk", false},
		"no collection":      {[]simbmc.Role{}, "ReadOnly", false},
		"nobody can tell":    {[]simbmc.Role{}, "made", true},
	} {
		for _, personality := range simbmc.Personalities() {
			t.Run(name+"/"+personality, func(t *testing.T) {
				t.Parallel()
				l := newLab(t, simbmc.Config{
					Personality: personality, Users: map[string]string{"root": factoryPassword, "eve": "Planted-Other-22"},
					Roles: tc.roles, RoleOf: map[string]string{"eve": tc.role},
				})
				c := l.open(l.target(declared(), factory()))
				defer l.close(c)
				if _, err := c.Set(t.Context(), []bmc.Change{{
					Key: state.Key{Kind: state.Setting, Name: bmc.Account}, Value: state.Attr{Values: []string{"raiz"}}, Secret: secret.New("x", declaredPassword),
				}}); err != nil {
					t.Fatal(err)
				}
				want := []string{"raiz", "root"}
				if tc.is {
					want = []string{"eve", "raiz", "root"}
				}
				got, err := c.Administrators(t.Context())
				slices.Sort(got)
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("%v, %v", got, err)
				}
			})
		}
	}
}
