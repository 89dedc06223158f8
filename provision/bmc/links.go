package bmc

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// entryVersion has to change with the way in which resources are found: an
// entry that an older raiz has made would lead elsewhere.
const entryVersion = 2

// entry is what is remembered of one controller: where its resources are, and
// what has to be so still. It holds nothing that was learned by writing.
type entry struct {
	Version  int
	Root     string // signature of the service root
	Line     string
	Firmware string
	// At is the address that was dialled, where the interface does not have
	// it, as behind a tunnel.
	At string `json:",omitempty"`
	// ManagerAt is the address that was dialled, where that decides which of
	// several managers is ours.
	ManagerAt string `json:",omitempty"`
	Links     map[string]string
}

// entryName is made from what tells one controller from any other.
func entryName(s *redfish.Session) string {
	sum := sha256.Sum256([]byte(s.Peer + "\x00" + s.Root.Text("UUID")))
	return hex.EncodeToString(sum[:16])
}

// remembered returns the entry of this controller, if it holds.
func (r *resources) remembered() (entry, bool) {
	if r.links == nil || r.distrust {
		return entry{}, false
	}
	key, name := r.links.Key(), entryName(r.session)
	if len(key) == 0 {
		return entry{}, false
	}
	e, ok := openEntry(r.links.Load(name), key, name)
	here := r.session.At.Address.Addr().Unmap().WithZone("").String()
	return e, ok && e.Version == entryVersion && e.Root == signature(r.session.Root) && (e.ManagerAt == "" || e.ManagerAt == here)
}

// remember hands the links to the cache.
func (r *resources) remember() {
	w := r.where
	if w == nil || !w.dirty || r.links == nil || len(r.links.Key()) == 0 {
		return
	}
	e := entry{
		Version: entryVersion, Root: signature(r.session.Root), Line: w.facts.Line, Firmware: w.facts.Firmware,
		At: w.chosen.at, ManagerAt: w.managerAt, Links: maps.Clone(w.links),
	}
	if w.chosen.by == byScore {
		delete(e.Links, inEthernet) // another may have the better cable tomorrow
	}
	name := entryName(r.session)
	if sealed := sealEntry(e, r.links.Key(), name); len(sealed) <= MaxLinks {
		r.links.Store(name, sealed)
	}
	w.dirty = false
}

// sealEntry puts the seal in front of the text, on a line of its own.
func sealEntry(e entry, key []byte, name string) []byte {
	text, err := json.Marshal(e)
	if err != nil {
		panic("bmc: " + err.Error()) // strings and a number always marshal
	}
	return append(append(seal(text, key, name), '\n'), text...)
}

// openEntry reads an entry that was sealed with the key, for that name.
func openEntry(sealed, key []byte, name string) (entry, bool) {
	mac, text, ok := bytes.Cut(sealed, []byte("\n"))
	var e entry
	if !ok || len(sealed) > MaxLinks || !hmac.Equal(mac, seal(text, key, name)) || json.Unmarshal(text, &e) != nil {
		return entry{}, false
	}
	return e, e.Links != nil
}

func seal(text, key []byte, name string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("raiz links\x00" + name + "\x00"))
	h.Write(text)
	return hex.AppendEncode(nil, h.Sum(nil))
}

// signature changes when the controller was updated or is another one; it
// costs nothing, since the root is read at every login. It leaves out what
// changes by itself: iLO has the time of day in its root.
func signature(root redfish.Document) string {
	parts := []string{root.Text("Vendor"), root.Text("Product"), root.Text("RedfishVersion"), root.Text("UUID")}
	oem, _ := root.At("Oem").(redfish.Object)
	parts = append(parts, slices.Sorted(maps.Keys(oem))...)
	parts = append(parts, slices.Sorted(maps.Keys(linksIn(root.Props)))...)
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// linksIn are the targets of all links in a value, however deep.
func linksIn(v any) map[string]bool {
	out := map[string]bool{}
	switch v := v.(type) {
	case redfish.Object:
		if s := redfish.LinkTarget(v); s != "" {
			out[s] = true
		}
		for _, e := range v {
			maps.Copy(out, linksIn(e))
		}
	case []any:
		for _, e := range v {
			maps.Copy(out, linksIn(e))
		}
	}
	return out
}
