package simbmc

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path"
	"strings"
)

const (
	rootPath     = "/redfish/v1"
	accountsPath = rootPath + "/AccountService/Accounts"
	taskPath     = rootPath + "/TaskService/Tasks"
)

type object = map[string]any

// resource is a document and what may be written of it; no rules make it
// read-only as a whole.
type resource struct {
	doc   object
	rules rules
	// after runs once a PATCH has been accepted, and is told what was before.
	after func(was object)
	// network marks settings whose change may cut the connection.
	network bool
	// settings is set where it is the settings object of another resource.
	settings *settings
}

func link(p string) object { return object{"@odata.id": p} }

func links(ps ...string) []any {
	out := []any{}
	for _, p := range ps {
		out = append(out, link(p))
	}
	return out
}

// add puts a resource into the tree; kind is its @odata.type without "#".
func (b *BMC) add(p, kind string, doc object, r rules) *resource {
	doc["@odata.id"] = p
	doc["@odata.type"] = "#" + kind
	if _, ok := doc["Id"]; !ok {
		doc["Id"] = path.Base(p)
	}
	if _, ok := doc["Name"]; !ok {
		doc["Name"] = strings.Split(kind, ".")[0]
	}
	res := &resource{doc: doc, rules: r}
	b.tree[p] = res
	return res
}

// collect puts a collection into the tree.
func (b *BMC) collect(p, kind string, members ...string) {
	b.add(p, kind+"."+kind, object{"Members": links(members...), "Members@odata.count": len(members)}, nil)
}

// expand puts the members themselves in place of their links.
func (b *BMC) expand(doc object) object {
	members, ok := doc["Members"].([]any)
	if !ok {
		return doc
	}
	out := clone(doc).(object)
	for i, m := range members {
		if res := b.tree[str(m.(object)["@odata.id"])]; res != nil {
			out["Members"].([]any)[i] = clone(res.doc)
		}
	}
	return out
}

func clone(v any) any {
	switch v := v.(type) {
	case object:
		out := make(object, len(v))
		for k, e := range v {
			out[k] = clone(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = clone(e)
		}
		return out
	}
	return v
}

func str(v any) string { s, _ := v.(string); return s }

func list(v any) []any { l, _ := v.([]any); return l }

func obj(v any) object { o, _ := v.(object); return o }

// hash is the opaque part of a resource's ETag.
func (r *resource) hash() string {
	text, _ := json.Marshal(r.doc)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

func (b *BMC) etagMode() ETagMode {
	if b.faults.ETag != ETagOwn {
		return b.faults.ETag
	}
	return b.who.etag
}

func (b *BMC) etag(r *resource) string {
	switch b.etagMode() {
	case ETagNone, ETagOwn:
		return ""
	case ETagWeak, ETagWeakStrict:
		return `W/"` + r.hash() + `"`
	}
	return `"` + r.hash() + `"`
}

// precondition checks If-Match the way the mode says, and returns the status
// to refuse with, or 0.
func (b *BMC) precondition(r *resource, ifMatch string) int {
	mode, own := b.etagMode(), b.etag(r)
	if ifMatch == "" {
		if mode == ETagRequired || mode == ETagBroken {
			return 428
		}
		return 0
	}
	right := ifMatch == "*" || ifMatch == own
	switch mode {
	case ETagNone, ETagOwn:
		return 0
	case ETagWeakStrict:
		right = ifMatch == "*" || ifMatch == strings.TrimPrefix(own, "W/")
	case ETagBroken:
		right = ifMatch == "*"
	case ETagRefused:
		right = false
	}
	if !right {
		return 412
	}
	return 0
}
