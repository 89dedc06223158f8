package simbmc

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// load makes the controller of saved resources. The personality is built at
// the paths that they have, then gives way to them and leaves its rules.
func (b *BMC) load(s savedTree) {
	b.who.manager = s.manager()
	b.who.eth = s.ethernet(b.who.manager)
	b.buildCommon()
	b.who.build(b)
	own := b.tree
	b.tree = map[string]*resource{}
	for p, doc := range s {
		if !strings.HasPrefix(p, accountsPath+"/") {
			b.tree[p] = &resource{doc: doc}
		}
	}
	for _, p := range slices.Sorted(maps.Keys(own)) {
		if own[p].settings == nil { // of those the saved tree has its own, or none
			b.graft(s, own[p])
		}
	}
	if a := b.tree[b.dellPath()]; a != nil && kind(a.doc) == "DellAttributes" {
		b.dellRules(a)
		a.network = true
	}
	b.stage()
	b.stageSaved()
	for _, p := range []string{rootPath + "/SessionService", sessionsPath, rootPath + "/TaskService", taskPath} {
		b.tree[p] = own[p]
	}
	b.cfg.NoEnabled = s.noEnabled()
	if b.cfg.Roles == nil {
		b.cfg.Roles = s.roles()
	}
	b.buildAccounts()
	b.cfg.Hostname = str(b.eth()["HostName"])
	b.cfg.Lease = leaseOf(b.eth())
}

// readTree decodes every resource; what is no object is no resource.
func readTree(tree fs.FS) (map[string]object, error) {
	out := map[string]object{}
	err := fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Base(name) != "index.json" {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		var doc object
		if json.Unmarshal(text, &doc) == nil && doc != nil {
			out["/"+path.Dir(name)] = doc
		}
		return nil
	})
	if err == nil && out[rootPath] == nil {
		err = fmt.Errorf("there is no redfish/v1/index.json")
	}
	return out, err
}

// graft puts the rules of one of the personality's own resources on the saved
// one that plays its part. What the saved one lacks cannot be written.
func (b *BMC) graft(s savedTree, own *resource) {
	p := s.counterpart(b.who.manager, b.who.eth, own)
	doc, there := s[p]
	if own.rules == nil || !there {
		return
	}
	r := maps.Clone(own.rules)
	maps.DeleteFunc(r, func(name string, _ rule) bool {
		_, has := doc[name]
		return !has && !slices.Contains(b.who.hidden, name)
	})
	own.doc, own.rules = doc, r
	b.tree[p] = own
}

// stage moves the rules of an interface to its settings object, where it has
// one (DSP0266 clause 9.10), which takes effect at once.
func (b *BMC) stage() {
	eth := b.tree[b.who.eth]
	if eth == nil {
		return
	}
	p := clean(str(obj(obj(eth.doc["@Redfish.Settings"])["SettingsObject"])["@odata.id"]))
	staged := b.tree[p]
	if staged == nil || staged == eth {
		return
	}
	staged.rules, staged.network, eth.rules = eth.rules, true, nil
	staged.after = func(object) {
		for name := range staged.rules {
			if v, has := staged.doc[name]; has {
				eth.doc[name] = clone(v)
			}
		}
	}
}

// savedTree finds the parts of a saved tree by its links.
type savedTree map[string]object

func kind(doc object) string {
	k, _, _ := strings.Cut(strings.TrimPrefix(str(doc["@odata.type"]), "#"), ".")
	return k
}

// clean is the path that a link leads to.
func clean(s string) string {
	s, _, _ = strings.Cut(s, "#")
	return "/" + strings.Trim(s, "/")
}

func (s savedTree) link(doc object, names ...string) string {
	var v any = doc
	for _, n := range names {
		v = obj(v)[n]
	}
	if l := list(v); len(l) > 0 {
		v = l[0]
	}
	return clean(str(obj(v)["@odata.id"]))
}

func (s savedTree) members(p string) []string {
	var out []string
	for _, e := range list(s[p]["Members"]) {
		if m := clean(str(obj(e)["@odata.id"])); s[m] != nil {
			out = append(out, m)
		}
	}
	return out
}

// manager is the one that serves, else the first that has an interface or at
// least protocols.
func (s savedTree) manager() string {
	root := s[rootPath]
	if p := s.link(root, "Links", "ManagerProvidingService"); s[p] != nil {
		return p
	}
	all := s.members(s.link(root, "Managers"))
	for _, p := range all {
		if len(s.members(s.link(s[p], "EthernetInterfaces"))) > 0 {
			return p
		}
	}
	for _, p := range all {
		if s[s.link(s[p], "NetworkProtocol")] != nil {
			return p
		}
	}
	return first(append(all, rootPath+"/Managers/none"))
}

// ethernet is the interface with a way out, else the first that is not one
// to the server itself.
func (s savedTree) ethernet(manager string) string {
	all := s.members(s.link(s[manager], "EthernetInterfaces"))
	for _, p := range all {
		for _, e := range list(s[p]["IPv4Addresses"]) {
			gateway := str(obj(e)["Gateway"])
			if gateway != "" && gateway != "0.0.0.0" && !toServer(p) {
				return p
			}
		}
	}
	for _, p := range all {
		if !toServer(p) {
			return p
		}
	}
	return manager + "/EthernetInterfaces/none"
}

// noEnabled reports whether there are accounts and none of them has Enabled.
func (s savedTree) noEnabled() bool {
	accounts := 0
	for p, doc := range s {
		if strings.HasPrefix(p, accountsPath+"/") && kind(doc) == "ManagerAccount" {
			if _, has := doc["Enabled"]; has {
				return false
			}
			accounts++
		}
	}
	return accounts > 0
}

func toServer(p string) bool {
	name := strings.ToLower(path.Base(p))
	return name == "tohost" || strings.Contains(name, "usb")
}

// counterpart is the saved resource that plays the part of an own one.
func (s savedTree) counterpart(manager, eth string, own *resource) string {
	switch kind(own.doc) {
	case "EthernetInterface":
		return eth
	case "ManagerNetworkProtocol":
		return s.link(s[manager], "NetworkProtocol")
	case "ComputerSystem":
		if p := s.link(s[manager], "Links", "ManagerForServers"); s[p] != nil {
			return p
		}
		return first(s.members(s.link(s[rootPath], "Systems")))
	case "Power":
		return s.link(s[s.link(s[manager], "Links", "ManagerForChassis")], "Power")
	case "HpeiLODateTime":
		return s.link(s[manager], "Oem", "Hpe", "Links", "DateTimeService")
	case "NTP":
		return s.link(s[manager], "Oem", "Supermicro", "NTP")
	case "Manager":
		return manager
	}
	return ""
}

func first(l []string) string {
	if len(l) == 0 {
		return ""
	}
	return l[0]
}
