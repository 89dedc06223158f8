package simbmc

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// Role is a role of the account service (DSP0268, Role).
type Role struct {
	ID         string
	Predefined bool
	// Privileges are the AssignedPrivileges.
	Privileges []string
}

const rolesPath = rootPath + "/AccountService/Roles"

// The privileges of DSP0266.
const (
	login               = "Login"
	configureManager    = "ConfigureManager"
	configureUsers      = "ConfigureUsers"
	configureSelf       = "ConfigureSelf"
	configureComponents = "ConfigureComponents"
)

// predefined are the roles that DSP0266 has, with the privileges it gives them.
func predefined() []Role {
	return []Role{
		{"Administrator", true, []string{login, configureManager, configureUsers, configureSelf, configureComponents}},
		{"Operator", true, []string{login, configureSelf, configureComponents}},
		{"ReadOnly", true, []string{login, configureSelf}},
	}
}

// fillRoles makes the roles those of the configuration, else of the personality,
// and gives every user one.
func (b *BMC) fillRoles() {
	b.roles = b.cfg.Roles
	if len(b.roles) == 0 {
		b.roles = predefined()
		if b.who.slots > 0 {
			b.roles = append(b.roles, Role{ID: noRole, Predefined: true})
		}
	}
	for name, u := range b.users {
		if u.role = b.cfg.RoleOf[name]; u.role == "" {
			u.role = b.mightiest()
		}
	}
}

// noRole is the role of an empty slot (iDRAC9 7.10).
const noRole = "None"

// mightiest is the role that may do anything.
func (b *BMC) mightiest() string {
	i := slices.IndexFunc(b.roles, func(r Role) bool {
		return slices.Contains(r.Privileges, configureUsers) && slices.Contains(r.Privileges, configureManager) && slices.Contains(r.Privileges, configureComponents)
	})
	return b.roles[max(i, 0)].ID
}

func (b *BMC) roleNames() []string {
	var out []string
	for _, r := range b.roles {
		out = append(out, r.ID)
	}
	return out
}

// buildRoles puts the roles into the tree, where there is a collection of them and
// no tree has brought it.
func (b *BMC) buildRoles() {
	if b.cfg.Roles != nil && len(b.cfg.Roles) == 0 || b.tree[rolesPath] != nil {
		return
	}
	var members []string
	for _, r := range b.roles {
		p := rolesPath + "/" + r.ID
		privileges := []any{}
		for _, v := range r.Privileges {
			privileges = append(privileges, v)
		}
		members = append(members, p)
		b.add(p, "Role.v1_3_0.Role", object{
			"Id": r.ID, "RoleId": r.ID, "IsPredefined": r.Predefined, "AssignedPrivileges": privileges, "OemPrivileges": []any{},
		}, nil)
	}
	b.collect(rolesPath, "RoleCollection", members...)
}

// roles are the roles that a saved tree has.
func (s savedTree) roles() []Role {
	var out []Role
	for _, p := range s.members(rolesPath) {
		r := Role{ID: cmp.Or(str(s[p]["RoleId"]), str(s[p]["Id"])), Predefined: s[p]["IsPredefined"] == true}
		for _, v := range list(s[p]["AssignedPrivileges"]) {
			r.Privileges = append(r.Privileges, str(v))
		}
		out = append(out, r)
	}
	return out
}

// needs is the privilege that a write takes (DSP0266 privilege model; Redfish
// privilege registry 1.1).
func needs(path string, u *user) string {
	switch {
	case path == accountsPath+"/"+u.id:
		return configureSelf
	case strings.HasPrefix(path, rootPath+"/AccountService"):
		return configureUsers
	case strings.HasPrefix(path, sessionsPath):
		return login
	case strings.HasPrefix(path, rootPath+"/Systems"), strings.HasPrefix(path, rootPath+"/Chassis"):
		return configureComponents
	}
	return configureManager
}

// may reports whether the role of a user lets them do a request.
func (b *BMC) may(u *user, method, path string) bool {
	want := login
	if method != http.MethodGet {
		want = needs(path, u)
	}
	for _, r := range b.roles {
		if r.ID == u.role {
			// Whoever may configure users may configure themselves.
			return slices.Contains(r.Privileges, want) || want == configureSelf && slices.Contains(r.Privileges, configureUsers)
		}
	}
	return false
}
