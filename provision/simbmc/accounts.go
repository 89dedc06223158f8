package simbmc

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// buildAccounts puts the account service into the tree, with empty slots
// where the personality has a fixed number of them.
func (b *BMC) buildAccounts() {
	b.fillRoles()
	b.buildRoles()
	service := object{"Accounts": link(accountsPath), "MinPasswordLength": 8, "MaxPasswordLength": 20, "ServiceEnabled": true}
	if b.tree[rolesPath] != nil {
		service["Roles"] = link(rolesPath)
	}
	b.add(rootPath+"/AccountService", "AccountService.v1_10_0.AccountService", service, nil)
	for name, u := range b.users {
		b.addAccount(u.id, name)
	}
	for i := range b.who.slots {
		if id := strconv.Itoa(i + 1); b.tree[accountsPath+"/"+id] == nil {
			b.addAccount(id, "")
		}
	}
	b.listAccounts()
}

func (b *BMC) addAccount(id, name string) {
	doc := object{"Id": id, "UserName": name, "Password": nil, "Locked": false}
	if u := b.users[name]; u != nil {
		doc["RoleId"], doc["Enabled"] = u.role, u.enabled
	} else {
		doc["RoleId"], doc["Enabled"] = noRole, false
	}
	b.linkRole(doc)
	if b.cfg.NoEnabled {
		delete(doc, "Enabled")
	}
	r := b.accountRules()
	if b.who.slots == 0 {
		delete(r, "UserName")
	}
	res := b.add(accountsPath+"/"+id, "ManagerAccount.v1_7_0.ManagerAccount", doc, r)
	res.after = func(object) { b.saveAccount(id, res) }
}

// linkRole keeps Links.Role in step with RoleId.
func (b *BMC) linkRole(account object) {
	if p := rolesPath + "/" + str(account["RoleId"]); b.tree[p] != nil {
		account["Links"] = object{"Role": link(p)}
	}
}

// accountRules are those of ManagerAccount, for a client that makes one.
func (b *BMC) accountRules() rules {
	r := rules{"UserName": text, "Password": text, "RoleId": oneOf(b.roleNames()...)}
	if !b.cfg.NoEnabled {
		r["Enabled"] = boolean
	}
	return r
}

func (b *BMC) listAccounts() {
	var members []string
	for p, res := range b.tree {
		if res.doc["@odata.type"] == "#ManagerAccount.v1_7_0.ManagerAccount" {
			members = append(members, p)
		}
	}
	slices.SortFunc(members, func(a, c string) int {
		if len(a) != len(c) {
			return len(a) - len(c)
		}
		return slices.Compare([]byte(a), []byte(c))
	})
	b.collect(accountsPath, "ManagerAccountCollection", members...)
}

// saveAccount carries a PATCH of an account over to the users. The password
// never stays in the tree.
func (b *BMC) saveAccount(id string, res *resource) {
	var u *user
	for name, have := range maps.Clone(b.users) {
		if have.id == id {
			u = have
			delete(b.users, name)
		}
	}
	name := str(res.doc["UserName"])
	if name == "" {
		return
	}
	if u == nil {
		u = &user{id: id}
	}
	if p := str(res.doc["Password"]); p != "" {
		if p != u.password {
			// A changed password ends the sessions of its user (Dell's own
			// scripts warn of it; bmcweb does the same).
			b.endSessions(name)
		}
		u.password, u.mustChange = p, false
	}
	res.doc["Password"] = nil
	b.linkRole(res.doc)
	u.role, u.enabled = str(res.doc["RoleId"]), res.doc["Enabled"] != false
	if !u.enabled {
		b.endSessions(name)
		u.enabled = b.faults.DisabledLogsIn
	}
	b.users[name] = u
}

func (b *BMC) endSessions(user string) {
	maps.DeleteFunc(b.sessions, func(_ string, s session) bool { return s.user == user })
}

// deleteAccount answers a DELETE of an account. A slot is emptied by a PATCH.
func (b *BMC) deleteAccount(path string) reply {
	res := b.tree[path]
	switch {
	case res == nil:
		return refuse(http.StatusNotFound, refusal("ResourceMissingAtURI", path))
	case b.who.slots > 0:
		return refuse(http.StatusMethodNotAllowed, refusal("OperationNotAllowed"))
	}
	name := str(res.doc["UserName"])
	delete(b.users, name)
	delete(b.tree, path)
	b.endSessions(name)
	b.listAccounts()
	return reply{status: http.StatusNoContent}
}

// createAccount answers a POST to the account collection.
func (b *BMC) createAccount(in object) reply {
	if b.who.slots > 0 {
		// iDRAC and older XCC have slots to PATCH and refuse a POST.
		return refuse(http.StatusMethodNotAllowed, refusal("OperationNotAllowed"))
	}
	if _, refused := b.accountRules().apply(object{}, in); len(refused) > 0 {
		return refuse(http.StatusBadRequest, refused...)
	}
	name, password := str(in["UserName"]), str(in["Password"])
	switch {
	case name == "" || password == "" || in["RoleId"] == nil: // ManagerAccount, requiredOnCreate
		return refuse(http.StatusBadRequest, refusal("CreateFailedMissingReqProperties", "UserName"))
	case b.users[name] != nil:
		return refuse(http.StatusBadRequest, refusal("ResourceAlreadyExists", "ManagerAccount", "UserName", name))
	}
	b.users[name] = &user{id: b.who.accountID(name, len(b.users)), password: password, role: str(in["RoleId"]), enabled: in["Enabled"] != false}
	id := b.users[name].id
	b.addAccount(id, name)
	b.listAccounts()
	return reply{status: http.StatusCreated, header: http.Header{"Location": {accountsPath + "/" + id}}, body: obj(clone(b.tree[accountsPath+"/"+id].doc))}
}
