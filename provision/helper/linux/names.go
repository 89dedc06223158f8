//go:build linux

package linux

import (
	"fmt"
	"os/user"
	"strconv"

	"github.com/raiz-dns/raiz/provision/helper"
)

// ids are the numbers of an owner and a group. A name that nobody has may be a
// number itself.
func ids(a helper.Attributes) (uid, gid int, err error) {
	u, err := user.Lookup(a.Owner)
	if err == nil {
		uid, err = strconv.Atoi(u.Uid)
	} else {
		uid, err = number(a.Owner)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("there is no user %q", a.Owner)
	}
	g, err := user.LookupGroup(a.Group)
	if err == nil {
		gid, err = strconv.Atoi(g.Gid)
	} else {
		gid, err = number(a.Group)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("there is no group %q", a.Group)
	}
	return uid, gid, nil
}

func number(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return int(n), err
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

func groupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return id
}
