package bmc

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// administrator is the predefined role that may do anything. A service cannot give
// it other privileges (DSP0266, predefined roles; Role.v1_0_0 AssignedPrivileges).
const administrator = "Administrator"

// lesserRoles may not change settings: those of DSP0266, whose privileges are as
// fixed, and the ones of accounts that may do nothing (iDRAC9 7.10 and Intel 1.93).
func lesserRoles() []string { return []string{"Operator", "ReadOnly", "None", "NoAccess"} }

// administrates reports whether a role has every privilege that settings and
// accounts take (DSP0266, privilege model).
func administrates(role redfish.Document) bool {
	has := role.List("AssignedPrivileges")
	for _, p := range []any{"Login", "ConfigureManager", "ConfigureUsers", "ConfigureComponents"} {
		if !slices.Contains(has, p) {
			return false
		}
	}
	return true
}

// roleID is what RoleId of an account has to say: Role.v1_2_0 calls it so and
// deprecates it for Id again.
func roleID(role redfish.Document) string { return cmp.Or(role.Text("RoleId"), role.Text("Id")) }

// standing is what an account may do.
type standing string

const (
	mayAll  standing = "all"
	mayRise standing = "configure users" // and so make an administrator, of itself too
	mayLess standing = "less"
	mayWhat standing = "nobody can tell" // its role is nowhere to be found
)

// roles are those of one account service, read when they are asked for.
type roles struct {
	reader
	collection string // "" without any
	list       []redfish.Document
	held       holding // what list takes
	listed     bool
}

// standing tells what an account may do. Names alone tell it of nearly all.
func (r *roles) standing(ctx context.Context, account redfish.Document) (standing, error) {
	id := account.Text("RoleId")
	switch {
	case id == administrator:
		return mayAll, nil
	case slices.Contains(lesserRoles(), id):
		return mayLess, nil
	}
	role, err := r.of(ctx, account)
	switch {
	case err != nil:
		return mayWhat, err
	case role.URI == "":
		return mayWhat, nil
	case administrates(role), id == "" && roleID(role) == administrator:
		return mayAll, nil
	case slices.Contains(role.List("AssignedPrivileges"), any("ConfigureUsers")):
		return mayRise, nil
	}
	return mayLess, nil
}

// of is the role of an account; zero where it is nowhere to be found.
func (r *roles) of(ctx context.Context, account redfish.Document) (redfish.Document, error) {
	own, id := account.Link("Links", "Role"), account.Text("RoleId")
	is := func(d redfish.Document) bool { return d.URI == own || id != "" && roleID(d) == id }
	if i := slices.IndexFunc(r.list, is); i >= 0 {
		return r.list[i], nil
	}
	if own != "" {
		switch d, err := r.session.Get(ctx, own); {
		case err == nil:
			r.list = append(r.list, d)
			return d, r.held.take(d)
		case !gone(err):
			return redfish.Document{}, err
		}
	}
	all, err := r.all(ctx)
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i], err
	}
	return redfish.Document{}, err
}

// all reads the roles.
func (r *roles) all(ctx context.Context) ([]redfish.Document, error) {
	if r.listed || r.collection == "" {
		return r.list, nil
	}
	members, err := r.entries(ctx)
	if err != nil {
		return nil, err
	}
	r.list, r.held = nil, 0
	for _, e := range members {
		d, err := r.member(ctx, e, "AssignedPrivileges")
		if err == nil {
			err = r.held.take(d)
		}
		if gone(err) {
			continue
		} else if err != nil {
			return nil, err
		}
		r.list = append(r.list, d)
	}
	r.listed = true
	return r.list, nil
}

// entries are the members of the collection, or none where it is not there.
func (r *roles) entries(ctx context.Context) ([]any, error) {
	if r.collection == "" {
		return nil, nil
	}
	list, err := r.expanded(ctx, r.collection)
	if gone(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	members := list.List("Members")
	if len(members) > maxAccounts {
		return nil, fmt.Errorf("%s has %d roles, more than %d", r.collection, len(members), maxAccounts)
	}
	return members, nil
}

// best is the role that makes an administrator: the predefined one, also where
// nothing tells the roles; else, where a controller has names of its own, the first
// with the privileges, a predefined one before those that somebody has made.
func (r *roles) best(ctx context.Context) (string, error) {
	members, err := r.entries(ctx)
	if err != nil || len(members) == 0 {
		return administrator, err
	}
	for _, e := range members {
		if path.Base(redfish.LinkTarget(e)) == administrator {
			return administrator, nil
		}
	}
	all, err := r.all(ctx)
	if err != nil {
		return "", err
	}
	var names []string
	for _, d := range all {
		if roleID(d) == administrator {
			return administrator, nil
		}
		names = append(names, redfish.Short(roleID(d)))
	}
	fit := slices.DeleteFunc(slices.Clone(all), func(d redfish.Document) bool { return !administrates(d) || roleID(d) == "" })
	slices.SortStableFunc(fit, func(a, b redfish.Document) int { return rank(a) - rank(b) })
	if len(fit) == 0 {
		return "", fmt.Errorf("%w: none of its roles may change settings and accounts; there are: %s", redfish.ErrRefused, strings.Join(names, ", "))
	}
	return roleID(fit[0]), nil
}

func rank(role redfish.Document) int {
	if role.At("IsPredefined") == true {
		return 0
	}
	return 1
}
