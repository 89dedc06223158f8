package helper

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/raiz-dns/raiz/provision/server"
)

// take adds a file of somebody else's to what changes.
func (d *difference) take(f server.File) {
	f.Sum = sumOf(f.Data)
	d.Taken = append(d.Taken, f)
	d.Changes = append(d.Changes, change{Path: f.Path, From: len(d.Taken) - 1, Kind: taken})
}

// takeIfupdown takes the stanzas of links out of ifupdown's files: it would
// bring them up at the next boot, beside networkd.
func (h *Helper) takeIfupdown(d *difference) error {
	links := of(d.Owners, server.Ifupdown)
	if len(links) == 0 {
		return nil
	}
	files := []string{interfaces}
	names, err := h.os.List(interfacesD)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, name := range names {
		files = append(files, interfacesD+"/"+name)
	}
	for _, file := range files {
		s, err := h.stands(file)
		if err != nil {
			return err
		}
		// What is no file has no bytes.
		if text, changed := withoutStanzas(string(s.Data), links); changed {
			d.take(server.File{Path: file, Mode: s.bits(), Owner: s.Owner, Group: s.Group, Data: []byte(text)})
		}
	}
	return nil
}

// withoutStanzas comments the stanzas of links out (interfaces(5)).
func withoutStanzas(text string, links []string) (string, bool) {
	var b strings.Builder
	changed, out := false, false
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) > 0 && !strings.HasPrefix(words[0], "#") {
			switch word := words[0]; {
			case word == "iface":
				out = len(words) > 1 && slices.Contains(links, words[1])
			case word == "auto" || strings.HasPrefix(word, "allow-") || word == "no-auto-down" || word == "no-scripts":
				out = false
				rest := slices.DeleteFunc(slices.Clone(words[1:]), func(w string) bool { return slices.Contains(links, w) })
				if len(rest) < len(words)-1 {
					changed = true
					b.WriteString("# by raiz: " + line)
					if len(rest) > 0 {
						b.WriteString(word + " " + strings.Join(rest, " ") + "\n")
					}
					continue
				}
			case slices.Contains([]string{"mapping", "source", "source-directory", "rename", "template"}, word):
				out = false
			}
			if out {
				changed = true
				b.WriteString("# by raiz: ")
			}
		}
		b.WriteString(line)
	}
	return b.String(), changed
}

// takeNetworkManager has NetworkManager leave links alone, at the next boot too.
func (d *difference) takeNetworkManager() {
	links := of(d.Owners, server.NetworkManager)
	if len(links) == 0 {
		return
	}
	var devices []string
	for _, l := range links {
		devices = append(devices, "interface-name:"+l)
	}
	d.take(server.File{Path: nmConf, Mode: 0o644, Owner: "root", Group: "root", Data: []byte("[keyfile]\nunmanaged-devices=" + strings.Join(devices, ";") + "\n")})
}

// takeCloud keeps cloud-init from writing the old manager's files again.
func (h *Helper) takeCloud(d *difference) error {
	if _, err := h.os.Look(cloudConfD); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	s, err := h.stands(cloudOff)
	if err != nil || s.Kind != server.IsAbsent {
		return err
	}
	d.take(server.File{Path: cloudOff, Mode: 0o644, Owner: "root", Group: "root", Data: []byte("network: {config: disabled}\n")})
	return nil
}
